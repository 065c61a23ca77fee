"""Shares of an error circle against closed formulas and sampling."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from geo.confidence import ANDROID_QUANTILE, Share, shares, shares_many
from geo.errors import MalformedAccuracy, MalformedPoints
from geo.locator import Locator
from geo.measure import metres_per_degree
from tests.oracles.coverages import Coverage, awkward_points, coverages
from tests.oracles.reach import owners_within

SEEDS = st.integers(0, 2**32 - 1)
SAMPLES = 50_000
LON, LAT = 113.62, 34.74
M_LON, M_LAT = (float(m) for m in metres_per_degree(LAT))


def sigma_of(accuracy: float, quantile: float = ANDROID_QUANTILE) -> float:
    """By the definition: the circle of this radius holds this part of a circular normal."""
    return accuracy / math.sqrt(-2 * math.log(1 - quantile))


def sampled(coverage: Coverage, lon: float, lat: float, accuracy: float) -> dict[int, float]:
    """Shares by throwing places at the map."""
    m_lon, m_lat = (float(m) for m in metres_per_degree(lat))
    offsets = np.random.default_rng(11).normal(0, sigma_of(accuracy), (SAMPLES, 2))
    places = shapely.points(offsets / [m_lon, m_lat] + [lon, lat])
    place, face = shapely.STRtree(coverage.faces).query(places, predicate="intersects")
    first = np.full(SAMPLES, len(coverage.faces))
    np.minimum.at(first, place, face)
    owner = np.r_[coverage.owners, -1][first]
    names, count = np.unique(owner, return_counts=True)
    return dict(zip(names.tolist(), (count / SAMPLES).tolist(), strict=True))


def quadrants() -> list[shapely.Polygon]:
    """Four squares that meet at (LON, LAT)."""
    return [
        shapely.box(min(LON, LON + x), min(LAT, LAT + y), max(LON, LON + x), max(LAT, LAT + y))
        for y in (0.1, -0.1)
        for x in (0.1, -0.1)
    ]


def halves() -> Locator:
    """West of LON owner 7, east of it owner 8."""
    west = shapely.box(LON - 0.1, LAT - 0.1, LON, LAT + 0.1)
    return Locator.build([west, shapely.box(LON, LAT - 0.1, LON + 0.1, LAT + 0.1)], [7, 8])


def test_straight_border_at_12_metres_with_an_accuracy_of_10() -> None:
    told = shares(halves(), LON - 12.3 / M_LON, LAT, 10.0)
    assert [(s.owner, round(s.share, 2), round(s.distance_m, 6)) for s in told] == [
        (7, 0.97, 0.0),
        (8, 0.03, 12.3),
    ]


@pytest.mark.parametrize("accuracy", [3.0, 10.0, 50.0, 500.0])
@pytest.mark.parametrize("off", [-12.3, -1e-3, 1e-8, 0.7, 40.0])
@pytest.mark.parametrize("quantile", [0.68, 0.95])
def test_straight_border_is_the_normal_law(accuracy: float, off: float, quantile: float) -> None:
    told = shares(halves(), LON + off / M_LON, LAT, accuracy, quantile)
    sigmas = off / sigma_of(accuracy, quantile)
    exact = {7: norm.cdf(-sigmas), 8: norm.cdf(sigmas)}
    assert {s.owner: s.share for s in told} == pytest.approx(
        {owner: exact[owner] for owner in {s.owner for s in told}}, abs=1e-5
    )
    assert all(owner in {s.owner for s in told} for owner, share in exact.items() if share > 0.006)


def test_exactly_on_borders_and_corners_by_symmetry() -> None:
    locator = Locator.build(quadrants(), [0, 1, 2, 3])
    assert [s.share for s in shares(locator, LON, LAT, 10)] == pytest.approx([0.25] * 4, abs=1e-9)
    assert [s.share for s in shares(locator, LON, LAT + 0.05, 10)] == pytest.approx([0.5] * 2, abs=1e-9)
    # One ulp aside nothing jumps.
    for lon in (np.nextafter(LON, 0), np.nextafter(LON, 180)):
        assert [s.share for s in shares(locator, lon, LAT, 10)] == pytest.approx([0.25] * 4, abs=1e-6)
    # The outer corner: three quarters lie outside.
    corner = shares(locator, LON + 0.1, LAT + 0.1, 10)
    assert [(s.owner, s.distance_m) for s in corner] == [(-1, 0.0), (0, 0.0)]
    assert [s.share for s in corner] == pytest.approx([0.75, 0.25], abs=1e-9)


def test_the_circle_of_the_accuracy_holds_68_percent() -> None:
    angles = np.linspace(0, 2 * np.pi, 721)[:-1]
    circle = np.column_stack([np.cos(angles) / M_LON, np.sin(angles) / M_LAT])
    disc = shapely.Polygon([LON, LAT] + 25 * circle)
    ground = shapely.box(LON - 0.1, LAT - 0.1, LON + 0.1, LAT + 0.1) - disc
    told = shares(Locator.build([disc, ground], [1, 2]), LON, LAT, 25.0)
    assert told[0].share == pytest.approx(0.68, abs=1e-4)
    assert told[1].share == pytest.approx(0.32, abs=1e-4)
    told = shares(Locator.build([disc, ground], [1, 2]), LON, LAT, 25.0, quantile=0.95)
    assert told[0].share == pytest.approx(0.95, abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(coverages(max_faces=16), SEEDS, st.sampled_from([2.0, 10.0, 40.0]))
def test_shares_are_what_sampling_finds(coverage: Coverage, seed: int, accuracy: float) -> None:
    rng = np.random.default_rng(seed)
    points = awkward_points(coverage.faces, rng, 2)
    lon, lat = points[rng.integers(len(points))].tolist()
    told = shares(Locator.build(coverage.faces, coverage.owners), lon, lat, accuracy)
    expected = sampled(coverage, lon, lat, accuracy)
    for share in told:
        assert share.share == pytest.approx(expected.pop(share.owner, 0.0), abs=0.012)
    assert all(rest < 0.006 for rest in expected.values())  # nothing that matters is left out


@settings(max_examples=25, deadline=None)
@given(coverages(max_faces=16), SEEDS, st.floats(0.01, 300))
def test_shares_add_up_and_one_is_as_many(coverage: Coverage, seed: int, accuracy: float) -> None:
    points = awkward_points(coverage.faces, np.random.default_rng(seed), 4)
    locator = Locator.build(coverage.faces, coverage.owners)
    table = shares_many(locator, points, accuracy)
    grounds = len(np.unique(coverage.owners)) + 1
    for i, (lon, lat) in enumerate(points.tolist()):
        told = table[i]
        assert told == shares(locator, lon, lat, accuracy)
        total = sum(s.share for s in told)
        assert 1 - 0.005 * (grounds - len(told)) - 1e-4 < total < 1 + 1e-4
        assert told == sorted(told, key=lambda s: (-s.share, s.distance_m))
        reached = {owner for owner, _ in owners_within(locator, lon, lat, accuracy)}
        assert reached == {s.owner for s in told if s.distance_m <= accuracy} - {-1}
        distances = dict(owners_within(locator, lon, lat, 1e6))
        # The same edges measured along another way: equal to a millionth of a millimetre.
        assert all(abs(s.distance_m - distances[s.owner]) < 1e-9 for s in told if s.owner >= 0)


def test_ground_without_a_grid_is_one_line() -> None:
    # A gap of its own and the outside, both in reach, are told together.
    faces = [shapely.box(0, 0, 0.001, 0.001), shapely.box(0.001, 0, 0.0011, 0.001)]
    told = shares(Locator.build(faces, [5, -1]), 0.0009, 0.0005, 30.0)
    assert [s.owner for s in told] == [5, -1]
    assert sum(s.share for s in told) == pytest.approx(1, abs=1e-5)
    assert told[1].distance_m == pytest.approx(0.0001 * float(metres_per_degree(0.0005)[0]))
    assert shares(Locator.build(faces, [5, -1]), 0.00105, 0.0005, 1.0) == [Share(-1, pytest.approx(1.0), 0.0)]


def test_an_overlap_counts_for_its_first_face() -> None:
    faces = [shapely.box(0, 0, 0.002, 0.002), shapely.box(0.001, 0, 0.003, 0.002)]
    told = shares(Locator.build(faces, [1, 2]), 0.0018, 0.001, 20.0)
    assert {s.owner: s.share for s in told} == pytest.approx(
        sampled(Coverage(np.array(faces), np.array([1, 2])), 0.0018, 0.001, 20.0), abs=0.005
    )


def test_who_is_in_reach_is_told_even_without_a_share() -> None:
    # A speck 9 m away holds nearly nothing, but lies within the accuracy.
    speck = shapely.box(LON + 9 / M_LON, LAT, LON + 9.01 / M_LON, LAT + 1e-7)
    ground = shapely.box(LON - 0.1, LAT - 0.1, LON + 0.1, LAT + 0.1) - speck
    told = shares(Locator.build([speck, ground], [3, 4]), LON, LAT + 5e-8, 10.0)
    assert [s.owner for s in told] == [4, 3]
    assert told[1].share < 1e-4
    assert told[1].distance_m == pytest.approx(9, abs=1e-6)


def test_accuracies_that_are_not_known() -> None:
    locator = halves()
    points = [(LON - 1e-4, LAT), (LON, LAT), (LON + 1e-4, LAT), (0.0, 0.0)]
    table = shares_many(locator, points, [10.0, np.nan, 0.0, 10.0])
    assert [len(table[i]) for i in range(len(table))] == [2, 0, 0, 1]
    assert table[-1] == table[3] == [Share(-1, 1.0, 0.0)]
    confidence = table.of([7, 7, 8, 8])
    assert confidence[0] == table[0][0].share
    assert np.isnan(confidence[1:3]).all()
    assert confidence[3] == 0.0
    with pytest.raises(IndexError):
        table[4]


@pytest.mark.parametrize("accuracy", [-1.0, np.inf, [1.0, 2.0], "far", [[1.0], [2.0]]])
def test_malformed_accuracies_are_refused(accuracy) -> None:
    with pytest.raises(MalformedAccuracy):
        shares_many(halves(), [(LON, LAT)] * 3, accuracy)


@pytest.mark.parametrize("quantile", [0.0, 1.0, -1, np.nan])
def test_impossible_quantiles_are_refused(quantile) -> None:
    with pytest.raises(MalformedAccuracy):
        shares(halves(), LON, LAT, 10.0, quantile)


def test_malformed_points_are_refused() -> None:
    with pytest.raises(MalformedPoints):
        shares(halves(), np.nan, LAT, 10.0)


def test_no_faces_and_no_points() -> None:
    assert shares(Locator.build([], []), LON, LAT, 10.0) == [Share(-1, 1.0, 0.0)]
    assert len(shares_many(halves(), [], [])) == 0


def test_stated_confidence_is_observed_confidence() -> None:
    """Report places with a known error law; the answer must be right as often as it says."""
    rng = np.random.default_rng(17)
    side = 25 / M_LON
    squares = [
        shapely.box(LON + x * side, LAT + y * side, LON + (x + 1) * side, LAT + (y + 1) * side)
        for y in range(30)
        for x in range(30)
    ]
    locator = Locator.build(squares, np.arange(900))
    truth = rng.uniform([LON + 4 * side, LAT + 4 * side], [LON + 26 * side, LAT + 26 * side], (30_000, 2))
    reported = truth + rng.normal(0, sigma_of(12.0), truth.shape) / [M_LON, M_LAT]
    answer, right = locator.locate_many(reported), locator.locate_many(truth)
    stated = shares_many(locator, reported, 12.0).of(answer)
    bins = np.digitize(stated, np.quantile(stated, np.linspace(0.1, 0.9, 9)))
    for decile in range(10):
        mine = bins == decile
        assert (answer == right)[mine].mean() == pytest.approx(stated[mine].mean(), abs=0.03)
