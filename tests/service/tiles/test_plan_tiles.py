"""Tiles of a plan: its faces as they are after an edit, for those of its district only, never beyond bounds."""

import math
from pathlib import Path
from typing import Any

import geopandas
import pytest
from sqlalchemy.orm import Session

from service import audit, clock
from service.city import actions as city_actions
from service.grids import actions, queries
from service.tiles import plan_tiles
from tests.service.grids import maps
from tests.service.grids.test_plans_http import bearer


def place(zoom: int, lon: float = 118.805, lat: float = 31.905) -> str:
    """Give z/x/y of the tile a point lies in."""
    side = 2**zoom
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side
    return f"{zoom}/{int((lon + 180) / 360 * side)}/{int(y)}"


def read(content: bytes, folder: Path, layer: str) -> list[dict[str, Any]]:
    (folder / "one.mvt").write_bytes(content)
    return geopandas.read_file(folder / "one.mvt", layer=layer, engine="pyogrio").to_dict("records")


@pytest.fixture
def drawn(client: Any, session: Session, tmp_path: Path) -> Any:
    city_actions.add_district(session, code="990102", name="乙区", by=audit.SYSTEM, at=clock.now())
    plan = maps.bring(session, maps.communities(tmp_path), district="000000").plan
    session.flush()
    return plan


def test_a_tile_shows_the_faces_as_they_are_after_an_edit(
    client: Any, session: Session, drawn: Any, tmp_path: Path
) -> None:
    headers = bearer(session, "000000")
    where = f"/tiles/plan/{drawn.id}/faces/{place(12)}.mvt"
    first = client.get(where, headers=headers)
    assert first.headers["Cache-Control"].startswith("private")
    assert {one["code"] for one in read(first.data, tmp_path, "faces")} == {maps.WEST, maps.EAST}
    assert {one["name"] for one in read(first.data, tmp_path, "labels")} == {"西社区", "东社区"}
    [home] = queries.plan_districts(session, drawn.id)
    one, other = queries.faces_of(session, home.district_id, home.snapshot_id)
    actions.reassign_face(
        session, drawn, face_id=one.id, grid_id=other.grid_id, by=audit.SYSTEM, at=clock.now()
    )
    session.flush()
    after = read(client.get(where, headers=headers).data, tmp_path, "faces")
    assert {face["grid_id"] for face in after} == {str(other.grid_id)}
    level = read(
        client.get(f"/tiles/plan/{drawn.id}/community/{place(12)}.mvt", headers=headers).data,
        tmp_path,
        "community",
    )
    assert [grid["id"] for grid in level] == [str(other.grid_id)]


def test_a_tile_is_for_those_of_the_district_only(client: Any, session: Session, drawn: Any) -> None:
    where = f"/tiles/plan/{drawn.id}/faces/{place(12)}.mvt"
    assert client.get(where).status_code == 401
    assert client.get(where, headers=bearer(session, "990102")).status_code == 403


def test_faces_of_a_big_plan_are_not_drawn_from_afar(
    client: Any, session: Session, drawn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = bearer(session)
    where = f"/tiles/plan/{drawn.id}/faces/{place(8)}.mvt"
    assert len(client.get(where, headers=headers).data) > 0
    monkeypatch.setattr(plan_tiles, "FEW_FACES", 1)
    assert client.get(where, headers=headers).data == b""
    assert len(client.get(f"/tiles/plan/{drawn.id}/faces/{place(12)}.mvt", headers=headers).data) > 0


@pytest.mark.parametrize("wrong", ["faces/3/9/0", "a-b/3/1/1", "faces/99/0/0"])
def test_there_is_no_such_tile(client: Any, session: Session, drawn: Any, wrong: str) -> None:
    headers = bearer(session)
    assert client.get(f"/tiles/plan/{drawn.id}/{wrong}.mvt", headers=headers).status_code == 404
