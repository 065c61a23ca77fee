"""Which systems bare numbers could be in: the true one is always among the fitting ones, first where known."""

import numpy as np
import pytest

from geo.candidates import candidates
from geo.crs import from_lonlat, parse_crs

NAMED = ["wgs84", "cgcs2000", "gcj02", "bd09"]
GROUND = (116.8, 31.7, 117.3, 32.1)
CORNERS = np.array([[116.9, 31.8], [117.1, 32.0]])


@pytest.mark.parametrize("key", ["EPSG:4548", "EPSG:4527", "EPSG:4498", "EPSG:4547", "wgs84", "gcj02"])
@pytest.mark.parametrize("ground", [GROUND, None])
def test_the_true_system_is_among_the_fitting_ones(key, ground):
    bbox = tuple(from_lonlat(CORNERS, parse_crs(key)).ravel())
    found = candidates(bbox, NAMED, ground)
    true = next(one for one in found if one.key == key)
    assert true.fits
    assert true.centre == pytest.approx((117.0, 31.9), abs=0.01)
    if ground is not None and key not in ("wgs84", "gcj02"):
        assert (found[0].key, found[0].share) == (key, pytest.approx(1.0, abs=0.02))
        assert found[0].distance_m < 10_000


def test_degrees_are_asked_about_no_zones():
    found = candidates((116.9, 31.8, 117.1, 32.0), NAMED, GROUND)
    assert [one.key for one in found if one.meridian is not None] == []
    assert all(one.fits for one in found)


def test_metres_fit_no_degrees():
    bbox = tuple(from_lonlat(CORNERS, parse_crs("EPSG:4548")).ravel())
    by_key = {one.key: one for one in candidates(bbox, NAMED)}
    assert not by_key["wgs84"].fits
    assert by_key["EPSG:4548"].meridian == 117
    assert len([one for one in by_key.values() if one.fits]) == 21  # every zone, none likelier


def test_a_zone_number_leaves_one_system():
    bbox = tuple(from_lonlat(CORNERS, parse_crs("EPSG:4527")).ravel())
    assert [one.key for one in candidates(bbox, NAMED) if one.fits] == ["EPSG:4527"]
