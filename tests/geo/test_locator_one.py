"""One point in plain numbers says what many points say in arrays, to the last bit."""

import math

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.locator import Locator
from geo.measure import metres_per_degree, metres_per_degree_one
from tests.oracles.coverages import Coverage, awkward_points, coverages

SEEDS = st.integers(0, 2**32 - 1)


@given(st.floats(-90, 90))
def test_the_scale_at_one_latitude(lat: float) -> None:
    m_lon, m_lat = metres_per_degree(np.array([lat]))
    assert metres_per_degree_one(lat) == (m_lon[0], m_lat[0])


def told_alike(locator: Locator, points: np.ndarray) -> None:
    faces, ties = locator.locate_with_ties(points)
    metres = locator.distance_to_border_m(points, faces)
    columns = (points.tolist(), faces.tolist(), ties.tolist(), metres.tolist())
    for (lon, lat), face, tie, distance in zip(*columns, strict=True):
        one = locator.look_up(lon, lat)
        assert one[:2] == (face, tie)
        assert one[2] == distance or (face < 0 and math.isnan(one[2]) and math.isnan(distance))


@settings(max_examples=60, deadline=None)
@given(coverages(max_faces=14), SEEDS)
def test_one_point_is_looked_up_as_many(coverage: Coverage, seed: int) -> None:
    """On corners, on borders, one ulp beside them, in the open and outside; also where faces overlap."""
    points = awkward_points(coverage.faces, np.random.default_rng(seed), 3)
    told_alike(Locator.build(coverage.faces, coverage.owners), points)


def test_the_border_of_a_ground_with_thousands_of_edges() -> None:
    """The tree over its edges has several levels."""
    turn = np.linspace(0, 2 * np.pi, 40_001)[:-1]
    wobble = 0.05 + 0.004 * np.sin(97 * turn) + 0.001 * np.sin(4001 * turn)
    ring = np.round(np.column_stack([114 + wobble * np.cos(turn), 30 + wobble * np.sin(turn)]), 8)
    locator = Locator.build([shapely.Polygon(ring)], [0])
    rng = np.random.default_rng(5)
    scattered = np.array([114, 30]) + rng.uniform(-0.055, 0.055, (1500, 2))
    beside = ring[rng.integers(0, len(ring), 1500)] + rng.normal(0, 1e-6, (1500, 2))
    told_alike(locator, np.concatenate([scattered, beside, ring[:500]]))


@settings(max_examples=60, deadline=None)
@given(coverages(max_faces=14), SEEDS)
def test_the_nearest_face_of_one_point_is_that_of_many(coverage: Coverage, seed: int) -> None:
    locator = Locator.build(coverage.faces, coverage.owners)
    points = awkward_points(coverage.faces, np.random.default_rng(seed), 6)
    lost = points[locator.locate_many(points) < 0]
    for (lon, lat), face, metres in zip(lost.tolist(), *map(list, locator.nearest_any(lost)), strict=True):
        assert locator.nearest_one(lon, lat) == (face, metres)
