"""Outlines that cross themselves or each other beyond all sense are refused at once."""

import time
from itertools import combinations

import numpy as np
import pytest
import shapely

from geo.errors import TangledOutline
from geo.partition import Feature, Layer, partition
from geo.tangle import crossings
from geo.validity import repaired
from tests.oracles.maps import sheet


def scribble(n: int, seed: int = 0) -> shapely.Polygon:
    return shapely.Polygon(np.random.default_rng(seed).uniform([116, 32], [116.1, 32.1], (n, 2)))


def rays(n: int) -> shapely.Polygon:
    """A star: valid, and every ray's box lies over a quarter of the others."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    length = np.where(np.arange(n) % 2, 0.1, 0.0001)[:, None]
    return shapely.Polygon([116, 32] + length * np.column_stack([np.cos(angle), np.sin(angle)]))


def test_crossings_are_those_of_every_pair_of_edges() -> None:
    for seed in range(5):
        shape = scribble(30, seed)
        xy = shapely.get_coordinates(shape)
        edges = [shapely.LineString(xy[i : i + 2]) for i in range(len(xy) - 1)]
        expected = sum(one.crosses(other) for one, other in combinations(edges, 2))
        assert crossings(shape, 10_000) == expected
        assert crossings(shape, expected - 1) == expected
    assert crossings(shapely.box(0, 0, 1, 1), 10) == 0


@pytest.mark.parametrize("n", [300, 5000, 1_000_000])
def test_a_scribble_is_refused_at_once(n: int) -> None:
    begun = time.process_time()
    with pytest.raises(TangledOutline, match=r"eature 2 (crosses itself|has)"):
        repaired(np.array([shapely.box(116, 32, 117, 33), scribble(n)], dtype=object))
    assert time.process_time() - begun < 15


def test_a_star_of_a_million_rays_is_refused_at_once() -> None:
    begun = time.process_time()
    with pytest.raises(TangledOutline, match="lie over each other"):
        repaired(np.array([rays(1_000_000)], dtype=object))
    assert time.process_time() - begun < 15


def test_many_small_tangles_are_refused_together() -> None:
    with pytest.raises(TangledOutline, match="after many others"):
        repaired(np.array([scribble(60, seed) for seed in range(60)], dtype=object))


def test_an_honest_outline_of_a_million_corners_is_taken() -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    wavy = 0.2 + 0.01 * np.sin(angle * 5000)
    shape = shapely.Polygon([116, 32] + wavy[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))
    begun = time.process_time()
    [result], _ = repaired(np.array([shape], dtype=object))
    assert shapely.is_valid(result)
    assert time.process_time() - begun < 30


def test_a_heap_of_triangles_is_no_map() -> None:
    rng = np.random.default_rng(1)
    shapes = shapely.polygons(rng.uniform([116, 32], [116.1, 32.1], (3000, 3, 2)))
    begun = time.process_time()
    with pytest.raises(TangledOutline, match="no areas side by side"):
        partition([Layer("yard", tuple(Feature(f"{n:04}", "", None, one) for n, one in enumerate(shapes)))])
    assert time.process_time() - begun < 30


def test_a_map_drawn_twice_in_different_ways_is_still_a_map() -> None:
    made = sheet(20, 20, pieces=10, seed=1)
    moved = [shapely.affinity.translate(one, 1.3e-5, -0.7e-5) for one in made.blocks(made.community)]
    layers = [
        Layer("community", tuple(Feature(f"C{k:03}", "", None, shape) for k, shape in enumerate(moved))),
        Layer(
            "yard",
            tuple(
                Feature(f"Y{k:04}", "", f"C{c:03}", shape)
                for k, (shape, c) in enumerate(zip(made.yards, made.community, strict=True))
            ),
        ),
    ]
    assert {one.rule for one in partition(layers).findings} >= {"outside-parent"}
