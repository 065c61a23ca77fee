"""Who answers for a grid: the roster from a spreadsheet, all of it or nothing."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import openpyxl
import shapely
from openpyxl.utils.exceptions import InvalidFileException
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.formats import as_code
from geo.measure import area_m2
from geo.records import Finding
from service import audit
from service.city import queries as city
from service.city.models import District
from service.errors import Invalid, NotFound
from service.grids import queries
from service.grids.models import FaceCount, Post

COLUMNS = {
    "code": {"code", "编码", "网格编码"},
    "leader": {"leader", "网格长", "姓名"},
    "phone": {"phone", "电话", "联系电话"},
    "households": {"households", "户数"},
    "people": {"people", "人口", "人数"},
}
UNPACKED_LIMIT = 200_000_000  # bytes; a sheet of 300,000 rows needs about 60 MB
ROWS_LIMIT = 300_000
SHOWN_ERRORS = 100
LEADERLESS = text("""
    select g.level, g.code from snapshot_grid g
    where g.district_id = :district_id and g.snapshot_id = :snapshot_id and not exists (
        select from post p where p.district_id = g.district_id and p.grid_id = g.grid_id and p.kind = 'leader'
            and p.from_on <= :on and (p.to_on is null or p.to_on > :on))
    order by g.position, g.code
""")


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One line of a roster; `number` is its row in the sheet."""

    number: int
    code: str
    leader: str
    phone: str
    households: int | None
    people: int | None


def import_roster(
    session: Session,
    path: Path,
    *,
    district: District,
    scheme: str | None = None,
    by: audit.Actor,
    at: datetime,
) -> int:
    """Take leaders and counts from an XLSX file; gives the number of rows. May raise Invalid with all row errors.

    Households and people of a grid are kept on the largest of its faces.
    """
    scheme_id = city.get_scheme(session, scheme).id
    edition = queries.newest_edition(session, district.id, scheme_id)
    if edition is None:
        raise NotFound(f"{district.name} has no edition yet: publish a map first.")
    grids: dict[str, list[UUID]] = {}
    for one in queries.grids_of(session, district.id, edition.snapshot_id):
        grids.setdefault(one.code, []).append(one.grid_id)
    faces = _largest_faces(session, district.id, edition.snapshot_id)
    rows, errors = _read(path)
    errors += _unknown(rows, grids, faces)
    if errors:
        errors.sort(key=lambda one: one["row"])
        shown = "; ".join(f"row {one['row']}: {one['detail']}" for one in errors[:SHOWN_ERRORS])
        raise Invalid(f"{len(errors)} rows can't be taken, nothing was changed. {shown}", errors=errors)
    today = today_in_city(session, at)
    leaders = queries.leaders_of(session, district.id, today)
    for row in rows:
        [grid_id] = grids[row.code]
        if row.leader:
            _appoint(session, district.id, grid_id, leaders.get(grid_id), row, today)
    _count(session, district.id, faces, [(grids[row.code][0], row) for row in rows], today)
    audit.record(
        session,
        by=by,
        at=at,
        verb="imported",
        thing=("roster", path.name),
        district_id=district.id,
        rows=len(rows),
    )
    session.flush()  # two leaders of one grid must clash here
    session.execute(text("notify wangge_editions"))  # whoever shows leaders reads them again
    return len(rows)


def today_in_city(session: Session, at: datetime) -> date:
    """Give the day it is in the city's time zone."""
    return at.astimezone(ZoneInfo(city.profile(session).time_zone)).date()


def without_leader(session: Session, district_id: int, snapshot_id: UUID, on: date) -> list[Finding]:
    """Warn about grids nobody leads, one finding a level."""
    codes: dict[str, list[str]] = {}
    which = {"district_id": district_id, "snapshot_id": snapshot_id, "on": on}
    for row in session.execute(LEADERLESS, which):
        codes.setdefault(row.level, []).append(row.code)
    return [
        Finding(
            "missing-leader",
            "warning",
            tuple(listed),
            0.0,
            None,
            f"{len(listed)} grids of level {level} have no leader.",
            {"level": level},
        )
        for level, listed in codes.items()
    ]


def _largest_faces(session: Session, district_id: int, snapshot_id: UUID) -> dict[UUID, UUID]:
    faces = [one for one in queries.faces_of(session, district_id, snapshot_id) if one.kind != "gap"]
    areas = area_m2(shapely.from_wkb([bytes(one.wkb) for one in faces])) if faces else []
    ordered = sorted(zip(areas, faces, strict=True), key=lambda pair: (pair[0], pair[1].id))
    return {face.grid_id: face.id for _, face in ordered}


