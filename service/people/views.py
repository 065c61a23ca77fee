"""Log in, log out, choose a language."""

from apiflask import APIBlueprint
from flask import Response, current_app, redirect, render_template, request, url_for

from service import clock
from service.db import Session
from service.errors import ServiceError, status_of
from service.http import public
from service.people import actions
from service.people.guards import COOKIE, principal

bp = APIBlueprint("people", __name__, enable_openapi=False)
YEAR = 365 * 24 * 3600


@bp.route("/login", methods=["GET", "POST"])
@public
def login() -> Response | tuple[str, int] | str:
    """Show the form, or let a person in."""
    if request.method == "GET":
        return render_template("login.html", error=None, next=request.args.get("next", ""), demo_accounts=[])
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return render_template("login.html", error=None, next="", demo_accounts=[]), 403
    with Session.begin() as session:
        person, outcome = actions.log_in(
            session,
            name=request.form.get("name", ""),
            password=request.form.get("password", ""),
            at=clock.now(),
        )
    if person is None:
        error: ServiceError = outcome  # type: ignore[assignment]
        page = render_template(
            "login.html", error=error.detail, next=request.form.get("next", ""), demo_accounts=[]
        )
        return page, status_of(error)
    response = redirect(_local(request.form.get("next")))
    response.set_cookie(
        COOKIE, str(outcome), httponly=True, samesite="Lax", secure=request.is_secure, path=_path()
    )
    return response


@bp.post("/logout")
@public
def logout() -> Response:
    """End the session."""
    key = request.cookies.get(COOKIE)
    if key is not None and principal().kind == "person":
        with Session.begin() as session:
            actions.log_out(session, key=key, by=principal().actor, at=clock.now())
    response = redirect(url_for("home.index"))
    response.delete_cookie(COOKIE, path=_path())
    return response


@bp.post("/locale")
@public
def set_locale() -> Response:
    """Remember the language of this browser."""
    response = redirect(_local(request.form.get("next")))
    response.set_cookie(
        "locale", request.form.get("locale", "")[:5], max_age=YEAR, samesite="Lax", path=_path()
    )
    return response


def _path() -> str:
    return request.script_root or current_app.config["APPLICATION_ROOT"] or "/"


def _local(target: str | None) -> str:
    """Give where to go next: only a page of ours."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")) and "\n" not in target:
        return target
    return url_for("home.index")
