"""Coordinate systems: against PRCoords and pyproj, back and forth, alone and in batches."""

import contextlib
import math
import time

import numpy as np
import prcoords
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import chinashift
from geo.crs import (
    CGCS2000,
    WGS84,
    check_points,
    from_lonlat,
    geometries_to_lonlat,
    is_ballpark,
    parse_crs,
    to_lonlat,
    to_lonlat_one,
    usable,
)
from geo.errors import MalformedPoints, UnknownCrs

METRES_PER_DEGREE = 111_320
# Well inside the mainland, so that no shift leaves the outline.
INLAND = {"min_value": 100.0, "max_value": 115.0}, {"min_value": 26.0, "max_value": 38.0}


def mainland_points(count: int) -> np.ndarray:
    random = np.random.default_rng(20260101)
    points = np.column_stack([random.uniform(74, 134, count), random.uniform(18, 53, count)])
    return points[chinashift.is_shifted(points[:, 0], points[:, 1])]


@pytest.mark.parametrize(
    ("key", "oracle"), [("gcj02", prcoords.wgs_gcj), ("bd09", lambda p: prcoords.gcj_bd(prcoords.wgs_gcj(p)))]
)
def test_forward_shift_equals_prcoords(key, oracle):
    points = mainland_points(3000)
    ours = from_lonlat(points, parse_crs(key))
    theirs = np.array([oracle(prcoords.Coords(lat, lon)) for lon, lat in points.tolist()])[:, ::-1]
    assert np.abs(ours - theirs).max() * METRES_PER_DEGREE < 1e-6


@pytest.mark.parametrize("key", ["gcj02", "bd09"])
def test_inverse_brings_every_mainland_point_back(key):
    points = mainland_points(100_000)
    crs = parse_crs(key)
    back = to_lonlat(from_lonlat(points, crs), crs)
    assert np.abs(back - points).max() * METRES_PER_DEGREE < 1e-4


def test_shift_is_the_known_size_at_known_cities():
    # Distances of the field notes: Zhengzhou 568 m to GCJ-02, Guangzhou 621 m.
    cities = np.array([[113.62, 34.75], [113.26, 23.13]])
    moved = from_lonlat(cities, parse_crs("gcj02"))
    _, _, metres = pyproj.Geod(ellps="GRS80").inv(*cities.T, *moved.T)
    assert metres == pytest.approx([568, 621], abs=5)


@pytest.mark.parametrize(
    ("place", "shifted"),
    [
        ((114.16, 22.28), False),  # Hong Kong
        ((113.54, 22.19), False),  # Macau
        ((121.56, 25.04), False),  # Taipei
        ((126.98, 37.57), False),  # Seoul
        ((106.90, 47.90), False),  # Ulaanbaatar
        ((105.85, 21.03), False),  # Hanoi
        ((131.90, 43.10), False),  # Vladivostok
        ((-73.97, 40.78), False),  # New York
        ((114.067, 22.515), True),  # Shenzhen, at the river
        ((113.548, 22.219), True),  # Zhuhai, at the gate
        ((118.10, 24.48), True),  # Xiamen
        ((109.50, 18.25), True),  # Sanya
        ((122.20, 30.00), True),  # Zhoushan
        ((122.50, 53.50), True),  # Mohe
        ((134.30, 48.37), True),  # Fuyuan
        ((75.23, 37.77), True),  # Tashkurgan
        ((103.96, 22.53), True),  # Hekou
        ((124.39, 40.13), True),  # Dandong
        ((87.60, 43.80), True),  # Urumqi
    ],
)
def test_the_shift_is_applied_in_mainland_china_only(place, shifted):
    for key in ("gcj02", "bd09"):
        moved = from_lonlat(np.array([place]), parse_crs(key))
        assert (moved[0].tolist() != list(place)) is shifted


@pytest.mark.parametrize(
    "text", ["wgs84", "gcj02", "bd09", "EPSG:4547", "EPSG:4526", "EPSG:32650", "EPSG:4610", "EPSG:3857"]
)
def test_one_point_equals_the_batch_bit_for_bit(text):
    crs = parse_crs(text)
    random = np.random.default_rng(7)
    points = np.column_stack([random.uniform(60, 150, 500), random.uniform(-5, 60, 500)])
    declared = from_lonlat(points, crs)
    batch = to_lonlat(declared, crs)
    alone = [to_lonlat_one(x, y, crs) for x, y in declared.tolist()]
    assert np.array(alone).tobytes() == batch.tobytes()


@given(st.floats(-180, 180), st.floats(-90, 90), st.sampled_from(["gcj02", "bd09"]))
def test_one_point_anywhere_equals_the_batch(lon, lat, key):
    crs = parse_crs(key)
    batch = to_lonlat(np.array([[lon, lat]]), crs)[0]
    if usable(batch[None])[0]:
        assert to_lonlat_one(lon, lat, crs) == tuple(batch)