def _sheet(path: Path) -> Iterator[tuple[Any, ...]]:
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
        if size > UNPACKED_LIMIT:
            raise Invalid(f"The workbook unpacks to {size} bytes; at most {UNPACKED_LIMIT} are read.")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as broken:
        raise Invalid(f"{path.name} is not an XLSX workbook.") from broken
    yield from book.worksheets[0].iter_rows(values_only=True, max_row=ROWS_LIMIT)
    book.close()


def _read(path: Path) -> tuple[list[RosterRow], list[dict[str, Any]]]:
    lines = _sheet(path)
    header = [str(cell or "").strip().lower() for cell in next(lines, ())]
    at = {
        field: header.index(name)
        for field, names in COLUMNS.items()
        for name in sorted(names & set(header))[:1]
    }
    if "code" not in at:
        raise Invalid(
            f"The first row names no column 'code' or '编码'. It has: {', '.join(filter(None, header))}."
        )
    rows, errors = [], []
    for number, cells in enumerate(lines, start=2):
        given = {field: cells[place] if place < len(cells) else None for field, place in at.items()}
        if all(value is None for value in given.values()):
            continue
        try:
            rows.append(_row(number, given))
        except ValueError as wrong:
            errors.append({"row": number, "detail": str(wrong)})
    return rows, errors


def _row(number: int, given: dict[str, Any]) -> RosterRow:
    code = as_code(given["code"]).strip() if given["code"] is not None else ""
    if not code:
        raise ValueError("the code is missing")
    leader = str(given.get("leader") or "").strip()
    phone = as_code(given["phone"]).strip() if given.get("phone") is not None else ""
    if phone and not leader:
        raise ValueError("a phone without a leader")
    counts = [_whole(given.get(field), field) for field in ("households", "people")]
    return RosterRow(number, code, leader, phone, *counts)


def _whole(value: Any, field: str) -> int | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not (0 <= number < 2**31 and number.is_integer()):
        raise ValueError(f"{field} must be a whole number from 0, not {value!r}")
    return int(number)


def _unknown(
    rows: list[RosterRow], grids: dict[str, list[UUID]], faces: dict[UUID, UUID]
) -> list[dict[str, Any]]:
    errors, seen = [], {}
    for row in rows:
        ids = grids.get(row.code, [])
        counted = row.households is not None or row.people is not None
        detail = None
        if not ids:
            detail = f"there is no grid {row.code!r} in the newest edition"
        elif len(ids) > 1:
            detail = f"the code {row.code!r} stands for grids of several levels"
        elif row.code in seen:
            detail = f"the code {row.code!r} is in row {seen[row.code]} already"
        elif counted and ids[0] not in faces:
            detail = f"the grid {row.code!r} has no ground of its own to count on"
        if detail:
            errors.append({"row": row.number, "detail": detail})
        seen.setdefault(row.code, row.number)
    return errors


def _appoint(
    session: Session, district_id: int, grid_id: UUID, now: Post | None, row: RosterRow, today: date
) -> None:
    if now is not None and now.holder == row.leader:
        now.phone = row.phone or now.phone
        return
    if now is not None and now.from_on == today:  # appointed today: a correction, not a succession
        now.holder, now.phone = row.leader, row.phone
        return
    if now is not None:
        now.to_on = today
        session.flush()  # the old post must end before the new one begins
    session.add(
        Post(
            district_id=district_id,
            grid_id=grid_id,
            kind="leader",
            holder=row.leader,
            phone=row.phone,
            duties="",
            from_on=today,
        )
    )


def _count(
    session: Session,
    district_id: int,
    faces: dict[UUID, UUID],
    counted: list[tuple[UUID, RosterRow]],
    today: date,
) -> None:
    rows = [
        {
            "district_id": district_id,
            "face_id": faces[grid_id],
            "counted_on": today,
            "households": row.households or 0,
            "people": row.people or 0,
        }
        for grid_id, row in counted
        if row.households is not None or row.people is not None
    ]
    if not rows:
        return
    new = insert(FaceCount)
    counts = {"households": new.excluded.households, "people": new.excluded.people}
    session.execute(
        new.on_conflict_do_update(index_elements=["district_id", "face_id", "counted_on"], set_=counts), rows
    )
