"""Real layers with known faults against plain shapely: none missed, none invented."""

import gzip
import json
import time
from collections.abc import Callable

import numpy as np
import pytest
import shapely

from geo.coverage import check
from geo.measure import area_m2
from geo.partition import Feature, Layer, Partition, partition
from tests.oracles import brute_force
from tests.shared_data import shared

# What the lattice of about a millimetre may change about a sum of slivers.
AREA_TOLERANCE_M2 = 0.05


def features(*path: str) -> list[dict]:
    file = shared(*path)
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return json.loads(raw)["features"]


def layer(level: str, path: tuple[str, str], code: str, name: str, parent: str | None = None) -> Layer:
    made = []
    for feature in features(*path):
        values = feature["properties"]
        above = str(values[parent]) if parent else None
        shape = shapely.geometry.shape(feature["geometry"])
        made.append(Feature(str(values[code]), str(values[name] or ""), above, shape))
    return Layer(level, tuple(made))


def by_grids(result: Partition, rule: str, level: str) -> dict[tuple[str, ...], float]:
    return {f.grids: f.area_m2 for f in result.findings if f.rule == rule and f.members["level"] == level}


def assert_agrees(mine: dict, expected: dict) -> None:
    for pair in mine.keys() | expected.keys():
        assert mine.get(pair, 0) == pytest.approx(expected.get(pair, 0), rel=1e-5, abs=AREA_TOLERANCE_M2), (
            pair
        )


def assert_same_holes(result: Partition, layers: list[Layer]) -> None:
    mine = sorted(f.area_m2 for f in result.findings if f.rule == "hole")
    assert mine == pytest.approx(sorted(area_m2(brute_force.holes(layers))), rel=1e-5, abs=AREA_TOLERANCE_M2)


def assert_sound(result: Partition) -> None:
    """The independent check finds nothing but conditions, and they are the same ones."""
    shapes = np.array([face.geometry for face in result.faces])
    assert shapely.coverage_is_valid(shapes)
    rules = {"hole", "several-parts", "tiny-face", "short-edge", "no-ground"}
    checked = check(result.faces, result.grids)
    assert {f.rule for f in checked} <= rules
    assert list(checked) == [f for f in result.findings if f.rule in rules]


def prefix(cuts: dict[str, int]) -> Callable[[str, str], str | None]:
    return lambda level, code: code[: cuts[level]] if level in cuts else None


@pytest.fixture(scope="module")
def taiwan() -> list[Layer]:
    place = "scale_taiwan_villages"
    return [
        layer("county", (place, "counties.geojson.gz"), "COUNTYCODE", "COUNTYNAME"),
        layer("town", (place, "towns.geojson.gz"), "TOWNCODE", "TOWNNAME", "COUNTYCODE"),
        layer("village", (place, "villages.geojson.gz"), "VILLCODE", "VILLNAME"),
    ]


@pytest.fixture(scope="module")
def taiwan_result(taiwan) -> Partition:
    start = time.perf_counter()
    result = partition(taiwan, parent_by_code=prefix({"village": 8}))
    assert time.perf_counter() - start < 30
    return result


def test_taiwan_invalid_villages(taiwan, taiwan_result):
    invalid = sorted(f.code for level in taiwan for f in level.features if not f.geometry.is_valid)
    repaired = [f for f in taiwan_result.findings if f.rule == "invalid-repaired"]
    assert len(invalid) == 7
    assert sorted(f.grids[0] for f in repaired) == invalid
    for finding in repaired:
        assert finding.severity == "error"
        assert finding.geometry.geom_type == "Point"


def test_taiwan_children_outside_their_parents(taiwan, taiwan_result):
    county, town, village = taiwan
    expected = brute_force.outside(village, town, lambda code: code[:8])
    assert_agrees(by_grids(taiwan_result, "outside-parent", "village"), expected)
    assert_agrees(
        by_grids(taiwan_result, "outside-parent", "town"), brute_force.outside(town, county, lambda c: c[:5])
    )
    wrong = [
        f for f in taiwan_result.findings if f.rule == "outside-parent" and f.members["level"] == "village"
    ]
    assert sum(f.area_m2 > 1 for f in wrong) == sum(area > 1 for area in expected.values()) == 71
    whole = area_m2(list(brute_force.outlines(village).values()))
    size = dict(zip(brute_force.outlines(village), whole, strict=True))
    wholly = {code for (code, _), area in expected.items() if area > size[code] * (1 - 1e-9)}
    assert {f.grids[0] for f in wrong if f.members["wholly"]} == wholly
    assert len(wholly) in (7, 8)


