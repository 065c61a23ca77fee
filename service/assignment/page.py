"""What the map page has to know: levels and coordinate systems by name, where things are, what is in force."""

from typing import Any

from flask import current_app, request, url_for
from flask_babel import get_locale

from service.assignment.in_force import IN_FORCE
from service.assignment.maps import EditionMap
from service.people.guards import principal
from service.people.permissions import Permission

CRS_NAMES = {
    "wgs84": {"zh": "WGS-84", "en": "WGS-84"},
    "cgcs2000": {"zh": "CGCS2000", "en": "CGCS2000"},
    "gcj02": {"zh": "GCJ-02（高德、腾讯）", "en": "GCJ-02 (Amap, Tencent)"},
    "bd09": {"zh": "BD-09（百度）", "en": "BD-09 (Baidu)"},
}


def page_config() -> dict[str, Any]:
    """Give the settings of the page's scripts."""
    profile, locale = IN_FORCE.profile, str(get_locale() or IN_FORCE.profile.locale)
    scheme_id = IN_FORCE.scheme_id(None)
    maps = [] if scheme_id is None else IN_FORCE.maps_at(scheme_id, IN_FORCE.now())
    choices = [(one, _name(CRS_NAMES.get(one, {}), locale, one)) for one in profile.crs_choices]
    return {
        "api": f"{request.script_root}/api/v1",
        "assign": url_for("assignment.assign"),
        "tiles": f"{request.script_root}/tiles",
        "worker": url_for("static", filename="js/map_worker.js"),
        "levels": [
            {"code": one.code, "name": _name(one.name, locale, one.code)} for one in profile.schemes[0].levels
        ],
        "districtName": _name(profile.district_name, locale, "district"),
        "crs": choices,
        # The map is drawn in lon/lat of the city, which WGS84 and CGCS2000 both are.
        "mapCrs": next((one for one in ("cgcs2000", "wgs84") if one in profile.crs_choices), "wgs84"),
        "tileUrl": current_app.config["WANGGE"].tile_url,
        "bounds": _bounds(maps),
        "timeZone": profile.time_zone,
        "scheme": None if scheme_id is None else IN_FORCE.scheme_code(scheme_id),
        "rulings": url_for("rulings.list_rulings"),
        "mayRule": principal().may(Permission.RULING_DECIDE),
    }


def _name(names: dict[str, str], locale: str, otherwise: str) -> str:
    return names.get(locale) or names.get("en") or otherwise


def _bounds(maps: list[EditionMap]) -> list[list[float]] | None:
    boxes = [one.locator.bounds for one in maps if len(one.locator)]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return [[min(west), min(south)], [max(east), max(north)]]
