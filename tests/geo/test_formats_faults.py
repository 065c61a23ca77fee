"""Layers and files that are no map of grids: each fault with its sentence, and what only looks like one."""

import math
import shutil

import numpy as np
import pytest
import shapely

from geo.errors import (
    EncodingNotDeclared,
    InexactCode,
    MalformedPoints,
    NotPolygons,
    UnreadableFile,
)
from geo.formats import as_code, inspect_file, read_table
from tests.geo.map_files import (
    CODES,
    SQUARES,
    feature_collection,
    put,
    shapefile_parts,
    write,
    zipped,
)

FAULTS = {
    "points": ([shapely.Point(1, 2), *SQUARES[1:]], NotPolygons, "holds Point .row 1.; grids are polygons"),
    "lines": (
        [SQUARES[0], shapely.LineString([(1, 2), (3, 4)]), SQUARES[2]],
        NotPolygons,
        "LineString .row 2.",
    ),
    "collections": (
        [shapely.GeometryCollection(list(SQUARES[:1])), *SQUARES[1:]],
        NotPolygons,
        "GeometryCollection",
    ),
    "none": (
        [None, SQUARES[1], None],
        NotPolygons,
        "2 of 3 features .* no geometry .rows 1, 3.*Draw them or delete",
    ),
    "empty": ([shapely.Polygon(), *SQUARES[1:]], NotPolygons, "no geometry .row 1"),
    "nothing": ([], UnreadableFile, "no features"),
}


@pytest.mark.parametrize(("shapes", "error", "sentence"), FAULTS.values(), ids=FAULTS)
def test_layers_that_are_no_grids_are_refused_with_the_rows(shapes, error, sentence, tmp_path):
    columns = {"code": CODES[: len(shapes)]}
    paths = [put(tmp_path / "a.geojson", feature_collection(shapes, columns))]
    if shapes:
        paths.append(write(tmp_path / "a.gpkg", shapes, columns, driver="GPKG", geometry_type="Unknown"))
    for path in paths:
        inspect_file(path)
        with pytest.raises(error, match=sentence):
            read_table(path)


def test_coordinates_that_are_no_numbers_are_refused(tmp_path):
    for wild in (math.nan, math.inf):
        with np.errstate(invalid="ignore"):
            bad = shapely.Polygon([(118, 32), (119, wild), (119, 33), (118, 32)])
        path = write(tmp_path / "a.gpkg", [SQUARES[0], bad], {"code": ["1", "2"]}, driver="GPKG")
        with pytest.raises(MalformedPoints, match=r"not numbers \(row 2\)"):
            read_table(path)
        path.unlink()
    text = feature_collection()
    for token in (b"NaN", b"Infinity"):
        with pytest.raises(UnreadableFile, match="is not a number in JSON"):
            read_table(put(tmp_path / "a.geojson", text.replace(b"118.71", token)))
    with pytest.raises(MalformedPoints):
        read_table(put(tmp_path / "b.geojson", text.replace(b"118.71", b"1e999")))


@pytest.mark.parametrize(
    "ring",
    ['[[1,2],[3,4]]', '[1,2,3]', '[["1","2"],["3","4"],["5","6"],["1","2"]]', '[[1],[2],[3],[1]]',
     '[[1,2],[3],[4,5],[1,2]]', '[[null,1],[1,2],[3,4],[null,1]]', '"abc"', "7", '{"a":1}',
     '[[[1,2],[3,4],[5,6],[1,2]]]'],
)  # fmt: skip
def test_rings_that_are_none_name_their_feature(ring, tmp_path):
    good = shapely.to_geojson(SQUARES[0])
    bad = f'{{"type":"Polygon","coordinates":[{ring}]}}'
    features = ",".join(f'{{"type":"Feature","geometry":{one}}}' for one in (good, bad))
    path = put(tmp_path / "a.geojson", f'{{"type":"FeatureCollection","features":[{features}]}}'.encode())
    with pytest.raises(UnreadableFile, match="feature 2 is damaged"):
        read_table(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"type": "Topology", "objects": {}}', "TopoJSON"),
        ('{"spatialReference": {}, "features": []}', "Esri JSON"),
        ('{"type": "FeatureCollection"}', "no list of features"),
        ('{"type": "FeatureCollection", "features": [1]}', "no list of features"),
        ('{"type": "Point", "coordinates": [1, 2]}', "no GeoJSON of polygons"),
        ("[1, 2]", "no GeoJSON of polygons"),
        ('{"type": "Feature", "properties": [1], "geometry": null}', "properties of a feature"),
        ('{"type": "Feature", "geometry": 5}', "feature 1 is damaged"),
        ('{"type": "Feature", "geometry": {"type": "Mountain"}}', "feature 1 is damaged"),
        ("{", "damaged or cut off"),
        ('{"a":' * 100_000, "JSON that no map has"),
    ],
)
def test_json_that_is_no_map(text, sentence, tmp_path):
    with pytest.raises(UnreadableFile, match=sentence):
        inspect_file(put(tmp_path / "a.geojson", text.encode()))


