"""Map files of every format, read back equal to what was written; and each fault with its sentence."""

import gzip
import math
import zipfile

import numpy as np
import pytest
import shapely
from pyogrio import raw

from geo.crs import parse_crs
from geo.errors import (
    CrsNotDeclared,
    EncodingNotDeclared,
    LayerNotChosen,
    NotPolygons,
    UnknownLayer,
    WrongEncoding,
)
from geo.formats import inspect_file, read_table
from geo.formats.dbf import read_dbf
from tests.geo.map_files import (
    CODES,
    NAMES,
    SQUARES,
    feature_collection,
    kml,
    placemark,
    put,
    shapefile_parts,
    write,
    zipped,
)
from tests.shared_data import shared


def zipped_gdb(folder):
    database = write(folder / "source.gdb", driver="OpenFileGDB", layer="streets")
    return zipped(
        folder / "gdb.zip", {f"数据/江宁.gdb/{file.name}": file.read_bytes() for file in database.iterdir()}
    )


def all_placemarks():
    return "".join(placemark(*one) for one in zip(SQUARES, NAMES, CODES, strict=True))


MAKERS = {
    "geojson": lambda folder: put(folder / "a.geojson", feature_collection()),
    "geojson with mark": lambda folder: put(folder / "a.json", b"\xef\xbb\xbf \n" + feature_collection()),
    "geojson.gz": lambda folder: put(folder / "a.geojson.gz", gzip.compress(feature_collection())),
    "zipped geojson": lambda folder: zipped(folder / "a.zip", {"网格.geojson": feature_collection()}),
    "shp": lambda folder: write(folder / "a.shp", driver="ESRI Shapefile", encoding="UTF-8"),
    "zipped shp": lambda folder: zipped(folder / "a.zip", shapefile_parts(folder / "shp", encoding="GBK")),
    "gpkg": lambda folder: write(folder / "a.gpkg", driver="GPKG", layer="街道"),
    "zipped gpkg": lambda folder: zipped(
        folder / "a.zip",
        {"x/a.gpkg": write(folder / "s.gpkg", driver="GPKG").read_bytes(), "x/readme.txt": b"hi"},
    ),
    "gdb": lambda folder: write(folder / "a.gdb", driver="OpenFileGDB", layer="streets"),
    "zipped gdb": zipped_gdb,
    "kml": lambda folder: put(folder / "a.kml", kml(all_placemarks())),
    "kmz": lambda folder: zipped(
        folder / "a.kmz", {"doc.kml": kml(all_placemarks()), "files/icon.png": b"\x89PNG"}
    ),
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_every_format_reads_back(maker, tmp_path):
    path = maker(tmp_path)
    inspection = inspect_file(path)
    assert inspection.questions == ()
    (layer,) = inspection.layers
    assert layer.count == 3
    assert layer.bbox == pytest.approx(shapely.total_bounds(SQUARES))
    sampled = {field.name.lower(): field.samples for field in layer.fields}
    assert sampled["code"] == tuple(CODES)
    assert sampled["name"] == tuple(NAMES)
    table = read_table(path)
    # A FileGDB stores whole steps of a nanodegree.
    tolerance = 2e-9 if inspection.driver == "OpenFileGDB" else 0
    assert shapely.hausdorff_distance(table.geometries, SQUARES).max() <= tolerance
    assert shapely.area(table.geometries) == pytest.approx(shapely.area(SQUARES), rel=1e-6)
    columns = {name.lower(): values for name, values in table.columns.items()}
    assert (columns["code"], columns["name"]) == (CODES, NAMES)
    assert table.crs.kind == "canonical"
    assert table.layer == layer.name


def test_reading_leaves_the_source_alone(tmp_path):
    parts = shapefile_parts(tmp_path / "s")
    read_table(tmp_path / "s" / "layer.shp")
    assert {file.name: file.read_bytes() for file in (tmp_path / "s").iterdir()} == parts


@pytest.mark.parametrize(
    ("name", "encoding", "first"),
    [("shanghai_districts_gbk_no_cpg", "GBK", "宝山区"), ("chongqing_districts_gbk_no_cpg", "GBK", "奉节县")],
)
def test_real_shapefiles_without_cpg_read_right(name, encoding, first):
    path = shared("messy_real_files", f"{name}.zip")
    (layer,) = inspect_file(path).layers
    assert (layer.name, layer.encoding, layer.crs) == ("区县界_area", encoding, "EPSG:4326")
    assert "No .cpg" in layer.encoding_evidence
    table = read_table(path)
    names = table.columns["NAME"]
    assert names[0] == first
    assert all(value[-1] in "区县市" for value in names)
    # The codes of the national list are an independent witness of the names.
    with shared("cn_admin_codes_2023", "areas.csv").open(encoding="utf-8") as file:
        national = {line.split(",")[0].strip('"'): line.split(",")[1].strip('"') for line in file}
    known = [
        (national[code], value)
        for code, value in zip(table.columns["ADMINCODE"], names, strict=True)
        if code in national
    ]
    assert len(known) > 14
    assert sum(ours == theirs for ours, theirs in known) / len(known) > 0.85
    with pytest.raises(WrongEncoding, match="UTF-8"):
        read_table(path, encoding="UTF-8")


def test_the_real_shapefile_without_prj_is_asked_for():
    path = shared("messy_real_files", "shenzhen_districts_no_prj.zip")
    inspection = inspect_file(path)
    assert inspection.questions == ("crs-missing",)
    assert inspection.layers[0].encoding == "UTF-8"
    with pytest.raises(CrsNotDeclared, match="--crs EPSG:4490"):
        read_table(path)
    with pytest.raises(WrongEncoding, match="罗湖"):
        read_table(path, encoding="GBK")
    table = read_table(path, crs=parse_crs("wgs84"))
    assert table.columns["qh"][:2] == ["罗湖", "福田"]
    assert len(table.geometries) == 10


def test_a_declared_system_wins(tmp_path):
    path = put(tmp_path / "a.geojson", feature_collection())
    assert read_table(path, crs=parse_crs("gcj02")).crs.key == "gcj02"
    assert read_table(path).crs.key == "wgs84"


@pytest.mark.parametrize(
    ("member", "crs", "source"),
    [
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}, "EPSG:4547", "crs-member"),
        ({"type": "name", "properties": {"name": "EPSG:4490"}}, "EPSG:4490", "crs-member"),
        ({"type": "EPSG", "properties": {"code": 4548}}, "EPSG:4548", "crs-member"),
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, "wgs84", "crs-member"),
        ({"type": "name", "properties": {"name": "mars"}}, None, "unreadable"),
        ({"type": "link", "properties": {"href": "http://example.org/crs"}}, None, "unreadable"),
        ([], None, "unreadable"),
        (None, None, "missing"),
    ],
)
def test_the_old_crs_member_of_geojson(member, crs, source, tmp_path):
    path = put(tmp_path / "a.geojson", feature_collection(crs=member))
    inspection = inspect_file(path)
    (layer,) = inspection.layers
    assert (layer.crs, layer.crs_source) == (crs, source)
    assert ("crs-missing" in inspection.questions) is (crs is None)
    # Squares of degrees under a system of metres.
    assert ("crs-suspect" in inspection.questions) is (crs in ("EPSG:4547", "EPSG:4548"))


