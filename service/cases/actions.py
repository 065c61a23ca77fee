"""Writes of reports: filed with the assignment of this moment, each key answered once; departments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.crs import parse_crs
from service import audit
from service.assignment.answers import Hit, decided_grids, locate
from service.assignment.batch import chunks
from service.assignment.in_force import IN_FORCE
from service.assignment.maps import EditionKey, EditionMap, GridRow
from service.cases.intake import Fault, NewReport, faults, positions
from service.cases.models import Department, ReportKey
from service.city import queries as city
from service.errors import Invalid, NotReady

FAULTS_SHOWN = 100
CITY_ITSELF = 0


class KeyReused(Invalid):
    """The idempotency key was used for another body."""


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A report that was filed: where it is kept, which grid of which edition answers for it."""

    id: UUID
    district_id: int
    status: str
    grid: GridRow | None
    edition: EditionKey | None


FILE = text("""
    insert into report (district_id, id, happened_at, received_at, category, text, source, raw_x, raw_y, raw_crs,
        accuracy_m, position, status, grid_id, grid_level, grid_code, edition_number, sent_by, idempotency_key)
    select district_id, id, happened_at, :at, category, text, source, raw_x, raw_y, raw_crs, accuracy_m,
        st_setsrid(st_makepoint(lon, lat), 4490), status, grid_id, grid_level, grid_code, edition_number,
        :sent_by, :key
    from unnest(cast(:district_ids as int[]), cast(:ids as uuid[]), cast(:happened as timestamptz[]),
        cast(:categories as text[]), cast(:texts as text[]), cast(:sources as text[]), cast(:xs as float8[]),
        cast(:ys as float8[]), cast(:systems as text[]), cast(:accuracies as float8[]),
        cast(:lons as float8[]), cast(:lats as float8[]), cast(:statuses as text[]), cast(:grid_ids as uuid[]),
        cast(:levels as text[]), cast(:codes as text[]), cast(:editions as int[]))
        as given (district_id, id, happened_at, category, text, source, raw_x, raw_y, raw_crs, accuracy_m,
            lon, lat, status, grid_id, grid_level, grid_code, edition_number)
""")


def file_reports(
    session: Session,
    reports: Sequence[NewReport],
    *,
    by: audit.Actor,
    at: datetime,
    key: str | None = None,
) -> list[FiledReport]:
    """File reports, all or none, each with the grid that answers by the editions in force now.

    May raise Invalid (with one entry a bad report), NotReady.
    """
    profile = city.profile(session)
    points = positions(reports)
    bad = faults(reports, points, profile, at)
    if bad:
        raise refused(bad)
    scheme_id, moment = _scheme_now()
    maps = IN_FORCE.maps_at(scheme_id, moment)
    filed: list[FiledReport] = []
    for rows in chunks(range(len(reports))):
        part = slice(rows[0], rows[-1] + 1)
        hits = locate(maps, points[part], profile.tolerance_m)
        decided = decided_grids(maps, scheme_id, points[part], moment)
        made = [_filed(hit, decided.get(row)) for row, hit in enumerate(hits)]
        _insert(session, reports[part], points[part], made, {"at": at, "sent_by": sender(by), "key": key})
        filed += made
    if filed:
        thing = str(filed[0].id) if len(filed) == 1 else f"{len(filed)} reports"
        audit.record(session, by=by, at=at, verb="filed", thing=("report", thing), count=len(filed))
    return filed


def refused(bad: Sequence[Fault], *, single: bool = False) -> Invalid:
    """Make the error that lists the faults of reports with a pointer each."""
    listed = [
        {"pointer": f"/{one.field}" if single else f"/{one.row}/{one.field}", "detail": one.detail}
        for one in bad[:FAULTS_SHOWN]
    ]
    first = f"{listed[0]['pointer']}: {listed[0]['detail']}"
    rows = len({one.row for one in bad})
    detail = first if single else f"{rows} reports are not right, nothing was filed. {first}"
    return Invalid(detail, errors=listed)


def sender(by: audit.Actor) -> str:
    """Name who sent a report, in the report itself."""
    return f"{by.kind}:{by.id}"


