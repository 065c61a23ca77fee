"""Four eyes: who made a plan submits it, somebody else approves it or sends it back, then it is published."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.audit import AuditEvent
from service.errors import Conflict, NotAllowed, NotFound
from service.grids import publishing, readiness
from service.grids.models import Edition, Plan, Waiver

AUTHORING = ("created", "imported", "declared gap", "reassign", "undo", "waived", "submitted")


class OwnPlan(NotAllowed):
    """Nobody approves a plan of their own."""


def submit(session: Session, plan: Plan, *, by: audit.Actor, at: datetime) -> None:
    """Ask for approval; from here on nobody edits the plan. May raise Conflict."""
    _require_state(plan, "draft")
    publishing.require_publishable(session, plan)
    plan.state, plan.submitted_by, plan.approved_by = "in_review", by.name, None
    _note(session, plan, "submitted", by=by, at=at)


def approve(session: Session, plan: Plan, *, by: audit.Actor, at: datetime) -> None:
    """Agree with a submitted plan. May raise Conflict, OwnPlan."""
    _require_state(plan, "in_review")
    if is_author(session, plan, by):
        raise OwnPlan("You worked on this plan yourself; somebody else has to approve it.")
    plan.state, plan.approved_by = "approved", by.name
    readiness.ask(session, publishing.contents(session, plan))
    _note(session, plan, "approved", by=by, at=at)


def send_back(session: Session, plan: Plan, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Make a submitted or approved plan a draft again. May raise Conflict."""
    _require_state(plan, "in_review", "approved")
    plan.state, plan.approved_by = "draft", None
    _note(session, plan, "sent back", by=by, at=at, reason=reason)


def publish(
    session: Session, plan: Plan, *, from_on: date | None = None, by: audit.Actor, at: datetime
) -> list[Edition]:
    """Publish an approved plan. May raise Conflict."""
    if plan.state != "published":  # that one is refused in its own words
        _require_state(plan, "approved")
    return publishing.publish(session, plan, from_on=from_on, by=by, at=at)


def take_waiver_back(session: Session, plan: Plan, waiver_id: UUID, *, by: audit.Actor, at: datetime) -> None:
    """Let a finding block again. May raise NotFound, Conflict."""
    _require_state(plan, "draft")
    waiver = session.get(Waiver, waiver_id)
    if waiver is None or waiver.plan_id != plan.id:
        raise NotFound("The plan has no such waiver.")
    session.delete(waiver)
    _note(session, plan, "waiver taken back", by=by, at=at, rule=waiver.rule, fingerprint=waiver.fingerprint)


def is_author(session: Session, plan: Plan, who: audit.Actor) -> bool:
    """Tell whether somebody made, filled, edited, waived for or submitted the plan, as the audit log says."""
    deed = select(AuditEvent.id).where(
        AuditEvent.thing_kind == "plan",
        AuditEvent.thing_id == plan.name,
        AuditEvent.at >= plan.created_at,
        AuditEvent.actor_kind == who.kind,
        AuditEvent.actor_id == who.id,
        AuditEvent.verb.in_(AUTHORING),
    )
    return session.scalar(deed.limit(1)) is not None


def _require_state(plan: Plan, *wanted: str) -> None:
    if plan.state not in wanted:
        raise Conflict(
            f"The plan {plan.name!r} is {plan.state}; this needs {' or '.join(wanted)}.", state=plan.state
        )


def _note(session: Session, plan: Plan, verb: str, *, by: audit.Actor, at: datetime, **detail: str) -> None:
    plan.changed_at = at
    audit.record(session, by=by, at=at, verb=verb, thing=("plan", plan.name), **detail)
    session.flush()
