"""How rules, states and stages are called on pages: msgids here, languages in the catalogue."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext

# Each entry: what a person reads in place of the machine's word.
RULES = {
    "overlap": lazy_gettext("Overlap"),
    "hole": lazy_gettext("Hole"),
    "invalid-repaired": lazy_gettext("Invalid outline repaired"),
    "outside-parent": lazy_gettext("Outside its parent"),
    "unknown-parent": lazy_gettext("Unknown parent"),
    "duplicate-code": lazy_gettext("Code used twice"),
    "joined-parts": lazy_gettext("Parts joined"),
    "several-parts": lazy_gettext("Several parts"),
    "sliver-joined": lazy_gettext("Sliver joined"),
    "tiny-face": lazy_gettext("Tiny ground"),
    "short-edge": lazy_gettext("Very short edge"),
    "no-ground": lazy_gettext("No ground"),
    "gap-overlap": lazy_gettext("Gaps overlap"),
    "gap-over-grid": lazy_gettext("Gap over a grid"),
    "gap-parent-missing": lazy_gettext("Gap without parent"),
    "missing-leader": lazy_gettext("No leader"),
    "off-scheme-code": lazy_gettext("Code off the scheme"),
    "coordinates-suspect": lazy_gettext("Coordinates suspect"),
    "edit-lost": lazy_gettext("Edit lost"),
    "invalid-face": lazy_gettext("Ground that can't stand"),
    "unmatched-border": lazy_gettext("Borders don't match"),
    "unknown-grid": lazy_gettext("Unknown grid"),
}
STATES = {
    "draft": lazy_gettext("Draft"),
    "in_review": lazy_gettext("In review"),
    "approved": lazy_gettext("Approved"),
    "published": lazy_gettext("Published"),
}
UPLOAD_STATES = {
    "uploaded": lazy_gettext("Waiting for answers"),
    "running": lazy_gettext("Running"),
    "done": lazy_gettext("Done"),
    "refused": lazy_gettext("Not imported"),
}
STAGES = {
    "waiting": lazy_gettext("Waiting for its turn"),
    "read": lazy_gettext("Reading the file"),
    "keep": lazy_gettext("Converting coordinates"),
    "repair": lazy_gettext("Repairing outlines"),
    "overlay": lazy_gettext("Laying all borders over each other"),
    "ownership": lazy_gettext("Deciding whose ground it is"),
    "faces": lazy_gettext("Joining the pieces"),
    "conditions": lazy_gettext("Checking the result"),
    "write": lazy_gettext("Writing the plan"),
    "compare": lazy_gettext("Comparing with what is known"),
}
SEVERITIES = {
    "error": lazy_gettext("Blocks"),
    "warning": lazy_gettext("Please confirm"),
    "info": lazy_gettext("Note"),
}
CHANGES = {
    "added": lazy_gettext("added"),
    "retired": lazy_gettext("retired"),
    "renamed": lazy_gettext("renamed"),
    "recoded": lazy_gettext("recoded"),
    "moved": lazy_gettext("other parent"),
    "reshaped": lazy_gettext("reshaped"),
}
SYSTEMS = {
    "wgs84": lazy_gettext("WGS84 longitude and latitude (GPS)"),
    "cgcs2000": lazy_gettext("CGCS2000 longitude and latitude"),
    "gcj02": lazy_gettext("GCJ-02 longitude and latitude (Amap, Tencent)"),
    "bd09": lazy_gettext("BD-09 longitude and latitude (Baidu)"),
}


def spoken(words: Mapping[str, Any]) -> dict[str, str]:
    """Give a table of words in the language of the request, for scripts."""
    return {key: str(value) for key, value in words.items()}


def system(key: str, meridian: float | None) -> str:
    """Give the name of a coordinate system."""
    if key in SYSTEMS:
        return str(SYSTEMS[key])
    if meridian is not None:
        return gettext(
            "CGCS2000 / Gauss-Krüger, central meridian %(meridian)s° (%(key)s)",
            meridian=f"{meridian:g}",
            key=key,
        )
    return key