@pytest.mark.parametrize("driver", ["ESRI Shapefile", "GPKG", "OpenFileGDB"])
def test_projected_systems_are_recognised(driver, tmp_path):
    suffix = {"ESRI Shapefile": "shp", "GPKG": "gpkg", "OpenFileGDB": "gdb"}[driver]
    metres = shapely.transform(SQUARES, lambda points: points * 1000)
    for code in (4548, 4527, 32650):
        path = write(tmp_path / f"e{code}.{suffix}", metres, driver=driver, crs=f"EPSG:{code}")
        assert read_table(path).crs.key == f"EPSG:{code}"


@pytest.mark.parametrize("driver", ["GPKG", "OpenFileGDB"])
def test_databases_without_a_system_are_asked_for(driver, tmp_path):
    with pytest.warns(UserWarning, match="'crs' was not provided"):
        path = write(tmp_path / ("a.gpkg" if driver == "GPKG" else "a.gdb"), driver=driver, crs=None)
    assert inspect_file(path).questions == ("crs-missing",)
    with pytest.raises(CrsNotDeclared):
        read_table(path)


def test_an_unknown_prj_is_asked_for(tmp_path):
    parts = shapefile_parts(tmp_path / "s")
    for prj in (b"", b"\xff\x00garbage", b'LOCAL_CS["city"]'):
        parts["layer.prj"] = prj
        assert inspect_file(zipped(tmp_path / "a.zip", parts)).questions == ("crs-missing",)