@given(st.floats(**INLAND[0]), st.floats(**INLAND[1]), st.sampled_from(["EPSG:4526", "EPSG:4547", "bd09"]))
def test_there_and_back(lon, lat, text):
    crs = parse_crs(text)
    x, y = from_lonlat(np.array([[lon, lat]]), crs)[0].tolist()
    back_lon, back_lat = to_lonlat_one(x, y, crs)
    assert math.hypot(back_lon - lon, back_lat - lat) * METRES_PER_DEGREE < 1e-4


def test_wgs84_and_cgcs2000_are_the_same_numbers():
    points = np.random.default_rng(1).uniform(-90, 90, (100, 2))
    for text in ("wgs84", "CGCS2000", "EPSG:4326", "epsg:4490", "urn:ogc:def:crs:OGC:1.3:CRS84"):
        assert to_lonlat(points, parse_crs(text)).tobytes() == points.tobytes()


@pytest.mark.parametrize("zone", range(25, 46))
def test_gauss_krueger_three_degrees_with_and_without_zone_prefix(zone):
    place = np.array([[zone * 3 + 0.7, 34.5]])
    prefixed, plain = parse_crs(f"EPSG:{4513 + zone - 25}"), parse_crs(f"EPSG:{4534 + zone - 25}")
    with_zone, without = from_lonlat(place, prefixed)[0], from_lonlat(place, plain)[0]
    assert with_zone[0] - without[0] == pytest.approx(zone * 1e6, abs=1e-6)
    assert 500_000 < without[0] < 600_000 < 3_800_000 < without[1] < 3_850_000
    for crs, projected in ((prefixed, with_zone), (plain, without)):
        assert to_lonlat(projected[None], crs) == pytest.approx(place, abs=1e-10)
        assert not is_ballpark(crs)


@pytest.mark.parametrize("zone", range(13, 24))
def test_gauss_krueger_six_degrees(zone):
    place = np.array([[zone * 6 - 3 + 1.2, 40.0]])
    with_zone = from_lonlat(place, parse_crs(f"EPSG:{4491 + zone - 13}"))[0]
    without = from_lonlat(place, parse_crs(f"EPSG:{4502 + zone - 13}"))[0]
    assert with_zone[0] - without[0] == pytest.approx(zone * 1e6, abs=1e-6)
    assert with_zone[1] == without[1]


def test_projection_against_an_independent_formula():
    # Footpoint series of the transverse Mercator (Krüger 1912, four terms of n), written here anew.
    a, f = 6378137.0, 1 / 298.257222101
    n = f / (2 - f)
    lon, lat = math.radians(1.1), math.radians(31.7)
    sphere = math.sinh(
        math.atanh(math.sin(lat))
        - 2 * math.sqrt(n) / (1 + n) * math.atanh(2 * math.sqrt(n) / (1 + n) * math.sin(lat))
    )
    xi, eta = math.atan2(sphere, math.cos(lon)), math.asinh(math.sin(lon) / math.hypot(sphere, math.cos(lon)))
    alpha = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16 + 41 * n**4 / 180,
        13 * n**2 / 48 - 3 * n**3 / 5 + 557 * n**4 / 1440,
        61 * n**3 / 240 - 103 * n**4 / 140,
        49561 * n**4 / 161280,
    )
    radius = a / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    east = radius * (
        eta + sum(k * math.cos(2 * j * xi) * math.sinh(2 * j * eta) for j, k in enumerate(alpha, 1))
    )
    north = radius * (
        xi + sum(k * math.sin(2 * j * xi) * math.cosh(2 * j * eta) for j, k in enumerate(alpha, 1))
    )
    ours = from_lonlat(np.array([[120 + 1.1, 31.7]]), parse_crs("EPSG:4549"))[0]
    assert ours == pytest.approx([500_000 + east, north], abs=1e-4)


def test_proj_string_and_utm():
    utm, same = parse_crs("EPSG:32650"), parse_crs("+proj=utm  +zone=50 +datum=WGS84 +units=m")
    points = np.array([[117.3, 31.8]])
    assert same.key == "PROJ:+proj=utm +zone=50 +datum=WGS84 +units=m"
    assert from_lonlat(points, same) == pytest.approx(from_lonlat(points, utm), abs=1e-9)


@pytest.mark.parametrize("code", [4326, 4490, 4526, 4547, 4502, 32650, 3826])
def test_wkt_of_a_prj_file_is_recognised(code):
    assert parse_crs(pyproj.CRS.from_epsg(code).to_wkt("WKT1_ESRI")).key == f"EPSG:{code}"


def test_wkt_of_a_city_system_stays_itself():
    city = pyproj.CRS.from_proj4("+proj=tmerc +lon_0=114.3 +x_0=800000 +ellps=GRS80")
    crs = parse_crs(city.to_wkt("WKT1_ESRI"))
    assert crs.key.startswith("PROJ:")
    assert from_lonlat(np.array([[114.3, 30.0]]), crs)[0][0] == pytest.approx(800_000)


