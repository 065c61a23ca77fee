"""From a plan to editions in force: waive, freeze, publish, roll back, compare."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import shapely
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.measure import area_m2
from geo.records import NEVER_WAIVED
from service import audit
from service.city import queries as city
from service.city.models import District
from service.db import database_now
from service.errors import Conflict, Invalid
from service.grids import queries
from service.grids.models import Edition, Plan, PlanDistrict, PlanFinding, Snapshot, Waiver

LEAD = timedelta(seconds=5)  # time for every web process to load the new map before it counts


class PlanOutdated(Conflict):
    """The district has a newer edition than the one the plan started from."""


def blocking(findings: Iterable[PlanFinding], waivers: Sequence[Waiver]) -> list[PlanFinding]:
    """Give the errors nobody took responsibility for."""
    rules = {one.rule for one in waivers if not one.fingerprint}
    prints = {one.fingerprint for one in waivers if one.fingerprint}
    return [
        one
        for one in findings
        if one.severity == "error"
        and (one.rule in NEVER_WAIVED or not (one.rule in rules or one.fingerprint in prints))
    ]


def waive(
    session: Session, plan: Plan, rules: Iterable[str], *, reason: str, by: audit.Actor, at: datetime
) -> None:
    """Take responsibility for rules (or ``all``) of a plan. May raise Invalid."""
    found = {one.rule for one in queries.list_findings(session, plan.id) if one.severity == "error"}
    wanted = [rule for one in rules for rule in (sorted(found - NEVER_WAIVED) if one == "all" else [one])]
    if wanted and not reason.strip():
        raise Invalid("A waiver needs a reason: --reason TEXT.", field="reason")
    fixed = sorted(set(wanted) & NEVER_WAIVED)
    if fixed:
        raise Invalid(f"{', '.join(fixed)} can't be waived: mend the file.", field="waive")
    for rule in dict.fromkeys(wanted):
        session.add(Waiver(plan_id=plan.id, rule=rule, fingerprint="", reason=reason, by=by.name, at=at))
        audit.record(
            session, by=by, at=at, verb="waived", thing=("plan", plan.name), rule=rule, reason=reason
        )
    session.flush()  # publish reads them next


def publish(
    session: Session, plan: Plan, *, from_on: date | None = None, by: audit.Actor, at: datetime
) -> list[Edition]:
    """Submit, approve and publish a plan: one new edition for each district it touches. May raise Conflict."""
    if plan.state == "published":
        raise Conflict(f"The plan {plan.name!r} is published already.")
    findings = queries.list_findings(session, plan.id)
    left = blocking(findings, queries.list_waivers(session, plan.id))
    if left:
        counts = Counter(one.rule for one in left)
        listed = ", ".join(f"{rule} {count}" for rule, count in sorted(counts.items()))
        raise Conflict(
            f"{len(left)} findings block publishing: {listed}. Mend the file, or waive them with a reason.",
            blocking=dict(counts),
        )
    places = queries.plan_districts(session, plan.id)
    if not places:
        raise Conflict("The plan is empty: import a file first.")
    in_force_from = force_moment(session, from_on)
    editions = [_new_edition(session, plan, place, in_force_from, by=by, at=at) for place in places]
    plan.state, plan.published_at, plan.changed_at = "published", at, at
    plan.submitted_by = plan.approved_by = by.name
    return editions


def force_moment(session: Session, from_on: date | None) -> datetime:
    """Give the moment an edition counts from: soon by the database's clock, or midnight in the city."""
    moment = database_now(session)
    if from_on is None:
        return moment + LEAD
    wanted = datetime.combine(from_on, time(), ZoneInfo(city.profile(session).time_zone))
    if wanted < moment + LEAD:
        raise Invalid(f"{from_on} is not in the future: leave --from out to publish now.", field="from")
    return wanted


def _new_edition(
    session: Session,
    plan: Plan,
    place: PlanDistrict,
    in_force_from: datetime,
    *,
    by: audit.Actor,
    at: datetime,
) -> Edition:
    newest = _locked_newest(session, place.district_id, plan.scheme_id, in_force_from)
    number = newest.number if newest else None
    if plan.base == "current" and number != place.base_edition:
        raise PlanOutdated(
            f"The plan started from edition {place.base_edition}, the newest is {number}. Make a new plan."
        )
    _freeze(session, place.district_id, place.snapshot_id, at)
    waivers = [
        {"rule": one.rule, "reason": one.reason, "by": one.by, "at": one.at.isoformat()}
        for one in queries.list_waivers(session, plan.id)
    ]
    edition = Edition(
        district_id=place.district_id,
        number=_next_number(session, place.district_id),
        scheme_id=plan.scheme_id,
        snapshot_id=place.snapshot_id,
        plan_id=plan.id,
        in_force_from=in_force_from,
        published_at=at,
        published_by=by.name,
        waivers=waivers,
    )
    _add(session, edition, verb="published", by=by, at=at)
    return edition


