"""Heat surfaces against sums of Gaussians, pyproj's Web Mercator and geodesic areas."""

import io
import math

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from geo import raster
from geo.errors import MalformedFrame

CITY = (117.0, 36.6, 117.12, 36.7)
GEOD = pyproj.Geod(ellps="WGS84")
PLANE = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)


def scattered(count=500, seed=1, bbox=CITY):
    rng = np.random.default_rng(seed)
    west, south, east, north = bbox
    spread = rng.uniform((west, south), (east, north), (count, 2))
    hot = rng.normal(((west + east) / 2, (south + north) / 2), 0.001, (count, 2))
    return np.vstack([spread, hot])


def mass(density, frame):
    return float((density * frame.ground_km2[:, None]).sum())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(117.0, 117.12), st.floats(36.6, 36.7)), min_size=1, max_size=40))
def test_no_report_inside_loses_weight_not_even_on_the_rim(points):
    frame = raster.frame_of(CITY)
    total = mass(raster.density(np.array(points), frame, weeks=2.0), frame)
    assert total == pytest.approx(len(points) / 2, rel=1e-9)


@pytest.mark.parametrize(
    "bbox", [CITY, (-74.1, 40.6, -73.9, 40.8), (24.8, 60.1, 25.1, 60.3), (103.7, 1.2, 103.9, 1.4)]
)
def test_values_are_sums_of_gaussians_in_true_metres(bbox):
    points, frame, weeks = scattered(200, bbox=bbox), raster.frame_of(bbox), 4.0
    density = raster.density(points, frame, weeks=weeks)
    rng = np.random.default_rng(2)
    west, south, east, north = frame.bounds
    peak = 1e6 / (2 * math.pi * raster.BANDWIDTH_M**2) / weeks
    for row, column in rng.integers((0, 0), (frame.rows, frame.columns), (60, 2)).tolist() + hot_pixels(
        density
    ):
        x, y = frame.west_m + (column + 0.5) * frame.pixel_m, frame.north_m - (row + 0.5) * frame.pixel_m
        lon, lat = PLANE.transform(x, y, direction="INVERSE")
        away = GEOD.inv(np.full(len(points), lon), np.full(len(points), lat), points[:, 0], points[:, 1])[2]
        exact = peak * np.exp(-0.5 * (away / raster.BANDWIDTH_M) ** 2).sum()
        near = (away < 5 * raster.BANDWIDTH_M).sum()
        assert abs(density[row, column] - exact) <= 0.01 * peak * max(1, near)
        # The bandwidth is exact at the middle latitude only, and as on a sphere: 0.5 % in a city of 22 km.
        assert density[row, column] == pytest.approx(exact, rel=0.02, abs=0.01 * peak)
    assert (west, south) < (bbox[0], bbox[1])
    assert (east, north) > (bbox[2], bbox[3])


def hot_pixels(density):
    flat = np.argsort(density, axis=None)[-20:]
    return np.column_stack(np.unravel_index(flat, density.shape)).tolist()


def test_pixels_lie_on_the_web_mercator_plane_with_true_areas():
    frame = raster.frame_of(CITY)
    west, _, _, north = frame.bounds
    assert PLANE.transform(west, north) == pytest.approx((frame.west_m, frame.north_m), abs=1e-6)
    x0, y0 = PLANE.transform(frame.west_m, frame.north_m - frame.pixel_m, direction="INVERSE")
    x1, y1 = PLANE.transform(frame.west_m + frame.pixel_m, frame.north_m, direction="INVERSE")
    area, _ = GEOD.polygon_area_perimeter([x0, x1, x1, x0], [y0, y0, y1, y1])
    assert frame.ground_km2[0] == pytest.approx(area / 1e6, rel=1e-6)
    assert 9.9 < frame.pixel_m * math.cos(math.radians(36.65)) < 60.1
    assert frame.rows * frame.columns < 1.1 * raster.PIXELS


def test_the_middle_of_four_bandwidths_margin_is_outside_what_is_drawn():
    frame = raster.frame_of(CITY)
    west, south, east, north = frame.bounds
    for lon, lat in ((west, 36.65), (east, 36.65), (117.06, south), (117.06, north)):
        rim = min(max(lon, CITY[0]), CITY[2]), min(max(lat, CITY[1]), CITY[3])
        assert GEOD.inv(lon, lat, *rim)[2] >= 4 * raster.BANDWIDTH_M * 0.995


