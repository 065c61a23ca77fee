"""Distances to borders, nearest faces and owners in reach, against exact rational arithmetic."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import MalformedPoints
from geo.locator import Locator
from geo.measure import metres_per_degree
from tests.oracles.coverages import Coverage, awkward_points, coverages, squared_m2
from tests.oracles.maps import sheet
from tests.oracles.reach import owners_within

SEEDS = st.integers(0, 2**32 - 1)
NANOMETRES = 1e-8  # what doubles at 114° leave of a millimetre


def scale_at(lat: float) -> tuple[float, float]:
    m_lon, m_lat = metres_per_degree(np.array([lat]))
    return float(m_lon[0]), float(m_lat[0])


def metres_to_faces(coverage: Coverage, lon: float, lat: float) -> list[float]:
    """Distance from a point to each face, 0.0 where it is covered."""
    return [
        0.0 if shapely.intersects_xy(face, lon, lat) else math.sqrt(squared_m2(face, lon, lat, scale_at(lat)))
        for face in coverage.fresh()
    ]


@settings(max_examples=25, deadline=None)
@given(coverages(max_faces=14), SEEDS)
def test_distance_to_the_border_of_the_owners_ground(coverage: Coverage, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = awkward_points(coverage.faces, rng, 3)
    locator = Locator.build(coverage.faces, coverage.owners)
    answered = locator.locate_many(points)
    anyone = rng.integers(-1, len(coverage.faces), len(points))
    for faces in (answered, anyone):
        metres = locator.distance_to_border_m(points, faces)
        for (lon, lat), face, found in zip(points.tolist(), faces.tolist(), metres.tolist(), strict=True):
            if face == -1:
                assert math.isnan(found)
                continue
            ground = coverage.ground(coverage.owners[face])
            square = squared_m2(ground, lon, lat, scale_at(lat))
            assert found == pytest.approx(math.sqrt(square), rel=1e-9, abs=NANOMETRES)
            assert (found == 0.0) == (square == 0)


@settings(max_examples=25, deadline=None)
@given(coverages(max_faces=14), SEEDS)
def test_nearest_face(coverage: Coverage, seed: int) -> None:
    points = awkward_points(coverage.faces, np.random.default_rng(seed), 3)
    locator = Locator.build(coverage.faces, coverage.owners)
    face, metres = locator.nearest_any(points)
    within, metres_within = locator.nearest(points, 30.0)
    for i, (lon, lat) in enumerate(points.tolist()):
        exact = metres_to_faces(coverage, lon, lat)
        assert metres[i] == pytest.approx(min(exact), rel=1e-9, abs=NANOMETRES)
        assert face[i] == exact.index(min(exact)) or abs(exact[face[i]] - min(exact)) < NANOMETRES
        assert (metres[i] == 0.0) == (min(exact) == 0.0)
        if metres[i] <= 30:
            assert (within[i], metres_within[i]) == (face[i], metres[i])
        else:
            assert within[i] == -1
            assert math.isnan(metres_within[i])


@settings(max_examples=25, deadline=None)
@given(coverages(max_faces=14), SEEDS, st.sampled_from([0.0, 5.0, 60.0, 1e4]))
def test_owners_in_reach(coverage: Coverage, seed: int, radius: float) -> None:
    locator = Locator.build(coverage.faces, coverage.owners)
    for lon, lat in awkward_points(coverage.faces, np.random.default_rng(seed), 1).tolist():
        exact: dict[int, float] = {}
        for owner, d in zip(coverage.owners.tolist(), metres_to_faces(coverage, lon, lat), strict=True):
            exact[owner] = min(d, exact.get(owner, math.inf))
        exact.pop(-1, None)
        found = owners_within(locator, lon, lat, radius)
        assert dict(found) == pytest.approx(
            {owner: d for owner, d in exact.items() if d <= radius}, rel=1e-9, abs=NANOMETRES
        )
        assert [d for _, d in found] == sorted(d for _, d in found)
        answer = locator.locate(lon, lat)
        if answer >= 0 and coverage.owners[answer] >= 0:
            assert found[0] == (coverage.owners[answer], 0.0)


@settings(max_examples=30, deadline=None)
@given(coverages(), SEEDS)
def test_one_point_gives_the_same_bits_as_many(coverage: Coverage, seed: int) -> None:
    points = awkward_points(coverage.faces, np.random.default_rng(seed), 15)
    locator = Locator.build(coverage.faces, coverage.owners)
    faces, nearest, metres = locator.locate_many(points), *locator.nearest_any(points)
    border = locator.distance_to_border_m(points, faces)
    for i, point in enumerate(points):
        one = locator.nearest_any(point[None])
        assert (one[0][0], one[1].tobytes()) == (nearest[i], metres[i].tobytes())
        assert locator.distance_to_border_m(point[None], faces[i : i + 1]).tobytes() == border[i].tobytes()


def test_the_same_town_in_any_cut_gives_the_same_bits() -> None:
    yards = sheet(40, 40, pieces=3, seed=4).yards
    locator = Locator.build(yards, np.arange(len(yards)) // 9)
    points = awkward_points(yards, np.random.default_rng(6), 3000)
    faces = locator.locate_many(points)
    whole = locator.distance_to_border_m(points, faces)
    parts = [locator.distance_to_border_m(points[i::7], faces[i::7]) for i in range(7)]
    for i, part in enumerate(parts):
        assert part.tobytes() == whole[i::7].tobytes()


def test_large_grounds_are_searched_exactly() -> None:
    # Three owners of a thousand yards each: borders long enough for several levels of boxes.
    yards = sheet(55, 55, pieces=5, seed=8).yards
    owners = np.arange(len(yards)) // 1009
    locator = Locator.build(yards, owners)
    assert len(locator.grounds.borders.levels) > 1
    points = awkward_points(yards, np.random.default_rng(9), 60)
    faces = locator.locate_many(points)
    metres = locator.distance_to_border_m(points, faces)
    outlines = [shapely.coverage_union_all(yards[owners == owner]) for owner in range(3)]
    m_lon, m_lat = metres_per_degree(points[:, 1])
    for i in np.flatnonzero(faces >= 0):
        scaled = shapely.transform(
            outlines[owners[faces[i]]].boundary, lambda c, i=i: (c - points[i]) * (m_lon[i], m_lat[i])
        )
        assert metres[i] == pytest.approx(shapely.Point(0, 0).distance(scaled), rel=1e-9, abs=1e-7)


def test_lines_between_faces_of_one_owner_are_no_border() -> None:
    halves = [shapely.box(0, 0, 0.001, 0.002), shapely.box(0.001, 0, 0.002, 0.002)]
    m_lon, m_lat = scale_at(0.001)
    middle = [(0.001, 0.001)]
    assert Locator.build(halves, [4, 4]).distance_to_border_m(middle, [0])[0] == pytest.approx(
        0.001 * min(m_lon, m_lat)
    )
    assert Locator.build(halves, [4, 5]).distance_to_border_m(middle, [0])[0] == 0.0
    assert Locator.build(halves, [4, -1]).distance_to_border_m(middle, [0])[0] == 0.0


def test_beside_a_border_is_not_on_it() -> None:
    locator = Locator.build([shapely.box(113, 34, 113.5, 34.5)], [0])
    for lon in (np.nextafter(113, 0), np.nextafter(113, 180)):
        assert 0 < locator.distance_to_border_m([(lon, 34.2)], [0])[0] < 1e-8
    assert locator.distance_to_border_m([(113, 34.2)], [0])[0] == 0.0
    assert locator.distance_to_border_m([(113, 34)], [0])[0] == 0.0
    # So near to a long slanted border that plain floating point sees no difference.
    triangle = Locator.build([shapely.Polygon([(-50, -25), (50, 25), (0, 60)])], [0])
    metres = triangle.distance_to_border_m([(0, 0), (1e-30, 0), (0, 1e-30)], [0, 0, 0])
    assert (metres == 0).tolist() == [True, False, False]


def test_on_a_slanted_border_exactly_and_beside_it() -> None:
    # Small whole multiples of 2**-30 are exact, so that many points lie exactly on slanted edges.
    rng = np.random.default_rng(12)
    on_border = 0
    for _ in range(150):
        corner = np.array([113.5, 34.5]) + rng.integers(0, 2**20, 2) * 2.0**-30
        step = rng.integers(-999, 1000, 2) * 2.0**-30
        if (step == 0).any():
            continue
        end = corner + step * 1000
        triangle = shapely.Polygon([corner, end, corner + np.array([-step[1], step[0]]) * 500])
        points = np.concatenate(
            [
                corner + np.outer(rng.integers(1, 1000, 10), step),
                (corner + (end - corner) * rng.random((10, 1))),
            ]
        )
        points = np.concatenate([points, np.nextafter(points, [[200, 90]])])
        metres = Locator.build([triangle], [0]).distance_to_border_m(points, np.zeros(40, dtype=int))
        exact = [squared_m2(triangle, *point, (1.0, 1.0)) == 0 for point in points.tolist()]
        assert (metres == 0).tolist() == exact
        on_border += sum(exact)
    assert on_border > 1000


def test_a_face_over_the_middle_of_a_clean_map_is_noticed() -> None:
    # None of the borders under it touches the rim.
    yards = sheet(6, 6, seed=2).yards
    middle = yards[14].exterior.coords[8]
    plate = shapely.Point(middle).buffer(0.0003, quad_segs=2)
    locator = Locator.build([plate, *yards], np.arange(37))
    beside = shapely.get_coordinates(shapely.Point(middle).buffer(0.00031, quad_segs=2))
    faces = locator.locate_many(beside)
    assert (faces > 0).all()
    metres = locator.distance_to_border_m(beside, faces)
    assert (metres < 1.2).all()


def test_ground_wholly_under_an_earlier_face_is_no_ground() -> None:
    yards = sheet(5, 5, seed=2).yards
    centre = yards[12]
    locator = Locator.build([centre, *np.delete(yards, 12), centre], np.arange(26))
    lon, lat = shapely.get_coordinates(centre.representative_point())[0]
    reached = dict(owners_within(locator, lon, lat, 500))
    assert 25 not in reached
    assert set(reached) == set(range(25))
    assert locator.locate(lon, lat) == 0


def test_nearest_at_a_common_corner_is_the_first_face() -> None:
    # The second face touches the rim at one point only, where all three meet.
    notch = [
        shapely.Polygon([(0, 0), (2, 0), (1, 1), (0, 2)]),
        shapely.Polygon([(0, 2), (1, 1), (2, 2)]),
        shapely.Polygon([(2, 0), (3, 0), (3, 2), (2, 2), (1.5, 1.5), (2.5, 1)]),
    ]
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        locator = Locator.build([notch[i] for i in order], [0, 1, 2])
        point = (1.0005, 1.0)
        exact = [squared_m2(notch[i], *point, scale_at(point[1])) for i in order]
        assert locator.nearest_any([point])[0][0] == exact.index(min(exact))
    fan = [shapely.Polygon([(0, 0), (-1, y), (-1, y + 1)]) for y in (1, -2, 0, -1)]
    assert Locator.build(fan, [0, 1, 2, 3]).nearest_any([(0.001, 0)])[0].tolist() == [0]


def test_far_away_and_at_the_poles() -> None:
    locator = Locator.build(sheet(30, 30, seed=1).yards, np.arange(900))
    face, metres = locator.nearest_any([(-60, -30), (0, 90), (0, -90), (400, 95)])
    assert (face >= 0).all()
    assert (metres > 1000).all()


def test_owners_in_order_of_precedence_at_equal_distance() -> None:
    squares = [shapely.box(x, y, x + 1, y + 1) for y in (0, 1) for x in (0, 1)]
    locator = Locator.build(squares, [30, 20, -1, 10])
    assert owners_within(locator, 1, 1, 10) == [(30, 0.0), (20, 0.0), (10, 0.0)]
    # Owner 7 has the first face of all, but on this border face 1 answers.
    locator = Locator.build([shapely.box(5, 5, 6, 6), *squares[:2]], [8, 7, 8])
    assert owners_within(locator, 1, 0.5, 10) == [(7, 0.0), (8, 0.0)]


def test_an_overlap_is_the_ground_of_its_first_face() -> None:
    first, later = shapely.box(0, 0, 0.002, 0.002), shapely.box(0.001, 0, 0.003, 0.002)
    locator = Locator.build([first, later, shapely.box(0.01, 0, 0.011, 0.001)], [1, 2, 3])
    m_lon, _ = scale_at(0.001)
    points = [(0.0021, 0.001), (0.0015, 0.001), (0.0025, 0.001)]
    faces = locator.locate_many(points)
    assert faces.tolist() == [1, 0, 1]
    metres = locator.distance_to_border_m(points, faces)
    assert metres == pytest.approx([0.0001 * m_lon, 0.0005 * m_lon, 0.0005 * m_lon], rel=1e-3)
    reached = owners_within(locator, 0.0015, 0.001, 60)
    assert reached == [(1, 0.0), (2, pytest.approx(0.0005 * m_lon))]
    assert owners_within(locator, 0.002, 0.001, 1) == [(1, 0.0), (2, 0.0)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 4), min_size=1, max_size=8), SEEDS)
def test_any_heap_of_rectangles_answers_by_order(corners, seed: int) -> None:
    faces = [shapely.box(x / 1e3, y / 1e3, (x + w + 1) / 1e3, (y + h + 1) / 1e3) for x, y, w, h in corners]
    rng = np.random.default_rng(seed)
    owners = rng.integers(0, 3, len(faces))
    locator = Locator.build(faces, owners)
    points = np.concatenate([rng.integers(0, 26, (20, 2)) / 1e3, rng.uniform(0, 0.026, (20, 2))])
    covered = np.array([shapely.intersects_xy(f, points[:, 0], points[:, 1]) for f in faces])
    face = locator.locate_many(points)
    assert face.tolist() == np.where(covered.any(axis=0), covered.argmax(axis=0), -1).tolist()
    metres = locator.distance_to_border_m(points, face)
    for owner in np.unique(owners):
        ground, earlier = shapely.Polygon(), shapely.Polygon()
        for polygon, answer in zip(faces, owners, strict=True):
            if answer == owner:
                ground = ground | (polygon - earlier)
            else:
                earlier = earlier | polygon
        for i in np.flatnonzero((face >= 0) & (owners[face] == owner)):
            square = squared_m2(ground, *points[i].tolist(), scale_at(points[i, 1]))
            assert metres[i] == pytest.approx(math.sqrt(square), rel=1e-6, abs=1e-6)


def test_a_face_that_crosses_itself_is_no_obstacle() -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    locator = Locator.build([bow, shapely.box(1, 0, 3, 2)], [0, 1])
    points = [(0.2, 1), (1.8, 1), (1.2, 1.6), (2.5, 1)]
    assert locator.locate_many(points).tolist() == [0, 0, 1, 1]
    assert (locator.distance_to_border_m(points, [0, 0, 1, 1]) > 0).all()


@pytest.mark.parametrize("faces", [[0, 1], [0.5], [-2], [1], ["a"]])
def test_faces_must_fit_the_points(faces) -> None:
    with pytest.raises(MalformedPoints):
        Locator.build([shapely.box(0, 0, 1, 1)], [0]).distance_to_border_m([(0.5, 0.5)], faces)
