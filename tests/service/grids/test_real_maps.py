"""Real maps all the way into faces: New York's boroughs and tracts, Jiangning's sub-districts."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy.orm import Session

from service import audit, clock
from service.errors import Invalid
from service.grids import publishing, queries
from tests.service.grids import maps
from tests.shared_data import shared

JIANGNING = "cn_nanjing_jiangning_streets"


def shapes_of(features: list[dict[str, Any]]) -> list[shapely.Geometry]:
    return [shapely.geometry.shape(one["geometry"]) for one in features]


def test_jiangning_is_published_as_it_is(session: Session) -> None:
    path = shared(JIANGNING, "jiedao_original.geojson")
    done = maps.bring(session, path, "subdistrict", code_field="GEOCODE", name_field="NAME", crs="wgs84")
    assert done.features == 18
    plan = queries.get_plan(session, "P")
    publishing.waive(session, plan, ["all"], reason="as it is", by=audit.OPERATOR, at=clock.now())
    [made] = publishing.publish(session, plan, by=audit.OPERATOR, at=clock.now())
    given = {
        (one["properties"]["GEOCODE"], one["properties"]["NAME"])
        for one in json.loads(path.read_text())["features"]
    }
    kept = queries.grids_of(session, made.district_id, made.snapshot_id)
    assert {(one.code, one.name) for one in kept} == given


@pytest.mark.parametrize(("crs", "is_suspect"), [("wgs84", True), ("gcj02", False)])
def test_an_outline_in_gcj02_raises_suspicion(
    session: Session, tmp_path: Path, crs: str, is_suspect: bool
) -> None:
    outline = shared(JIANGNING, "district_320115_outline_gcj02_cnmaps.geojson")
    ground = shapely.from_geojson(outline.read_text())
    towns = json.loads(shared(JIANGNING, "jiedao_original.geojson").read_text())["features"]
    below = [
        ("320115000" + one["properties"]["GEOCODE"][6:], one["properties"]["NAME"], shape)
        for one, shape in zip(towns, shapes_of(towns), strict=True)
    ]
    maps.bring(session, maps.write(tmp_path / "below.geojson", below), "community", crs="wgs84")
    above = maps.write(tmp_path / "outline.geojson", [("320115000", "江宁区", ground)])
    done = maps.bring(session, above, "subdistrict", crs=crs)
    suspects = [one for one in done.findings if one.rule == "coordinates-suspect"]
    assert bool(suspects) == is_suspect, [one.detail for one in suspects]


def test_new_york_tracts_under_boroughs(session: Session, tmp_path: Path) -> None:
    packed = shared("nyc_311_animal", "nyc_tracts_2010.geojson.gz")
    tracts = json.loads(gzip.decompress(packed.read_bytes()))["features"]
    shapes = shapely.make_valid(shapes_of(tracts))
    codes = [one["properties"]["BoroCode"] for one in tracts]
    boroughs = [
        (code, code, shapely.union_all([s for s, c in zip(shapes, codes, strict=True) if c == code]))
        for code in sorted(set(codes))
    ]
    maps.bring(session, maps.write(tmp_path / "boroughs.geojson", boroughs), "subdistrict")
    fields = {"code_field": "BoroCT2010", "name_field": "CTLabel", "parent_field": "BoroCode"}
    done = maps.bring(session, packed, "community", crs="wgs84", **fields)
    assert done.features == 2165
    [place] = queries.plan_districts(session, queries.get_plan(session, "P").id)
    grids = queries.grids_of(session, place.district_id, place.snapshot_id)
    by_id = {one.grid_id: one for one in grids}
    parents = {one.code: by_id[one.parent_id].code for one in grids if one.level == "community"}
    assert parents == {one["properties"]["BoroCT2010"]: one["properties"]["BoroCode"] for one in tracts}
    faces = queries.faces_of(session, place.district_id, place.snapshot_id)
    ground = shapely.from_wkb([bytes(one.wkb) for one in faces])
    assert shapely.area(ground).sum() == pytest.approx(shapely.union_all(shapes).area, rel=1e-6)


def test_codes_that_do_not_say_their_parent_need_a_field(session: Session, tmp_path: Path) -> None:
    town = maps.write(tmp_path / "town.geojson", [("A", "镇", maps.box(118.8, 118.83))])
    maps.bring(session, town, "subdistrict")
    below = maps.write(tmp_path / "below.geojson", [("A1", "村", maps.box(118.8, 118.81))])
    with pytest.raises(Invalid, match="--parent-field"):
        maps.bring(session, below, "community")
