"""Doubts about declared coordinate systems: raised where they are due, silent elsewhere."""

import time

import numpy as np
import pytest
import shapely

from geo.crs import from_lonlat, geometries_to_lonlat, parse_crs
from geo.formats import read_table
from geo.suspicion import suspect_shift, suspect_units
from tests.shared_data import shared


@pytest.mark.parametrize(
    ("bbox", "crs", "kind"),
    [
        ((118.4, 31.6, 119.1, 32.1), "wgs84", None),
        ((118.4, 31.6, 119.1, 32.1), "EPSG:4548", "degrees-not-metres"),
        ((445_000, 3_500_000, 470_000, 3_550_000), "EPSG:4548", None),
        ((445_000, 3_500_000, 470_000, 3_550_000), "cgcs2000", "metres-not-degrees"),
        ((39_445_000, 3_500_000, 39_470_000, 3_550_000), "gcj02", "metres-not-degrees"),
        ((31.6, 118.4, 32.1, 119.1), "EPSG:4490", "axes-swapped"),
        ((31.6, 118.4, 32.1, 119.1), "EPSG:4610", "axes-swapped"),
        ((-74.3, 40.4, -73.7, 40.9), "wgs84", None),
        ((-180, -90, 180, 90), "wgs84", None),
        # The file has the zone number, the declared system does not, and the other way round.
        ((39_445_000, 3_500_000, 39_470_000, 3_550_000), "EPSG:4548", "zone-number"),
        ((445_000, 3_500_000, 470_000, 3_550_000), "EPSG:4527", "zone-number"),
        ((39_445_000, 3_500_000, 39_470_000, 3_550_000), "EPSG:4527", None),
        ((38_445_000, 3_500_000, 38_470_000, 3_550_000), "EPSG:4527", "zone-number"),
        # X is the northing in Chinese survey files.
        ((3_500_000, 445_000, 3_550_000, 470_000), "EPSG:4548", "axes-swapped"),
        ((3_500_000, 39_445_000, 3_550_000, 39_470_000), "EPSG:4527", "axes-swapped"),
        ((445_000, 3_500_000, 470_000, 3_550_000), "EPSG:32650", None),
        ((445_000, 3_500_000, 470_000, 3_550_000), "+proj=tmerc +lon_0=118 +x_0=500000 +ellps=GRS80", None),
        ((13_200_000, 3_700_000, 13_210_000, 3_710_000), "EPSG:3857", None),
        ((13_200_000, 3_700_000, 13_210_000, 3_710_000), "EPSG:2326", "far-away"),
    ],
)
def test_units_and_axes(bbox, crs, kind):
    suspicion = suspect_units(bbox, parse_crs(crs))
    assert (suspicion and suspicion.kind) == kind


def test_the_zone_prefix_names_its_system():
    suspicion = suspect_units((39_445_000, 3_500_000, 39_470_000, 3_550_000), parse_crs("wgs84"))
    assert "zone 39: EPSG:4527" in suspicion.detail


def test_the_right_system_is_named_where_the_numbers_tell():
    suspicion = suspect_units((39_445_000, 3_500_000, 39_470_000, 3_550_000), parse_crs("EPSG:4548"))
    assert "begin with zone number none, those of the file with 39" in suspicion.detail
    assert "EPSG:4527" in suspicion.detail
    suspicion = suspect_units((445_000, 3_500_000, 470_000, 3_550_000), parse_crs("EPSG:4527"))
    assert "zone number 39, those of the file with none" in suspicion.detail


def jiangning(crs=None):
    folder = "cn_nanjing_jiangning_streets"
    outline = read_table(shared(folder, "district_320115_outline_gcj02_cnmaps.geojson"), crs=crs)
    streets = read_table(shared(folder, "jiedao_original.geojson"))
    return (
        geometries_to_lonlat(outline.geometries, outline.crs),
        geometries_to_lonlat(streets.geometries, streets.crs),
    )


def test_the_jiangning_outline_is_suspected_and_silent_once_declared():
    suspicion = suspect_shift(*jiangning())
    assert suspicion.kind == "shifted"
    assert suspicion.members["system"] == "gcj02"
    assert suspicion.members["iou_as_is"] == pytest.approx(0.927, abs=0.001)
    assert suspicion.members["iou_after"] == pytest.approx(0.975, abs=0.001)
    assert suspect_shift(*jiangning(parse_crs("gcj02"))) is None


@pytest.mark.parametrize("system", ["gcj02", "bd09"])
@pytest.mark.parametrize("size", [0.01, 0.05, 0.5])
def test_a_shifted_map_is_told_with_its_system(system, size):
    # A yard-sized layer under its community, a community, a district.
    truth = np.array([shapely.box(113.6, 34.7, 113.6 + size, 34.7 + size)])
    shifted = shapely.transform(truth, lambda points: from_lonlat(points, parse_crs(system)))
    assert suspect_shift(shifted, truth).members["system"] == system
    assert suspect_shift(truth, truth) is None


def test_other_misfits_are_no_shift():
    ground = np.array([shapely.box(113.6, 34.7, 113.7, 34.8)])
    half = np.array([shapely.box(113.6, 34.7, 113.65, 34.8)])
    west = np.array([shapely.box(113.59, 34.7, 113.69, 34.8)])
    assert suspect_shift(half, ground) is None
    assert suspect_shift(west, ground) is None


def test_outside_china_and_without_ground_nothing_is_said():
    manhattan = np.array([shapely.box(-74.0, 40.7, -73.9, 40.8)])
    assert suspect_shift(manhattan, shapely.transform(manhattan, lambda points: points + 0.005)) is None
    assert suspect_shift(np.array([None]), manhattan) is None


def test_broken_geometry_does_not_stop_the_question():
    bow_tie = np.array([shapely.Polygon([(113.6, 34.7), (113.7, 34.8), (113.7, 34.7), (113.6, 34.8)])])
    assert suspect_shift(bow_tie, bow_tie) is None


@pytest.mark.parametrize("system", ["gcj02", "bd09"])
def test_yards_with_streets_between_them(system):
    corner = np.stack(np.meshgrid(np.arange(40), np.arange(40)), axis=-1).reshape(-1, 2) * 1e-3 + [
        113.6,
        34.7,
    ]
    yards = shapely.box(*corner.T, *(corner + 7e-4).T)
    community = np.array([shapely.box(113.6, 34.7, 113.64, 34.74)])
    assert suspect_shift(yards, community) is None
    shifted = shapely.transform(yards, lambda points: from_lonlat(points, parse_crs(system)))
    assert suspect_shift(shifted, community).members["system"] == system


@pytest.mark.long
def test_forty_thousand_yards_take_seconds():
    corner = np.stack(np.meshgrid(np.arange(200), np.arange(200)), axis=-1).reshape(-1, 2) * 1e-3 + [113, 34]
    yards = shapely.box(*corner.T, *(corner + 7e-4).T)
    begun = time.process_time()
    assert suspect_shift(yards, shapely.box(corner[:, 0], 34, corner[:, 0] + 1e-3, 34.2)[:200]) is None
    assert time.process_time() - begun < 15