def test_several_layers_are_asked_for(tmp_path):
    path = write(tmp_path / "a.gpkg", driver="GPKG", layer="streets")
    write(path, SQUARES[:2], {"code": ["1", "2"]}, driver="GPKG", layer="社区", append=False)
    write(path, shapely.centroid(SQUARES), driver="GPKG", layer="labels", geometry_type="Point")
    inspection = inspect_file(path)
    assert [layer.name for layer in inspection.layers] == ["streets", "社区", "labels"]
    assert inspection.questions == ("several-layers",)
    with pytest.raises(LayerNotChosen, match="--layer NAME"):
        read_table(path)
    with pytest.raises(UnknownLayer, match="‘streets’, ‘社区’") as unknown:
        read_table(path, layer="yards")
    assert unknown.value.members["layers"] == ["streets", "社区", "labels"]
    assert len(read_table(path, layer="社区").geometries) == 2
    with pytest.raises(NotPolygons, match="Point"):
        read_table(path, layer="labels")


def test_the_only_polygon_layer_needs_no_choice(tmp_path):
    path = write(
        tmp_path / "a.gpkg", shapely.centroid(SQUARES), driver="GPKG", layer="labels", geometry_type="Point"
    )
    write(path, driver="GPKG", layer="streets")
    assert inspect_file(path).questions == ()
    assert read_table(path).layer == "streets"


def test_several_shapefiles_in_one_zip(tmp_path):
    parts = shapefile_parts(tmp_path / "s", stem="街道") | shapefile_parts(tmp_path / "c", stem="社区")
    path = zipped(tmp_path / "a.zip", parts)
    assert inspect_file(path).questions == ("several-layers",)
    assert read_table(path, layer="社区").layer == "社区"


def test_names_in_zips_of_chinese_windows(tmp_path):
    parts = shapefile_parts(tmp_path / "s", encoding="GBK")
    path = tmp_path / "a.zip"
    # Python writes UTF-8 with its flag; GBK without the flag has to be put in by hand.
    zipped(path, {name.replace("layer", "XXXXXXXX"): data for name, data in parts.items()})
    path.write_bytes(path.read_bytes().replace(b"XXXXXXXX", "江宁街道".encode("gbk")))
    assert read_table(path).layer == "江宁街道"


def test_a_database_packed_without_its_folder(tmp_path):
    database = write(tmp_path / "source.gdb", driver="OpenFileGDB", layer="streets")
    path = zipped(tmp_path / "a.zip", {file.name: file.read_bytes() for file in database.iterdir()})
    assert read_table(path).layer == "streets"


