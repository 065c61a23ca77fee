"""The look-up over HTTP: one position or many, and the map page."""

import csv
import io
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from apiflask import APIBlueprint
from flask import Response, render_template, request
from pydantic import BaseModel, Field

from geo.crs import Crs, parse_crs
from geo.errors import MalformedPoints, UnknownCrs
from service.assignment import addresses
from service.assignment.answers import Question, answer_one
from service.assignment.batch import (
    answer_json,
    answer_rows,
    chunks,
    fields,
    flat,
    not_on_earth,
    read_record,
    read_row,
)
from service.assignment.in_force import IN_FORCE
from service.assignment.page import page_config
from service.errors import Invalid, Malformed, UnsupportedMedia
from service.http import arguments, json_response, language, lookup, mounted_at, raw_json
from service.openapi import takes
from service.people.guards import ANONYMOUS, principal
from service.people.permissions import Permission

bp = APIBlueprint("assignment", __name__)
_decode = msgspec.json.Decoder().decode


@bp.get("/map")
@lookup
def map_page() -> str:
    """Show the map with the look-up panel."""
    return render_template("map.html", config=page_config())


class AssignQuery(BaseModel):
    """What may be asked of one position; read by hand, since this route is the hot one."""

    lon: float | None = None
    lat: float | None = None
    address: str | None = Field(None, min_length=1, max_length=200)
    crs: str | None = None
    accuracy_m: float | None = Field(None, ge=0)
    at: str | None = None
    level: str | None = None
    scheme: str | None = None


class AssignManyQuery(BaseModel):
    """What may be asked of many positions; `lon`, `lat`, `accuracy` name the columns of a CSV."""

    crs: str | None = None
    at: str | None = None
    level: str | None = None
    scheme: str | None = None
    lon: str = "lon"
    lat: str = "lat"
    accuracy: str = "accuracy_m"


class Points(BaseModel):
    """Many positions as JSON; each [x, y] or [x, y, accuracy in metres]."""

    points: list[list[float]]
    crs: str | None = None
    accuracy_m: float | None = Field(None, ge=0)


@bp.get("/api/v1/assign")
@lookup
@takes(query=AssignQuery)
@bp.doc(summary="Find the grid that answers for a position", tags=["assignment"])
def assign() -> Response:
    """Answer one position."""
    given = arguments()
    if "address" in given:
        return _assign_address(given["address"])
    row = read_row(given.get("lon"), given.get("lat"), given.get("accuracy_m"))
    if row.error:
        field = next((name for name in ("lon", "lat", "accuracy_m") if name[:3] in row.error), "lon")
        raise Invalid(f"lon, lat: {row.error}", errors=[{"pointer": f"/{field}", "detail": row.error}])
    question, crs = _question(given), _crs(given.get("crs"))
    try:
        return raw_json(answer_one(IN_FORCE, question, crs, (row.x, row.y), row.accuracy_m))
    except MalformedPoints as error:
        detail = not_on_earth(row, crs)
        raise Invalid(detail, errors=[{"pointer": "/lon", "detail": detail}]) from error


def _assign_address(address: str) -> Response:
    """Answer for the one place an address means; the position is the city's own, so no `crs` is needed."""
    if {"lon", "lat"} & request.args.keys():
        _refuse("address", "Send an address, or lon and lat, not both.")
    found = addresses.located(address)
    row = read_row(found.lon, found.lat, request.args.get("accuracy_m"))
    if row.error:
        _refuse("accuracy_m", row.error)
    told = answer_one(IN_FORCE, _question(), parse_crs("cgcs2000"), (row.x, row.y), row.accuracy_m)
    return json_response({**_decode(told), "declared": {"address": address}, "place": found.place})


@bp.post("/api/v1/assign")
@lookup
@takes(query=AssignManyQuery, body=Points, texts=("text/csv", "application/x-ndjson", "application/geo+json"))
@bp.doc(summary="Find the grids for many positions", tags=["assignment"])
def assign_many() -> Response:
    """Answer a body of positions row for row, in the form it came."""
    kind = request.mimetype
    readers = {
        "application/json": _json,
        "text/csv": _csv,
        "application/x-ndjson": _ndjson,
        "application/geo+json": _geojson,
    }
    if kind not in readers:
        raise UnsupportedMedia(
            f"{kind or 'no media type'} is not read here. Send one of: {', '.join(readers)}."
        )
    return readers[kind](request.get_data(cache=False))


def _json(raw: bytes) -> Response:
    given = _parsed(raw)
    if not isinstance(given, dict) or not isinstance(given.get("points"), list):
        raise Invalid(
            "points is missing", errors=[{"pointer": "/points", "detail": "a list of [lon, lat] is needed"}]
        )
    crs = _crs(given.get("crs"))
    accuracy = given.get("accuracy_m")
    rows = [_pair(point, accuracy) for point in given["points"]]
    question = _question()
    results = [one for chunk in chunks(rows) for one in answer_json(IN_FORCE, question, chunk, crs)]
    return raw_json(b'{"results":[%b]}' % b",".join(results))


def _pair(point: Any, accuracy: Any) -> Any:
    if not isinstance(point, list) or len(point) not in (2, 3):
        return read_row(None, None)
    return read_row(point[0], point[1], point[2] if len(point) == 3 else accuracy)


