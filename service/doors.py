"""The routes that belong to no feature: home, health, hello, problem pages, the human API page."""

from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response, current_app, render_template
from flask_babel import format_date, get_locale
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service import home, migrate
from service.assignment.in_force import IN_FORCE
from service.db import Session
from service.errors import NotFound, NotReady, all_problems, kebab, status_of, title_of
from service.grids import wording
from service.http import json_response, lookup, public

bp = APIBlueprint("home", __name__)


@bp.get("/")
@lookup
def index() -> str:
    """Show the three doors, and today's figures."""
    profile, locale = IN_FORCE.profile, str(get_locale() or IN_FORCE.profile.locale)
    with Session() as session:
        shown = home.today(session)
    zone = ZoneInfo(profile.time_zone)
    changes = [one.in_force_from.astimezone(zone) for one in shown["grids"]["editions"]]
    return render_template(
        "home.html",
        **shown,
        date=format_date(shown["now"].astimezone(zone), "full", rebase=False),
        last_change=max(changes).strftime("%Y-%m-%d") if changes else "",
        levels=[
            {"code": one.code, "name": one.name.get(locale, one.code)} for one in profile.schemes[0].levels
        ],
        states=wording.STATES,
    )


@bp.get("/healthz")
@public
@bp.doc(summary="The process lives", tags=["service"])
def healthz() -> Response:
    """Answer whenever the process lives."""
    return json_response({"status": "ok"})


@bp.get("/readyz")
@public
@bp.doc(summary="The service can answer", tags=["service"])
def readyz() -> Response:
    """Answer 200 only when database, schema and maps are there."""
    try:
        with Session() as session:
            revision = session.scalar(text("select version_num from alembic_version"))
    except SQLAlchemyError as error:
        raise NotReady("The database does not answer.") from error
    if revision != migrate.wanted_revision():
        raise NotReady(f"The database has schema {revision}, wanted is {migrate.wanted_revision()}.")
    moment = IN_FORCE.now()
    missing = IN_FORCE.not_loaded()
    if missing:
        places = ", ".join(sorted({one.district_name for one in missing}))
        raise NotReady(f"The maps in force are being prepared: {places}.")
    scheme_id = IN_FORCE.scheme_id(None)
    maps = IN_FORCE.maps_at(scheme_id, moment) if scheme_id is not None else []
    if IN_FORCE.profile.demo and not maps:
        raise NotReady("The demo city's first edition is not in force yet.")
    editions = [{"district": one.key.district_code, "number": one.key.number} for one in maps]
    return json_response({"status": "ready", "editions": editions})


@bp.get("/api/v1/hello")
@lookup
@bp.doc(summary="The yardstick: every hook, no work", tags=["service"])
def hello() -> Response:
    """Answer without work."""
    return json_response({"hello": "wangge"})


@bp.get("/problems/<name>")
@lookup
@bp.doc(hide=True)
def problem(name: str) -> Response:
    """Explain a problem type, so that the link in every error works."""
    for kind in all_problems():
        if kebab(kind.__name__) == name:
            return json_response(
                {"type": f"/problems/{name}", "title": title_of(kind), "status": status_of(kind("x"))}
            )
    raise NotFound(f"There is no problem type {name!r}.")


@bp.get("/api/docs")
@lookup
@bp.doc(hide=True)
def api_page() -> str:
    """Show the API for people."""
    return render_template("api.html", spec=current_app.spec)  # type: ignore[attr-defined]
