"""Files that mean harm or are broken: each ends in a sentence, none in a crash, a loop or half a layer."""

import gzip
import socket
import sqlite3
import stat
import subprocess
import sys
import zipfile
import zlib
from contextlib import closing

import pytest
from hypothesis import HealthCheck, settings

from geo.errors import GeoError, UnreadableFile, UnsafeArchive
from geo.formats import Limits, gdal, gdal_child, inspect_file, read_table
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

KML = kml("".join(placemark(*one) for one in zip(SQUARES, NAMES, CODES, strict=True)))
QUICK = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def refused(path, error, sentence=None):
    """Both ways in refuse, with the same kind of error."""
    with pytest.raises(error, match=sentence):
        inspect_file(path)
    with pytest.raises(error, match=sentence):
        read_table(path)


# Archives


@pytest.mark.parametrize(
    "name",
    [
        "../a.geojson",
        "/etc/a.geojson",
        "x/../../a.geojson",
        "..\\a.geojson",
        "C:\\a.geojson",
        "\\\\host\\a.geojson",
    ],
)
def test_names_that_lead_out_of_the_archive(name, tmp_path):
    refused(zipped(tmp_path / "a.zip", {name: feature_collection()}), UnsafeArchive, "leads out of it")
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_links_in_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("a.geojson")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    refused(tmp_path / "a.zip", UnsafeArchive, "holds a link")


def test_archives_with_a_password(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.geojson": feature_collection()})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    refused(put(path, bytes(data)), UnsafeArchive, "password")


def test_archives_in_archives(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"a.geojson": feature_collection()})
    refused(
        zipped(tmp_path / "a.zip", {"deep/inner.zip": inner.read_bytes()}),
        UnsafeArchive,
        "another archive .‘inner.zip’",
    )


def test_zip_bombs_are_seen_before_unpacking(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.geojson": b" " * (64 << 20)})
    assert path.stat().st_size < 100_000
    refused(path, UnsafeArchive, "would unpack to 64 MB from 6. KB")


def test_zip_bombs_that_lie_about_their_size(tmp_path):
    bomb = feature_collection() + b" " * (8 << 20)
    data = bytearray(zipped(tmp_path / "a.zip", {"a.geojson": bomb}).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = (1000).to_bytes(4, "little")
    refused(put(tmp_path / "b.zip", bytes(data)), (UnsafeArchive, UnreadableFile))


def test_gzip_bombs(tmp_path):
    packed = zlib.compressobj(9, wbits=31)
    data = b"".join(packed.compress(b" " * (1 << 20)) for _ in range(64)) + packed.flush()
    refused(put(tmp_path / "a.geojson.gz", data), UnsafeArchive, "more than")


def test_too_many_members(tmp_path):
    path = zipped(tmp_path / "a.zip", {f"{number}.txt": b"" for number in range(6)})
    with pytest.raises(UnsafeArchive, match="6 files; 5 are allowed"):
        inspect_file(path, limits=Limits(members=5))


def test_texts_too_large_to_parse(tmp_path):
    for path in (
        put(tmp_path / "a.geojson", feature_collection()),
        put(tmp_path / "a.geojson.gz", gzip.compress(feature_collection())),
        zipped(tmp_path / "a.zip", {"a.kml": KML}),
    ):
        with pytest.raises(UnreadableFile, match="Send it as GeoPackage"):
            inspect_file(path, limits=Limits(text_bytes=100))


def test_archives_without_or_with_several_maps(tmp_path):
    refused(
        zipped(tmp_path / "a.zip", {"readme.txt": b"hi"}), UnreadableFile, "holds no map, only readme.txt"
    )
    refused(zipped(tmp_path / "b.zip", {}), UnreadableFile, "holds no map, only nothing")
    two = {"a.geojson": feature_collection(), "b.geojson": feature_collection()}
    refused(zipped(tmp_path / "c.zip", two), UnreadableFile, "several maps .a, b")
    refused(zipped(tmp_path / "d.zip", {"a.gpkg": b"<VRT>"}), UnreadableFile, "not what its name says")


def test_clutter_of_desktop_systems_is_passed_over(tmp_path):
    clutter = {
        "__MACOSX/._a.geojson": b"x",
        ".DS_Store": b"x",
        "Thumbs.db": b"x",
        "a.geojson": feature_collection(),
    }
    assert len(read_table(zipped(tmp_path / "a.zip", clutter)).geometries) == 3


# Kinds


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.geojson", b"", "is empty"),
        ("a.rar", b"Rar!\x1a\x07", "is a RAR archive"),
        ("a.shp", b"%PDF-1.7", "is a PDF"),
        ("a.dwg", b"AC1032", "is a DWG drawing"),
        ("a.gpkg", b"hello", "not a map of a known kind"),
        ("a.zip", b"PK\x03\x04", "damaged, cut off"),
        ("a.gz", b"\x1f\x8b\x08", "damaged or cut off"),
        ("a.gz", gzip.compress(b"hello", mtime=0), "holds no GeoJSON"),
        ("a.vrt", b'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'
         b"</OGRVRTDataSource>", "XML but no KML"),
        ("a.gml", b"<gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml'/>", "XML but no KML"),
        ("/vsicurl.geojson", b"http://example.org/a.geojson", "not a map of a known kind"),
        ("a.json", b'{"type": "FeatureCollection", "features": "http://example.org"}', "no list of features"),
    ],
)  # fmt: skip
def test_what_is_no_map_is_told_so(name, data, sentence, tmp_path):
    refused(put(tmp_path / name.lstrip("/"), data), UnreadableFile, sentence)


