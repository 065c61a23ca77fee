"""Doubts about batches: raised where they are due, with the right rows, and silent elsewhere."""

import csv
import gzip
from datetime import UTC, datetime

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import from_lonlat, parse_crs
from geo.errors import MalformedPoints
from geo.formats import read_table
from geo.locator import Locator
from geo.suspicion import batch_doubts, edition_doubt, piles
from geo.suspicion.margin import Margin
from geo.suspicion.piles import distinct
from geo.synth import make_city, make_reports
from tests.shared_data import shared

SEEDS = st.integers(0, 2**32 - 1)
WEST, SOUTH, SIDE = 113.60, 34.70, 0.05  # about 4.6 by 5.5 km
ACROSS = 20


@pytest.fixture(scope="module")
def town():
    """A town of 400 square yards without streets."""
    step = SIDE / ACROSS
    corner = np.stack(np.meshgrid(np.arange(ACROSS), np.arange(ACROSS)), -1).reshape(-1, 2) * step
    corner += (WEST, SOUTH)
    return Locator.build(shapely.box(*corner.T, *(corner + step).T), np.arange(ACROSS**2))


def covers_of(locator):
    return lambda points: locator.locate_many(points) >= 0


def agree_of(locator, labels):
    return lambda points: locator.locate_many(points) == labels


def reports(rng, count):
    return rng.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (count, 2))


def kinds(doubts):
    return [one.kind for one in doubts]


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, count=st.integers(0, 400))
def test_scattered_reports_have_no_piles_and_raise_no_doubt(town, seed, count):
    points = reports(np.random.default_rng(seed), count)
    assert piles(points) == []
    assert batch_doubts(points, declared=parse_crs("wgs84"), covers=covers_of(town)) == []


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, share=st.floats(0.06, 0.9), scatter_m=st.sampled_from([0.0, 0.2, 1.0]))
def test_a_default_point_is_found_with_its_rows(seed, share, scatter_m):
    rng = np.random.default_rng(seed)
    points = reports(rng, 600)
    # Busy buildings among them: some six rows each, which is no default.
    points[:120] = points[rng.integers(0, 20, 120)]
    hit = np.flatnonzero(rng.random(600) < share)
    hall = np.array([113.6203, 34.7472])
    points[hit] = hall + rng.normal(0, scatter_m / 1e5, (len(hit), 2)) * (scatter_m > 0)
    found = piles(points)
    if scatter_m < 1:
        assert len(found) == 1
        assert found[0].rows.tolist() == hit.tolist()
        assert found[0].share == len(hit) / 600
        assert found[0].exact == (scatter_m == 0)
        assert abs(np.array([found[0].lon, found[0].lat]) - hall).max() < 1e-4
    assert all(np.isin(one.rows, hit).all() and one.expected * 10 <= len(one.rows) for one in found)


def test_a_place_counts_once_and_the_larger_first():
    rng = np.random.default_rng(3)
    points = reports(rng, 2000)
    points[:100], points[100:300] = (113.61, 34.71), (113.63, 34.72)
    points[300:330] = np.array([113.63, 34.72]) + rng.normal(0, 1e-6, (30, 2))
    assert [len(one.rows) for one in piles(points)] == [200, 100]
    assert piles(points, least_share=0.2) == []
    assert [len(one.rows) for one in piles(points, least_count=150)] == [200]
    everyone = piles(np.tile((113.61, 34.71), (30, 1)))
    assert [(len(one.rows), one.share, one.expected) for one in everyone] == [(30, 1.0, 0.0)]
    with pytest.raises(MalformedPoints):
        piles([(np.nan, 34.7)])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), max_size=40))
def test_distinct_places_are_those_of_unique(pairs):
    points = np.array(pairs, dtype=float).reshape(-1, 2)
    places, place, count = distinct(points)
    assert sorted(map(tuple, places.tolist())) == sorted(set(map(tuple, points.tolist())))
    assert (places[place] == points).all()
    assert count.sum() == len(points)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, system=st.sampled_from(["gcj02", "bd09"]), labelled=st.booleans())
