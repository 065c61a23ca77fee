"""Editions seen at one level: which grid of that level answers, and how far its border is.

A label of a community is judged by the borders of communities, not by those of the yards in them. The grounds of a
level are its faces united, as a locator of their own; where the level is the finest, they are the edition's own.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.confidence import shares_many
from geo.locator import Locator
from service.assignment.answers import locate
from service.assignment.maps import EditionMap

AT_ONCE = 1 << 14
KEPT = 12
_kept: OrderedDict[tuple[int, UUID, str], "Level"] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Level:
    """An edition at a level: grid → grid of the level (or itself where coarser), the level's own grounds."""

    edition: EditionMap
    up: NDArray[np.int64]
    locator: Locator
    face_of: dict[int, int]

    def distances_m(self, points: NDArray[np.float64], grids: NDArray[np.int64]) -> NDArray[np.float64]:
        """Measure from each point to the border of one grid's ground; NaN for grids without ground."""
        faces = np.array([self.face_of.get(one, -1) for one in grids.tolist()], dtype=np.int64)
        return self.locator.distance_to_border_m(points, faces)


def level_of(edition: EditionMap, level: str) -> Level:
    """See an edition at a level; the grounds of the last few are kept."""
    key = (edition.key.district_id, edition.key.snapshot_id, level)
    found = _kept.pop(key, None)
    if found is None or found.edition.key != edition.key:
        found = (
            _seen(edition, level) if found is None else Level(edition, found.up, found.locator, found.face_of)
        )
    _kept[key] = found
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return found


def _seen(edition: EditionMap, level: str) -> Level:
    up = up_of(edition, level)
    locator = edition.locator
    if not np.array_equal(up, np.arange(len(up))):
        locator = _united(edition, up)
    owners = locator.owners.tolist()
    return Level(edition, up, locator, {owner: face for face, owner in reversed(list(enumerate(owners)))})


def up_of(edition: EditionMap, level: str) -> NDArray[np.int64]:
    """Give for each grid the one of the level that it is part of, itself where it is coarser."""
    grids = edition.grids
    return np.array(
        [next((up for up in one.chain if grids[up].level == level), one.chain[-1]) for one in grids],
        dtype=np.int64,
    )


def _united(edition: EditionMap, up: NDArray[np.int64]) -> Locator:
    owners = edition.locator.owners
    above = np.where(owners >= 0, up[owners], -1) if len(up) else owners
    shapes, whose = list[shapely.Geometry](), list[int]()
    for owner in np.unique(above).tolist():
        parts = shapely.get_parts(_union(edition.locator.faces[above == owner]))
        shapes += parts.tolist()
        whose += [owner] * len(parts)
    order = sorted(range(len(whose)), key=lambda one: (whose[one] < 0, whose[one]))
    faces = np.array([shapes[one] for one in order], dtype=object)
    return Locator.build(faces, np.array([whose[one] for one in order], dtype=np.int64))


def _union(faces: NDArray[np.object_]) -> shapely.Geometry:
    united = shapely.coverage_union_all(faces)
    return united if united.is_valid else shapely.union_all(faces)


@dataclass(frozen=True, slots=True)
class Answers:
    """Our answer to each point at the level: place in `levels` and grid there (-1 for none), status, metres."""

    level: NDArray[np.int64]
    grid: NDArray[np.int64]
    finest: NDArray[np.int64]
    status: NDArray[np.str_]
    border_m: NDArray[np.float64]


def answers(levels: Sequence[Level], points: NDArray[np.float64], tolerance_m: float) -> Answers:
    """Ask as a look-up does, and see each answer at the level."""
    maps = [one.edition for one in levels]
    place = {id(one): number for number, one in enumerate(maps)}
    which, grid, status = np.full((2, len(points)), -1), np.full(len(points), -1), list[str]()
    for begin in range(0, len(points), AT_ONCE):
        for row, hit in enumerate(locate(maps, points[begin : begin + AT_ONCE], tolerance_m), begin):
            status.append(hit.status)
            if hit.map is not None and hit.face >= 0 and hit.status != "outside":
                owner = int(hit.map.locator.owners[hit.face])
                which[0, row] = place[id(hit.map)]
                which[1, row] = owner
                grid[row] = levels[which[0, row]].up[owner] if owner >= 0 else -1
    metres = np.full(len(points), np.nan)
    for number, one in enumerate(levels):
        mine = np.flatnonzero((which[0] == number) & (grid >= 0))
        metres[mine] = one.distances_m(points[mine], grid[mine])
    return Answers(which[0], grid, which[1], np.array(status, dtype="U8"), metres)


def named_by_us(
    levels: Sequence[Level], points: NDArray[np.float64], wanted: Sequence[tuple[int, int]], accuracy_m: float
) -> NDArray[np.bool_]:
    """Tell for each point whether a look-up with this accuracy names the wanted (level, grid) among the others."""
    named = np.zeros(len(points), dtype=np.bool_)
    for number, one in enumerate(levels):
        if len(one.edition.locator) == 0:
            continue
        mine = [row for row, (level, _) in enumerate(wanted) if level == number]
        if not mine:
            continue
        listed = shares_many(one.edition.locator, points[mine], accuracy_m)
        count = np.diff(listed.first)
        target = np.repeat(np.array([wanted[row][1] for row in mine]), count)
        hit = (listed.owner >= 0) & (one.up[listed.owner] == target)
        named[np.array(mine)[np.repeat(np.arange(len(mine)), count)[hit]]] = True
    return named
