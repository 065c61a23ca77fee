"""Log in, log out, choose a language."""

import re

from apiflask import APIBlueprint
from flask import Response, current_app, redirect, render_template, request, url_for

from service import clock
from service.db import Session
from service.http import public
from service.people import actions, queries
from service.people.guards import COOKIE, is_cross_site, principal

bp = APIBlueprint("people", __name__, enable_openapi=False)
YEAR = 365 * 24 * 3600
# One sentence for every refusal, so that it does not tell which names exist.
REFUSED = "Name or password is wrong. After five wrong tries an account is locked for fifteen minutes."
# Browsers drop tabs and line ends from addresses and read a backslash as a slash: "/<tab>/host" leaves us.
_LOCAL = re.compile(r"/(?!/)[^\x00-\x1f\x7f\\]*")


@bp.route("/login", methods=["GET", "POST"])
@public
def login() -> Response | tuple[str, int] | str:
    """Show the form, or let a person in."""
    if request.method == "GET":
        return _form(None, request.args.get("next", ""))
    if is_cross_site():
        return _form(None, ""), 403
    with Session.begin() as session:
        key = actions.log_in(
            session,
            name=request.form.get("name", ""),
            password=request.form.get("password", ""),
            at=clock.now(),
        )
    if key is None:
        return _form(REFUSED, request.form.get("next", "")), 401
    response = redirect(_local(request.form.get("next")))
    response.set_cookie(COOKIE, key, httponly=True, samesite="Lax", secure=request.is_secure, path=_path())
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


def _form(error: str | None, target: str) -> str:
    with Session() as session:
        demo = queries.demo_accounts(session)
    return render_template("login.html", error=error, next=target, demo_accounts=demo)


def _path() -> str:
    return request.script_root or current_app.config["APPLICATION_ROOT"] or "/"


def _local(target: str | None) -> str:
    """Give where to go next: only a page of ours."""
    return target if target and _LOCAL.fullmatch(target) else url_for("home.index")
