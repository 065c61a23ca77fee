"""Many positions over HTTP: a body of rows in, the same rows with their answers out."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec
from flask import Response, request
from pydantic import BaseModel, Field

from geo.crs import parse_crs
from service.assignment.batch import answer_rows, chunks, fields, flat, read_record, read_row
from service.assignment.in_force import IN_FORCE
from service.assignment.views import _crs, _question, bp
from service.errors import Invalid, Malformed, UnsupportedMedia
from service.http import json_response, lookup
from service.openapi import takes

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


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
    results = [one for chunk in chunks(rows) for one in answer_rows(IN_FORCE, question, chunk, crs)]
    return json_response({"results": results})


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
            for result in answer_rows(IN_FORCE, question, rows, crs):
                yield _encode(result) + b"\n"

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


def _levels() -> tuple[str, ...]:
    scheme_id = IN_FORCE.scheme_id(request.args.get("scheme"))
    return IN_FORCE.levels.get(scheme_id, ()) if scheme_id is not None else ()