def test_taiwan_overlaps_and_holes(taiwan, taiwan_result):
    for level in taiwan:
        assert_agrees(by_grids(taiwan_result, "overlap", level.level), brute_force.overlaps(level))
    assert_same_holes(taiwan_result, taiwan)
    alone = partition(taiwan[2:])
    assert sum(f.rule == "hole" for f in alone.findings) == 8
    assert_same_holes(alone, taiwan[2:])


def test_taiwan_faces_tile_the_land(taiwan, taiwan_result):
    assert_sound(taiwan_result)
    land = shapely.union_all([shape for level in taiwan for shape in brute_force.outlines(level).values()])
    shapes = [face.geometry for face in taiwan_result.faces]
    assert area_m2(shapes).sum() == pytest.approx(area_m2(land)[0], abs=1)
    rng = np.random.default_rng(1)
    west, south, east, north = land.bounds
    points = shapely.points(rng.uniform([west, south], [east, north], (20_000, 2)))
    shapely.prepare(land)
    on_land = points[shapely.contains(land, points)]
    _, face = shapely.STRtree(on_land).query(shapes, predicate="intersects")
    assert np.array_equal(np.sort(face), np.arange(len(on_land)))


@pytest.mark.long
def test_taiwan_does_not_depend_on_order_or_path(taiwan, taiwan_result):
    rng = np.random.default_rng(5)
    shuffled = [
        Layer(x.level, tuple(x.features[i] for i in rng.permutation(len(x.features)))) for x in taiwan
    ]
    again = partition(shuffled, parent_by_code=prefix({"village": 8}), node_everything=True)
    assert again == taiwan_result


@pytest.fixture(scope="module")
def community_districts() -> Layer:
    return layer("cd", ("nyc_311_animal", "nyc_community_districts.geojson"), "BoroCD", "BoroCD")


def test_nyc_community_districts(community_districts):
    result = partition([community_districts])
    assert_agrees(by_grids(result, "overlap", "cd"), brute_force.overlaps(community_districts))
    overlap = by_grids(result, "overlap", "cd")
    assert (len(overlap), round(sum(overlap.values()))) == (2, 185)
    assert_same_holes(result, [community_districts])
    assert sum(f.rule == "hole" for f in result.findings) == 6
    assert_sound(result)


@pytest.fixture(scope="module")
def boroughs() -> list[Layer]:
    tracts = features("nyc_311_animal", "nyc_tracts_2010.geojson.gz")
    ground: dict[tuple[str, str], list] = {}
    for tract in tracts:
        values = tract["properties"]
        ground.setdefault((values["BoroCode"], values["NTACode"]), []).append(
            shapely.geometry.shape(tract["geometry"])
        )
    outlines = {key: shapely.union_all(shapes) for key, shapes in ground.items()}
    whole = {
        b: shapely.union_all([s for (c, _), s in outlines.items() if c == b])
        for b in {b for b, _ in outlines}
    }
    return [
        Layer("borough", tuple(Feature(code, code, None, shape) for code, shape in whole.items())),
        Layer("nta", tuple(Feature(code, code, above, shape) for (above, code), shape in outlines.items())),
        layer("tract", ("nyc_311_animal", "nyc_tracts_2010.geojson.gz"), "BoroCT2010", "CTLabel", "NTACode"),
    ]


def test_nyc_boroughs_neighbourhoods_tracts(boroughs):
    result = partition(boroughs)
    for level in boroughs:
        assert_agrees(by_grids(result, "overlap", level.level), brute_force.overlaps(level))
    assert_same_holes(result, boroughs)
    assert_sound(result)
    assert not [f for f in result.findings if f.rule == "unknown-parent"]
    tracts = partition(boroughs[2:])
    assert_same_holes(tracts, boroughs[2:])


def test_jiangning_is_clean():
    streets = layer("street", ("cn_nanjing_jiangning_streets", "jiedao_original.geojson"), "GEOCODE", "NAME")
    result = partition([streets])
    assert (len(result.grids), {f.rule for f in result.findings}) == (18, {"several-parts", "short-edge"})
    assert {f.severity for f in result.findings} == {"warning"}
    assert area_m2([f.geometry for f in result.faces]).sum() == pytest.approx(1567.6e6, rel=1e-4)
    # As they are: each outline keeps its vertices, only rounded to the lattice, T-vertices apart.
    for feature in streets.features:
        mine = shapely.union_all([f.geometry for f in result.faces if f.code == feature.code])
        assert shapely.hausdorff_distance(mine, feature.geometry) < 2e-8
    assert_sound(result)
