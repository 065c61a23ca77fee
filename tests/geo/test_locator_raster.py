"""The raster answers as the exact predicate does, or says that it is unsure."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.locator import Locator
from geo.locator.drawing import draw
from geo.locator.grounds import SharedEdges
from geo.locator.raster import UNSURE
from geo.locator.scalar import Scalar
from geo.synth import make_city
from tests.oracles.coverages import Coverage, awkward_points, coverages

MOST_UNSURE = 0.02  # of points that lie on no border; else the raster would be right by never answering


def first_face(faces, points):
    """Ask every face: the brute-force oracle."""
    point, face = shapely.STRtree(faces).query(shapely.points(points), predicate="intersects")
    answer = np.full(len(points), -1)
    order = np.argsort(-face, kind="stable")
    answer[point[order]] = face[order]
    return answer


def raster_of(faces, cells=None):
    shared = SharedEdges.of(faces)
    assert shared is not None
    drawing = draw(
        shared.ends, shared.left, shared.right, lambda points: first_face(faces, points), cells=cells
    )
    assert len(drawing.meeting) == 0 or shapely.coverage_is_valid(faces)
    return drawing.raster


def on_cell_lines(raster, rng, count):
    """Give points on the lines between cells, on their corners, and the doubles beside both."""
    frame = raster.frame
    column, row = rng.integers(0, frame.columns + 1, count), rng.integers(0, frame.rows + 1, count)
    lines = np.column_stack([frame.west + column * frame.width, frame.south + row * frame.height])
    free = lines + rng.random((count, 2)) * (frame.width, frame.height)
    points = np.concatenate(
        [
            lines,
            np.column_stack([lines[:, 0], free[:, 1]]),
            np.column_stack([free[:, 0], lines[:, 1]]),
        ]
    )
    return np.concatenate([points, np.nextafter(points, np.inf), np.nextafter(points, -np.inf)])


@settings(max_examples=60, deadline=None)
@given(coverage=coverages(), cells=st.sampled_from([1, 30, 300, 5000]), seed=st.integers(0, 2**32 - 1))
def test_the_raster_is_right_or_unsure(coverage: Coverage, cells: int, seed: int) -> None:
    faces = coverage.faces
    rng = np.random.default_rng(seed)
    raster = raster_of(faces, cells)
    points = np.concatenate([awkward_points(faces, rng, 300), on_cell_lines(raster, rng, 30)])
    expected = first_face(faces, points)
    answer = raster.locate_many(points)
    sure = answer != UNSURE
    assert answer[sure].tolist() == expected[sure].tolist()
    scalar = Scalar(raster)
    single = np.array([scalar.locate(*point) for point in points.tolist()])
    sure = single != UNSURE
    assert single[sure].tolist() == expected[sure].tolist()


@pytest.fixture(scope="module")
def city():
    return np.array([one.geometry for one in make_city(yards=1000, buildings=False).layers["yard"]])


def near_borders(faces, rng, count, spread_m=8.0):
    """Give points scattered about borders, as reports from kerbs are, and some anywhere."""
    vertices = shapely.get_coordinates(faces)
    picked = vertices[rng.integers(0, len(vertices), count)]
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return np.concatenate(
        [picked + rng.normal(0, spread_m / 1e5, (count, 2)), rng.uniform(low - 0.01, high + 0.01, (count, 2))]
    )


def test_a_city_is_answered_like_brute_force_a_million_times(city) -> None:
    rng = np.random.default_rng(3)
    raster = raster_of(city)
    vertices = shapely.get_coordinates(city)
    middles = (vertices[:-1] + vertices[1:]) / 2
    points = np.concatenate(
        [
            near_borders(city, rng, 400_000),
            near_borders(city, rng, 50_000, spread_m=1e-3),
            on_cell_lines(raster, rng, 10_000),
            vertices[rng.integers(0, len(vertices), 20_000)],
            middles[rng.integers(0, len(middles), 20_000)],
        ]
    )
    points = np.concatenate([points, np.nextafter(points[-40_000:], np.inf)])
    answer, expected = raster.locate_many(points), first_face(city, points)
    sure = answer != UNSURE
    assert np.count_nonzero(answer[sure] != expected[sure]) == 0
    assert (~sure[:800_000]).mean() < MOST_UNSURE
    assert len(points) >= 1_000_000


def test_one_point_and_many_agree(city) -> None:
    locator = Locator.build(city, np.arange(len(city)))
    points = near_borders(city, np.random.default_rng(4), 5000)
    assert [locator.locate(*point) for point in points.tolist()] == locator.locate_many(points).tolist()


def test_points_far_outside_are_in_no_face(city) -> None:
    raster = raster_of(city)
    far = np.array([[0.0, 0.0], [180.0, 90.0], [-180.0, -90.0], [1e300, -1e300]])
    assert raster.locate_many(far).tolist() == [-1] * 4
    assert [Scalar(raster).locate(*point) for point in far.tolist()] == [-1] * 4