def test_a_batch_in_another_system_is_told_with_the_system(town, seed, system, labelled):
    rng = np.random.default_rng(seed)
    true = reports(rng, 1500)
    sent = from_lonlat(true, parse_crs(system))
    agree = agree_of(town, town.locate_many(true)) if labelled else None
    doubts = batch_doubts(sent, declared=parse_crs("wgs84"), covers=covers_of(town), agree=agree)
    told = doubts[0].detail_members
    assert doubts[0].kind == "other-system"
    assert told["system"] == system
    assert told["inside"] < told["inside_then"] == 1500
    assert told["agreed_then"] == (1500 if labelled else None)
    assert told["gained"] > told["lost"]
    # Declared rightly, and the other way round: said to be shifted, but it is not.
    assert batch_doubts(sent, declared=parse_crs(system), covers=covers_of(town), agree=agree) == []
    doubts = batch_doubts(true, declared=parse_crs(system), covers=covers_of(town), agree=agree)
    assert doubts[0].detail_members["system"] == "wgs84"


def test_labels_decide_where_the_ground_says_nothing(town):
    # All reports in the middle: whichever way they are read they lie in the town.
    rng = np.random.default_rng(5)
    true = reports(rng, 400) * 0.3 + np.array([WEST + SIDE / 2, SOUTH + SIDE / 2]) * 0.7
    sent = from_lonlat(true, parse_crs("gcj02"))
    ask = {"declared": parse_crs("wgs84"), "covers": covers_of(town)}
    assert batch_doubts(sent, **ask) == []
    labels = town.locate_many(true)
    labels[rng.random(400) < 0.3] = 7  # people err, too
    doubts = batch_doubts(sent, agree=agree_of(town, labels), **ask)
    assert doubts[0].detail_members["system"] == "gcj02"
    assert doubts[0].detail_members["sigmas"] > 10


def test_one_place_can_not_outvote_a_city(town):
    # A pile that only the other reading brings inside, and everybody else is right already.
    rng = np.random.default_rng(6)
    points = reports(rng, 300)
    outside = np.array([[WEST + SIDE + 0.003, SOUTH + SIDE / 2]])
    points[:200] = outside
    doubts = batch_doubts(points, declared=parse_crs("wgs84"), covers=covers_of(town))
    assert "other-system" not in kinds(doubts)
    assert kinds(doubts) == ["default-point", "outside"]


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, share=st.floats(0.0, 1.0))
def test_exchanged_axes_are_told_row_by_row(town, seed, share):
    rng = np.random.default_rng(seed)
    points = reports(rng, 200)
    swapped = np.flatnonzero(rng.random(200) < share)
    points[swapped] = points[swapped][:, ::-1]
    doubts = batch_doubts(points, declared=parse_crs("wgs84"), covers=covers_of(town))
    assert kinds(doubts) == ["axes-swapped"] * (len(swapped) > 0)
    assert len(swapped) == 0 or doubts[0].rows.tolist() == swapped.tolist()


@pytest.mark.parametrize(("decimals", "step"), [(1, 0.1), (2, 0.01), (3, 0.001), (4, None), (6, None)])
def test_coarse_coordinates(decimals, step):
    rng = np.random.default_rng(8)
    land = Locator.build([shapely.box(110, 30, 116, 38)], [0])
    points = rng.uniform((111, 31), (115, 37), (3000, 2))
    points[::10] = np.round(points[::10], decimals)
    doubts = batch_doubts(points, declared=parse_crs("wgs84"), covers=covers_of(land))
    assert [(one.kind, one.detail_members["step"], len(one.rows)) for one in doubts] == (
        [("low-precision", step, 300)] if step else []
    )


def test_metres_are_coarse_by_hundreds(town):
    crs = parse_crs("EPSG:4547")
    sent = np.round(from_lonlat(reports(np.random.default_rng(9), 500), crs), -2)
    doubts = batch_doubts(sent, declared=crs, covers=covers_of(town))
    assert [one.detail_members["step"] for one in doubts if one.kind == "low-precision"] == [100.0]
    sent = from_lonlat(reports(np.random.default_rng(9), 500), crs)
    assert batch_doubts(sent, declared=crs, covers=covers_of(town)) == []


