"""The fictional city: a clean nested coverage, well-formed codes, the same from the same seed everywhere."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.lattice import canon
from geo.partition import Feature, Gap, Layer, partition
from geo.synth import BACKDROP_LAYERS, CATEGORIES, LEVELS, make_city, places_of

ROOT = Path(__file__).resolve().parents[2]
FINGERPRINT = """
import hashlib
from datetime import UTC, datetime
from geo.synth import make_city, make_reports, places_of
city = make_city(seed=5, yards=300)
told = hashlib.sha256()
for level in city.layers.values():
    for grid in level:
        told.update(grid.geometry.wkb + f"{grid.code}{grid.name}{grid.households}{grid.people}".encode())
for item in city.backdrop:
    told.update(item.geometry.wkb + f"{item.layer}{item.kind}{item.name}".encode())
told.update(repr(city.leaders).encode())
told.update(repr(places_of(city)).encode())
reports = make_reports(city, 1000, until=datetime(2026, 5, 1, tzinfo=UTC))
for column in (reports.at, reports.x, reports.y, reports.accuracy_m):
    told.update(column.tobytes())
told.update("".join(reports.text.tolist()).encode())
print(told.hexdigest())
"""


@pytest.fixture(scope="module", params=[7, 1])
def city(request):
    return make_city(seed=request.param, yards=300)


def shapes(grids):
    return np.array([grid.geometry for grid in grids], dtype=object)


def fingerprints(*hash_seeds):
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", FINGERPRINT],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for hash_seed in hash_seeds
    ]
    told = [run.communicate(timeout=60)[0].strip() for run in runs]
    assert [run.returncode for run in runs] == [0] * len(runs)
    return told


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_is_a_clean_coverage_on_the_lattice(city, level):
    geometries = shapes(city.layers[level])
    assert shapely.is_valid(geometries).all()
    assert (shapely.get_type_id(geometries) == shapely.GeometryType.POLYGON).all()
    assert shapely.coverage_is_valid(geometries)
    assert shapely.to_wkb(canon(geometries)).tolist() == shapely.to_wkb(geometries).tolist()


def test_the_importer_has_nothing_to_say_against_it(city):
    layers = [
        Layer(level, tuple(Feature(g.code, g.name, None if level == LEVELS[0] else g.parent, g.geometry)
                           for g in city.layers[level]))
        for level in LEVELS
    ]  # fmt: skip
    gaps = [Gap(gap.geometry, gap.parent, gap.reason) for gap in city.gaps]
    made = partition(layers, gaps=gaps)
    assert [f for f in made.findings if f.severity == "error"] == []
    faces = Counter(face.code for face in made.faces if face.kind == "grid")
    assert faces == dict.fromkeys((yard.code for yard in city.layers["yard"]), 1)
    outlines = {g.code: g.geometry for g in city.layers["yard"]}
    for face in made.faces:
        if face.kind == "grid":
            assert face.geometry.equals(outlines[face.code])
    assert {face.kind for face in made.faces} == {"grid", "public", "gap"}


def test_upper_levels_are_the_unions_of_lower_ones(city):
    for lower, upper in zip(("subdistrict", "community"), ("district", "subdistrict"), strict=True):
        outlines = (
            {d.code: d.outline for d in city.districts}
            if upper == "district"
            else {g.code: g.geometry for g in city.layers[upper]}
        )
        for code, outline in outlines.items():
            children = shapes([g for g in city.layers[lower] if g.parent == code])
            assert len(children), code
            assert shapely.equals(shapely.union_all(children), outline), code


def test_yards_and_gaps_lie_in_their_communities_and_nowhere_twice(city):
    outlines = {g.code: g.geometry for g in city.layers["community"]}
    yards = city.layers["yard"]
    assert all(outlines[yard.parent].covers(yard.geometry) for yard in yards)
    assert all(outlines[gap.parent].covers(gap.geometry) for gap in city.gaps)
    assert all(gap.parent.startswith(gap.district) and gap.reason for gap in city.gaps)
    together = np.concatenate([shapes(yards), shapes(city.gaps)])
    assert shapely.coverage_is_valid(together)


def test_codes_are_those_of_the_scheme_and_lead_upwards(city):
    known = {district.code for district in city.districts}
    assert all(re.fullmatch(r"99\d{4}", code) for code in known)
    for level, digits in zip(LEVELS, (9, 12, 15), strict=True):
        codes = [grid.code for grid in city.layers[level]]
        assert codes == sorted(set(codes))
        for grid in city.layers[level]:
            assert re.fullmatch(rf"\d{{{digits}}}", grid.code)
            assert grid.parent == grid.code[:-3]
            assert grid.parent in known
            assert grid.district == grid.code[:6]
        known = set(codes)


def test_no_name_occurs_twice_inside_a_parent(city):
    for level in LEVELS:
        names = Counter((grid.parent, grid.name) for grid in city.layers[level])
        assert max(names.values()) == 1, names.most_common(3)
        assert all(name for _, name in names)
    assert len({district.name for district in city.districts}) == len(city.districts)


def test_people_add_up_and_everyone_has_a_leader(city):
    yards = city.layers["yard"]
    for level in ("subdistrict", "community"):
        assert sum(g.people for g in city.layers[level]) == sum(y.people for y in yards)
        assert sum(g.households for g in city.layers[level]) == sum(y.households for y in yards)
    assert sum(y.people for y in yards) == pytest.approx(300 * len(yards), rel=0.02)
    led = {(post.level, post.code) for post in city.leaders if post.kind == "leader"}
    assert led == {(level, g.code) for level in LEVELS for g in city.layers[level]}


def test_every_category_has_a_department_in_every_district(city):
    codes = sorted(category.code for category in CATEGORIES)
    for district in city.districts:
        handled = [c for d in city.departments if d.district == district.code for c in d.categories]
        assert sorted(handled) == codes


def test_categories_are_those_of_the_chinese_profile():
    profile = json.loads((ROOT / "service/city/profiles/cn.json").read_text("utf-8"))
    told = [(c["code"], c["name"]["zh"], c["name"]["en"]) for c in profile["categories"]]
    assert told == [tuple(category) for category in CATEGORIES]


def test_borders_wiggle():
    yards = shapes(make_city(yards=300, buildings=False).layers["yard"])
    assert 25 < np.median(shapely.get_num_coordinates(yards)) < 200


def test_the_backdrop_has_every_layer_and_buildings_stand_in_yards(city):
    layers = {layer: [item for item in city.backdrop if item.layer == layer] for layer in BACKDROP_LAYERS}
    # Small towns have no hill to draw.
    assert [layer for layer, items in layers.items() if not items] in ([], ["relief"])
    assert sum(map(len, layers.values())) == len(city.backdrop)
    houses = shapes(layers["buildings"])
    assert shapely.is_valid(houses).all()
    inside = np.unique(shapely.STRtree(shapes(city.layers["yard"])).query(houses, predicate="covered_by")[0])
    # Tracks are bent more than houses and may reach a little over the wall.
    assert len(inside) > 0.98 * len(houses)


def test_buildings_can_be_left_out_and_change_nothing_else():
    bare, built = (make_city(yards=300, buildings=choice) for choice in (False, True))
    assert {item.layer for item in built.backdrop} - {item.layer for item in bare.backdrop} == {"buildings"}
    assert bare.layers == built.layers


def test_the_same_seed_gives_the_same_in_every_process():
    one, other = fingerprints("1", "2")
    assert len(one) == 64
    assert one == other


def test_another_seed_gives_another_city():
    one, other = (make_city(seed=seed, yards=300, buildings=False) for seed in (1, 2))
    assert one.districts[0].outline != other.districts[0].outline


def test_progress_goes_from_nothing_to_done():
    told = []
    make_city(yards=300, buildings=False, progress=lambda stage, share: told.append((stage, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], told[-1]) == (0.0, ("done", 1.0))


@pytest.mark.parametrize("yards", [450, 700])
def test_about_as_many_yards_as_asked(yards):
    made = make_city(yards=yards, buildings=False)
    assert len(made.layers["yard"]) == pytest.approx(yards, rel=0.06)


def test_a_hamlet_is_refused():
    with pytest.raises(ValueError, match="at least 300"):
        make_city(yards=299)


def test_places_lie_in_their_yards_and_no_address_is_given_out_twice(city):
    yards, places = city.layers["yard"], places_of(city)
    assert [one.name for one in places] == [yard.name for yard in yards]
    assert all(
        yard.geometry.covers(shapely.Point(one.lon, one.lat)) for yard, one in zip(yards, places, strict=True)
    )
    addresses = [one.address for one in places if one.address and not one.name.endswith("号院")]
    assert len(addresses) == len(set(addresses)) > len(places) / 4
    assert any(one.alias for one in places)
