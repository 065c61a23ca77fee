"""Point to face against brute force and rational arithmetic, on borders above all."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import MalformedFaces, MalformedPoints
from geo.locator import Locator
from tests.oracles.coverages import Coverage, awkward_points, coverages, covers_exactly
from tests.oracles.maps import sheet
from tests.oracles.reach import owners_within

SEEDS = st.integers(0, 2**32 - 1)


def brute_force(faces, points) -> np.ndarray:
    """Which face covers which point, by asking GEOS about every pair, unprepared."""
    fresh = shapely.from_wkb(shapely.to_wkb(faces))
    return np.array([shapely.intersects_xy(face, points[:, 0], points[:, 1]) for face in fresh])


def first_of(covered) -> np.ndarray:
    return np.where(covered.any(axis=0), covered.argmax(axis=0), -1)


@settings(max_examples=60, deadline=None)
@given(coverages(), SEEDS)
def test_every_point_gets_the_first_face_that_covers_it(coverage: Coverage, seed: int) -> None:
    points = awkward_points(coverage.faces, np.random.default_rng(seed), 40)
    covered = brute_force(coverage.faces, points)
    locator = Locator.build(coverage.faces, coverage.owners)
    face, tied = locator.locate_with_ties(points)
    assert face.tolist() == first_of(covered).tolist()
    assert locator.locate_many(points).tolist() == face.tolist()
    for i, (lon, lat) in enumerate(points.tolist()):
        assert locator.locate(lon, lat) == face[i]
        assert locator.covering(lon, lat) == np.flatnonzero(covered[:, i]).tolist()
        assert tied[i] == (len(set(coverage.owners[covered[:, i]])) > 1)


@settings(max_examples=20, deadline=None)
@given(coverages(max_faces=10), SEEDS)
def test_covering_is_what_rational_arithmetic_says(coverage: Coverage, seed: int) -> None:
    points = awkward_points(coverage.faces, np.random.default_rng(seed), 6)
    locator = Locator.build(coverage.faces, coverage.owners)
    for lon, lat in points.tolist():
        exact = [i for i, face in enumerate(coverage.faces) if covers_exactly(face, lon, lat)]
        assert locator.covering(lon, lat) == exact


def test_vertices_and_straight_borders_are_found_as_ties() -> None:
    squares = [shapely.box(x, y, x + 1, y + 1) for y in (0, 1) for x in (0, 1)]
    locator = Locator.build(squares, [10, 11, 12, 12])
    points = [(1, 1), (1, 0.25), (0.25, 1), (1, 1.5), (0, 0), (0.5, 2), (np.nextafter(1, 2), 0.25), (1, 2.5)]
    face, tied = locator.locate_with_ties(points)
    assert face.tolist() == [0, 0, 0, 2, 0, 2, 1, -1]
    # The border at (1, 1.5) lies between two faces of one owner; the outer rim is nobody else's.
    assert tied.tolist() == [True, True, True, False, False, False, False, False]
    assert locator.covering(1, 1) == [0, 1, 2, 3]


def test_the_order_of_faces_decides_who_gets_the_border() -> None:
    west, east = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    assert Locator.build([west, east], [5, 3]).locate(1, 0.5) == 0
    assert Locator.build([east, west], [3, 5]).locate(1, 0.5) == 0


def test_holes_islands_and_rims() -> None:
    lake = shapely.Polygon(shapely.box(0, 0, 10, 10).exterior, [shapely.box(2, 2, 4, 4).exterior])
    lake = shapely.Polygon(lake.exterior, [*lake.interiors, shapely.box(6, 6, 8, 8).exterior])
    locator = Locator.build([lake, shapely.box(6, 6, 8, 8)], [1, 2])
    points = [(3, 3), (2, 3), (7, 7), (6, 7), (0, 5), (10, 10), (np.nextafter(10, 11), 10), (5, 5)]
    face, tied = locator.locate_with_ties(points)
    assert face.tolist() == [-1, 0, 1, 0, 0, 0, -1, 0]
    assert tied.tolist() == [False, False, False, True, False, False, False, False]


def test_overlapping_faces_answer_by_order_and_only_true_borders_tie() -> None:
    locator = Locator.build([shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2)], [1, 2])
    face, tied = locator.locate_with_ties([(1.5, 1), (2, 1), (1, 1), (2.5, 1)])
    assert face.tolist() == [0, 0, 0, 1]
    assert tied.tolist() == [False, True, False, False]


@pytest.mark.parametrize("owners", [np.arange(2500), np.arange(2500) // 7])
def test_a_whole_town_agrees_with_a_published_index(owners) -> None:
    yards = sheet(50, 50, seed=3).yards
    points = awkward_points(yards, np.random.default_rng(5), 4000)
    point, face = shapely.STRtree(yards).query(shapely.points(points), predicate="intersects")
    lowest = np.full(len(points), len(yards))
    np.minimum.at(lowest, point, face)
    found, tied = Locator.build(yards, owners).locate_with_ties(points)
    assert (found == np.where(lowest == len(yards), -1, lowest)).all()
    sharers = [set() for _ in points]
    for i, owner in zip(point.tolist(), owners[face].tolist(), strict=True):
        sharers[i].add(owner)
    assert tied.tolist() == [len(s) > 1 for s in sharers]


def test_threads_may_share_a_fresh_locator() -> None:
    yards = sheet(30, 30, pieces=12, seed=1).yards
    points = awkward_points(yards, np.random.default_rng(2), 1500)
    expected = Locator.build(yards, np.arange(len(yards))).locate_many(points)
    for _ in range(3):
        fresh = Locator.build(shapely.from_wkb(shapely.to_wkb(yards)), np.arange(len(yards)))
        with ThreadPoolExecutor(8) as pool:
            for answer in pool.map(fresh.locate_many, [points] * 16):
                assert (answer == expected).all()


FIRST_TOUCH = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np, shapely
from geo.locator import Locator
angle = np.linspace(0, 2 * np.pi, 300_001)[:-1]
radius = 1 + 0.1 * np.sin(angle * 5000)
star = shapely.Polygon(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))
points = np.random.default_rng(0).uniform(-1.1, 1.1, (400, 2))
locator = Locator.build([star], [0])
with ThreadPoolExecutor(8) as pool:
    assert len({answer.tobytes() for answer in pool.map(locator.locate_many, [points] * 8)}) == 1
"""


