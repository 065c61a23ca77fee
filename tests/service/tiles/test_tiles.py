"""Vector tiles show exactly the grids in force: read back by GDAL and compared with the map that went in."""

import json
import math
from datetime import timedelta

import geopandas
import numpy as np
import pytest
import shapely

from service.assignment.in_force import IN_FORCE
from service.grids import publishing
from tests.service.assignment.test_story import publish

WEST, SOUTH, SIZE = 116.0, 32.0, 0.01
UNIT = 2 * 20037508.342789244 / 2**14 / 4096  # metres of the plane in one step of a tile at zoom 14


def square(x, y, size):
    return shapely.box(WEST + x, SOUTH + y, WEST + x + size, SOUTH + y + size)


def write(path, level):
    """Two sub-districts, each of two communities, side by side."""
    half = SIZE / 2
    rows = {
        "subdistrict": [("990101001", "西街道", square(0, 0, SIZE)), ("990101002", "东街道", square(SIZE, 0, SIZE))],
        "community": [
            (f"99010100{1 + side}00{1 + row}", f"社区{side}{row}",
             shapely.box(WEST + side * SIZE, SOUTH + row * half, WEST + (side + 1) * SIZE, SOUTH + (row + 1) * half))
            for side in (0, 1) for row in (0, 1)
        ],
    }  # fmt: skip
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": name},
            "geometry": shapely.geometry.mapping(shape),
        }
        for code, name, shape in rows[level]
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


@pytest.fixture
def city(session, tmp_path, monkeypatch, client):
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    made = publish(session, write(tmp_path / "a.geojson", "subdistrict"), "subdistrict", "code", "name")
    IN_FORCE.refresh()
    return made


def place_of(lon, lat, zoom):
    n = 2**zoom
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n
    return zoom, int((lon + 180) / 360 * n), int(y)


PLACE = place_of(WEST + SIZE * 0.99, SOUTH + SIZE / 2, 14)


def get(client, which, level, place=PLACE, **given):
    z, x, y = place
    return client.get(f"/tiles/{which}/{level}/{z}/{x}/{y}.mvt", **given)


def read(content, layer, tmp_path, place=PLACE):
    path = tmp_path / "tile.mvt"
    path.write_bytes(content)
    z, x, y = place
    return geopandas.read_file(path, engine="pyogrio", layer=layer, X=str(x), Y=str(y), Z=str(z), CLIP="NO")


def plane(shape):
    return geopandas.GeoSeries([shape], crs="EPSG:4490").to_crs(3857).iloc[0]


def test_a_tile_holds_the_grids_as_they_went_in(city, client, tmp_path):
    answer = get(client, "current", "subdistrict")
    assert answer.mimetype == "application/vnd.mapbox-vector-tile"
    grids = read(answer.data, "grids", tmp_path).set_index("code")
    assert grids["name"].to_dict() == {"990101001": "西街道", "990101002": "东街道"}
    window = shapely.box(*grids.total_bounds)
    for code, shape in (("990101001", square(0, 0, SIZE)), ("990101002", square(SIZE, 0, SIZE))):
        seen, wanted = grids.geometry[code], plane(shape) & window
        assert seen.hausdorff_distance(wanted) < 2 * UNIT
    assert set(grids["id"]) == {
        one["id"] for one in client.get("/api/v1/grids?level=subdistrict").json["features"]
    }


def test_each_label_stands_once_and_in_its_own_grid(city, client, tmp_path):
    found = []
    z, x0, y0 = PLACE
    for x in range(x0 - 2, x0 + 3):
        for y in range(y0 - 2, y0 + 3):
            content = get(client, "current", "subdistrict", (z, x, y)).data
            if b"labels" in content:
                found.append(read(content, "labels", tmp_path, (z, x, y)))
    spots = {row.code: row.geometry for some in found for row in some.itertuples()}
    assert sum(len(some) for some in found) == 2
    assert plane(square(0, 0, SIZE)).contains(spots["990101001"])
    assert plane(square(SIZE, 0, SIZE)).contains(spots["990101002"])


def test_coarse_levels_are_the_union_of_what_lies_under_them(session, city, client, tmp_path):
    before = get(client, "current", "subdistrict")
    publish(session, write(tmp_path / "b.geojson", "community"), "community", "code", "name", plan="q")
    IN_FORCE.refresh()
    communities = read(get(client, "current", "community").data, "grids", tmp_path)
    assert len(communities) == 4
    whole = read(get(client, "current", "district").data, "grids", tmp_path).geometry.union_all()
    assert communities.geometry.union_all().symmetric_difference(whole).area < 1
    # The first edition's tile is still what it was.
    number = city[0].number
    assert get(client, f"000000-{number}", "subdistrict").data == before.data


def test_an_edition_is_kept_for_ever_and_the_current_map_is_asked_again(city, client):
    number = city[0].number
    kept = get(client, f"000000-{number}", "subdistrict")
    assert "immutable" in kept.headers["Cache-Control"]
    now = get(client, "current", "subdistrict")
    assert "max-age=5" in now.headers["Cache-Control"]
    again = get(client, "current", "subdistrict", headers={"If-None-Match": now.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert get(client, "000000-99", "subdistrict").status_code == 404


def test_a_moment_before_the_first_edition_shows_nothing(city, client):
    z, x, y = PLACE
    assert client.get(f"/tiles/current/subdistrict/{z}/{x}/{y}.mvt?at=2001-01-01").data == b""
    assert client.get(f"/tiles/current/subdistrict/{z}/{x}/{y}.mvt?at=never").status_code == 422


def test_yards_of_a_whole_city_are_not_drawn_and_nonsense_is_not_found(city, client):
    assert get(client, "current", "yard", place_of(WEST, SOUTH, 12)).data == b""
    assert get(client, "current", "parish").status_code == 404
    assert get(client, "current", "subdistrict", (3, 8, 0)).status_code == 404
    assert client.get("/tiles/current/yard.geojson").status_code == 404


def test_outlines_for_pictures_keep_shared_borders(city, client):
    answer = client.get("/tiles/current/subdistrict.geojson").json
    shapes = np.array([shapely.geometry.shape(one["geometry"]) for one in answer["features"]])
    assert len(shapes) == 2
    assert shapely.coverage_is_valid(shapes)


def test_the_backdrop_tile_is_empty_where_there_is_none(client):
    z, x, y = PLACE
    answer = client.get(f"/tiles/backdrop/{z}/{x}/{y}.mvt")
    assert (answer.status_code, answer.data) == (200, b"")
