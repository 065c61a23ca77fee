"""Areas and scales against pyproj: its geodesic on GRS80 and the equal-area projection EPSG:6933."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.measure import area_m2, edge_lengths_m, metres_per_degree

GEOD = pyproj.Geod(ellps="GRS80")
EQUAL_AREA = pyproj.Transformer.from_crs(4326, 6933, always_xy=True)
lons = st.floats(-179, 178)
lats = st.floats(-80, 80)


def densified_equal_area(polygon: shapely.Geometry, step: float) -> float:
    """Oracle: the equal-area projection of the polygon with its lon/lat edges cut fine."""
    fine = shapely.segmentize(polygon, step)
    return shapely.transform(fine, lambda xy: np.column_stack(EQUAL_AREA.transform(*xy.T))).area


@given(lon=lons, lat=lats, seed=st.integers(0, 2**16), size=st.sampled_from([1e-4, 1e-2, 0.5]))
def test_area_equals_a_finely_cut_equal_area_projection(lon, lat, seed, size):
    rng = np.random.default_rng(seed)
    shell = shapely.convex_hull(shapely.MultiPoint(np.c_[lon, lat] + rng.uniform(0, size, (8, 2))))
    hole = shapely.affinity.scale(shell, 0.3, 0.3)
    polygon = shapely.Polygon(shell.exterior.coords, [hole.exterior.coords])
    assert area_m2(polygon)[0] == pytest.approx(densified_equal_area(polygon, size / 200), rel=2e-6)


@given(lat=st.floats(-89, 89))
def test_scale_equals_the_geodesic_for_one_second(lat):
    m_lon, m_lat = metres_per_degree(lat)
    assert m_lat / 3600 == pytest.approx(GEOD.line_length([0, 0], [lat - 1 / 7200, lat + 1 / 7200]), rel=1e-7)
    assert m_lon / 3600 == pytest.approx(GEOD.line_length([0, 1 / 3600], [lat, lat]), rel=1e-7)


def test_edges_equal_geodesics():
    rng = np.random.default_rng(3)
    start = np.c_[rng.uniform(73, 135, 200), rng.uniform(18, 53, 200)]
    end = start + rng.uniform(-0.02, 0.02, (200, 2))
    _, _, expected = GEOD.inv(*start.T, *end.T)
    assert edge_lengths_m(start, end) == pytest.approx(expected, rel=1e-5)


def test_what_has_no_area_measures_zero():
    box = shapely.box(113, 34, 113.01, 34.01)
    things = [None, shapely.Point(1, 2), shapely.LineString([(0, 0), (1, 1)]), shapely.Polygon(), box]
    mixed = shapely.GeometryCollection([box, shapely.Point(0, 0), shapely.MultiPolygon([box])])
    areas = area_m2([*things, mixed])
    assert list(areas[:4]) == [0, 0, 0, 0]
    assert areas[5] == pytest.approx(2 * areas[4])
    assert list(area_m2([])) == []


def test_one_lattice_step_square_is_measured():
    """Slivers a millimetre wide must not drown in rounding."""
    lon, lat, step = 113.0, 34.0, 1e-8
    m_lon, m_lat = metres_per_degree(lat)
    sliver = shapely.box(lon, lat, lon + step, lat + 1e-3)
    # The width itself is only known to the last digits of a double at 113 degrees.
    width = (lon + step) - lon
    assert area_m2(sliver)[0] == pytest.approx(width * m_lon * 1e-3 * m_lat, rel=1e-4)
