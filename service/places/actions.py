"""Writes of places: a list comes in, all of it or nothing; what is odd about it is said row by row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from geo.addresses import Regions, rules
from geo.crs import to_lonlat, usable
from service import audit
from service.city import queries as city
from service.errors import Invalid, NotAllowed, NotFound
from service.places import ground, queries, texts
from service.places.intake import NewPlace, Source
from service.places.models import NOWHERE, Place, PlaceList

SHOWN = 100
SAME_SPOT_M = 1.0
DEFAULT_KIND = "place"
COUNT = text("""
    insert into place_gram (gram, places)
    select gram, count(*) from place, unnest(grams) as gram group by gram
""")
COPY = """
    copy place (district_id, id, list_id, list_edition, source_row, kind, name, aliases, address, regions, number,
        raw_x, raw_y, position, identity, grams) from stdin
"""
May = Callable[[int], bool]


@dataclass(slots=True)
class Imported:
    """What an import did; of rows worth a look the first hundred are named."""

    into: str
    edition: int
    crs: str
    places: int = 0
    removed: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def note(self, row: int, kind: str, detail: str) -> None:
        """Note something about a row."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if len(self.rows) < SHOWN:
            self.rows.append({"row": row, "kind": kind, "detail": detail})


def import_places(
    session: Session,
    source: Source,
    *,
    into: str,
    file_name: str,
    kind: str = "",
    replace: bool = False,
    skip_errors: bool = False,
    outside: bool = False,
    may: May = lambda district_id: True,
    by: audit.Actor,
    at: datetime,
) -> Imported:
    """Take places into a list, beside what it holds or in its place.

    Rows that can't be taken refuse the whole import unless they are to be skipped; so do places of which most
    lie outside of the city, unless that is said to be right. May raise Invalid, NotAllowed.
    """
    kept = _open(session, into, file_name, source.crs.key, by=by, at=at)
    done = Imported(into, kept.edition, source.crs.key)
    good, points = _sorted_out(source, done, skip_errors=skip_errors)
    grounds, is_mapped = ground.survey(points)
    if is_mapped:
        _look_outside(good, grounds, done, outside=outside)
    if replace:
        done.removed = _remove(session, kept, may)
    _require({one.district_id for one in grounds}, may)
    _insert(session, kept, good, points, grounds, done, kind or DEFAULT_KIND)
    count_grams(session)
    audit.record(
        session, by=by, at=at, verb="imported", thing=("places", into), edition=kept.edition, file=file_name,
        crs=done.crs, places=done.places, removed=done.removed, **done.counts,
    )  # fmt: skip
    return done


def remove_list(
    session: Session, name: str, *, may: May = lambda district_id: True, by: audit.Actor, at: datetime
) -> int:
    """Forget a list with its places; gives how many. May raise NotFound, NotAllowed."""
    session.execute(text("select pg_advisory_xact_lock(hashtext('places'))"))
    kept = session.scalar(select(PlaceList).where(PlaceList.name == name).with_for_update())
    if kept is None:
        raise NotFound(f"There is no list of places {name!r}.")
    removed = _remove(session, kept, may)
    session.delete(kept)
    count_grams(session)
    audit.record(session, by=by, at=at, verb="removed", thing=("places", name), places=removed)
    return removed


def count_grams(session: Session) -> None:
    """Count anew how many places have each piece."""
    session.flush()
    session.execute(text("delete from place_gram"))
    session.execute(COUNT)
    session.execute(text("select gin_clean_pending_list('ix_place_grams')"))
    session.execute(text("analyze place, place_gram"))


def _open(
    session: Session, name: str, file_name: str, crs: str, *, by: audit.Actor, at: datetime
) -> PlaceList:
    session.execute(
        text("select pg_advisory_xact_lock(hashtext('places'))")
    )  # pieces are counted over all lists
    kept = session.scalar(select(PlaceList).where(PlaceList.name == name).with_for_update())
    if kept is None:
        kept = PlaceList(name=name, edition=0)
        session.add(kept)
    kept.edition += 1
    kept.file_name, kept.crs, kept.changed_at, kept.changed_by = file_name, crs, at, by.name
    session.flush()
    return kept