def test_kml_with_several_parts_and_folders(tmp_path):
    parts = "".join(
        placemark(shape, "x", "1").split("</ExtendedData>")[1].removesuffix("</Placemark>")
        for shape in SQUARES[::2]
    )
    marks = f"<Placemark><name>甲</name><MultiGeometry>{parts}</MultiGeometry></Placemark>"
    table = read_table(put(tmp_path / "a.kml", kml(marks)))
    assert shapely.equals(table.geometries[0], shapely.multipolygons(SQUARES[::2]))
    folders = kml(
        f"{marks}</Folder><Folder><name>labels</name><Placemark><Point><coordinates>1,2</coordinates></Point></Placemark>"
    )
    path = put(tmp_path / "b.kml", folders)
    assert inspect_file(path).questions == ("several-layers",)
    assert read_table(path, layer="网格").columns["Name"] == ["甲"]


def test_backslashes_and_upper_case_in_zips(tmp_path):
    parts = {f"data\\{name.upper()}": content for name, content in shapefile_parts(tmp_path / "s").items()}
    assert read_table(zipped(tmp_path / "a.zip", parts)).layer == "LAYER"


def test_chinese_field_names_cut_by_the_format(tmp_path):
    columns = {"街道代码": CODES, "街道名称": NAMES}
    with pytest.warns(RuntimeWarning, match="laundered"):
        path = write(tmp_path / "a.shp", columns=columns, driver="ESRI Shapefile", encoding="UTF-8")
    table = read_table(path)
    assert table.columns == {"街道代": CODES, "街道名": NAMES}


def test_rows_marked_as_deleted_are_left_out(tmp_path):
    parts = shapefile_parts(tmp_path / "s")
    dbf = bytearray(parts["layer.dbf"])
    header, record = int.from_bytes(dbf[8:10], "little"), int.from_bytes(dbf[10:12], "little")
    dbf[header + record] = ord("*")
    path = zipped(tmp_path / "a.zip", parts | {"layer.dbf": bytes(dbf)})
    assert inspect_file(path).layers[0].count == 2
    table = read_table(path)
    assert table.columns["code"] == [CODES[0], CODES[2]]
    assert shapely.equals(table.geometries, SQUARES[[0, 2]]).all()


def test_dbf_values_of_every_type(tmp_path):
    columns = {
        "text": ["007", "", "x"],
        "whole": np.array([1, 2, 3], dtype=np.int64),
        "long": np.array([320115001001001001, 2, 3], dtype=np.int64),
        "real": [1.5, math.nan, -2e9],
        "day": np.array(["2026-01-31", "2026-02-01", "NaT"], dtype="datetime64[D]"),
    }
    path = write(tmp_path / "a.shp", columns=columns, driver="ESRI Shapefile")
    read = read_table(path).columns
    assert read["text"] == ["007", None, "x"]
    assert read["whole"] == [1, 2, 3]
    assert read["long"] == [320115001001001001, 2, 3]
    assert read["real"] == [1.5, None, -2e9]
    assert read["day"] == ["2026-01-31", "2026-02-01", None]
    types = {field.name: field.type for field in inspect_file(path).layers[0].fields}
    assert types == {"text": "text", "whole": "integer", "long": "integer", "real": "number", "day": "date"}


def test_dbf_equals_what_gdal_reads(tmp_path):
    for name in ("shanghai_districts_gbk_no_cpg", "chongqing_districts_gbk_no_cpg"):
        with zipfile.ZipFile(shared("messy_real_files", f"{name}.zip")) as archive:
            for member in archive.infolist():
                (tmp_path / f"{name}{member.filename[-4:]}").write_bytes(archive.read(member))
        meta, _, _, values = raw.read(tmp_path / f"{name}.shp", encoding="GBK")
        table = read_dbf(tmp_path / f"{name}.dbf")
        assert table.names("GBK") == meta["fields"].tolist()
        for field, theirs in zip(table.fields, values, strict=True):
            assert table.column(field, "GBK") == theirs.tolist()