def test_what_is_no_place_is_left_out(town):
    points = reports(np.random.default_rng(10), 100)
    points[:4] = [(np.nan, 34.7), (np.inf, np.inf), (500.0, 34.7), (0.0, 0.0)]
    asked = []

    def covers(places):
        asked.append(np.isfinite(places).all() and len(places) == 100)
        return covers_of(town)(places)

    assert batch_doubts(points, declared=parse_crs("wgs84"), covers=covers) == []
    assert all(asked)
    assert batch_doubts([], declared=parse_crs("wgs84"), covers=covers_of(town)) == []


def test_rows_outside_are_told():
    land = Locator.build([shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)], [0])
    points = reports(np.random.default_rng(11), 500)
    points[40:70] += 3.0
    doubts = batch_doubts(points, declared=parse_crs("wgs84"), covers=covers_of(land))
    assert [(one.kind, one.rows.tolist(), one.share) for one in doubts] == [
        ("outside", list(range(40, 70)), 0.06)
    ]


def test_another_edition_is_named_where_its_labels_fit_better(town):
    rng = np.random.default_rng(12)
    points = reports(rng, 2000)
    now = town.locate_many(points)
    before = np.where(now % 20 == 3, now + 1, now)  # one column of yards was given away since
    labels = np.where(rng.random(2000) < 0.05, -5, before)
    agree = {"7": now == labels, "6": before == labels, "5": np.zeros(2000, dtype=bool)}
    doubt = edition_doubt(points, agree, used="7")
    assert doubt.detail_members["edition"] == "6"
    assert doubt.rows.tolist() == np.flatnonzero((before == labels) & (now != labels)).tolist()
    assert edition_doubt(points, agree, used="6") is None
    # Noise alone never names one: an edition that differs at random places loses as much as it gains.
    other = now.copy()
    some = rng.random(2000) < 0.2
    other[some] = rng.permutation(now[some])
    noisy = np.where(rng.random(2000) < 0.3, other, now)
    assert edition_doubt(points, {"7": now == noisy, "6": other == noisy}, used="7") is None


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, count=st.integers(1, 3000), right=st.floats(0.05, 0.95))
def test_chance_is_never_clear(seed, count, right):
    rng = np.random.default_rng(seed)
    one, other = rng.random((2, count)) < right
    margin = Margin.between(one, other, np.arange(count))
    assert not margin.is_clear
    assert margin.after - margin.before == margin.gained - margin.lost


