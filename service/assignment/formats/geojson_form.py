"""GeoJSON in and out: features are read one after the other, so that no file is too large."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo.crs import Crs, to_lonlat, usable
from service.assignment.formats.blocks import Blocks
from service.assignment.formats.json_lines import (
    Objects,
    flat_objects,
    joined,
    json_columns,
    names_in,
    objects,
)
from service.assignment.formats.rows import Rows, Where
from service.assignment.sureness import number_texts
from service.errors import Invalid, Malformed

FEATURES_AT_ONCE = 1 << 14
LARGEST_FEATURE = 1 << 26
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# A quote by itself begins a text that goes on in the next block.
TOKEN = re.compile(STRING + rb'|[{}\[\]"]', re.DOTALL)
LIST_FOLLOWS = re.compile(rb"\s*:\s*\[")
SPACE = re.compile(rb"[\s,]*")
SCALAR = re.compile(STRING + rb'|[^\s,\]\[{}"]+', re.DOTALL)
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Text:
    """A window on a stream of blocks that grows at its end and is cut at its beginning."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks, self.window = iter(blocks), b""

    def grow(self) -> bool:
        """Draw in the next block, False where there is none."""
        block = next(self._blocks, None)
        if block is None:
            return False
        if len(self.window) > LARGEST_FEATURE:
            raise Malformed(f"A feature is larger than {LARGEST_FEATURE >> 20} MB.")
        self.window += block
        return True

    def cut(self, at: int) -> None:
        """Forget what has been read."""
        self.window = self.window[at:]


def features_in(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Give each member of the collection's list of features as it is written. May raise Malformed, Invalid."""
    text = _Text(blocks)
    text.cut(_start(text))
    at = 0
    while True:
        found = _member(text, at)
        if found is None:
            return
        begin, end = found
        yield text.window[begin:end]
        at = end
        if at > 1 << 20:
            text.cut(at)
            at = 0


def _start(text: _Text) -> int:
    """Find where the list of features begins."""
    while True:
        depth = 0
        for token in TOKEN.finditer(text.window):
            word = token[0]
            if word == b'"':
                break
            if word == b'"features"' and depth == 1:
                follows = LIST_FOLLOWS.match(text.window, token.end())
                if follows:
                    return follows.end()
            depth += (word in b"{[") - (word in b"}]")
        if not text.grow():
            raise Invalid("features is missing: send a FeatureCollection of points.", field="features")


def _member(text: _Text, at: int) -> tuple[int, int] | None:
    """Find the next member of the list, None at its end."""
    while True:
        begin = SPACE.match(text.window, at).end()  # type: ignore[union-attr] - it matches nothing, too
        end = _end(text.window, begin)
        if end == begin:
            return None
        if end is not None:
            return begin, end
        if not text.grow():
            raise Malformed("The GeoJSON breaks off in the middle of its features.")


def _end(window: bytes, begin: int) -> int | None:
    """Find the end of a value; its beginning itself where the list ends, None where the text does."""
    if begin == len(window):
        return None
    if window[begin : begin + 1] == b"]":
        return begin
    if window[begin] not in b"{[":
        scalar = SCALAR.match(window, begin)
        return scalar.end() if scalar and scalar.end() < len(window) else None
    depth = 0
    for token in TOKEN.finditer(window, begin):
        word = token[0]
        if word == b'"':
            return None
        depth += (word in b"{[") - (word in b"}]")
        if depth == 0:
            return token.end()
    return None


class FeaturesSource:
    """Reads points of a FeatureCollection; another geometry is an error of its own feature."""

    def __init__(self, features: Iterable[bytes], where: Where, tabular: bool) -> None:
        self._features = iter(features)
        self._first = list(islice(self._features, FEATURES_AT_ONCE))
        names = names_in([_properties(_feature(one)) for one in self._first])
        given = {"lon", "lat"} & set(names)
        spots = () if given else ("lon", "lat")
        self._spots = bool(spots)
        self._objects = Objects(Where("\0x", "\0y", "\0a", where.metres), [*spots, *names], tabular)
        self._accuracy = where.accuracy
        self.schema = self._objects.schema

    @classmethod
    def of_blocks(cls, blocks: Blocks, where: Where, tabular: bool) -> "FeaturesSource":
        """Read from a stream."""
        return cls(features_in(blocks.pieces()), where, tabular)

    def __iter__(self) -> Iterator[Rows]:
        some = self._first
        while some:
            yield self._rows([_feature(one) for one in some])
            some = list(islice(self._features, FEATURES_AT_ONCE))

    def _rows(self, features: list[Any]) -> Rows:
        objects: list[dict[str, Any] | None] = []
        places = []
        for one in features:
            x, y = _coordinates(one)
            own = _properties(one) or {}
            place = {"\0x": x, "\0y": y}
            if self._accuracy is not None and own.get(self._accuracy) is not None:
                place["\0a"] = own[self._accuracy]
            places.append(place)
            objects.append({"lon": x, "lat": y, **own} if self._spots else own)
        return self._objects.rows(objects, features, places)


def _feature(raw: bytes) -> Any:
    try:
        return _decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"A feature is not JSON: {error}") from error


def _properties(feature: Any) -> dict[str, Any] | None:
    own = feature.get("properties") if isinstance(feature, dict) else None
    return own if isinstance(own, dict) else None


def _coordinates(feature: Any) -> tuple[Any, Any]:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None, None
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None, None
    return coordinates[0], coordinates[1]


class FeaturesEncoder:
    """Writes rows with their answers as features; those that came as features keep what they had."""

    def __init__(self, schema: pa.Schema, added: pa.Schema, crs: Crs) -> None:
        self._crs, self._comma = crs, b""

    def begin(self) -> bytes:
        """Open the collection."""
        return b'{"type":"FeatureCollection","features":['

    def go_on(self) -> None:
        """Some features were written before."""
        self._comma = b","

    def encode(self, rows: Rows, answers: pa.RecordBatch) -> bytes:
        """Write some features."""
        if len(rows) == 0:
            return b""
        if rows.kept and not isinstance(rows.kept[0], tuple):
            found = zip(rows.kept, flat_objects(answers), strict=True)
            text = b",\n".join(_encode(_with_answer(*one)) for one in found)
        else:
            text = self._made(rows, answers)
        text, self._comma = self._comma + text, b",\n"
        return text

    def _made(self, rows: Rows, answers: pa.RecordBatch) -> bytes:
        with np.errstate(invalid="ignore"):
            points = to_lonlat(rows.positions.xy, self._crs)
        good = pa.array(usable(points))
        x, y = (number_texts(np.ascontiguousarray(one)) for one in points.T)
        at = pc.binary_join_element_wise('{"type":"Point","coordinates":[', x, ",", y, "]}", "")
        own = json_columns(rows.make_table(), b"null")
        features = pc.binary_join_element_wise(
            '{"type":"Feature","properties":',
            objects([*own, *json_columns(answers, b'""')]),
            ',"geometry":',
            pc.if_else(good, at, "null"),
            "}",
            "",
        )
        return joined(features, ",\n")

    def end(self) -> bytes:
        """Close the collection."""
        return b"]}"


def _with_answer(feature: Any, answer: dict[str, Any]) -> Any:
    if isinstance(feature, dict):
        feature["properties"] = {**(_properties(feature) or {}), **answer}
    return feature