def test_classes_do_not_depend_on_the_size_of_pixels(monkeypatch):
    points, fine = scattered(3000), raster.frame_of(CITY)
    monkeypatch.setattr(raster, "PIXELS", raster.PIXELS // 4)
    coarse = raster.frame_of(CITY)
    assert coarse.pixel_m > 1.5 * fine.pixel_m
    a, b = raster.density(points, fine, weeks=1), raster.density(points, coarse, weeks=1)
    pairs = [
        (raster.value_at(a, fine, *one), raster.value_at(b, coarse, *one)) for one in points[::5].tolist()
    ]
    apart = np.diff(raster.classes(np.array(pairs)).astype(int))
    assert np.abs(apart).max() <= 1
    assert (apart == 0).mean() > 0.95
    assert mass(a, fine) == pytest.approx(mass(b, coarse))


def test_two_periods_share_pixels_and_scale_with_the_rate():
    frame, points = raster.frame_of(CITY), scattered()
    week = raster.density(points, frame, weeks=1)
    assert np.allclose(raster.density(np.vstack([points] * 4), frame, weeks=4), week)
    assert np.allclose(raster.density(np.vstack([points] * 2), frame, weeks=1), 2 * week)
    half = raster.density(points[:500], frame, weeks=1)
    assert np.array_equal(half.shape, week.shape)
    assert (week - half).min() >= 0


def test_reports_outside_are_left_out_and_nothing_gives_nothing():
    frame = raster.frame_of(CITY)
    assert raster.density(np.array([[118.0, 36.65], [117.05, -36.65]]), frame, weeks=1).max() == 0
    assert raster.density(np.empty((0, 2)), frame, weeks=1).max() == 0
    assert raster.value_at(raster.density(scattered(), frame, weeks=1), frame, 0.0, 0.0) == 0.0


def test_classes_begin_exactly_at_their_breaks():
    values = np.array([0, 4.999, 5, 19.9, 20, 50, 100, 199, 200, 1e9])
    assert raster.classes(values).tolist() == [0, 0, 1, 1, 2, 3, 4, 4, 5, 5]
    changes = np.array([-100, -60, -25, -10.0, 0, 9.9, 10, 25, 60])
    assert raster.classes(changes, raster.CHANGE_BREAKS).tolist() == [0, 1, 2, 3, 3, 3, 4, 5, 6]


def test_the_picture_has_the_palettes_colours_and_is_clear_below_the_first_break():
    classed = np.arange(6, dtype=np.uint8).reshape(2, 3)
    picture = Image.open(io.BytesIO(raster.png(classed, raster.COLOURS))).convert("RGBA")
    seen = ["#{:02X}{:02X}{:02X}".format(*picture.getpixel((i % 3, i // 3))[:3]) for i in range(1, 6)]
    assert tuple(seen) == raster.COLOURS
    assert [picture.getpixel((i % 3, i // 3))[3] for i in range(6)] == [0, 255, 255, 255, 255, 255]
    change = np.arange(7, dtype=np.uint8).reshape(1, 7)
    drawn = raster.png(change, raster.CHANGE_COLOURS, clear=raster.CHANGE_CLEAR)
    picture = Image.open(io.BytesIO(drawn)).convert("RGBA")
    assert [picture.getpixel((i, 0))[3] for i in range(7)] == [255, 255, 255, 0, 255, 255, 255]
    assert "#{:02X}{:02X}{:02X}".format(*picture.getpixel((6, 0))[:3]) == raster.CHANGE_COLOURS[-1]


@pytest.mark.parametrize(
    "bbox", [(1, 2, 1, 3), (2, 1, 1, 3), (float("nan"), 0, 1, 1), (0, 0, 1, 89), (170, 0, 190, 1)]
)
def test_what_has_no_extent_is_refused(bbox):
    with pytest.raises(MalformedFrame):
        raster.frame_of(bbox)


def test_periods_and_bandwidths_must_be_positive():
    with pytest.raises(MalformedFrame):
        raster.frame_of(CITY, bandwidth_m=0)
    with pytest.raises(MalformedFrame):
        raster.density(scattered(), raster.frame_of(CITY), weeks=0)
