"""The 网格归属认定单: an answer as one page for a file, with its map, its checksum and the way to check it."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import segno
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from service.assignment.page import CRS_NAMES
from service.assignment.rulings import Ruling
from service.assignment.sheet_ground import read_ground
from service.assignment.sheet_map import Marks, Words, draw, frame_around
from service.city.profile import Profile

NEIGHBOURS_AT_MOST = 6
MAP_HEIGHT, LEAST_MAP_HEIGHT, SPARE = 330.0, 170.0, 30.0  # pixels
ROW_HEIGHT, LINE_HEIGHT, LETTERS = 27.0, 19.0, 46  # of the table under the map; Chinese letters a line
GROUP = 8  # digits of a checksum that stand together


@dataclass(frozen=True, slots=True)
class Subject:
    """What a sheet is made of: the answer as JSON has it, and what is known beside it."""

    answer: dict[str, Any]
    checksum: str
    accuracy_m: float | None
    at: datetime
    as_of: datetime
    link: str
    snapshots: tuple[tuple[int, UUID], ...]
    ruling: Ruling | None
    tells_persons: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet as its template writes it: all texts are ready."""

    number: str
    organisation: str
    at: str
    as_of: str
    declared: str
    declared_crs: str
    position: str
    position_crs: str
    accuracy: str
    status: str
    distance: str
    confidence: str
    grid: dict[str, Any] | None
    chain: tuple[dict[str, Any], ...]
    why: str
    certainty: str
    neighbours: tuple[str, ...]
    edition: str
    ruling: dict[str, str] | None
    checksum: tuple[str, ...]
    link: str
    code: str
    map: str
    tells_persons: bool


def sheet_of(session: Session, subject: Subject, profile: Profile, locale: str) -> Sheet:
    """Write a sheet in a language."""
    answer, zone = subject.answer, ZoneInfo(profile.time_zone)
    levels = {one.code: _name(one.name, locale, one.code) for one in _levels(profile)}
    levels["district"] = _name(profile.district_name, locale, "district")
    chain = tuple({**one, "level": levels.get(one["level"], one["level"])} for one in answer["chain"])
    city = _name(profile.name, locale, "")
    grid = answer["grid"]
    position, declared = answer["position"], answer["declared"]
    return Sheet(
        number=f"{subject.as_of.astimezone(zone):%Y%m%d}-{subject.checksum[:GROUP].upper()}",
        organisation=f"{city}{chain[0]['name']}" if chain and locale == "zh" else city,
        at=said_moment(subject.at, zone, locale),
        as_of=said_moment(subject.as_of, zone, locale),
        declared=_pair(declared),
        declared_crs=_crs_name(declared["crs"], locale),
        position=_pair({key: round(position[key], 9) for key in ("lon", "lat")}),
        position_crs=_crs_name(position["crs"], locale),
        accuracy="–" if not subject.accuracy_m else f"±{subject.accuracy_m:g} {_('m')}",
        status=_status(answer["status"]),
        distance=_metres(answer["distance_to_border_m"]),
        confidence=_confidence(answer),
        grid=None if grid is None else {**grid, "level": levels.get(grid["level"], grid["level"])},
        chain=chain,
        why=answer["why"],
        certainty=_certainty(subject),
        neighbours=tuple(_neighbour(one) for one in _others(answer)),
        edition=_edition(answer, zone, locale),
        ruling=_ruling(subject, zone, locale),
        checksum=tuple(subject.checksum[at : at + GROUP] for at in range(0, len(subject.checksum), GROUP)),
        link=subject.link,
        code=_code(subject.link),
        map=_map(session, subject),
        tells_persons=subject.tells_persons,
    )


