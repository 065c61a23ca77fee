"""The messy ZIP and the roster: the importer asks what is missing and finds everything that was planted."""

import zipfile

import pytest

from geo.crs import geometries_to_lonlat, parse_crs
from geo.errors import CrsNotDeclared
from geo.formats import as_code, inspect_file, read_table
from geo.partition import Feature, Layer, partition
from geo.synth import MESSY_CRS, make_city, messy_zip, roster_rows


@pytest.fixture(scope="module", params=[300, 700])
def city(request):
    return make_city(yards=request.param, buildings=False)


def planted(city, path):
    return dict((f"{fault} ").split(" ")[:2] for fault in messy_zip(city, path))


def read(path):
    table = read_table(path, crs=parse_crs(MESSY_CRS))
    return table, geometries_to_lonlat(table.geometries, table.crs)


def test_it_names_neither_encoding_nor_coordinates(city, tmp_path):
    path = tmp_path / "messy.zip"
    planted(city, path)
    with zipfile.ZipFile(path) as archive:
        assert sorted(name[-4:] for name in archive.namelist()) == [".dbf", ".shp", ".shx"]
    told = inspect_file(path)
    assert told.questions == ("crs-missing",)
    assert told.layers[0].encoding == "GBK"
    assert [field.name for field in told.layers[0].fields] == ["网格编码", "网格名称", "上级编码", "户数"]
    with pytest.raises(CrsNotDeclared):
        read_table(path)


def test_names_and_places_come_back_once_the_questions_are_answered(city, tmp_path):
    faults = planted(city, tmp_path / "messy.zip")
    table, shapes = read(tmp_path / "messy.zip")
    district = {g.code: g for g in city.layers["community"] if g.district == faults["overlap"][:6]}
    assert len(shapes) == len(district)
    spoilt = set(faults.values())
    codes = [as_code(code) for code in table.columns["网格编码"]]
    good = [k for k, code in enumerate(codes) if code not in spoilt]
    assert good
    for k in good:
        grid = district[codes[k]]
        assert table.columns["网格名称"][k] == grid.name
        assert table.columns["上级编码"][k] == grid.parent
        assert table.columns["户数"][k] == grid.households
        # Centimetres, and not a metre more: the projection is the right one.
        assert shapes[k].hausdorff_distance(grid.geometry) < 2e-7


def test_every_planted_fault_is_in_the_file_and_found(city, tmp_path):
    faults = planted(city, tmp_path / "messy.zip")
    table, shapes = read(tmp_path / "messy.zip")
    names = table.columns["网格名称"]
    codes = [as_code(code) for code in table.columns["网格编码"]]
    assert codes.count(faults["duplicate-code"]) == 2
    assert names[codes.index(faults["no-name"])] is None
    with zipfile.ZipFile(tmp_path / "messy.zip") as archive:
        dbf = next(archive.read(name) for name in archive.namelist() if name.endswith(".dbf"))
    assert b"  " + faults["padded-code"].encode() in dbf
    features = tuple(
        Feature(code, name or "", None, shape) for code, name, shape in zip(codes, names, shapes, strict=True)
    )
    found = partition([Layer("community", features)]).findings
    rules = {finding.rule for finding in found}
    assert {"overlap", "hole", "invalid-repaired", "joined-parts"} <= rules
    repaired = [finding for finding in found if finding.rule == "invalid-repaired"]
    assert any(faults["overlap"] in f.grids for f in found if f.rule == "overlap" and f.severity == "error")
    assert [finding.grids for finding in repaired] == [(faults["invalid-geometry"],)]


def test_the_same_city_gives_the_same_bytes(city, tmp_path):
    messy_zip(city, tmp_path / "one.zip")
    messy_zip(city, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_roster_has_one_row_for_every_grid(city):
    rows = {row["编码"]: row for row in roster_rows(city)}
    grids = [grid for level in city.layers.values() for grid in level]
    assert len(rows) == len(roster_rows(city)) == len(grids)
    for grid in grids:
        row = rows[grid.code]
        counts = (grid.households, grid.people) if grid.level == "yard" else (None, None)
        assert (row["名称"], row["户数"], row["人口"]) == (grid.name, *counts)
        assert row["网格长"]
        assert row["电话"]
