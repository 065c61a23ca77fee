"""Files cut, flipped and made up at random: refused with a sentence, or read whole."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import GeoError
from geo.formats import inspect_file, read_table
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


def outcome(path):
    """Read a file: the number of its features, or None where it was refused with a sentence."""
    try:
        inspect_file(path)
        table = read_table(path)
    except GeoError as error:
        refusal = error.detail
    else:
        assert all(len(column) == len(table.geometries) for column in table.columns.values())
        return len(table.geometries)
    assert len(refusal) > 20
    assert refusal.endswith((".", "…"))
    return None


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    database = write(folder / "s.gdb", driver="OpenFileGDB", layer="streets")
    return {
        "geojson": feature_collection(),
        "zip": zipped(folder / "s.zip", shapefile_parts(folder / "shp", encoding="GBK")).read_bytes(),
        "gpkg": write(folder / "s.gpkg", driver="GPKG").read_bytes(),
        "kml": KML,
        "kmz": zipped(folder / "s.kmz", {"doc.kml": KML}).read_bytes(),
        "gdb.zip": zipped(
            folder / "g.zip", {f"a.gdb/{file.name}": file.read_bytes() for file in database.iterdir()}
        ).read_bytes(),
        "geojson.gz": gzip.compress(feature_collection()),
        **{
            f"part{name.removeprefix('layer')}": data
            for name, data in shapefile_parts(folder / "parts").items()
        },
    }


CHEAP = ["geojson", "geojson.gz", "zip"]
THROUGH_GDAL = ["gpkg", "kml", "kmz", "gdb.zip"]
PARTS = ["part.shp", "part.shx", "part.dbf", "part.prj", "part.cpg"]


def check_cut(samples, kind, share, tmp_path):
    data = samples[kind]
    cut = data[: int(len(data) * share)]
    assert outcome(put(tmp_path / f"cut.{kind}", cut)) is None


@settings(QUICK, max_examples=60)
@given(kind=st.sampled_from(CHEAP), share=st.floats(0, 0.999))
def test_cut_files_are_refused(samples, kind, share, tmp_path):
    check_cut(samples, kind, share, tmp_path)


@settings(QUICK, max_examples=15)
@given(kind=st.sampled_from(THROUGH_GDAL), share=st.floats(0, 0.98))
def test_cut_files_that_gdal_reads_are_refused(samples, kind, share, tmp_path):
    check_cut(samples, kind, share, tmp_path)


@settings(QUICK, max_examples=30)
@given(part=st.sampled_from(PARTS), share=st.floats(0, 0.999))
def test_shapefiles_with_one_cut_part_are_refused_or_whole(samples, part, share, tmp_path):
    parts = {f"a{name.removeprefix('part')}": data for name, data in samples.items() if name in PARTS}
    name = f"a{part.removeprefix('part')}"
    data = parts[name]
    parts[name] = data[: int(len(data) * share)]
    read = outcome(zipped(tmp_path / "a.zip", parts))
    # A cut .cpg or .prj may still say enough, and the dBASE end mark is not needed.
    assert read is None or (
        read == 3 and (part in ("part.cpg", "part.prj") or len(parts[name]) == len(data) - 1)
    )


flips = st.lists(st.tuples(st.floats(0, 0.9999), st.integers(1, 255)), min_size=1, max_size=8)


def flipped(data, changes):
    damaged = bytearray(data)
    for share, mask in changes:
        damaged[int(share * len(damaged))] ^= mask
    return bytes(damaged)


@settings(QUICK, max_examples=100)
@given(kind=st.sampled_from(CHEAP), changes=flips)
def test_flipped_bytes(samples, kind, changes, tmp_path):
    assert outcome(put(tmp_path / f"flip.{kind}", flipped(samples[kind], changes))) in (None, 3)


@settings(QUICK, max_examples=30)
@given(part=st.sampled_from(PARTS), changes=flips)
def test_flipped_bytes_in_shapefiles(samples, part, changes, tmp_path):
    parts = {f"a{name.removeprefix('part')}": data for name, data in samples.items() if name in PARTS}
    name = f"a{part.removeprefix('part')}"
    parts[name] = flipped(parts[name], changes)
    read = outcome(zipped(tmp_path / "a.zip", parts))
    assert read is None or read <= 3


@settings(QUICK, max_examples=20)
@given(kind=st.sampled_from(THROUGH_GDAL), changes=flips)
def test_flipped_bytes_that_gdal_reads(samples, kind, changes, tmp_path):
    outcome(put(tmp_path / f"flip.{kind}", flipped(samples[kind], changes)))


@settings(QUICK, max_examples=150)
@given(
    suffix=st.sampled_from(["geojson", "zip", "shp", "gpkg", "kml", "kmz", "gz", "json"]),
    magic=st.sampled_from(
        [b"", b"PK\x03\x04", b"\x1f\x8b", b"SQLite format 3\x00", b"\x00\x00\x27\x0a", b"<kml>", b"{"]
    ),
    data=st.binary(max_size=400),
)
def test_random_bytes_are_refused(suffix, magic, data, tmp_path):
    assert outcome(put(tmp_path / f"a.{suffix}", magic + data)) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "coordinates", "geometry", "properties", "geometries", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(QUICK, max_examples=300)
@given(
    kind=st.sampled_from(["Polygon", "MultiPolygon", "Point", "GeometryCollection", "Feature", 5, None]),
    coordinates=json_values,
    properties=json_values,
    whole=st.booleans(),
)
def test_json_of_the_right_shape_with_anything_inside(kind, coordinates, properties, whole, tmp_path):
    geometry = {"type": kind, "coordinates": coordinates, "geometries": coordinates}
    feature = {
        "type": "Feature",
        "geometry": coordinates if whole else geometry,
        "properties": properties,
        "id": properties,
    }
    document = {"type": "FeatureCollection", "features": [feature], "crs": properties if whole else None}
    outcome(put(tmp_path / "a.geojson", json.dumps(document).encode()))