def _csv(raw: bytes) -> Response:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"The CSV is not UTF-8: {error.reason} at byte {error.start}.") from error
    try:
        # Read through once, so that a file that breaks off is refused before half an answer is sent.
        deque(csv.reader(io.StringIO(text, newline=""), strict=True), maxlen=0)
    except csv.Error as error:
        raise Malformed(f"The CSV can't be split into rows: {error}.") from error
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    names = list(table.fieldnames or ())
    x, y = request.args.get("lon", "lon"), request.args.get("lat", "lat")
    missing = [name for name in (x, y) if name not in names]
    if missing:
        raise Invalid(f"The CSV has no column {missing[0]!r}. It has: {', '.join(names)}.", field=missing[0])
    levels = _levels()
    clash = set(names) & set(fields(levels))
    if clash:
        raise Invalid(f"The CSV already has {', '.join(sorted(clash))}: rename them first.")
    accuracy = request.args.get("accuracy", "accuracy_m")
    question, crs = _question(), _crs()

    def lines() -> Iterator[str]:
        out = io.StringIO()
        writer = csv.DictWriter(out, [*names, *fields(levels)])
        writer.writeheader()
        for chunk in chunks(table):
            rows = [read_record(one, x, y, one.get(accuracy)) for one in chunk]
            for source, result in zip(chunk, answer_rows(IN_FORCE, question, rows, crs), strict=True):
                writer.writerow({**source, **flat(result, levels)})
            yield out.getvalue()
            out.seek(0), out.truncate()

    return Response(lines(), mimetype="text/csv")


def _ndjson(raw: bytes) -> Response:
    question, crs = _question(), _crs()

    def lines() -> Iterator[bytes]:
        for chunk in chunks(line for line in raw.splitlines() if line.strip()):
            rows = [_line(one) for one in chunk]
            yield b"\n".join(answer_json(IN_FORCE, question, rows, crs)) + b"\n"

    return Response(lines(), mimetype="application/x-ndjson")


def _line(line: bytes) -> Any:
    try:
        given = _decode(line)
    except msgspec.DecodeError:
        return read_row(None, None)
    if not isinstance(given, dict):
        return read_row(None, None)
    return read_row(given.get("lon"), given.get("lat"), given.get("accuracy_m"))


def _geojson(raw: bytes) -> Response:
    given = _parsed(raw)
    if not isinstance(given, dict) or not isinstance(given.get("features"), list):
        raise Invalid("features is missing: send a FeatureCollection of points.", field="features")
    crs = parse_crs(request.args.get("crs", "wgs84"))
    rows = [_feature_row(one) for one in given["features"]]
    question, levels, results = _question(), _levels(), []
    for chunk in chunks(rows):
        results += answer_rows(IN_FORCE, question, chunk, crs)
    for feature, result in zip(given["features"], results, strict=True):
        if isinstance(feature, dict):
            given_properties = feature.get("properties")
            kept = given_properties if isinstance(given_properties, dict) else {}
            feature["properties"] = {**kept, **flat(result, levels)}
    return json_response(given, mimetype="application/geo+json")


def _feature_row(feature: Any) -> Any:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return read_row(None, None)
    properties = feature.get("properties")
    accuracy = properties.get("accuracy_m") if isinstance(properties, dict) else None
    coordinates = geometry.get("coordinates")
    return _pair(coordinates[:2] if isinstance(coordinates, list) else None, accuracy)


def _parsed(raw: bytes) -> Any:
    try:
        return _decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"The body is not JSON: {error}") from error


def _crs(given: Any = None) -> Crs:
    text = given or request.args.get("crs") or principal().crs
    if not isinstance(text, str) or not text:
        choices = ", ".join(IN_FORCE.profile.crs_choices)
        detail = f"Say the coordinate system: crs={choices} or EPSG:n."
        raise Invalid(detail, errors=[{"pointer": "/crs", "detail": detail}])
    try:
        return parse_crs(text)
    except UnknownCrs as error:
        raise Invalid(error.detail, errors=[{"pointer": "/crs", "detail": error.detail}]) from error


def _question(given: Mapping[str, str] | None = None) -> Question:
    given = arguments() if given is None else given
    answered_at = IN_FORCE.now()  # first of all: a process that heard nothing yet knows no scheme either
    scheme_id = IN_FORCE.scheme_id(given.get("scheme"))
    if scheme_id is None:
        _refuse("scheme", f"There is no scheme {given.get('scheme')!r}.")
    level = given.get("level")
    if level is not None and level not in IN_FORCE.levels[scheme_id]:
        _refuse("level", f"There is no level {level!r}. Known: {', '.join(IN_FORCE.levels[scheme_id])}.")
    profile, who = IN_FORCE.profile, principal()
    return Question(
        scheme_id=scheme_id,
        moment=moment(given.get("at"), profile.time_zone) or answered_at,
        answered_at=answered_at,
        locale=language(profile.locale, given.get("locale")),
        contacts=who is not ANONYMOUS and who.may(Permission.CONTACT_READ),
        level=level,
        root=mounted_at(),
    )


def moment(text: str | None, time_zone: str) -> datetime | None:
    """Read a date (its midnight in the city) or a time with offset. May raise Invalid."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
        if read.tzinfo is None:
            zone = ZoneInfo(time_zone)
            read = datetime.combine(read.date(), read.time() if len(text) > 10 else time(), zone)
        read.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        _refuse(
            "at",
            f"{text[:40]!r} is not a date or time such as 2026-03-01 or 2026-03-01T08:00:00+08:00.",
            error,
        )
    return read


def _refuse(field: str, detail: str, cause: Exception | None = None) -> Any:
    raise Invalid(detail, errors=[{"pointer": f"/{field}", "detail": detail}]) from cause


def _levels() -> tuple[str, ...]:
    scheme_id = IN_FORCE.scheme_id(request.args.get("scheme"))
    return IN_FORCE.levels.get(scheme_id, ()) if scheme_id is not None else ()
