"""The page of places: search, lists, and for whoever may the import."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from geo.errors import GeoError
from service import clock, errors, sentences
from service.assignment.in_force import IN_FORCE
from service.assignment.page import CRS_NAMES
from service.db import Session
from service.errors import Invalid, ServiceError
from service.http import lookup
from service.people.guards import principal, requires
from service.people.permissions import Permission
from service.places import actions, queries, views, wire
from service.places.finding import find
from service.places.intake import LONGEST

bp = APIBlueprint("place_pages", __name__)


@bp.get("/places")
@lookup
@bp.doc(hide=True)
def places_page() -> str:
    """Show the lists and what is searched."""
    return _page()


@bp.post("/places")
@requires(Permission.PLACE_EDIT)
@bp.doc(hide=True)
def take_list() -> tuple[str, int]:
    """Import the list that was sent, and show what came of it."""
    given = request.files.get("file")
    try:
        if given is None or not given.filename:
            raise Invalid(_("Choose a file."))
        done = actions.as_json(views.take(given))
    except (ServiceError, GeoError) as error:
        return _page(problem=sentences.problem(errors.as_problem(error))), errors.status_of(error)
    return _page(done=done), 201


@bp.post("/places/remove")
@requires(Permission.PLACE_EDIT)
@bp.doc(hide=True)
def remove_list() -> Response:
    """Forget a list."""
    name = request.form.get("list", "").replace("\x00", "")
    with Session.begin() as session:
        actions.remove_list(session, name, may=views.may_edit, by=principal().actor, at=clock.now())
    return redirect(url_for(".places_page"))


def _page(**more: Any) -> str:
    asked = request.args.get("q", "").strip()[:LONGEST].replace("\x00", "")
    with Session() as session:
        lists = queries.list_lists(session)
        found = find(session, asked, limit=20) if asked else None
        shown = wire.candidates(session, found.candidates) if found else []
    locale = str(get_locale() or IN_FORCE.profile.locale)
    choices = [(one, CRS_NAMES.get(one, {}).get(locale, one)) for one in IN_FORCE.profile.crs_choices]
    return render_template(
        "places.html",
        asked=asked,
        found=shown,
        clear=str(found.clear.id) if found and found.clear else None,
        lists=lists,
        may_edit=principal().may(Permission.PLACE_EDIT),
        crs_choices=choices,
        given=request.form,
        local=_local,
        **more,
    )


def _local(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(IN_FORCE.profile.time_zone)).strftime("%Y-%m-%d %H:%M")