def _scheme_now() -> tuple[int, datetime]:
    IN_FORCE.hear()
    scheme_id = IN_FORCE.scheme_id(None)
    if scheme_id is None:
        raise NotReady("The city has no scheme of grids yet: start the service once.")
    return scheme_id, IN_FORCE.now()


def _filed(hit: Hit, decided: tuple[EditionMap, GridRow] | None) -> FiledReport:
    if decided is not None:  # a person decided on site; the status stays that of the map
        one, grid = decided
        return FiledReport(uuid4(), one.key.district_id, hit.status, grid, one.key)
    if hit.map is None or hit.status == "outside":
        return FiledReport(uuid4(), CITY_ITSELF, "outside", None, None)
    return FiledReport(uuid4(), hit.map.key.district_id, hit.status, hit.grid, hit.map.key)


def _insert(
    session: Session,
    reports: Sequence[NewReport],
    points: NDArray[np.float64],
    filed: Sequence[FiledReport],
    common: dict[str, object],
) -> None:
    systems = {one: parse_crs(one).key for one in {report.crs for report in reports}}
    columns = {
        "district_ids": [one.district_id for one in filed],
        "ids": [one.id for one in filed],
        "happened": [one.happened_at for one in reports],
        "categories": [one.category for one in reports],
        "texts": [one.text for one in reports],
        "sources": [one.source for one in reports],
        "xs": [one.x for one in reports],
        "ys": [one.y for one in reports],
        "systems": [systems[one.crs] for one in reports],
        "accuracies": [one.accuracy_m for one in reports],
        "lons": points[:, 0].tolist(),
        "lats": points[:, 1].tolist(),
        "statuses": [one.status for one in filed],
        "grid_ids": [one.grid.id if one.grid else None for one in filed],
        "levels": [one.grid.level if one.grid else None for one in filed],
        "codes": [one.grid.code if one.grid else None for one in filed],
        "editions": [one.edition.number if one.edition else None for one in filed],
    }
    session.execute(FILE, {**columns, **common})


def file_once(
    session: Session,
    reports: Sequence[NewReport],
    *,
    key: str,
    body_hash: bytes,
    by: audit.Actor,
    at: datetime,
) -> list[UUID]:
    """File reports under a key; the same key and body again gives the first ids. May raise KeyReused."""
    found = claim(session, key=key, body_hash=body_hash, by=by, at=at)
    if found is not None:
        return found
    ids = [one.id for one in file_reports(session, reports, by=by, at=at, key=key)]
    mine = (ReportKey.sent_by == sender(by)) & (ReportKey.key == key)
    session.execute(update(ReportKey).where(mine).values(report_ids=ids))
    return ids


def claim(
    session: Session, *, key: str, body_hash: bytes, by: audit.Actor, at: datetime
) -> list[UUID] | None:
    """Take a key, waiting for whoever is just using it; gives what it was answered with before, if it was."""
    row = {"sent_by": sender(by), "key": key, "body_hash": body_hash, "report_ids": [], "at": at}
    taken = insert(ReportKey).values(row).on_conflict_do_nothing().returning(ReportKey.key)
    if session.scalar(taken) is not None:
        return None
    first = session.execute(
        select(ReportKey.body_hash, ReportKey.report_ids).where(
            ReportKey.sent_by == row["sent_by"], ReportKey.key == key
        )
    ).one()
    if bytes(first.body_hash) != body_hash:
        raise KeyReused(f"The key {key!r} was used for another body: use a new key for new reports.")
    return list(first.report_ids)


def add_department(
    session: Session,
    *,
    district_id: int | None,
    name: str,
    categories: Sequence[str],
    by: audit.Actor,
    at: datetime,
) -> Department:
    """Add a department that handles categories. May raise Invalid."""
    known = {one.code for one in city.profile(session).categories}
    unknown = sorted(set(categories) - known) if known else []
    if unknown:
        raise Invalid(f"Unknown categories: {', '.join(unknown)}.", field="categories")
    department = Department(district_id=district_id, name=name, categories=list(categories))
    session.add(department)
    session.flush()  # callers need its number
    audit.record(session, by=by, at=at, verb="added", thing=("department", name), district_id=district_id)
    return department
