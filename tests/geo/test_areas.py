"""Areas answer as brute force does; a circle is what lies within its radius."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.areas import Areas, circle
from geo.errors import MalformedAreas
from geo.measure import metres_per_degree

SPOTS = st.tuples(st.integers(-40, 40), st.integers(-40, 40))  # a coarse lattice, so that points meet borders


@st.composite
def polygons(draw):
    west, south = draw(SPOTS)
    wide, high = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    box = shapely.box(*(np.array([west, south, west + wide, south + high]) * 1e-4 + [116, 32, 116, 32]))
    return box if draw(st.booleans()) else box.difference(box.centroid.buffer(2e-5))


@settings(max_examples=60, deadline=None)
@given(st.lists(polygons(), max_size=8), st.lists(SPOTS, min_size=1, max_size=20))
def test_areas_answer_as_brute_force_does(areas, spots):
    points = np.array(spots, dtype=float) * 1e-4 + [116, 32]
    ours = Areas(areas)
    expected = [
        [number for number, area in enumerate(areas) if area.intersects(shapely.Point(*point))]
        for point in points
    ]
    assert [ours.covering(*point) for point in points.tolist()] == expected
    point, area = ours.covered(points)
    assert list(zip(point.tolist(), area.tolist(), strict=True)) == [
        (row, one) for row, listed in enumerate(expected) for one in listed
    ]


def test_an_area_of_many_cells_is_found_too():
    wide = shapely.box(110, 30, 120, 40)
    small = shapely.box(116, 32, 116.001, 32.001)
    assert Areas([small, wide]).covering(116.0005, 32.0005) == [0, 1]
    assert Areas([small, wide]).covering(111, 31) == [1]
    assert Areas([small, wide]).covering(121, 31) == []


@pytest.mark.parametrize("lat", [-60.0, 0.0, 32.0, 66.0])
@pytest.mark.parametrize("radius", [1.0, 30.0, 500.0])
def test_a_circle_is_what_lies_within_its_radius(lat, radius):
    ring = shapely.get_coordinates(circle(116.0, lat, radius).exterior)
    metres = np.hypot(*((ring - [116.0, lat]) * np.array(metres_per_degree(lat))).T)
    assert metres == pytest.approx(radius, abs=0.002)
    middles = (ring[:-1] + ring[1:]) / 2
    assert np.hypot(*((middles - [116.0, lat]) * np.array(metres_per_degree(lat))).T).min() > radius * 0.998
    assert Areas([circle(116.0, lat, radius)]).covering(116.0, lat) == [0]


@pytest.mark.parametrize("wrong", [shapely.Point(1, 2), shapely.Polygon(), None])
def test_only_polygons_are_areas(wrong):
    with pytest.raises(MalformedAreas):
        Areas([wrong])


@pytest.mark.parametrize(("lat", "radius"), [(90.0, 10.0), (32.0, 0.0), (32.0, float("nan"))])
def test_no_circle_where_none_can_be_drawn(lat, radius):
    with pytest.raises(MalformedAreas):
        circle(116.0, lat, radius)
