"""Lists come as tables and as maps, in the encodings offices use; what can't be read is said."""

import zipfile

import openpyxl
import pyogrio
import pytest
import shapely

from geo.errors import EncodingNotDeclared, GeoError, UnreadableFile
from service.errors import Invalid, Malformed
from service.places.intake import Columns, read_file

TABLE = Columns("名称", ("俗名", "旧名"), "地址", "类型", ("区县", "街道"), "x", "y")
HEADER = ["名称", "俗名", "旧名", "地址", "类型", "区县", "街道", "x", "y"]
ROWS = [
    ["锦绣花园", "棉纺院，老厂", "锦绣花园", "文昌路1号", "小区", "江宁区", "秣陵街道", 118.8, "31.9"],
    [None, None, None, "文昌路３号", None, None, None, 118.81, 31.9],
    [None] * 9,
    [1201.0, None, None, None, None, None, None, 118.82, 31.9],
]


def sheet(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_workbook_row_for_row(tmp_path):
    found = read_file(sheet(tmp_path / "a.xlsx", [HEADER, *ROWS]), TABLE, crs="wgs84").places
    assert [(one.row, one.name, one.error) for one in found] == [
        (2, "锦绣花园", ""), (3, "文昌路３号", ""), (5, "1201", "")
    ]  # fmt: skip
    assert found[0].aliases == ("棉纺院", "老厂")
    assert found[0].regions == ("江宁区", "秣陵街道")
    assert (found[0].kind, found[0].x, found[0].y) == ("小区", 118.8, 31.9)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_in_the_encodings_of_offices(tmp_path, encoding):
    lines = [HEADER, *ROWS[:2]]
    text = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in lines)
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    declared = "gb18030" if encoding == "gb18030" else None
    found = read_file(path, TABLE, crs="wgs84", encoding=declared).places
    assert [one.name for one in found] == ["锦绣花园", "文昌路３号"]


def test_rows_that_cannot_be_taken_say_why(tmp_path):
    rows = [
        HEADER,
        ["", *[None] * 6, 1, 2],
        ["甲", *[None] * 6, "x", 2],
        ["乙" * 201, *[None] * 6, 1, 2],
        ["丙"],
    ]
    found = read_file(sheet(tmp_path / "a.xlsx", rows), TABLE, crs="wgs84").places
    assert [one.error for one in found] == [
        "it has no name", "x is not a number: 'x'", "名称 is longer than 200 characters", "x is not a number: 'None'"
    ]  # fmt: skip


@pytest.mark.parametrize("driver", ["GPKG", "GeoJSON"])
def test_a_map_of_points_or_outlines(tmp_path, driver):
    path = tmp_path / f"a.{driver.lower()}"
    shapes = [shapely.Point(118.8, 31.9), shapely.box(118.81, 31.9, 118.82, 31.91)]
    fields = {"field_data": [["甲园", "乙园"], ["甲路1号", None]], "fields": ["name", "addr"]}
    kinds = {"geometry_type": "Unknown", "crs": "EPSG:4326"}
    pyogrio.raw.write(path, shapely.to_wkb(shapes), driver=driver, **_arrays(fields), **kinds)
    source = read_file(path, Columns("name", address="addr"), crs=None)
    assert [(one.name, one.address) for one in source.places] == [("甲园", "甲路1号"), ("乙园", "")]
    assert (source.places[0].x, source.places[0].y) == (118.8, 31.9)
    assert shapes[1].contains(shapely.Point(source.places[1].x, source.places[1].y))


def _arrays(fields):
    import numpy as np

    return {
        "field_data": [np.array(one, dtype=object) for one in fields["field_data"]],
        "fields": fields["fields"],
    }


HARMS = (
    ("sheet1.xml", lambda raw: raw[: len(raw) // 2]),
    ("sheet1.xml", lambda raw: raw.replace(b'r="A2"', b'r="??"')),
    ("workbook.xml", lambda raw: raw[: len(raw) // 2]),
    ("sheet1.xml", lambda raw: None),
)


def damaged(good, path, part, harm):
    """Write a workbook anew with one of its parts harmed."""
    with zipfile.ZipFile(good) as whole, zipfile.ZipFile(path, "w") as made:
        for name in whole.namelist():
            raw = harm(whole.read(name)) if name.endswith("/" + part) else whole.read(name)
            if raw is not None:
                made.writestr(name, raw)
    return path


def test_what_cannot_be_read_is_a_sentence(tmp_path):
    good = sheet(tmp_path / "a.xlsx", [HEADER, *ROWS])
    with pytest.raises(Invalid, match="Say the coordinate system"):
        read_file(good, TABLE, crs=None)
    with pytest.raises(Invalid, match="Name the columns"):
        read_file(good, Columns("名称"), crs="wgs84")
    with pytest.raises(Invalid, match=r"no column '别名'\. It has: 名称, 俗名"):
        read_file(good, Columns("名称", ("别名",), x="x", y="y"), crs="wgs84")
    broken = tmp_path / "b.xlsx"
    broken.write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(UnreadableFile, match="no XLSX workbook"):
        read_file(broken, TABLE, crs="wgs84")
    for part, harm in HARMS:
        with pytest.raises(UnreadableFile, match="no XLSX workbook"):
            read_file(damaged(good, tmp_path / "e.xlsx", part, harm), TABLE, crs="wgs84")
    text = tmp_path / "c.csv"
    text.write_text('名称,x,y\n"甲,1,2\n', "utf-8")
    with pytest.raises(Malformed, match="can't be split"):
        read_file(text, Columns("名称", x="x", y="y"), crs="wgs84")
    text.write_bytes(b"\xff\xfe\xfd\x00\x81")
    with pytest.raises((EncodingNotDeclared, GeoError)):
        read_file(text, Columns("名称", x="x", y="y"), crs="wgs84")
    other = tmp_path / "d.gpkg"
    other.write_bytes(b"nothing of the kind")
    with pytest.raises(GeoError):
        read_file(other, Columns("name"), crs=None)
