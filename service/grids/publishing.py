"""From a plan to editions in force: waive, submit, approve, freeze, publish, roll back."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from geo.records import NEVER_WAIVED
from service import audit
from service.city import queries as city
from service.city.models import District
from service.db import database_now
from service.errors import Conflict, Invalid
from service.grids import checking, queries, readiness
from service.grids.models import Edition, Plan, PlanDistrict, PlanFinding, Snapshot, Waiver
from service.grids.readiness import Content

LEAD = timedelta(seconds=5)  # time for every web process to hear of the new map before it counts
# What must be left of it at the commit: a process that hears nothing for three seconds does not answer at all.
NOTICE = timedelta(seconds=3.5)


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
    session: Session,
    plan: Plan,
    rules: Iterable[str],
    *,
    reason: str,
    fingerprint: str = "",
    by: audit.Actor,
    at: datetime,
) -> None:
    """Take responsibility for rules (or ``all``), or for one finding of a rule. May raise Invalid."""
    found = {one.rule for one in queries.list_findings(session, plan.id) if one.severity == "error"}
    wanted = [rule for one in rules for rule in (sorted(found - NEVER_WAIVED) if one == "all" else [one])]
    if wanted and not reason.strip():
        raise Invalid("A waiver needs a reason: --reason TEXT.", field="reason")
    fixed = sorted(set(wanted) & NEVER_WAIVED)
    if fixed:
        raise Invalid(f"{', '.join(fixed)} can't be waived: mend the file.", field="waive")
    for rule in dict.fromkeys(wanted):
        session.add(
            Waiver(plan_id=plan.id, rule=rule, fingerprint=fingerprint, reason=reason, by=by.name, at=at)
        )
        what = {"rule": rule, "fingerprint": fingerprint, "reason": reason}
        audit.record(session, by=by, at=at, verb="waived", thing=("plan", plan.name), **what)
    session.flush()  # publish reads them next


def require_publishable(session: Session, plan: Plan) -> None:
    """Check the plan as it is now; refuse it where an error is not waived. May raise Conflict."""
    places = queries.plan_districts(session, plan.id)
    # An empty part would take the district's map away.
    if not places or not all(queries.has_ground(session, one) for one in places):
        raise Conflict("The plan is empty: import a file first.")
    left = blocking(checking.recheck(session, plan), queries.list_waivers(session, plan.id))
    if left:
        counts = Counter(one.rule for one in left)
        listed = ", ".join(f"{rule} {count}" for rule, count in sorted(counts.items()))
        raise Conflict(
            f"{len(left)} findings block publishing: {listed}. Mend the file, or waive them with a reason.",
            blocking=dict(counts),
        )


def publish(
    session: Session, plan: Plan, *, from_on: date | None = None, by: audit.Actor, at: datetime
) -> list[Edition]:
    """Publish a plan, whatever its state: one new edition for each district it touches. May raise Conflict.

    The operator of the machine submits, approves and publishes with it; everybody else goes through `review`.
    """
    if plan.state == "published":
        raise Conflict(f"The plan {plan.name!r} is published already.")
    require_publishable(session, plan)
    places = queries.plan_districts(session, plan.id)
    force_moment(session, from_on)  # a date that can't be is refused before the work
    newest = [_locked_newest(session, place.district_id, plan.scheme_id) for place in places]
    for place, one in zip(places, newest, strict=True):
        _require_current(plan, place, one)
    readiness.make(session, [_freeze(session, one.district_id, one.snapshot_id, at) for one in places])
    in_force_from = force_moment(session, from_on)
    editions = [_new_edition(session, plan, place, in_force_from, by=by, at=at) for place in places]
    if any(newest):
        keep_notice(session, in_force_from)
    plan.state, plan.published_at, plan.changed_at = "published", at, at
    plan.submitted_by = plan.submitted_by or by.name
    plan.approved_by = plan.approved_by or by.name
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


def contents(session: Session, plan: Plan) -> list[Content]:
    """Give what a plan would freeze now."""
    return [
        Content(
            one.district_id, one.snapshot_id, queries.checksum_of(session, one.district_id, one.snapshot_id)
        )
        for one in queries.plan_districts(session, plan.id)
    ]


def _require_current(plan: Plan, place: PlanDistrict, newest: Edition | None) -> None:
    number = newest.number if newest else None
    if plan.base == "current" and number != place.base_edition:
        raise PlanOutdated(
            f"The plan started from edition {place.base_edition}, the newest is {number}. Make a new plan."
        )


def keep_notice(session: Session, counts_from: datetime) -> None:
    """Refuse the commit where it comes so late that a process may still answer without what it brings."""

    def check(committing: Session) -> None:
        if LEAD and counts_from - database_now(committing) < NOTICE:
            raise Conflict("This took too long to be heard in time; nothing was changed. Do it again.")

    event.listen(session, "before_commit", check, once=True)


def _new_edition(
    session: Session,
    plan: Plan,
    place: PlanDistrict,
    in_force_from: datetime,
    *,
    by: audit.Actor,
    at: datetime,
) -> Edition:
    waivers = [
        {
            "rule": one.rule,
            "fingerprint": one.fingerprint,
            "reason": one.reason,
            "by": one.by,
            "at": one.at.isoformat(),
        }
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
    _locked_newest(session, district.id, old.scheme_id)
    readiness.make(session, [content_of(session, old)])
    in_force_from = force_moment(session, None)
    keep_notice(session, in_force_from)
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


def content_of(session: Session, edition: Edition) -> Content:
    """Give what an edition holds."""
    snapshot = session.get_one(Snapshot, (edition.district_id, edition.snapshot_id))
    return Content(edition.district_id, edition.snapshot_id, snapshot.checksum or b"")


def _locked_newest(session: Session, district_id: int, scheme_id: int) -> Edition | None:
    """Lock the district, so that two never publish in it at once; refuse where an edition is waiting."""
    # Not against those who only refer to the district: reports go on while an index is built.
    wanted = select(District.id).where(District.id == district_id)
    session.execute(wanted.with_for_update(key_share=True))
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


def _freeze(session: Session, district_id: int, snapshot_id: UUID, at: datetime) -> Content:
    snapshot = session.get_one(Snapshot, (district_id, snapshot_id))
    if snapshot.frozen_at is None:
        checksum = queries.checksum_of(session, district_id, snapshot_id)
        snapshot.frozen_at, snapshot.checksum = at, checksum
    return Content(district_id, snapshot_id, snapshot.checksum)


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
