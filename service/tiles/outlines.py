"""What an edition looks like at each level: outlines made from its faces, simpler the farther away.

A coarse grid is the union of what lies under it, so neighbours share every vertex; they are simplified
together and keep doing so. All of it follows from frozen content and never goes stale.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import RLock
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray

from service.assignment.maps import EditionMap

DISTRICT, GAP = "district", "gap"
EXACT_FROM = 14  # from this zoom on nothing is simplified
PIXELS = 512  # of a tile as browsers draw it
FEW = 1000  # outlines that are simplified all at once, and kept; of more, those in the tile
EDITIONS_KEPT = 32


@dataclass(frozen=True, slots=True)
class Feature:
    """What a tile says of one outline."""

    id: str
    code: str
    name: str
    kind: str


@dataclass(slots=True)
class Level:
    """The outlines of one level of one edition: lon/lat polygons or multipolygons, shape (n,)."""

    features: list[Feature]
    shapes: NDArray[np.object_]
    tree: shapely.STRtree
    _simple: dict[int, NDArray[np.object_]] = field(default_factory=dict)

    @classmethod
    def of(cls, features: list[Feature], shapes: Iterable[shapely.Geometry]) -> "Level":
        """Index the outlines."""
        array = np.array(list(shapes), dtype=object)
        return cls(features, array, shapely.STRtree(array))

    def within(self, box: shapely.Polygon, zoom: int) -> tuple[list[Feature], NDArray[np.object_]]:
        """Give what meets a box, as fine as the zoom shows."""
        hits = np.sort(self.tree.query(box))
        features = [self.features[hit] for hit in hits]
        if zoom >= EXACT_FROM or len(hits) == 0:
            return features, self.shapes[hits]
        pixel = 360 / (PIXELS * 2**zoom)
        if len(self.shapes) > FEW:
            return features, shapely.coverage_simplify(self.shapes[hits], pixel, simplify_boundary=False)
        return features, self.simplified(zoom)[1][hits]

    def simplified(self, zoom: int) -> tuple[list[Feature], NDArray[np.object_]]:
        """Give all outlines as fine as the zoom shows."""
        if zoom not in self._simple:
            self._simple[zoom] = shapely.coverage_simplify(self.shapes, 360 / (PIXELS * 2**zoom))
        return self.features, self._simple[zoom]


class Outlines:
    """The levels of the editions asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, UUID], dict[str, Level]] = OrderedDict()
        self._lock = RLock()

    def level(self, one: EditionMap, levels: tuple[str, ...], level: str) -> Level:
        """Give one level of an edition; `levels` are those of its scheme, coarsest first."""
        key = (one.key.district_id, one.key.snapshot_id)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = outlines(one, levels)
                while len(self._kept) > EDITIONS_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key][level]


def outlines(one: EditionMap, levels: tuple[str, ...]) -> dict[str, Level]:
    """Unite an edition's faces to the outlines of each level, of the district, and of its gaps."""
    faces, owners = one.locator.faces, one.locator.owners
    is_gap = np.array([kind == GAP for kind in one.kinds], dtype=np.bool_)
    # Pieces of ground with the chain of grids they belong to; each level unites what is below it.
    pieces = [
        (one.grids[owner].chain, face)
        for owner, face in zip(owners[~is_gap].tolist(), faces[~is_gap], strict=True)
    ]
    made: dict[str, Level] = {}
    for level in reversed(levels):
        made[level], pieces = _unite(one, level, pieces)
    whole = _union([shape for _, shape in pieces] + list(faces[is_gap]))
    key = one.key
    made[DISTRICT] = Level.of(
        [Feature(key.district_code, key.district_code, key.district_name, DISTRICT)], [whole]
    )
    made[GAP] = Level.of(
        [Feature(f"{key.district_code}-{number}", "", "", GAP) for number in np.flatnonzero(is_gap)],
        faces[is_gap],
    )
    return made


def _unite(
    one: EditionMap, level: str, pieces: list[tuple[tuple[int, ...], shapely.Geometry]]
) -> tuple[Level, list[tuple[tuple[int, ...], shapely.Geometry]]]:
    parts: dict[int, list[shapely.Geometry]] = {}
    left = []
    for chain, shape in pieces:
        mine = next((number for number in chain if one.grids[number].level == level), None)
        if mine is None:
            left.append((chain, shape))
        else:
            parts.setdefault(mine, []).append(shape)
    shapes = {number: _union(some) for number, some in sorted(parts.items())}
    features = []
    for number in shapes:
        grid = one.grids[number]
        features.append(Feature(str(grid.id), grid.code, grid.name, grid.kind))
    above = [(one.grids[number].chain[:-1], shape) for number, shape in shapes.items()]
    return Level.of(features, shapes.values()), left + above


def _union(parts: list[shapely.Geometry]) -> shapely.Geometry:
    return parts[0] if len(parts) == 1 else shapely.coverage_union_all(parts)
