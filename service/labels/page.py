"""What the pages of a check have to know."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, render_template, url_for
from flask_babel import get_locale

from service.assignment.in_force import IN_FORCE
from service.assignment.page import page_config
from service.grids import wording as spoken
from service.labels import keeping, sheets, wording
from service.labels.keeping import State
from service.labels.positions import UNUSABLE
from service.labels.reasons import REASONS
from service.labels.summary import BANDS

SAMPLE = "history.xlsx"  # among the demo city's files, where there is one


def entrance(checks: list[State]) -> str:
    """Show where to drop a file."""
    zone = ZoneInfo(IN_FORCE.profile.time_zone)
    return render_template(
        "audit.html",
        sample=(current_app.config["WANGGE"].demo_folder / SAMPLE).is_file(),
        checks=checks,
        local=lambda moment: f"{moment.astimezone(zone):%Y-%m-%d %H:%M}",
        limit_mb=current_app.config["WANGGE"].upload_limit_mb,
        most_rows=f"{keeping.MOST_ROWS:,}",
    )


def one(state: State) -> str:
    """Show one check."""
    return render_template(
        "audit_one.html", state=state, config=_config(state), words=_words(), api=_addresses(state)
    )


def _config(state: State) -> dict[str, Any]:
    config = page_config()
    names = {one["code"]: one["name"] for one in config["levels"]}
    keys = [*IN_FORCE.profile.crs_choices, *(one["key"] for one in state.seen["crs_candidates"])]
    meridians = {one["key"]: one["meridian"] for one in state.seen["crs_candidates"]}
    systems = {key: spoken.system(key, meridians.get(key)) for key in keys}
    return {**config, "levelNames": names, "systems": systems, "lookUp": url_for("assignment.map_page")}


def _words() -> dict[str, dict[str, str]]:
    """Give the names of reasons, bands and the like in the page's language."""
    locale = str(get_locale() or IN_FORCE.profile.locale)
    groups = {
        "reasons": REASONS, "unusable": UNUSABLE, "bands": [*(name for name, _ in BANDS), "none"],
        "how": ("exact", "spelling", "part", "association", "pattern"),
    }  # fmt: skip
    said = {name: {key: wording.say(key, locale) for key in keys} for name, keys in groups.items()}
    return {**said, "statuses": {key: sheets.status_name(key, locale) for key in sheets.STATUSES}}


def _addresses(state: State) -> dict[str, str]:
    named = {"audit_id": state.id}
    return {
        "self": url_for("labels.show", **named), "rows": url_for("labels.show_rows", **named),
        "points": url_for("labels.show_points", **named), "entrance": url_for("labels.audit_page"),    }  # fmt: skip
