"""Whether faces are a coverage: what the drawing, the vertices and the rings show, against GEOS's own check."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.lattice import canon
from geo.locator import Locator
from tests.oracles.coverages import Coverage, coverages
from tests.oracles.maps import sheet


def judged(faces) -> bool:
    return Locator.build(faces, np.arange(len(faces))).raster is not None


def moved(face, rng) -> shapely.Polygon:
    """Give a face grown, shrunk, pushed or turned a little, or a good deal: most such overlap others."""
    much = 10.0 ** rng.uniform(-7, -3)
    kind = rng.integers(4)
    if kind == 0:
        return shapely.affinity.translate(face, *rng.normal(0, much, 2))
    if kind == 1:
        return shapely.affinity.rotate(face, rng.uniform(0, 360))
    if kind == 2:
        return shapely.affinity.scale(face, *rng.uniform(0.3, 2, 2))
    corners = shapely.get_coordinates(face.exterior)
    corners[rng.integers(1, len(corners) - 1)] += rng.normal(0, much, 2)
    return shapely.Polygon(corners)


@settings(max_examples=60, deadline=None)
@given(coverage=coverages(max_faces=12), seed=st.integers(0, 2**32 - 1))
def test_a_spoilt_coverage_is_seen(coverage: Coverage, seed: int) -> None:
    rng = np.random.default_rng(seed)
    faces = coverage.faces.copy()
    assert judged(faces)
    i = rng.integers(len(faces))
    other = canon(np.array([moved(faces[i], rng)]))[0]
    if other is None or other.geom_type != "Polygon" or other.is_empty or not other.is_valid:
        return
    if rng.random() < 0.5:
        faces[i] = other
    else:
        faces = np.append(faces, other)
    assert judged(faces) == bool(shapely.coverage_is_valid(faces))


SQUARE = shapely.box(0, 0, 4, 4)
TOUCHING = [
    ([SQUARE, shapely.box(1, 1, 2, 2)], False),  # inside
    ([SQUARE, shapely.Polygon([(0, 0), (2, 1), (1, 2)])], False),  # inside, at a common corner
    ([SQUARE, shapely.Polygon([(0, 0), (4, 0), (2, 1)])], False),  # inside, along a common edge
    ([SQUARE, shapely.box(0, 0, 4, 4)], False),  # twice the same
    ([SQUARE, shapely.box(1, -1, 2, 5)], False),  # across
    ([SQUARE, shapely.box(2, 0, 6, 4)], False),  # along collinear edges
    ([SQUARE, shapely.Polygon([(4, 4), (6, 5), (5, 6)])], True),  # at a corner
    ([SQUARE, shapely.Polygon([(-1, 1), (0, 2), (-1, 3)])], False),  # a corner on an edge: no common vertex
    ([SQUARE, shapely.box(4, 1, 6, 3)], False),  # part of an edge: no common vertices
    ([SQUARE, shapely.box(4, 0, 6, 4)], True),
    ([SQUARE.difference(shapely.box(1, 1, 3, 3)), shapely.box(1, 1, 3, 3)], True),  # an island
    ([SQUARE.difference(shapely.box(1, 1, 3, 3)), shapely.box(1.5, 1.5, 2, 2)], True),  # in a hole
]


@pytest.mark.parametrize(("faces", "expected"), TOUCHING)
def test_ways_to_touch(faces, expected: bool) -> None:
    for size in (1.0, 1e-4, 1e-6):
        small = shapely.transform(np.array(faces), lambda places, size=size: places * size)
        assert judged(small) == bool(shapely.coverage_is_valid(small)) == expected


def test_one_overlap_in_a_town_is_seen() -> None:
    yards = sheet(15, 15, pieces=4, seed=2).yards
    assert judged(yards)
    rng = np.random.default_rng(0)
    for i in rng.integers(0, len(yards), 12):
        spoilt = np.append(yards, shapely.affinity.scale(yards[i], 0.4, 0.4))
        assert not judged(spoilt)