@pytest.mark.parametrize("missing", [".dbf", ".shx"])
def test_a_shapefile_with_missing_parts_names_them(missing, tmp_path):
    parts = shapefile_parts(tmp_path / "s")
    del parts[f"layer{missing}"]
    with pytest.raises(UnreadableFile, match=f"without its {missing}.*together in one ZIP"):
        inspect_file(zipped(tmp_path / "a.zip", parts))


def test_parts_that_do_not_belong_together_are_refused(tmp_path):
    parts = shapefile_parts(tmp_path / "s")
    other = shapefile_parts(tmp_path / "o", geometries=SQUARES[:2], columns={"code": CODES[:2]})
    with pytest.raises(UnreadableFile, match="3 geometries but 2 attribute rows"):
        read_table(zipped(tmp_path / "a.zip", parts | {"layer.dbf": other["layer.dbf"]}))
    with pytest.raises(UnreadableFile, match="cut off"):
        read_table(zipped(tmp_path / "b.zip", parts | {"layer.shp": other["layer.shp"]}))


def test_rings_that_are_not_closed_name_their_rows(tmp_path):
    parts = shapefile_parts(tmp_path / "s")
    # The last x of the second polygon: 100 bytes of header, 136 of the first record.
    at = 100 + 136 + 136 - 16
    parts["layer.shp"] = (
        parts["layer.shp"][:at] + parts["layer.shp"][at + 8 : at + 16] * 2 + parts["layer.shp"][at + 16 :]
    )
    with pytest.raises(UnreadableFile, match=r"1 of 3 features have a damaged geometry.*\(row 2\)"):
        read_table(zipped(tmp_path / "a.zip", parts))


def test_a_text_that_no_encoding_reads(tmp_path):
    parts = shapefile_parts(tmp_path / "s", encoding="GBK")
    parts["layer.dbf"] = parts["layer.dbf"].replace("秣陵".encode("gbk"), b"\xff\xff\x80\xff")
    path = zipped(tmp_path / "a.zip", parts)
    assert inspect_file(path).questions == ("encoding-unsure",)
    with pytest.raises(EncodingNotDeclared, match=r"some texts are not GBK.*a text is damaged"):
        read_table(path)


def test_a_shapefile_of_points_is_refused(tmp_path):
    path = write(
        tmp_path / "a.shp", shapely.centroid(SQUARES), driver="ESRI Shapefile", geometry_type="Point"
    )
    assert inspect_file(path).questions == ("not-polygons",)
    with pytest.raises(NotPolygons, match="holds Point"):
        read_table(path)


@pytest.mark.parametrize(
    ("value", "code"),
    [("007", "007"), (" 12 ", "12"), (7, "7"), (7.0, "7"), (320115001001.0, "320115001001"), (None, ""), (math.nan, ""),
     ("1.0", "1.0"), (np.int64(5), "5"), (320115001001001001, "320115001001001001"), ("", "")],
)  # fmt: skip
def test_codes_become_text(value, code):
    assert as_code(value) == code


@pytest.mark.parametrize("value", [1.5, 3.2e17, math.inf])
def test_codes_that_lost_digits_are_refused(value):
    with pytest.raises(InexactCode, match="Store codes as text"):
        as_code(value)


def test_a_million_vertices(tmp_path):
    angles = np.linspace(0, 2 * np.pi, 1_000_001)[:-1]
    ring = shapely.Polygon(np.column_stack([118 + np.cos(angles), 32 + np.sin(angles)]))
    path = write(tmp_path / "a.shp", [ring], {"code": ["1"]}, driver="ESRI Shapefile")
    assert shapely.get_num_coordinates(read_table(path).geometries[0]) == 1_000_001
    path = put(tmp_path / "a.geojson", shapely.to_geojson(ring).encode())
    assert shapely.get_num_coordinates(read_table(path).geometries[0]) == 1_000_001


def test_a_folder_that_is_no_database(tmp_path):
    (tmp_path / "empty.gdb").mkdir()
    with pytest.raises(UnreadableFile, match="no FileGDB"):
        inspect_file(tmp_path / "empty.gdb")
    with pytest.raises(UnreadableFile, match="no file"):
        inspect_file(tmp_path / "absent.zip")


def test_a_database_cut_off(tmp_path):
    database = write(tmp_path / "a.gdb", driver="OpenFileGDB")
    tables = sorted(database.glob("*.gdbtable"), key=lambda file: file.stat().st_size)
    for size in (0, 40, 100):
        copy = tmp_path / f"cut{size}.gdb"
        shutil.copytree(database, copy)
        for table in tables:
            (copy / table.name).write_bytes(table.read_bytes()[:size])
        with pytest.raises(UnreadableFile):
            read_table(copy)
