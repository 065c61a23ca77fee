"""Reads of reports in a period: where they lie, and how many each grid has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from service.supervision.periods import Window


@dataclass(frozen=True, slots=True)
class Filters:
    """Which reports count: of a category, of grids, of districts; None where all do."""

    category: str | None = None
    grid_ids: tuple[UUID, ...] | None = None
    district_ids: tuple[int, ...] | None = None


WHICH = """
    happened_at >= :start and happened_at < :end
        and (cast(:category as text) is null or category = :category)
        and (cast(:grid_ids as uuid[]) is null or grid_id = any (cast(:grid_ids as uuid[])))
        and (cast(:district_ids as int[]) is null or district_id = any (cast(:district_ids as int[])))
"""
# One geometry of all points is read much faster than a row for each.
POINTS = text(f"select st_asbinary(st_collect(position)) from report where {WHICH}")  # noqa: S608
COUNTS = text(f"""
    select district_id, edition_number, grid_id, count(*) filter (where happened_at >= :split) as now,
        count(*) filter (where happened_at < :split) as before,
        count(*) filter (where happened_at >= :split and not (st_x(position) between :west and :east
            and st_y(position) between :south and :north)) as beyond
    from report where {WHICH}
    group by district_id, edition_number, grid_id
""")  # noqa: S608
FIRST = text("""
    select min(happened_at) from report
    where cast(:district_ids as int[]) is null or district_id = any (cast(:district_ids as int[]))
""")
EDITION_GRIDS = text("""
    select e.district_id, e.number, g.grid_id, g.parent_id, g.level, g.code, g.name
    from unnest(cast(:districts as int[]), cast(:numbers as int[])) as wanted (district_id, number)
    join edition e using (district_id, number)
    join snapshot_grid g on g.district_id = e.district_id and g.snapshot_id = e.snapshot_id
""")
BELOW = text("""
    with recursive below as (
        select cast(:district_id as int) as district_id, cast(:grid_id as uuid) as grid_id
        union
        select g.district_id, g.grid_id from below b
        join snapshot_grid g on g.district_id = b.district_id and g.parent_id = b.grid_id
        join edition e on e.district_id = g.district_id and e.snapshot_id = g.snapshot_id
    )
    select grid_id from below
""")
BACKDROP = text("""
    select layer, kind, st_asbinary(geom) as wkb from backdrop
    where layer in ('water', 'parks', 'rail') or (layer = 'roads' and not kind = any (:minor))
""")


def _which(window: Window, filters: Filters) -> dict[str, Any]:
    def listed(values: Iterable[Any] | None) -> list[Any] | None:
        return None if values is None else list(values)

    return {
        "start": window.start,
        "end": window.end,
        "category": filters.category,
        "grid_ids": listed(filters.grid_ids),
        "district_ids": listed(filters.district_ids),
    }


def points(session: Session, window: Window, filters: Filters) -> NDArray[np.float64]:
    """Give the canonical positions, lon/lat, of the reports in a period, shape (n, 2)."""
    wkb = session.scalar(POINTS, _which(window, filters))
    if wkb is None:
        return np.empty((0, 2))
    return shapely.get_coordinates(shapely.from_wkb(bytes(wkb)))


def counts(
    session: Session, window: Window, filters: Filters, bbox: tuple[float, float, float, float]
) -> Sequence[Row[Any]]:
    """Count reports by the grid and edition pinned to them.

    Gives ``now`` (in the period), ``before`` (in the one before it), ``beyond`` (now, but outside `bbox`).
    """
    both = Window(window.previous.start, window.end)
    box = dict(zip(("west", "south", "east", "north"), bbox, strict=True))
    return session.execute(COUNTS, {**_which(both, filters), **box, "split": window.start}).all()


def first_report_at(session: Session, district_ids: Sequence[int] | None) -> datetime | None:
    """Tell since when there are reports at all."""
    given = None if district_ids is None else list(district_ids)
    return session.scalar(FIRST, {"district_ids": given})


def edition_grids(session: Session, editions: Iterable[tuple[int, int]]) -> Sequence[Row[Any]]:
    """List the grids, with their parents, of editions given by district and number."""
    districts, numbers = zip(*editions, strict=True)
    return session.execute(EDITION_GRIDS, {"districts": list(districts), "numbers": list(numbers)}).all()


def grids_below(session: Session, district_id: int, grid_id: UUID) -> tuple[UUID, ...]:
    """List a grid and all grids that lie under it in any edition."""
    return tuple(session.scalars(BELOW, {"district_id": district_id, "grid_id": grid_id}))


def backdrop(session: Session, minor: Sequence[str]) -> Sequence[Row[Any]]:
    """Give water, parks, rail and the roads that are not of a minor kind: layer, kind, wkb."""
    return session.execute(BACKDROP, {"minor": list(minor)}).all()