def rollback(session: Session, district: District, number: int, *, by: audit.Actor, at: datetime) -> Edition:
    """Publish an old edition's content as a new edition. May raise NotFound, Conflict."""
    old = queries.get_edition(session, district.id, number)
    in_force_from = force_moment(session, None)
    _locked_newest(session, district.id, old.scheme_id, in_force_from)
    edition = Edition(
        district_id=district.id,
        number=_next_number(session, district.id),
        scheme_id=old.scheme_id,
        snapshot_id=old.snapshot_id,
        rollback_to=number,
        in_force_from=in_force_from,
        published_at=at,
        published_by=by.name,
        waivers=old.waivers,
    )
    _add(session, edition, verb="rolled back", by=by, at=at)
    return edition


def _locked_newest(
    session: Session, district_id: int, scheme_id: int, in_force_from: datetime
) -> Edition | None:
    """Lock the district, so that two never publish in it at once; refuse where an edition is waiting."""
    session.execute(select(District.id).where(District.id == district_id).with_for_update())
    newest = queries.newest_edition(session, district_id, scheme_id)
    if newest is not None and newest.in_force_from > database_now(session):
        raise Conflict(
            f"Edition {newest.number} waits to take force from {newest.in_force_from.isoformat()}; "
            "a district has at most one waiting.",
            waiting=newest.number,
        )
    return newest


def _next_number(session: Session, district_id: int) -> int:
    numbers = session.scalars(select(Edition.number).where(Edition.district_id == district_id))
    return max(numbers, default=0) + 1


def _freeze(session: Session, district_id: int, snapshot_id: UUID, at: datetime) -> None:
    digest = hashlib.sha256()
    for grid in queries.grids_of(session, district_id, snapshot_id):
        digest.update(f"{grid.grid_id}|{grid.level}|{grid.code}|{grid.name}|{grid.parent_id}\n".encode())
    for face in queries.faces_of(session, district_id, snapshot_id):
        digest.update(f"{face.id}|{face.kind}|{face.grid_id}|{bytes(face.shape_id).hex()}\n".encode())
    snapshot = session.get_one(Snapshot, (district_id, snapshot_id))
    snapshot.frozen_at, snapshot.checksum = at, digest.digest()


def _add(session: Session, edition: Edition, *, verb: str, by: audit.Actor, at: datetime) -> None:
    session.add(edition)
    session.flush()  # a clash of numbers or moments must fail here
    session.execute(text("notify wangge_editions"))
    audit.record(
        session,
        by=by,
        at=at,
        verb=verb,
        thing=("edition", edition.number),
        district_id=edition.district_id,
        in_force_from=edition.in_force_from.isoformat(),
    )


def diff(session: Session, district: District, a: int, b: int) -> list[dict[str, Any]]:
    """Compare two editions grid by grid: added, retired, renamed, recoded, moved, reshaped with areas."""
    before, after = (_state(session, district.id, number) for number in (a, b))
    changes = []
    for grid_id in sorted(before.keys() | after.keys(), key=str):
        old, new = before.get(grid_id), after.get(grid_id)
        kinds = _changes(old, new)
        if kinds:
            shown = new or old
            changes.append(
                {
                    "id": str(grid_id),
                    "code": shown["code"],
                    "name": shown["name"],
                    "level": shown["level"],
                    "changes": kinds,
                    "area_before_m2": old["area_m2"] if old else None,
                    "area_after_m2": new["area_m2"] if new else None,
                }
            )
    return sorted(changes, key=lambda one: (one["level"], one["code"]))


def _changes(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[str]:
    if old is None:
        return ["added"]
    if new is None:
        return ["retired"]
    words = {"name": "renamed", "code": "recoded", "parent": "moved", "shapes": "reshaped"}
    return [word for key, word in words.items() if old[key] != new[key]]


def _state(session: Session, district_id: int, number: int) -> dict[UUID, dict[str, Any]]:
    snapshot_id = queries.get_edition(session, district_id, number).snapshot_id
    state = {
        one.grid_id: {
            "code": one.code,
            "name": one.name,
            "level": one.level,
            "parent": one.parent_id,
            "shapes": set(),
            "area_m2": 0.0,
        }
        for one in queries.grids_of(session, district_id, snapshot_id)
    }
    faces = [one for one in queries.faces_of(session, district_id, snapshot_id) if one.grid_id]
    areas = area_m2(shapely.from_wkb([bytes(one.wkb) for one in faces])) if faces else []
    for face, area in zip(faces, areas, strict=True):
        state[face.grid_id]["shapes"].add(bytes(face.shape_id))
        state[face.grid_id]["area_m2"] += float(area)
    return state
