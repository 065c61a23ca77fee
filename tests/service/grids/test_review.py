"""Findings are true after edits; four eyes; waivers one by one; districts apart; comparisons to take along."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from service import audit, clock
from service.city import actions as city_actions
from service.city import queries as city
from service.errors import Conflict
from service.grids import actions, checking, comparing, publishing, queries, review
from service.grids.models import Plan
from service.settings import Settings
from tests.service.grids import maps
from tests.service.grids.test_plans_http import OPTIONS, bearer

AUTHOR = audit.Actor("person", "1", "甲")
OTHER = audit.Actor("person", "2", "甲")  # of the same shown name


@pytest.fixture
def client(app: Any, tmp_path: Path) -> Any:
    app.config["WANGGE"] = Settings(demo=False, data=tmp_path / "data")
    return app.test_client()


def three(folder: Path) -> Path:
    """Three communities in a row."""
    row = [
        (f"{maps.TOWN}{n:03}", f"第{n}社区", maps.box(118.79 + n / 100, 118.8 + n / 100)) for n in (1, 2, 3)
    ]
    return maps.write(folder / "three.geojson", row)


def rules(session: Session, plan: Plan) -> dict[str, int]:
    found = [one.rule for one in checking.recheck(session, plan)]
    return {rule: found.count(rule) for rule in found if rule != "missing-leader"}


def face_of(session: Session, plan: Plan, code: str) -> Any:
    [place] = queries.plan_districts(session, plan.id)
    grids = {one.code: one.grid_id for one in queries.grids_of(session, place.district_id, place.snapshot_id)}
    for one in queries.faces_of(session, place.district_id, place.snapshot_id):
        if one.grid_id == grids[code]:
            return one.id, grids
    raise LookupError(code)


def reassign(session: Session, plan: Plan, code: str, to: str) -> None:
    face, grids = face_of(session, plan, code)
    actions.reassign_face(session, plan, face_id=face, grid_id=grids[to], by=AUTHOR, at=clock.now())


def test_a_check_sees_what_an_edit_did_and_what_an_undo_mended(session: Session, tmp_path: Path) -> None:
    plan = maps.bring(session, three(tmp_path)).plan
    assert rules(session, plan) == {}
    reassign(session, plan, maps.TOWN + "003", maps.TOWN + "001")
    assert checking.is_stale(plan)
    # The third community lost all its ground, the first one lies in two parts.
    assert rules(session, plan) == {"no-ground": 1, "several-parts": 1}
    assert not checking.is_stale(plan)
    actions.undo(session, plan, by=AUTHOR, at=clock.now())
    assert rules(session, plan) == {}


def test_a_check_keeps_what_the_file_had_wrong(session: Session, tmp_path: Path) -> None:
    plan = maps.bring(session, maps.communities(tmp_path, border=118.812)).plan
    assert rules(session, plan) == {"overlap": 1}
    reassign(session, plan, maps.EAST, maps.WEST)
    assert rules(session, plan) == {"overlap": 1, "no-ground": 1}


def test_a_broken_partition_blocks_publishing_although_the_import_was_clean(
    session: Session, tmp_path: Path
) -> None:
    plan = maps.bring(session, three(tmp_path)).plan
    reassign(session, plan, maps.TOWN + "003", maps.TOWN + "002")
    [place] = queries.plan_districts(session, plan.id)
    face, _ = face_of(session, plan, maps.TOWN + "001")
    session.execute(  # what no edit of ours does: two faces on one ground
        text("""
            update face set shape_id = (
                select shape_id from face where snapshot_id = :snapshot and id <> :face limit 1
            ) where snapshot_id = :snapshot and id = :face
        """),
        {"snapshot": place.snapshot_id, "face": face},
    )
    assert rules(session, plan)["overlap"] == 1
    with pytest.raises(Conflict, match="overlap 1"):
        publishing.publish(session, plan, by=AUTHOR, at=clock.now())


def test_an_enclosed_hole_blocks_submitting(session: Session, tmp_path: Path) -> None:
    hole = shapely.box(118.812, 31.903, 118.815, 31.906)
    pierced = shapely.difference(maps.box(118.81, 118.82), hole)
    path = maps.write(tmp_path / "pierced.geojson", [(maps.TOWN + "002", "第2社区", pierced)])
    plan = maps.bring(session, path, plan="Q").plan
    assert rules(session, plan) == {"hole": 1}
    with pytest.raises(Conflict, match="hole 1"):
        review.submit(session, plan, by=AUTHOR, at=clock.now())


def test_nobody_approves_a_plan_of_their_own(session: Session, tmp_path: Path) -> None:
    scheme = city.get_scheme(session)
    plan = actions.create_plan(session, "P", scheme, by=AUTHOR, at=clock.now())
    maps.bring(session, maps.communities(tmp_path))
    review.submit(session, plan, by=audit.OPERATOR, at=clock.now())
    with pytest.raises(review.OwnPlan):
        review.approve(session, plan, by=AUTHOR, at=clock.now())
    with pytest.raises(review.OwnPlan):
        review.approve(session, plan, by=audit.OPERATOR, at=clock.now())
    assert plan.state == "in_review"
    review.approve(session, plan, by=OTHER, at=clock.now())
    assert (plan.state, plan.approved_by) == ("approved", "甲")
    with pytest.raises(Conflict, match="approved"):
        actions.undo(session, plan, by=AUTHOR, at=clock.now())
    review.send_back(session, plan, reason="再看看", by=OTHER, at=clock.now())
    assert (plan.state, plan.approved_by) == ("draft", None)


def test_one_finding_is_waived_and_the_waiver_taken_back(
    client: Any, session: Session, tmp_path: Path
) -> None:
    ring = [
        (maps.WEST, "西", shapely.difference(maps.box(118.8, 118.81), shapely.box(118.803, 31.903, 118.804, 31.904))),
        (maps.EAST, "东", shapely.difference(maps.box(118.81, 118.82), shapely.box(118.813, 31.903, 118.814, 31.904))),
    ]  # fmt: skip
    maps.bring(session, maps.write(tmp_path / "two-holes.geojson", ring))
    session.flush()
    headers = bearer(session)
    found = client.get("/api/v1/plans/P/check", headers=headers).json
    holes = [one for one in found["findings"] if one["rule"] == "hole"]
    assert (len(holes), found["blocking"]) == (2, 2)
    body = {"rule": "hole", "fingerprint": holes[0]["fingerprint"], "reason": "水面"}
    waived = client.post("/api/v1/plans/P/waivers", json=body, headers=headers)
    assert (waived.status_code, waived.json["blocking"]) == (201, 1)
    assert waived.json["waivers"][0]["reason"] == "水面"
    no_reason = client.post("/api/v1/plans/P/waivers", json={**body, "reason": " "}, headers=headers)
    assert no_reason.status_code == 422
    where = f"/api/v1/plans/P/waivers/{waived.json['waivers'][0]['id']}"
    assert client.delete(where, headers=headers).json["blocking"] == 2
    refused = client.post("/api/v1/plans/P/submit", headers=headers)
    assert (refused.status_code, refused.json["blocking"]) == (409, {"hole": 2})


def test_a_planner_sees_and_edits_the_own_district_only(
    client: Any, session: Session, tmp_path: Path
) -> None:
    city_actions.add_district(session, code="990102", name="乙区", by=audit.SYSTEM, at=clock.now())
    maps.bring(session, maps.communities(tmp_path), district="000000")
    session.flush()
    mine, stranger = bearer(session, "000000"), bearer(session, "990102")
    assert [one["name"] for one in client.get("/api/v1/plans", headers=mine).json["plans"]] == ["P"]
    assert client.get("/api/v1/plans", headers=stranger).json["plans"] == []
    for path in ("", "/findings", "/check", "/faces", "/grids", "/diff", "/imports"):
        assert client.get("/api/v1/plans/P" + path, headers=mine).status_code == 200, path
        assert client.get("/api/v1/plans/P" + path, headers=stranger).status_code == 403, path
    plan = queries.get_plan(session, "P")
    face, grids = face_of(session, plan, maps.WEST)
    edit = {"kind": "reassign", "face": str(face), "grid": str(grids[maps.EAST])}
    assert client.post("/api/v1/plans/P/ops", json=edit, headers=stranger).status_code == 403
    assert client.post("/api/v1/plans/P/submit", headers=stranger).status_code == 403


def test_a_plan_of_two_districts_is_edited_by_each_in_its_own(
    client: Any, session: Session, tmp_path: Path
) -> None:
    city_actions.add_district(session, code="990102", name="乙区", by=audit.SYSTEM, at=clock.now())
    maps.bring(session, maps.communities(tmp_path), district="000000")
    far = [(maps.WEST, "远西", maps.box(119.8, 119.81)), (maps.EAST, "远东", maps.box(119.81, 119.82))]
    maps.bring(session, maps.write(tmp_path / "far.geojson", far), district="990102")
    session.flush()
    plan = queries.get_plan(session, "P")
    one, other = queries.plan_districts(session, plan.id)
    faces = queries.faces_of(session, one.district_id, one.snapshot_id)
    edit = {"kind": "reassign", "face": str(faces[0].id), "grid": str(faces[1].grid_id)}
    mine, theirs = bearer(session, "000000"), bearer(session, "990102")
    assert client.post("/api/v1/plans/P/ops", json=edit, headers=theirs).status_code == 404
    assert client.post("/api/v1/plans/P/ops", json=edit, headers=mine).status_code == 200
    assert client.post("/api/v1/plans/P/ops", json={"kind": "undo"}, headers=theirs).status_code == 409
    assert len(client.get("/api/v1/plans/P/faces", headers=mine).json["features"]) == 2
    assert client.post("/api/v1/plans/P/submit", headers=mine).status_code == 403
    assert other.district_id != one.district_id


def test_a_comparison_is_taken_along_as_csv_and_geojson(
    client: Any, session: Session, tmp_path: Path
) -> None:
    first = maps.bring(session, three(tmp_path)).plan
    [edition] = publishing.publish(session, first, by=audit.OPERATOR, at=clock.now())
    plan = maps.bring(session, three(tmp_path), plan="Q").plan
    reassign(session, plan, maps.TOWN + "003", maps.TOWN + "002")
    session.flush()
    headers = bearer(session)
    assert edition.number == 1
    listed = client.get("/api/v1/plans/Q/diff?format=csv", headers=headers)
    assert listed.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(listed.data.decode("utf-8-sig"))))
    assert [(row["code"][-3:], row["changes"]) for row in rows] == [("002", "reshaped"), ("003", "reshaped")]
    assert float(rows[0]["gained_m2"]) == pytest.approx(float(rows[1]["lost_m2"]))
    assert float(rows[0]["gained_m2"]) > 1_000_000
    drawn = client.get("/api/v1/plans/Q/diff?format=geojson", headers=headers).get_json(force=True)
    assert [one["properties"]["exchange"] for one in drawn["features"]] == ["gained", "lost"]
    ground = shapely.from_geojson(str(drawn["features"][0]["geometry"]).replace("'", '"'))
    assert ground.equals(maps.box(118.82, 118.83))


def test_a_name_is_no_formula_in_a_spreadsheet(session: Session, tmp_path: Path) -> None:
    evil = maps.write(tmp_path / "evil.geojson", [(maps.WEST, "=1+1", maps.box(118.8, 118.81))])
    plan = maps.bring(session, evil).plan
    [place] = queries.plan_districts(session, plan.id)
    assert b",'=1+1," in comparing.as_csv([("d", comparing.plan(session, place))])


def test_the_date_of_force_is_given_over_http(client: Any, session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path))
    session.flush()
    planner, reviewer = bearer(session), bearer(session, scopes=("plan_read", "plan_review"))
    client.post("/api/v1/plans/P/submit", headers=planner)
    client.post("/api/v1/plans/P/approve", headers=reviewer)
    past = client.post("/api/v1/plans/P/publish", json={"from_on": "2001-01-01"}, headers=planner)
    assert past.status_code == 422
    made = client.post("/api/v1/plans/P/publish", json={"from_on": "2099-01-01"}, headers=planner)
    assert made.status_code == 201, made.json
    assert made.json["editions"][0]["in_force_from"] == "2099-01-01T00:00:00+08:00"


def test_the_reviewer_sends_a_plan_back(client: Any, session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path))
    session.flush()
    planner, reviewer = bearer(session), bearer(session, scopes=("plan_read", "plan_review"))
    client.post("/api/v1/plans/P/submit", headers=planner)
    assert client.post("/api/v1/plans/P/approve", headers=planner).status_code == 403
    back = client.post("/api/v1/plans/P/return", json={"reason": "边界不对"}, headers=reviewer)
    assert back.json["state"] == "draft"
    assert OPTIONS["level"] == "community"


def test_a_plan_made_for_a_district_is_not_published_empty(client: Any, session: Session) -> None:
    headers = bearer(session)
    client.post("/api/v1/plans", json={"name": "P", "district": "000000"}, headers=headers)
    refused = client.post("/api/v1/plans/P/submit", headers=headers)
    assert (refused.status_code, refused.json["detail"]) == (409, "方案是空的，请先导入文件。")


def test_a_plan_made_for_a_district_is_hidden_from_the_others(client: Any, session: Session) -> None:
    city_actions.add_district(session, code="990102", name="乙区", by=audit.SYSTEM, at=clock.now())
    mine, stranger = bearer(session, "000000"), bearer(session, "990102")
    body = {"name": "P", "district": "000000"}
    assert client.post("/api/v1/plans", json=body, headers=stranger).status_code == 403
    assert client.post("/api/v1/plans", json=body, headers=mine).status_code == 201
    assert client.get("/api/v1/plans", headers=stranger).json["plans"] == []
    assert client.get("/api/v1/plans/P", headers=stranger).status_code == 403


def test_pages_count_what_blocks_like_publishing_does(session: Session, tmp_path: Path) -> None:
    plan = maps.bring(session, maps.communities(tmp_path, border=118.812)).plan
    assert queries.count_findings(session, [plan.id])[plan.id]["blocking"] == 1
    publishing.waive(session, plan, ["overlap"], reason="x", by=AUTHOR, at=clock.now())
    left = publishing.blocking(
        queries.list_findings(session, plan.id), queries.list_waivers(session, plan.id)
    )
    assert queries.count_findings(session, [plan.id])[plan.id]["blocking"] == len(left) == 0