def test_geojson_keeps_values_as_they_are(tmp_path):
    columns = {
        "code": ["001", 2, None],
        "big": [320115001001001001, 1, 2],
        "nested": [{"甲": 1}, [1], "x"],
        "id": [True, 1.5, ""],
    }
    path = put(tmp_path / "a.geojson", feature_collection(columns=columns))
    read = read_table(path).columns
    assert read["code"] == ["001", 2, None]
    assert read["big"][0] == 320115001001001001
    assert read["nested"] == ['{"甲": 1}', "[1]", "x"]
    assert {field.name: field.type for field in inspect_file(path).layers[0].fields} == {
        "code": "text", "big": "integer", "nested": "text", "id": "text",
    }  # fmt: skip


def test_many_features_are_built_as_one_by_one(tmp_path):
    random = np.random.default_rng(3)
    discs = shapely.buffer(
        shapely.points(random.uniform(100, 120, (60, 2))), random.uniform(0.1, 2, 60), quad_segs=3
    )
    shapes = [discs[0].difference(discs[1].buffer(0.01))]
    while len(shapes) < 40:
        some = shapely.union_all(random.choice(discs, random.integers(1, 4)))
        hole = shapely.buffer(shapely.point_on_surface(some), 0.05)
        shapes.append(some.difference(hole))
    assert {shape.geom_type for shape in shapes} == {"Polygon", "MultiPolygon"}
    columns = {"code": [str(row) for row in range(40)]}
    read = read_table(put(tmp_path / "a.geojson", feature_collection(shapes, columns))).geometries
    assert shapely.equals_identical(read, shapes).all()
    # A point among them, or a height, takes the slow way round.
    mixed = put(
        tmp_path / "b.geojson",
        feature_collection([*shapes, shapely.force_3d(shapes[0])], {"code": ["x"] * 41}),
    )
    assert shapely.equals_identical(read_table(mixed).geometries, [*shapes, shapes[0]]).all()


def test_geojson_of_one_bare_geometry_and_ids(tmp_path):
    path = put(tmp_path / "a.geojson", shapely.to_geojson(SQUARES[0]).encode())
    assert shapely.equals(read_table(path).geometries[0], SQUARES[0])
    path = put(
        tmp_path / "b.geojson",
        feature_collection().replace(b'{"type": "Feature", ', b'{"type": "Feature", "id": 7, '),
    )
    assert read_table(path).columns["id"] == [7, 7, 7]


def test_geojson_in_gbk(tmp_path):
    path = put(tmp_path / "a.geojson", feature_collection().decode().encode("gbk"))
    assert inspect_file(path).layers[0].encoding == "GBK"
    assert read_table(path).columns["name"] == NAMES
    with pytest.raises(WrongEncoding):
        read_table(path, encoding="utf-8")
    vague = feature_collection(columns={"name": ["x", "y", "蓖俴"]}).decode().encode("cp950")
    with pytest.raises(EncodingNotDeclared):
        read_table(put(tmp_path / "b.geojson", vague))


def test_kml_in_gbk(tmp_path):
    text = kml(all_placemarks(), head='<?xml version="1.0" encoding="GB2312"?>').decode()
    table = read_table(put(tmp_path / "a.kml", text.encode("gbk")))
    assert (table.columns["Name"], table.encoding, table.layer) == (NAMES, "GBK", "网格")


def test_multipolygons_holes_and_heights(tmp_path):
    holed = shapely.Polygon(
        shapely.box(118, 32, 119, 33).exterior, [shapely.box(118.2, 32.2, 118.4, 32.4).exterior]
    )
    shapes = [shapely.multipolygons([holed, shapely.box(120, 32, 121, 33)]), shapely.force_3d(holed, 9.0)]
    columns = {"code": ["1", "2"]}
    paths = [
        put(tmp_path / "a.geojson", feature_collection(shapes, columns)),
        write(tmp_path / "a.gpkg", shapes, columns, driver="GPKG", geometry_type="Unknown"),
        write(tmp_path / "a.shp", shapes, columns, driver="ESRI Shapefile", geometry_type="MultiPolygon"),
    ]
    for path in paths:
        table = read_table(path)
        assert shapely.equals(table.geometries, shapely.force_2d(shapes)).all()
        assert not shapely.has_z(table.geometries).any()
