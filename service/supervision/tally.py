"""How many reports each grid of a level has, and whether that is more or less than in the period before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc
from sqlalchemy import Row
from sqlalchemy.orm import Session

from service.assignment.maps import EditionMap
from service.supervision import queries
from service.supervision.grounds import areas_km2

TOO_FEW = 40  # in both periods together: below, even a doubling is found only by luck
FALSE_ALARMS = 0.10  # greatest share of wrong "more" and "less" among all that are said


class Named(NamedTuple):
    """A grid as some edition has it."""

    code: str
    name: str
    parent_name: str
    area_km2: float | None
    number: int | None


@dataclass(frozen=True, slots=True)
class GridCount:
    """One grid's figures; `number` is its place in its map in force, None for grids of former editions.

    `change` is ``no-baseline`` until it is `judged`.
    """

    district_id: int
    grid_id: UUID
    code: str
    name: str
    parent_name: str
    count: int
    before: int
    area_km2: float | None
    per_km2_week: float | None
    change: str
    number: int | None


def tally(
    session: Session, counts: Sequence[Row[Any]], weeks: float, level: str, maps: Sequence[EditionMap]
) -> list[GridCount]:
    """Sum the counts of `queries.counts` for each grid of a level, most first.

    Each report counts for the grid that was pinned to it, and for those above in the edition of that moment.
    """
    rows = [one for one in counts if one.grid_id is not None]
    above = _above(session, rows, level, maps)
    sums: dict[tuple[int, UUID], list[int]] = {}
    for row in rows:
        grid_id = above.get((row.district_id, row.edition_number, row.grid_id))
        if grid_id is not None:
            one = sums.setdefault((row.district_id, grid_id), [0, 0])
            one[0] += row.now
            one[1] += row.before
    names = _names(session, sums, maps, {(row.district_id, row.edition_number) for row in rows})
    listed = [_grid_count(key, counted, names[key], weeks) for key, counted in sums.items() if any(counted)]
    return sorted(listed, key=lambda one: (-one.count, -one.before, one.code))


def _grid_count(key: tuple[int, UUID], counted: list[int], named: Named, weeks: float) -> GridCount:
    area = named.area_km2 if named.area_km2 else None
    rate = counted[0] / area / weeks if area else None
    return GridCount(
        *key, named.code, named.name, named.parent_name, *counted, area, rate, "no-baseline", named.number
    )


def judged(listed: Sequence[GridCount]) -> list[GridCount]:
    """Say of each grid ``more``, ``less``, ``no-clear-change`` or ``too-few``.

    Two counts of equal periods are compared by the exact binomial test given their sum; over all grids at
    most one in ten of the changes that are named may be chance (Benjamini and Hochberg 1995).
    """
    now = np.array([one.count for one in listed], dtype=np.float64)
    both = now + np.array([one.before for one in listed], dtype=np.float64)
    # With equal periods the test is symmetric: twice the smaller tail, P(X <= k) = I(n - k, k + 1) at 1/2.
    fewer = np.minimum(now, both - now)
    chances = np.minimum(1.0, 2 * betainc(both - fewer, fewer + 1, 0.5))
    enough = both >= TOO_FEW
    is_clear = np.zeros(len(listed), dtype=np.bool_)
    is_clear[enough] = chances[enough] <= _greatest_credible(chances[enough])
    out = []
    for row, one in enumerate(listed):
        word = ("more" if one.count > one.before else "less") if is_clear[row] else "no-clear-change"
        out.append(replace(one, change=word if enough[row] else "too-few"))
    return out


def _greatest_credible(chances: NDArray[np.float64]) -> float:
    """Give the greatest p that still counts; -1 where none does."""
    ordered = np.sort(chances)
    credible = ordered <= FALSE_ALARMS * np.arange(1, len(ordered) + 1) / max(1, len(ordered))
    return float(ordered[credible].max()) if credible.any() else -1.0


def _above(
    session: Session, rows: Sequence[Row[Any]], level: str, maps: Sequence[EditionMap]
) -> dict[tuple[int, int, UUID], UUID]:
    """Map district, edition and pinned grid to the grid of the level that it lies in."""
    found: dict[tuple[int, int, UUID], UUID] = {}
    in_force = {(one.key.district_id, one.key.number): one for one in maps}
    wanted = {(row.district_id, row.edition_number) for row in rows}
    for edition in wanted & in_force.keys():
        one = in_force[edition]
        for grid in one.grids:
            for number in grid.chain:
                if one.grids[number].level == level:
                    found[(*edition, grid.id)] = one.grids[number].id
    for edition, grids in _former(session, wanted - in_force.keys()).items():
        for grid_id in grids:
            over = _climb(grids, grid_id, level)
            if over is not None:
                found[(*edition, grid_id)] = over.grid_id
    return found


def _former(
    session: Session, editions: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], dict[UUID, Row[Any]]]:
    wanted = sorted(editions)
    found: dict[tuple[int, int], dict[UUID, Row[Any]]] = {}
    for row in queries.edition_grids(session, wanted) if wanted else ():
        found.setdefault((row.district_id, row.number), {})[row.grid_id] = row
    return found


def _climb(grids: dict[UUID, Row[Any]], grid_id: UUID | None, level: str) -> Row[Any] | None:
    while grid_id is not None and grid_id in grids:
        if grids[grid_id].level == level:
            return grids[grid_id]
        grid_id = grids[grid_id].parent_id
    return None


def _names(
    session: Session,
    wanted: Iterable[tuple[int, UUID]],
    maps: Sequence[EditionMap],
    editions: set[tuple[int, int]],
) -> dict[tuple[int, UUID], Named]:
    names: dict[tuple[int, UUID], Named] = {}
    for one in maps:
        areas = areas_km2(one)
        for number, grid in enumerate(one.grids):
            parent = one.grids[grid.chain[-2]].name if len(grid.chain) > 1 else one.key.district_name
            area = float(areas[number])
            names[one.key.district_id, grid.id] = Named(grid.code, grid.name, parent, area, number)
    if all(key in names for key in wanted):
        return names
    for (district_id, _), grids in sorted(_former(session, editions).items(), reverse=True):
        for grid_id, row in grids.items():
            above = grids.get(row.parent_id) if row.parent_id else None
            parent = above.name if above is not None else ""
            names.setdefault((district_id, grid_id), Named(row.code, row.name, parent, None, None))
    return names