@pytest.fixture(scope="module")
def new_york():
    with gzip.open(shared("nyc_311_animal", "nyc_311.csv.gz"), "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["lon"]]
    points = np.array([(float(row["lon"]), float(row["lat"])) for row in rows])
    table = read_table(shared("nyc_311_animal", "nyc_community_districts.geojson"))
    parts, district = shapely.get_parts(table.geometries, return_index=True)
    name = next(k for k in table.columns if k.lower() in ("boro_cd", "borocd"))
    code = np.array([int(value) for value in table.columns[name]])[district]
    labels = np.array([int(row["borocd"] or -2) for row in rows])
    locator = Locator.build(parts, district)
    return points, locator, lambda where: np.r_[code, -1][locator.locate_many(where)] == labels


def test_new_york_raises_no_doubt(new_york):
    points, locator, agree = new_york
    assert batch_doubts(points, declared=parse_crs("wgs84"), covers=covers_of(locator), agree=agree) == []
    # The busiest address of the file has 24 of 5,838 rows: no default point, but to be had by asking for less.
    busiest = piles(points, least_share=0.004)
    assert [len(one.rows) for one in busiest] == [24]


def test_new_york_with_a_failed_geocoder(new_york):
    points, locator, agree = new_york
    spoilt = points.copy()
    failed = np.random.default_rng(14).random(len(points)) < 0.14
    spoilt[failed] = (-74.0060, 40.7128)  # the city hall
    doubts = batch_doubts(spoilt, declared=parse_crs("wgs84"), covers=covers_of(locator), agree=agree)
    assert kinds(doubts) == ["default-point"]
    assert doubts[0].rows.tolist() == np.flatnonzero(failed).tolist()
    assert doubts[0].share == pytest.approx(0.14, abs=0.02)
    assert doubts[0].detail_members["expected"] < 3


def test_new_york_with_latitude_first(new_york):
    points, locator, agree = new_york
    doubts = batch_doubts(
        points[:, ::-1], declared=parse_crs("wgs84"), covers=covers_of(locator), agree=agree
    )
    assert kinds(doubts) == ["axes-swapped"]
    assert doubts[0].share > 0.999


@pytest.mark.parametrize(("decimals", "step"), [(2, 0.01), (3, 0.001)])
def test_new_york_rounded(new_york, decimals, step):
    points, locator, _ = new_york
    doubts = batch_doubts(np.round(points, decimals), declared=parse_crs("wgs84"), covers=covers_of(locator))
    coarse = [one for one in doubts if one.kind == "low-precision"]
    assert [one.detail_members["step"] for one in coarse] == [step]
    assert coarse[0].share > 0.95
    assert "default-point" not in kinds(doubts)  # many reports on few round places are no pile


@pytest.mark.parametrize("system", ["gcj02", "bd09", "cgcs2000"])
def test_new_york_is_not_shifted_whatever_is_declared(new_york, system):
    points, locator, agree = new_york
    assert batch_doubts(points, declared=parse_crs(system), covers=covers_of(locator), agree=agree) == []


def test_new_york_by_a_map_that_was_redrawn_since(new_york):
    points, locator, agree = new_york
    old = agree(points)
    # Since then one district went to its neighbour: its reports no longer agree.
    moved = locator.locate_many(points) == locator.locate_many(points[:1])[0]
    doubt = edition_doubt(points, {"2": old & ~moved, "1": old}, used="2")
    assert doubt.detail_members["edition"] == "1"
    assert doubt.rows.tolist() == np.flatnonzero(old & moved).tolist()
    assert edition_doubt(points, {"2": old & ~moved, "1": old}, used="1") is None


def test_jiangning_reports_read_as_the_wrong_system():
    folder = "cn_nanjing_jiangning_streets"
    table = read_table(shared(folder, "jiedao_original.geojson"))
    parts, street = shapely.get_parts(table.geometries, return_index=True)
    locator = Locator.build(parts, street)
    rng = np.random.default_rng(15)
    west, south, east, north = locator.bounds
    true = rng.uniform((west, south), (east, north), (40_000, 2))
    true = true[locator.locate_many(true) >= 0]
    labels = locator.locate_many(true)
    ask = {"covers": covers_of(locator), "agree": agree_of(locator, labels)}
    for system in ("gcj02", "bd09"):
        sent = from_lonlat(true, parse_crs(system))
        doubts = batch_doubts(sent, declared=parse_crs("cgcs2000"), **ask)
        assert (doubts[0].kind, doubts[0].detail_members["system"]) == ("other-system", system)
        assert batch_doubts(sent, declared=parse_crs(system), **ask) == []
    assert batch_doubts(true, declared=parse_crs("cgcs2000"), **ask) == []


def test_a_demo_city_in_degrees_that_fit_both_ways_is_left_alone():
    faces = [one.geometry for one in make_city(yards=300, buildings=False).layers["community"]]
    locator = Locator.build(faces, np.arange(len(faces)))
    west, south, east, north = locator.bounds
    points = np.random.default_rng(16).uniform((west, south), (east, north), (4000, 2))
    doubts = batch_doubts(points, declared=parse_crs("wgs84"), covers=covers_of(locator))
    assert set(kinds(doubts)) <= {
        "outside"
    }  # the corners of the box lie outside, whichever way they are read


def test_the_default_point_planted_in_the_demo_reports_is_the_only_pile():
    city = make_city(yards=300, buildings=False)
    made = make_reports(city, 8000, until=datetime(2026, 11, 1, tzinfo=UTC))
    (found,) = piles(np.column_stack([made.x, made.y]))
    assert found.rows.tolist() == np.flatnonzero(made.origin == "default").tolist()