def said_moment(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    """Write a moment in the city's time, to the second."""
    here = moment.astimezone(zone)
    if locale == "zh":
        return f"{here.year} 年 {here.month} 月 {here.day} 日 {here:%H:%M:%S}"
    return f"{here:%Y-%m-%d %H:%M:%S} ({zone.key})"


def _levels(profile: Profile) -> list[Any]:
    return [level for scheme in profile.schemes for level in scheme.levels]


def _name(names: dict[str, str], locale: str, otherwise: str) -> str:
    return names.get(locale) or next(iter(names.values()), otherwise)


def _pair(place: dict[str, Any]) -> str:
    return f"{place['lon']!r}, {place['lat']!r}"


def _crs_name(key: str, locale: str) -> str:
    named = CRS_NAMES.get(key, {}).get(locale) or key
    return f"CGCS2000 ({key})" if key == "EPSG:4490" else named


def _metres(distance: float | None) -> str:
    return "–" if distance is None else f"{distance:.1f} {_('m')}"


def _status(status: str) -> str:
    return {
        "inside": _("In the grid"),
        "border": _("On a shared border"),
        "nearest": _("Nearest grid"),
        "gap": _("Outside the grids by declaration"),
        "outside": _("In no grid"),
    }[status]


def _confidence(answer: dict[str, Any]) -> str:
    if answer["ruling"] is not None:
        return _("By ruling")  # how sure the map is says nothing about what a person decided
    return (
        "–"
        if answer["confidence"] is None or answer["grid"] is None
        else f"{answer['confidence'] * 100:.0f} %"
    )


def _certainty(subject: Subject) -> str:
    """Say how the distance compares with the accuracy."""
    distance, accuracy = subject.answer["distance_to_border_m"], subject.accuracy_m
    if (
        subject.ruling
        or not accuracy
        or distance is None
        or subject.answer["status"] not in ("inside", "gap")
    ):
        return ""
    if distance > accuracy:
        return _("That is more than the accuracy of the position, %(accuracy)s m.", accuracy=f"{accuracy:g}")
    return _("That is less than the accuracy of the position, %(accuracy)s m.", accuracy=f"{accuracy:g}")


def _others(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """List who else could be meant; not the one a ruling names."""
    code = answer["grid"]["code"] if answer["grid"] else None
    return [one for one in answer["alternates"] if one["code"] != code][:NEIGHBOURS_AT_MOST]


def _neighbour(one: dict[str, Any]) -> str:
    said = f"{one['name'] or '–'} {one['code'] or ''}".strip()
    share = "" if one["share"] is None else f"{one['share'] * 100:.0f} %, "
    return f"{said} ({share}{one['distance_m']:.1f} {_('m')})"


def _edition(answer: dict[str, Any], zone: ZoneInfo, locale: str) -> str:
    edition = answer["edition"]
    if edition is None:
        return "–"
    since = said_moment(datetime.fromisoformat(edition["in_force_from"]), zone, locale)
    name = answer["chain"][0]["name"] if answer["chain"] else edition["district"]
    return _(
        "%(district)s, edition %(number)s, in force from %(since)s",
        district=name,
        number=edition["number"],
        since=since,
    )


def _ruling(subject: Subject, zone: ZoneInfo, locale: str) -> dict[str, str] | None:
    ruling, told = subject.ruling, subject.answer.get("ruling")
    if ruling is None or told is None:
        return None
    instead = told.get("instead_of")
    return {
        "id": str(ruling.id),
        "decided_on": ruling.decided_on.isoformat(),
        "counts_from": said_moment(ruling.counts_from, zone, locale),
        "instead_of": f"{instead['name']} {instead['code']}" if instead else "",
        "decided_by": ruling.decided_by if subject.tells_persons else "",
        "reason": ruling.reason if subject.tells_persons else "",
    }


def _code(link: str) -> str:
    """Draw the link as a QR code; a link with a long PROJ string does not fit in one."""
    try:
        made = segno.make(link, error="l", boost_error=False, micro=False)
    except segno.DataOverflowError:
        return ""
    return made.svg_inline(border=2, omitsize=True, dark="#000", svgclass=None, lineclass=None)


def _map(session: Session, subject: Subject) -> str:
    answer, ruling = subject.answer, subject.ruling
    lon, lat = answer["position"]["lon"], answer["position"]["lat"]
    distance = answer["distance_to_border_m"]
    if distance is None and answer["alternates"]:
        distance = answer["alternates"][0]["distance_m"]
    reach = max(
        1.5 * (subject.accuracy_m or 0.0), distance or 0.0, ruling.spot[2] if ruling and ruling.spot else 0.0
    )
    ground = read_ground(session, frame_around(lon, lat, reach, _map_height(subject)), subject.snapshots)
    marks = Marks(
        grid_id=UUID(answer["grid"]["id"]) if answer["grid"] else None,
        accuracy_m=subject.accuracy_m,
        has_distance=answer["distance_to_border_m"] is not None and ruling is None,
        neighbours=tuple(one["code"] for one in _others(answer) if one["code"]),
        ruling=ruling.area if ruling else None,
    )
    return draw(ground, marks, Words(_("Map of the position"), _("N"), _("m"), _("km")))


def _map_height(subject: Subject) -> float:
    """Leave as much of one page to the map as the texts don't need."""
    answer, ruling = subject.answer, subject.ruling
    needed = LINE_HEIGHT * (_lines(answer["why"] + _certainty(subject)) - 1)
    needed += ROW_HEIGHT * max(0, len(answer["chain"]) - 4)
    others = " · ".join(_neighbour(one) for one in _others(answer))
    if others:
        needed += ROW_HEIGHT + LINE_HEIGHT * (_lines(others) - 1 + len(others) // 120)  # names are not broken
    if ruling is not None:
        told = f"{ruling.decided_by}{ruling.reason}" if subject.tells_persons else ""
        needed += ROW_HEIGHT + LINE_HEIGHT * (_lines(told) + 1)
    return max(MAP_HEIGHT - max(0.0, needed - SPARE), LEAST_MAP_HEIGHT)


def _lines(text: str) -> int:
    """Estimate how many lines of the table a text takes."""
    return max(1, ceil(sum(1.0 if ord(one) > 0x2E80 else 0.56 for one in text) / LETTERS))
