"""Random maps of three nested levels, some of whose yards have the faults of real files."""

import functools
import random

import numpy as np
import shapely
from hypothesis import strategies as st

from geo.lattice import canon
from geo.partition import Feature, Layer
from tests.oracles.maps import LAT, LON, rectangles, voronoi

LEVELS = ("subdistrict", "community", "yard")


@functools.lru_cache(maxsize=64)
def tiles(kind: str, seed: int) -> np.ndarray:
    return rectangles(6, seed) if kind == "rectangles" else voronoi(24, seed, wiggles=seed % 3)


def damage(shape: shapely.Geometry, fault: str, rng: random.Random) -> shapely.Geometry:
    """One of the things that happen to outlines on their way into a file."""
    if fault == "shifted":
        return shapely.affinity.translate(shape, rng.uniform(-2e-5, 2e-5), rng.uniform(-2e-5, 2e-5))
    if fault == "grown":
        return shapely.buffer(shape, rng.uniform(1e-5, 1e-4), join_style="mitre")
    if fault == "shrunk":
        smaller = shapely.buffer(shape, -rng.uniform(1e-6, 5e-5), join_style="mitre")
        return shape if smaller.is_empty else smaller
    if fault == "rounded":
        return shapely.transform(shape, lambda xy: np.round(xy, 6))
    if fault == "more vertices":
        return shapely.segmentize(shape, 1e-4)
    if fault == "bow-tie":
        xy = shapely.get_coordinates(shapely.get_exterior_ring(shape)).copy()
        k = rng.randrange(1, len(xy) - 2)
        xy[[k, k + 1]] = xy[[k + 1, k]]
        return shapely.Polygon(xy)
    return shape


FAULTS = ("shifted", "grown", "shrunk", "rounded", "more vertices", "bow-tie", "dropped", "none")


def layers_of(kind: str, seed: int, faults: list[str]) -> list[Layer]:
    """Three nested levels over random tiles; the first few yards get the faults."""
    rng = random.Random(seed)
    shapes = tiles(kind, seed)
    centres = shapely.get_coordinates(shapely.point_on_surface(shapes)) - [LON, LAT]
    community = (centres // 0.0033).astype(int) @ [1, 10]
    blocks = {f"{c:02}": canon(shapely.union_all(shapes[community == c])) for c in np.unique(community)}
    subdistrict = {code: code[0] for code in blocks}
    towns = {
        town: canon(shapely.union_all([blocks[c] for c in blocks if subdistrict[c] == town]))
        for town in set(subdistrict.values())
    }
    yards = []
    for i, shape in enumerate(shapes):
        fault = faults[i] if i < len(faults) else "none"
        if fault != "dropped":
            parent = f"{community[i]:02}"
            yards.append(Feature(f"{parent}-{i:03}", f"yard {i}", parent, damage(shape, fault, rng)))
    return [
        Layer("subdistrict", tuple(Feature(c, c, None, g) for c, g in towns.items())),
        Layer("community", tuple(Feature(c, c, subdistrict[c], g) for c, g in blocks.items())),
        Layer("yard", tuple(yards)),
    ]


maps = st.tuples(
    st.sampled_from(["rectangles", "voronoi"]),
    st.integers(0, 30),
    st.lists(st.sampled_from(FAULTS), max_size=8),
)
