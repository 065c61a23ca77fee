"""The planners' pages: all plans and editions, and one plan on its way from a file to an edition."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app, render_template, request
from flask_babel import get_locale
from sqlalchemy.orm import Session as OrmSession

from service.city import queries as city
from service.city.models import Level
from service.db import Session, database_now
from service.grids import access, checking, comparing, queries, review, uploads, wire, wording
from service.grids.models import Edition, Plan, PlanImport
from service.people.guards import principal, requires
from service.people.permissions import Permission
from service.sentences import say

STEPS = ("upload", "fields", "findings", "publish")


@requires(Permission.PLAN_READ)
def plans_page() -> str:
    """Show the plans one may see, and the editions of every district with their history."""
    with Session() as session:
        plans = access.only_seen(session, queries.list_plans(session))
        districts = {one.id: one for one in city.list_districts(session)}
        touched = queries.districts_of_plans(session, [one.id for one in plans])
        counts = queries.count_findings(session, [one.id for one in plans])
        rows = [
            {
                "plan": one,
                "districts": [districts[place].name for place in touched.get(one.id, [])],
                "counts": counts[one.id],
            }
            for one in plans
        ]
        editions = _editions(session, list(districts.values()))
        zone = ZoneInfo(city.profile(session).time_zone)
    mine = [one for one in districts.values() if principal().may(Permission.PLAN_EDIT, one.id)]
    return render_template(
        "plans.html", rows=rows, editions=editions, mine=mine, zone=zone, **_words(), local=_local(zone)
    )


@requires(Permission.PLAN_READ)
def plan_page(plan_id: UUID) -> str:
    """Show a plan at the step it is at, or at the one asked for."""
    with Session() as session:
        plan = access.readable(session, str(plan_id))
        places = access.places(session, plan, Permission.PLAN_READ)
        sent = [one for one in uploads.of_plan(session, plan.id) if _is_seen(one)]
        step = _step(plan, places, sent)
        zone = ZoneInfo(city.profile(session).time_zone)
        levels = city.levels(session, plan.scheme_id)
        shown: dict[str, Any] = {
            "plan": plan,
            "step": step,
            "steps": STEPS,
            "done": _done(plan, places, sent),
            "sent": sent,
            "levels": levels,
            "may": _may(session, plan),
            "district_names": [one.name for one in _districts(session, [p.district_id for p in places])],
            "local": _local(zone),
            "zone_name": str(zone),
            "blocking": queries.count_findings(session, [plan.id])[plan.id]["blocking"],
            "data": _data(session, plan, step, sent, levels),
            **_extra(session, plan, step, places),
            **_words(),
        }
    return render_template("plan.html", **shown)


def _extra(session: OrmSession, plan: Plan, step: str, places: Sequence[Any]) -> dict[str, Any]:
    if step == "upload":
        mine = [one for one in city.list_districts(session) if principal().may(Permission.PLAN_EDIT, one.id)]
        limit = current_app.config["WANGGE"].upload_limit_mb
        seen = {one.district_id for one in places}
        layers = [row for row in queries.layers_of(session, plan.id) if row[0].district_id in seen]
        return {"layers": layers, "mine": mine, "limit_mb": limit}
    if step == "publish":
        names = {one.id: one for one in city.list_districts(session)}
        listed = [(names[one.district_id], one, comparing.plan(session, one)) for one in places]
        return {
            "changes": [
                {"district": name, "base": place.base_edition, "rows": comparing.as_rows(found)}
                for name, place, found in listed
            ],
            "waivers": queries.list_waivers(session, plan.id),
            "editions": queries.editions_of_plan(session, plan.id),
            "today": database_now(session).astimezone(ZoneInfo(city.profile(session).time_zone)).date(),
        }
    return {}


def _step(plan: Plan, places: Sequence[Any], sent: Sequence[PlanImport]) -> str:
    asked = request.args.get("step", "")
    if asked == "fields" and not any(one.path or one.state == "running" for one in sent):
        asked = ""
    if asked in STEPS:
        return asked
    if plan.state != "draft":
        return "publish"
    if any(one.state == "running" for one in sent):
        return "fields"
    return "findings" if any(one.state == "done" and _took(one) for one in sent) else "upload"


def _took(one: PlanImport) -> bool:
    return bool((one.result or {}).get("layers"))


def _done(plan: Plan, places: Sequence[Any], sent: Sequence[PlanImport]) -> set[str]:
    """Tell which steps lie behind."""
    done = {"upload"} if sent or plan.version else set()
    if plan.version:
        done |= {"fields"}
    if plan.state != "draft":
        done |= {"findings"}
    return done | ({"publish"} if plan.state == "published" else set())


def _is_seen(one: PlanImport) -> bool:
    return principal().may(Permission.PLAN_READ, one.district_id)


def _may(session: OrmSession, plan: Plan) -> dict[str, bool]:
    who = principal()
    touched = [one.district_id for one in queries.plan_districts(session, plan.id)]

    def everywhere(permission: Permission) -> bool:
        return all(who.may(permission, one) for one in touched) if touched else who.may(permission)

    is_author = review.is_author(session, plan, who.actor)
    edits = (
        any(who.may(Permission.PLAN_EDIT, one) for one in touched)
        if touched
        else who.may(Permission.PLAN_EDIT)
    )
    return {
        "edit": edits and plan.state == "draft",
        "submit": everywhere(Permission.PLAN_EDIT),
        "approve": everywhere(Permission.PLAN_REVIEW) and not is_author,
        "review": everywhere(Permission.PLAN_REVIEW),
        "publish": everywhere(Permission.PLAN_PUBLISH),
        "is_author": is_author,
    }


def _data(
    session: OrmSession, plan: Plan, step: str, sent: Sequence[PlanImport], levels: Sequence[Level]
) -> dict[str, Any]:
    """Give what the scripts of a step need."""
    locale = str(get_locale())
    listed = [
        {"code": one.code, "name": one.name.get(locale) or next(iter(one.name.values()))} for one in levels
    ]
    data: dict[str, Any] = {"plan": wire.plan(plan), "levels": listed}
    if step == "fields":
        wanted = request.args.get("import")
        running = [one for one in sent if one.path or one.state == "running"]
        kept = next((one for one in running if str(one.id) == wanted), running[0] if running else None)
        if kept is not None:
            data["upload"] = wire.upload(session, kept)
            data["layers"] = _layers(session, kept, levels)
    if step in ("findings", "publish"):
        data["bounds"] = queries.bounds_of(
            session,
            [
                (one.district_id, one.snapshot_id)
                for one in access.places(session, plan, Permission.PLAN_READ)
            ],
        )
        data["is_stale"] = checking.is_stale(plan)
    return data


def _layers(session: OrmSession, kept: PlanImport, levels: Sequence[Level]) -> list[dict[str, Any]]:
    suggested = uploads.suggest(session, kept, levels)
    layers = []
    for seen, guess in zip(kept.inspection["layers"], suggested, strict=True):
        systems = [
            {**one, "name": wording.system(one["key"], one["meridian"])} for one in guess["crs_candidates"]
        ]
        layers.append(
            {
                **seen,
                "crs_evidence": say(seen["crs_evidence"]),
                "encoding_evidence": say(seen["encoding_evidence"]),
                **guess,
                "crs_candidates": systems,
            }
        )
    return layers


def _editions(session: OrmSession, districts: Sequence[Any]) -> list[dict[str, Any]]:
    moment = database_now(session)
    by_district: dict[int, list[Edition]] = {}
    for one in queries.list_editions(session, newest=1000):
        by_district.setdefault(one.district_id, []).append(one)
    listed = []
    for district in districts:
        if not principal().may(Permission.PLAN_READ, district.id):
            continue
        rows = sorted(by_district.get(district.id, []), key=lambda one: -one.number)
        current = next((one for one in rows if one.in_force_from <= moment), None)
        listed.append(
            {
                "district": district,
                "rows": rows,
                "current": current,
                "waiting": next((one for one in rows if one.in_force_from > moment), None),
                "may_publish": principal().may(Permission.PLAN_PUBLISH, district.id),
            }
        )
    return listed


def _districts(session: OrmSession, ids: Sequence[int]) -> list[Any]:
    return [one for one in city.list_districts(session) if one.id in ids]


def _local(zone: ZoneInfo) -> Any:
    def local(moment: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
        return moment.astimezone(zone).strftime(form) if moment is not None else ""

    return local


def _words() -> dict[str, Any]:
    return {
        "state_names": wording.STATES,
        "upload_states": wording.UPLOAD_STATES,
        "words": {
            "rules": wording.spoken(wording.RULES),
            "stages": wording.spoken(wording.STAGES),
            "severities": wording.spoken(wording.SEVERITIES),
            "changes": wording.spoken(wording.CHANGES),
        },
    }