# KML


def test_billion_laughs(tmp_path):
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    head = f'<?xml version="1.0"?><!DOCTYPE kml [{entities}]>'
    document = kml("<Placemark><name>&j;</name></Placemark>", head=head)
    refused(put(tmp_path / "a.kml", document), UnreadableFile, "document type or entities")
    refused(zipped(tmp_path / "a.kmz", {"doc.kml": document}), UnreadableFile, "document type or entities")


def test_external_entities(tmp_path):
    head = '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    refused(
        put(tmp_path / "a.kml", kml("<Placemark><name>&x;</name></Placemark>", head=head)),
        UnreadableFile,
        "refused",
    )
    utf16 = kml("", head=head).decode().encode("utf-16")
    refused(put(tmp_path / "b.kml", utf16), UnreadableFile, "refused for safety")


def test_deep_kml_and_links(tmp_path):
    deep = "<Folder>" * 5000 + "</Folder>" * 5000
    refused(put(tmp_path / "a.kml", kml(deep)), UnreadableFile, "deeper than 100")
    link = "<NetworkLink><Link><href>http://127.0.0.1:9/a.kml</href></Link></NetworkLink>"
    refused(put(tmp_path / "b.kml", kml(link)), UnreadableFile, "only a link to a map elsewhere")


def test_no_address_in_a_file_is_called(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.kml"
        link = f"<NetworkLink><Link><href>{address}</href></Link></NetworkLink>"
        style = f"<Style id='s'><IconStyle><Icon><href>{address}</href></Icon></IconStyle></Style>"
        marks = placemark(SQUARES[0], f"<![CDATA[<img src='{address}'>]]>", "1")
        read_table(put(tmp_path / "a.kml", kml(style + link + marks)))
        crs = {"type": "link", "properties": {"href": address}}
        inspect_file(put(tmp_path / "a.geojson", feature_collection(crs=crs)))
        with pytest.raises(TimeoutError):
            server.accept()


# GeoPackage


def altered(tmp_path, *statements):
    path = write(tmp_path / "a.gpkg", driver="GPKG", layer="streets")
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return path


def test_views_and_virtual_tables_do_not_run(tmp_path):
    view = "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i AS fid FROM n"
    refused(altered(tmp_path, view), UnreadableFile, "‘v’ in the GeoPackage is no plain table")
    (tmp_path / "a.gpkg").unlink()
    virtual = "CREATE VIRTUAL TABLE t USING fts4(x)"
    refused(altered(tmp_path, virtual), UnreadableFile, "is no plain table")


def test_a_database_that_is_no_geopackage(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as database:
        database.execute("CREATE TABLE secrets (x)")
        database.commit()
    refused(tmp_path / "a.gpkg", UnreadableFile, "no GeoPackage with layers")


def test_a_geopackage_that_promises_more_than_it_holds(tmp_path):
    path = altered(
        tmp_path,
        "UPDATE gpkg_geometry_columns SET table_name = 'gone'",
        "UPDATE gpkg_contents SET table_name = 'gone'",
    )
    refused(path, UnreadableFile)


# The process around GDAL


def test_the_reader_knows_only_the_drivers_that_we_want():
    code = (
        f"import runpy, sys; child = runpy.run_path({str(gdal.CHILD)!r}); child['set_environment']();"
        "import pyogrio; print('|'.join(sorted(pyogrio.list_drivers())))"
    )
    listed = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert set(listed.stdout.strip().split("|")) == gdal_child.ALLOWED_DRIVERS


def test_a_reader_that_dies_or_hangs_is_a_sentence(tmp_path, monkeypatch):
    path = write(tmp_path / "a.gpkg", driver="GPKG")
    monkeypatch.setattr(gdal, "CHILD", put(tmp_path / "dies.py", b"import os; os.abort()"))
    refused(path, UnreadableFile, "stopped the reader")
    monkeypatch.setattr(gdal, "CHILD", put(tmp_path / "hangs.py", b"import time; time.sleep(60)"))
    monkeypatch.setattr(gdal, "TIMEOUT_S", 0.3)
    refused(path, UnreadableFile, "stopped after 0.3 s")


def test_messages_do_not_show_our_folders(tmp_path):
    parts = shapefile_parts(tmp_path / "s")
    # The number of points of the first polygon.
    parts["layer.shp"] = parts["layer.shp"][:148] + b"\xff\xff\xff\x7f" + parts["layer.shp"][152:]
    with pytest.raises(GeoError) as refusal:
        read_table(zipped(tmp_path / "a.zip", parts))
    assert "/tmp" not in refusal.value.detail
    assert "wangge-" not in refusal.value.detail
