"""Import, check, waive, publish, roll back, compare and edit: on small maps through the savepoint session."""

from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo.errors import UnknownField
from service import audit, clock
from service.city import queries as city
from service.db import database_now
from service.errors import Conflict, Invalid, VersionMismatch
from service.grids import actions, comparing, publishing, queries
from service.grids.models import Edition, Face, Plan, PlanFeature
from tests.service.grids import maps

BY = audit.OPERATOR


def publish(session: Session, name: str = "P") -> Edition:
    plan = queries.get_plan(session, name)
    [made] = publishing.publish(session, plan, by=BY, at=clock.now())
    return made


def take_force(session: Session) -> None:
    """Let time pass: a waiting edition counts from now on."""
    session.execute(text("set local session_replication_role = replica"))  # editions refuse changes otherwise
    session.execute(text("update edition set in_force_from = in_force_from - interval '1 hour'"))
    session.execute(text("set local session_replication_role = origin"))
    session.expire_all()


def content(session: Session, edition: Edition) -> dict[str, object]:
    return {one.code: one.grid_id for one in queries.grids_of(session, 1, edition.snapshot_id)}


def faces(session: Session, plan: Plan) -> dict[object, object]:
    [place] = queries.plan_districts(session, plan.id)
    return {one.id: one.grid_id for one in queries.faces_of(session, place.district_id, place.snapshot_id)}


def test_a_clean_map_is_published_and_waits_for_its_moment(session: Session, tmp_path: Path) -> None:
    done = maps.bring(session, maps.communities(tmp_path))
    assert done.features == 2
    assert not [one for one in done.findings if one.severity == "error"]
    made = publish(session)
    assert made.number == 1
    assert made.in_force_from > database_now(session)
    which = {"district_id": made.district_id, "scheme_id": made.scheme_id}
    assert queries.edition_in_force(session, **which) is None
    later = made.in_force_from + timedelta(seconds=1)
    assert queries.edition_in_force(session, **which, at=later).number == 1
    with pytest.raises(Conflict, match="published already"):
        publish(session)


def test_an_overlap_blocks_until_somebody_gives_a_reason(session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path, border=118.812))
    with pytest.raises(Conflict, match="overlap 1"):
        publish(session)
    plan = queries.get_plan(session, "P")
    with pytest.raises(Invalid, match="reason"):
        publishing.waive(session, plan, ["overlap"], reason=" ", by=BY, at=clock.now())
    with pytest.raises(Invalid, match="can't be waived"):
        publishing.waive(session, plan, ["duplicate-code"], reason="x", by=BY, at=clock.now())
    publishing.waive(session, plan, ["all"], reason="agreed by both", by=BY, at=clock.now())
    assert [one["reason"] for one in publish(session).waivers] == ["agreed by both"]


def test_an_unknown_field_names_the_ones_there_are(session: Session, tmp_path: Path) -> None:
    with pytest.raises(UnknownField, match="code, name, above"):
        maps.bring(session, maps.communities(tmp_path), code_field="id")
    assert session.scalar(select(func.count()).select_from(PlanFeature)) == 0


def test_grids_keep_their_identity_and_absent_ones_stay(session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path))
    first = publish(session)
    take_force(session)
    only_east = maps.write(tmp_path / "east.geojson", [(maps.EAST, "东社区(新)", maps.box(118.81, 118.83))])
    maps.bring(session, only_east, plan="Q")
    second = publish(session, "Q")
    assert content(session, first) == content(session, second)
    [change] = comparing.as_rows(comparing.editions(session, city.the_district(session, None), 1, 2))
    assert (change["code"], sorted(change["changes"])) == (maps.EAST, ["renamed", "reshaped"])
    assert change["area_after_m2"] == pytest.approx(2 * change["area_before_m2"], rel=1e-3)


def test_an_empty_base_retires_what_the_file_leaves_out(session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path))
    publish(session)
    take_force(session)
    only_east = maps.write(tmp_path / "east.geojson", [(maps.EAST, "东社区", maps.box(118.81, 118.82))])
    maps.bring(session, only_east, plan="Q", base="empty")
    publish(session, "Q")
    [change] = comparing.as_rows(comparing.editions(session, city.the_district(session, None), 1, 2))
    assert (change["code"], change["changes"]) == (maps.WEST, ["retired"])


