"""What an edition's map looks like from afar: area and outline of every grid, worked out once an edition."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.measure import area_m2
from service.assignment.maps import EditionMap

KEPT = 64
TOLERANCE_DEGREES = 0.0001  # about 10 m: less than the line is wide at the zooms of a whole city
Thing = TypeVar("Thing")


class PerEdition(Generic[Thing]):
    """Remembers what was worked out from an edition's content, which never changes."""

    def __init__(self, work_out: Callable[..., Thing]) -> None:
        self._work_out = work_out
        self._known: OrderedDict[object, Thing] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, one: EditionMap, *more: object) -> Thing:
        """Give the thing, working it out the first time."""
        key = (one.key.district_id, one.key.snapshot_id, *more)
        with self._lock:  # also keeps two requests from doing the same work
            if key not in self._known:
                self._known[key] = self._work_out(one, *more)
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            return self._known[key]


def _areas_km2(one: EditionMap) -> NDArray[np.float64]:
    areas = np.zeros(len(one.grids))
    if len(one.locator) == 0:
        return areas
    of_faces = area_m2(one.locator.faces) / 1e6
    for face, (owner, kind) in enumerate(zip(one.locator.owners.tolist(), one.kinds, strict=True)):
        if owner >= 0 and kind != "gap":
            areas[list(one.grids[owner].chain)] += of_faces[face]
    return areas


def _outlines(one: EditionMap, level: str) -> dict[int, shapely.Geometry]:
    members: dict[int, list[int]] = {}
    for face, owner in enumerate(one.locator.owners.tolist()):
        for number in one.grids[owner].chain if owner >= 0 else ():
            if one.grids[number].level == level:
                members.setdefault(number, []).append(face)
    whole = [shapely.coverage_union_all(one.locator.faces[faces]) for faces in members.values()]
    simple = shapely.coverage_simplify(whole, TOLERANCE_DEGREES) if whole else []
    return dict(zip(members, simple, strict=True))


def outline(one: EditionMap, number: int) -> shapely.Geometry:
    """Give the exact outline of one grid: for levels with so many that nobody wants them all."""
    owners = one.locator.owners.tolist()
    faces = [face for face, owner in enumerate(owners) if owner >= 0 and number in one.grids[owner].chain]
    return shapely.coverage_union_all(one.locator.faces[faces])


areas_km2 = PerEdition(_areas_km2)
outlines = PerEdition(_outlines)
"""`areas_km2(map)`: km² of each of `map.grids`, without gaps; `outlines(map, level)`: grid number → outline."""