def test_the_first_look_up_of_a_face_by_many_threads() -> None:
    # Without care this is a segmentation fault inside GEOS, so it gets a process of its own.
    done = subprocess.run([sys.executable, "-c", FIRST_TOUCH], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_positions_are_not_rounded() -> None:
    locator = Locator.build([shapely.box(0, 0, 1, 1)], [0])
    assert locator.locate(1.0, 0.5) == 0
    assert locator.locate(1.0 + 1e-12, 0.5) == -1


def test_minus_zero_is_zero() -> None:
    negative = shapely.Polygon([(-0.0, -0.0), (1, -0.0), (1, 1), (-0.0, 1)])
    positive = shapely.Polygon([(-1, 0.0), (0.0, 0.0), (0.0, 1), (-1, 1)])
    locator = Locator.build([negative, positive], [4, 4])
    assert locator.locate_with_ties([(0.0, 0.5), (-0.0, 0.5)])[0].tolist() == [0, 0]
    # One owner on both sides, so the line between them is no border.
    assert locator.distance_to_border_m([(0.0, 0.5)], [0])[0] > 50_000


@pytest.mark.parametrize(
    "points",
    [
        [(np.nan, 0.0)],
        [(0.0, np.inf)],
        [(0.0, 0.0, 0.0)],
        [0.0, 0.0],
        [("a", "b")],
        [("1", "2")],
        [(1.0,)],
        [(1.0, 2.0), (3.0,)],
        [(None, 1.0)],
        [(True, False)],
        [(1j, 2)],
        5.0,
        None,
        np.zeros((0, 3)).T,
    ],
)
def test_malformed_points_are_refused(points) -> None:
    locator = Locator.build([shapely.box(0, 0, 1, 1)], [0])
    for ask in (locator.locate_many, locator.locate_with_ties, locator.nearest_any):
        with pytest.raises(MalformedPoints):
            ask(points)


def test_the_first_bad_rows_are_named() -> None:
    with pytest.raises(MalformedPoints) as refusal:
        Locator.build([], []).locate_many([(0, 0), (np.nan, 0), (0, -np.inf)])
    assert refusal.value.members == {"rows": [1, 2]}
    with pytest.raises(MalformedPoints):
        Locator.build([], []).locate(np.nan, 0)


def test_no_points_and_no_faces() -> None:
    empty = Locator.build([], [])
    assert len(empty) == 0
    assert np.isnan(empty.bounds).all()
    assert empty.locate(1, 2) == -1
    assert empty.nearest_any([(1, 2)])[0].tolist() == [-1]
    assert np.isnan(empty.nearest_any([(1, 2)])[1]).all()
    assert np.isnan(empty.distance_to_border_m([(1, 2)], [-1])).all()
    assert owners_within(empty, 1, 2, 1e6) == []
    full = Locator.build([shapely.box(0, 0, 1, 1)], [0])
    for nothing in ([], np.empty((0, 2))):
        assert full.locate_many(nothing).shape == (0,)
        assert full.distance_to_border_m(nothing, []).shape == (0,)
        assert full.nearest(nothing, 30)[0].shape == (0,)


@pytest.mark.parametrize(
    ("faces", "owners"),
    [
        ([shapely.box(0, 0, 1, 1)], []),
        ([shapely.box(0, 0, 1, 1)], [1.5]),
        ([shapely.box(0, 0, 1, 1)], [-2]),
        ([shapely.Polygon()], [0]),
        ([shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])], [0]),
        ([None], [0]),
        (["POLYGON"], [0]),
    ],
)
def test_malformed_faces_are_refused(faces, owners) -> None:
    with pytest.raises(MalformedFaces):
        Locator.build(faces, owners)


def test_what_was_given_is_kept_and_can_not_be_changed() -> None:
    faces, owners = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], np.array([7, -1])
    locator = Locator.build(faces, owners)
    owners[0] = 9
    assert locator.owners.tolist() == [7, -1]
    assert locator.faces.tolist() == faces
    assert locator.bounds == (0, 0, 2, 1)
    assert len(locator) == 2
    with pytest.raises(ValueError, match="read-only"):
        locator.owners[0] = 1