def test_a_plan_on_an_old_edition_is_refused(session: Session, tmp_path: Path) -> None:
    file = maps.communities(tmp_path)
    maps.bring(session, file)
    maps.bring(session, file, plan="Q")
    publish(session)
    with pytest.raises(Conflict, match="waits"):
        publish(session, "Q")
    take_force(session)
    with pytest.raises(publishing.PlanOutdated):
        publish(session, "Q")


def test_rollback_publishes_old_content_as_a_new_edition(session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path))
    first = publish(session)
    take_force(session)
    maps.bring(session, maps.communities(tmp_path, east=118.85), plan="Q")
    publish(session, "Q")
    take_force(session)
    district = city.the_district(session, None)
    third = publishing.rollback(session, district, 1, by=BY, at=clock.now())
    assert (third.number, third.rollback_to, third.snapshot_id) == (3, 1, first.snapshot_id)
    assert comparing.editions(session, district, 1, 3) == []


def test_the_order_of_imports_does_not_matter(session: Session, tmp_path: Path) -> None:
    town = maps.write(tmp_path / "town.geojson", [(maps.TOWN, "镇", maps.box(118.8, 118.83))])
    below = maps.communities(tmp_path)
    for name, order in (("P", ("subdistrict", "community")), ("Q", ("community", "subdistrict"))):
        for level in order:
            maps.bring(session, town if level == "subdistrict" else below, level, plan=name, base="empty")
    shapes = []
    for name in "PQ":
        [place] = queries.plan_districts(session, queries.get_plan(session, name).id)
        rows = queries.faces_of(session, place.district_id, place.snapshot_id)
        shapes.append(sorted((one.kind, bytes(one.shape_id)) for one in rows))
    assert shapes[0] == shapes[1]
    assert [kind for kind, _ in shapes[0]] == ["grid", "grid", "public"]


def test_a_frozen_snapshot_cannot_change(session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path))
    made = publish(session)
    with pytest.raises(IntegrityError, match="frozen"), session.begin_nested():
        session.execute(text("delete from face where snapshot_id = :s"), {"s": made.snapshot_id})


def test_a_face_is_reassigned_and_the_edit_taken_back(session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path))
    plan = queries.get_plan(session, "P")
    before = faces(session, plan)
    (first, first_grid), (_, second_grid) = before.items()
    actions.reassign_face(session, plan, face_id=first, grid_id=second_grid, by=BY, at=clock.now())
    assert set(faces(session, plan).values()) == {second_grid}
    with pytest.raises(VersionMismatch):
        actions.undo(session, plan, version=plan.version - 1, by=BY, at=clock.now())
    actions.undo(session, plan, version=plan.version, by=BY, at=clock.now())
    assert faces(session, plan) == before
    assert before[first] == first_grid
    with pytest.raises(Conflict, match="nothing to undo"):
        actions.undo(session, plan, by=BY, at=clock.now())


def test_an_edit_outlives_a_new_import_of_another_level(session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path))
    plan = queries.get_plan(session, "P")
    (first, _), (_, grid) = faces(session, plan).items()
    actions.reassign_face(session, plan, face_id=first, grid_id=grid, by=BY, at=clock.now())
    maps.bring(session, maps.communities(tmp_path))
    assert faces(session, plan)[first] == grid


def test_stored_faces_are_the_files_ground(session: Session, tmp_path: Path) -> None:
    maps.bring(session, maps.communities(tmp_path))
    [place] = queries.plan_districts(session, queries.get_plan(session, "P").id)
    rows = queries.faces_of(session, place.district_id, place.snapshot_id)
    ground = shapely.union_all(shapely.from_wkb([bytes(one.wkb) for one in rows]))
    assert ground.symmetric_difference(maps.box(118.8, 118.82)).area < 1e-12
    assert session.scalar(select(func.count()).select_from(Face)) == 2