@pytest.mark.parametrize(
    "text", ["WGS84", "gcj02", "epsg:4547", "+proj=utm +zone=50", pyproj.CRS.from_epsg(4547).to_wkt()]
)
def test_the_key_is_read_back_to_the_same(text):
    crs = parse_crs(text)
    assert parse_crs(crs.key) == crs


@pytest.mark.parametrize(
    "text",
    [
        "", "4326", "EPSG:99999", "EPSG:4978", "EPSG:5773", "EPSG:4326\0", "mars", "+proj=nothing",
        'LOCAL_CS["city"]', "+init=epsg:4326", "+proj=longlat +nadgrids=/etc/passwd",
        "+proj=pipeline +step +inv",
        "/etc/passwd", "https://epsg.io/4326.prj", "GEOGCS[" * 500, "+proj=tmerc " + "9" * 20_000,
    ],
)  # fmt: skip
def test_an_unknown_system_is_refused_and_the_allowed_ones_named(text):
    with pytest.raises(UnknownCrs, match="gcj02, bd09, EPSG:<number>") as refused:
        parse_crs(text)
    assert len(refused.value.detail) < 400


@settings(deadline=None)  # the first text that PROJ is asked about opens its database
@given(st.text(max_size=60) | st.text('+projinit=EPSG:0123456789[]" ', max_size=40))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(UnknownCrs):
        parse_crs(text)


@pytest.mark.parametrize(
    ("text", "guess"),
    [("EPSG:4547", False), ("EPSG:32650", False), ("EPSG:2437", True), ("EPSG:4610", True),
     ("EPSG:4214", True), ("EPSG:2263", False), ("+proj=utm +zone=50 +ellps=krass", True), ("bd09", False)],
)  # fmt: skip
def test_a_guessed_change_of_datum_is_told(text, guess):
    assert is_ballpark(parse_crs(text)) is guess


@pytest.mark.parametrize(
    "points",
    [[[math.nan, 1]], [[1, math.inf]], [[181, 0]], [[0, -90.001]], [1, 2, 3], [[1, 2, 3]], [["a", "b"]],
     [[1, 2], [3]], [[[1, 2]]], [[None, 1]]],
)  # fmt: skip
def test_points_that_are_no_places_are_refused(points):
    with pytest.raises(MalformedPoints):
        check_points(points)


def test_the_first_wrong_point_is_named_and_good_ones_pass():
    assert check_points([]).shape == (0, 2)
    assert check_points([[180, 90], [-180, -90]]).tolist() == [[180, 90], [-180, -90]]
    with pytest.raises(MalformedPoints, match="Point 2 of 3") as refused:
        check_points([[1, 2], [200, 2], [300, 2]])
    assert refused.value.members == {"index": 1, "count": 2}


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [(math.nan, 0, "wgs84"), (math.inf, 0, "gcj02"), (0, math.nan, "bd09"), (32.0, 118.0, "wgs84"),
     (1e30, 1e30, "EPSG:4547"), (math.nan, 1, "EPSG:4547"), (465_698, 3_800_000, "gcj02")],
)  # fmt: skip
def test_one_point_that_is_no_place_is_refused(x, y, text):
    with pytest.raises(MalformedPoints, match="not a place on earth"):
        to_lonlat_one(x, y, parse_crs(text))


def test_geometries_are_moved_vertex_by_vertex():
    square = shapely.box(118.7, 31.9, 118.9, 32.1)
    crs = parse_crs("EPSG:4548")
    projected = shapely.transform(square, lambda points: from_lonlat(points, crs))
    back, nothing = geometries_to_lonlat(np.array([projected, None]), crs)
    assert nothing is None
    assert shapely.get_coordinates(back) == pytest.approx(shapely.get_coordinates(square), abs=1e-11)
    solid = shapely.force_3d(square, 5.0)
    assert not shapely.has_z(geometries_to_lonlat(np.array([solid]), WGS84)[0])


def test_geometries_in_a_wrong_system_are_refused():
    metres = np.array([shapely.box(465_000, 3_500_000, 466_000, 3_501_000)])
    with pytest.raises(MalformedPoints, match="not a place on earth"):
        geometries_to_lonlat(metres, CGCS2000)


@pytest.mark.parametrize("key", ["gcj02", "bd09"])
def test_a_million_points_a_second(key):
    points = np.random.default_rng(2).uniform((113, 34), (114, 35), (200_000, 2))
    shifted = from_lonlat(points, parse_crs(key))
    begun = time.process_time()
    to_lonlat(shifted, parse_crs(key))
    # A fifth of a million takes 0.15 s of processor; a busy machine may take twice as long.
    assert time.process_time() - begun < 0.4