def _sorted_out(
    source: Source, done: Imported, *, skip_errors: bool
) -> tuple[list[NewPlace], NDArray[np.float64]]:
    raw = np.array([(one.x, one.y) for one in source.places], dtype=np.float64).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        points = to_lonlat(raw, source.crs)
        on_earth = np.isfinite(raw).all(axis=1) & usable(points)
    good: list[int] = []
    for number, one in enumerate(source.places):
        error = one.error or (
            "" if on_earth[number] else f"({one.x}, {one.y}) is not on earth in {source.crs.key}"
        )
        if error:
            done.note(one.row, "error", error)
        else:
            good.append(number)
    if done.rows and not skip_errors:
        first = "; ".join(f"row {one['row']}: {one['detail']}" for one in done.rows[:5])
        wrong = done.counts["error"]
        raise Invalid(f"{wrong} rows can't be taken, nothing was changed. {first}", errors=done.rows)
    if not good:
        raise Invalid("The list holds no places.")
    return [source.places[number] for number in good], points[good]


def _look_outside(
    places: Sequence[NewPlace], grounds: Sequence[ground.Ground], done: Imported, *, outside: bool
) -> None:
    for one, lies in zip(places, grounds, strict=True):
        if lies.district_id == NOWHERE:
            done.note(one.row, "outside", f"{one.name} lies outside of the city")
    lost = done.counts.get("outside", 0)
    if lost * 2 > len(places) and not outside:
        raise Invalid(
            f"{lost} of {len(places)} places lie outside of the city, nothing was changed. Check the coordinate "
            f"system ({done.crs}) and which column is which; if it is right, say so: --outside.",
            field="crs",
        )


def _require(districts: set[int], may: May) -> None:
    if not all(may(one) for one in districts):
        raise NotAllowed("Some of these places lie in a district that is not yours. Nothing was changed.")


def _remove(session: Session, kept: PlaceList, may: May) -> int:
    of_list = Place.list_id == kept.id
    _require(set(session.scalars(select(Place.district_id).where(of_list).distinct())), may)
    return session.execute(delete(Place).where(of_list)).rowcount


def _insert(
    session: Session,
    kept: PlaceList,
    places: Sequence[NewPlace],
    points: NDArray[np.float64],
    grounds: Sequence[ground.Ground],
    done: Imported,
    kind: str,
) -> None:
    profile = city.profile(session)
    how, home = rules(profile.address_rules), profile.name.get(profile.locale, "")
    names = {name for one in grounds for name in one.regions} | {
        name for one in places for name in one.regions
    }
    known = Regions(names | {home} | set(queries.region_names(session)), how)
    there = queries.identities(session, kept.id)
    cursor = session.connection().connection.cursor()
    with cursor.copy(COPY) as copy:
        for one, (lon, lat), lies in zip(places, points.tolist(), grounds, strict=True):
            listed = texts.texts_of(one.name, one.aliases, one.address)
            made = texts.index(how, known, listed, (*lies.regions, *one.regions), home)
            if _is_repeated(one, made.identity, (lon, lat), there, done):
                continue
            copy.write_row(
                (
                    lies.district_id, uuid4(), kept.id, kept.edition, one.row, one.kind or kind, one.name,
                    list(one.aliases), one.address, list(made.regions), made.number, one.x, one.y,
                    f"SRID=4490;POINT({lon!r} {lat!r})", made.identity, list(made.grams),
                )
            )  # fmt: skip
            done.places += 1


def _is_repeated(
    one: NewPlace,
    identity: str,
    spot: tuple[float, float],
    there: dict[str, list[tuple[float, float]]],
    done: Imported,
) -> bool:
    """Tell whether the list has this very place; the same name elsewhere is noted and kept."""
    others = there.setdefault(identity, [])
    if any(queries.metres(spot, other) < SAME_SPOT_M for other in others):
        done.note(one.row, "repeated", f"{one.name} is in the list already")
        return True
    if others:
        done.note(one.row, "same-name", f"{one.name} is in the list already, elsewhere")
    others.append(spot)
    return False


def as_json(done: Imported) -> dict[str, Any]:
    """Give what an import did, for people and programs."""
    return {
        "list": done.into,
        "edition": done.edition,
        "crs": done.crs,
        "places": done.places,
        "removed": done.removed,
        "errors": done.counts.get("error", 0),
        "repeated": done.counts.get("repeated", 0),
        "same_name": done.counts.get("same-name", 0),
        "outside": done.counts.get("outside", 0),
        "rows": done.rows,
    }
