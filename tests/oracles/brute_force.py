"""The rules of the partition once more, said in plain shapely, one pair at a time and with no lattice."""

import functools
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise

import numpy as np
import shapely

from geo.measure import area_m2
from geo.records import Layer


@functools.lru_cache(maxsize=8)
def outlines(layer: Layer) -> dict[str, shapely.Geometry]:
    """Valid outline of each code."""
    parts: dict[str, list[shapely.Geometry]] = {}
    for feature in layer.features:
        parts.setdefault(feature.code, []).append(shapely.make_valid(feature.geometry))
    return {code: shapely.union_all(shapes) for code, shapes in parts.items()}


def overlaps(layer: Layer) -> dict[tuple[str, str], float]:
    """Square metres that each pair of grids shares; pairs that only touch are left out."""
    shapes = outlines(layer)
    codes = sorted(shapes)
    tree = shapely.STRtree([shapes[code] for code in codes])
    found = {}
    for i, code in enumerate(codes):
        for j in sorted(tree.query(shapes[code])):
            if j > i:
                area = area_m2(shapely.intersection(shapes[code], shapes[codes[j]]))[0]
                if area > 0:
                    found[code, codes[j]] = float(area)
    return found


def outside(child: Layer, parent: Layer, parent_of: Callable[[str], str]) -> dict[tuple[str, str], float]:
    """Square metres of each grid outside its parent's outline."""
    children, parents = outlines(child), outlines(parent)
    found = {}
    for code, shape in children.items():
        area = area_m2(shapely.difference(shape, parents[parent_of(code)]))[0]
        if area > 0:
            found[code, parent_of(code)] = float(area)
    return found


def holes(layers: Sequence[Layer]) -> list[shapely.Geometry]:
    """Interior rings of the union of everything, less islands."""
    union = shapely.union_all([shape for layer in layers for shape in outlines(layer).values()])
    rings = [ring for part in shapely.get_parts(union) for ring in part.interiors]
    return [shapely.difference(shapely.Polygon(ring), union) for ring in rings]


def owner(layers: Sequence[Layer], point: shapely.Point) -> tuple[str, str] | None:
    """Finest level that covers the point, lowest code in it."""
    for layer in reversed(layers):
        codes = [code for code, shape in outlines(layer).items() if shapely.covers(shape, point)]
        if codes:
            return layer.level, min(codes)
    return None


def is_covered_once(shapes: Sequence[shapely.Geometry]) -> bool:
    """Whether no two polygons share ground."""
    return all(shapely.intersection(a, b).area == 0 for a, b in combinations(shapes, 2))


def edge_uses(shapes: Sequence[shapely.Geometry]) -> dict[frozenset[tuple[float, float]], int]:
    """How often each edge is used."""
    uses: dict[frozenset[tuple[float, float]], int] = {}
    for shape in shapes:
        for ring in (shape.exterior, *shape.interiors):
            points = list(map(tuple, np.asarray(ring.coords)))
            for a, b in pairwise(points):
                uses[frozenset((a, b))] = uses.get(frozenset((a, b)), 0) + 1
    return uses
