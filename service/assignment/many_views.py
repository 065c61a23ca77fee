"""Many positions over HTTP: a body of rows in, the same rows with their answers out, in any form."""

import io
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

import msgspec
from flask import Response, request
from pydantic import BaseModel, Field

from geo.formats.encoding import known_encoding
from service.assignment import formats
from service.assignment.formats import MEDIA, Blocks, FeaturesSource, PlainColumnsSource, Source, Where
from service.assignment.in_force import IN_FORCE
from service.assignment.points_form import PointsSource, as_json, as_lines, whole_answers
from service.assignment.runs import Asked, run
from service.assignment.views import _crs, _question, bp
from service.errors import Invalid, Malformed, TooLarge, UnsupportedMedia
from service.http import lookup
from service.openapi import takes

JSON = "application/json"
READ = {JSON: "json", **{media: form for form, media in MEDIA.items() if form != "parquet"}}
WRITTEN = {JSON: "json", **{media: form for form, media in MEDIA.items()}}
ENCODINGS = ("UTF-8", "GBK", "GB18030", "Big5", "utf-16")
KEPT_IN_MEMORY = 1 << 24
SENT_AT_ONCE = 1 << 20
JSON_LIMIT = 1 << 26  # it is taken apart whole, into some twenty times as much memory
_decode = msgspec.json.Decoder().decode


class AssignManyQuery(BaseModel):
    """What may be asked of many positions; `lon`, `lat`, `accuracy` name the columns of a table."""

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


class _Collection(msgspec.Struct):
    features: list[msgspec.Raw]


@bp.post("/api/v1/assign")
@lookup
@takes(query=AssignManyQuery, body=Points, texts=tuple(media for media in READ if media != JSON))
@bp.doc(
    summary="Find the grids for many positions",
    description="Answers row for row in the form of the body, or in the one `Accept` prefers: "
    f"{', '.join(WRITTEN)}.",
    tags=["assignment"],
)
def assign_many() -> Response:
    """Answer a body of positions row for row, in the form it came or the one that is accepted."""
    form = READ.get(request.mimetype)
    if form is None:
        raise UnsupportedMedia(
            f"{request.mimetype or 'no media type'} is not read here. Send one of: {', '.join(READ)}."
        )
    media, question = _accepted(request.mimetype), _question()
    body = _kept(request.stream)
    try:
        source, crs = _opened(form, WRITTEN[media], body)
        asked = Asked(IN_FORCE, question, IN_FORCE.levels[question.scheme_id], _crs(crs))
        return _sent(_written(source, WRITTEN[media], asked), media, body)
    except BaseException:
        body.close()
        raise


def _kept(stream: BinaryIO) -> BinaryIO:
    """Keep a body until it is answered, a long one on the disk."""
    begun = stream.read(KEPT_IN_MEMORY)
    more = stream.read(SENT_AT_ONCE) if len(begun) == KEPT_IN_MEMORY else b""
    if not more:
        return io.BytesIO(begun)
    body = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed when the answer is sent
    body.write(begun)
    while more:
        body.write(more)
        more = stream.read(SENT_AT_ONCE)
    return body  # type: ignore[return-value]


def _accepted(own: str) -> str:
    """Choose the form of the answer: that of the body unless the sender likes another one better."""
    likes = request.accept_mimetypes
    best = max(WRITTEN, key=lambda media: likes[media]) if likes else own
    return own if likes[own] >= likes[best] or not likes[best] else best


def _written(source: Source, form: str, asked: Asked) -> Iterator[bytes]:
    if form in ("json", "ndjson"):
        return (as_json if form == "json" else as_lines)(whole_answers(source, asked))
    encoder = formats.encoder(form, source.schema, asked.added, asked.crs, end="\r\n")
    return (piece.data for piece in run(source, encoder, asked))


def _sent(pieces: Iterator[bytes], media: str, body: BinaryIO) -> Response:
    """Send a short answer whole, a long one as it comes."""
    begun, size = [], 0
    for piece in pieces:
        begun.append(piece)
        size += len(piece)
        if size > SENT_AT_ONCE:
            answer = Response(chain(begun, pieces), mimetype=media)
            answer.call_on_close(body.close)
            return answer
    body.close()
    return Response(b"".join(begun), mimetype=media)


def _opened(form: str, out: str, body: BinaryIO) -> tuple[Source, Any]:
    """Open a body that can be split into rows to its end. May raise Malformed, Invalid."""
    body.seek(0)
    given = request.args
    where = Where(given.get("lon", "lon"), given.get("lat", "lat"), given.get("accuracy", "accuracy_m"))
    tabular = formats.is_tabular(out)
    if form == "json":
        return _points(_whole(body))
    if form == "geojson":
        return FeaturesSource(_features(_whole(body)), where, tabular), given.get("crs", "wgs84")

    def again() -> Any:
        body.seek(0)
        if form == "arrow":
            return PlainColumnsSource(body, where)
        return formats.open_text(form, Blocks(body, _encoding(), known=True), where, tabular=tabular)

    again().check()
    return again(), None


def _whole(body: BinaryIO) -> bytes:
    raw = body.read(JSON_LIMIT + 1)
    if len(raw) > JSON_LIMIT:
        raise TooLarge(
            f"A body of JSON may have {JSON_LIMIT >> 20} MB here. Send it in parts, "
            "or as CSV, NDJSON or Arrow, which are read row by row."
        )
    return raw


def _encoding() -> str:
    charset = request.mimetype_params.get("charset", "UTF-8")
    encoding = known_encoding(charset)
    if encoding not in ENCODINGS:
        raise UnsupportedMedia(f"The charset {charset[:40]!r} is not read here: {', '.join(ENCODINGS)} are.")
    return encoding


def _points(raw: bytes) -> tuple[Source, Any]:
    try:
        given = _decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"The body is not JSON: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("points"), list):
        raise Invalid(
            "points is missing", errors=[{"pointer": "/points", "detail": "a list of [lon, lat] is needed"}]
        )
    return PointsSource(given["points"], given.get("accuracy_m")), given.get("crs")


def _features(raw: bytes) -> Iterable[bytes]:
    try:
        return map(bytes, msgspec.json.decode(raw, type=_Collection).features)
    except msgspec.ValidationError as error:
        raise Invalid("features is missing: send a FeatureCollection of points.", field="features") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"The body is not JSON: {error}") from error
