"""NDJSON in and out: one object a line, kept to the letter, the answer's members behind its own."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from service.assignment.formats.blocks import Blocks
from service.assignment.formats.rows import (
    Rows,
    Where,
    positions_of_values,
    refuse_clash,
    refuse_width,
    rows_fitting,
)
from service.assignment.formats.texts import as_json

NO_OBJECT = "the line is not a JSON object"
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Objects:
    """JSON objects as rows. Those of the first block name the columns of a table, where one is to be made."""

    def __init__(self, where: Where, names: list[str], tabular: bool) -> None:
        self.where, self.names, self._known = where, names, set(names) if tabular else None
        self.schema = pa.schema([(name, pa.string()) for name in names])

    def rows(
        self, objects: list[dict[str, Any] | None], kept: list[Any], places: list[dict[str, Any]]
    ) -> Rows:
        """Make rows of objects; `places` are those that tell the positions, often the objects themselves."""
        where = self.where
        errors = {row: said for row, one in enumerate(objects) if (said := self._wrong(one))}
        accuracy = where.accuracy
        positions = positions_of_values(
            [one.get(where.lon) for one in places],
            [one.get(where.lat) for one in places],
            [where.metres if accuracy is None else one.get(accuracy, where.metres) for one in places],
            errors,
        )
        return Rows(positions, lambda: self.table(objects), kept)

    def _wrong(self, one: dict[str, Any] | None) -> str | None:
        if one is None:
            return NO_OBJECT
        if self._known is None or one.keys() <= self._known:
            return None
        return f"the row has what the first rows do not have: {', '.join(sorted(one.keys() - self._known))[:200]}"

    def table(self, objects: list[dict[str, Any] | None]) -> pa.RecordBatch:
        """Write the objects as columns of texts; what is no text as JSON. May raise Invalid."""
        refuse_width(self.names, "input")
        there, nothing = set(names_in(objects)), pa.nulls(len(objects), pa.string())
        columns = [
            pa.array([None if one is None else _cell(one.get(name)) for one in objects], pa.string())
            if name in there
            else nothing
            for name in self.names
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _cell(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _encode(value).decode()


def names_in(objects: list[dict[str, Any] | None]) -> list[str]:
    """List the members of all objects in order of appearance."""
    return list(dict.fromkeys(name for one in objects if one is not None for name in one))


class LinesSource:
    """Reads NDJSON; a line that is no object is an error of its own."""

    def __init__(self, blocks: Blocks, where: Where, tabular: bool) -> None:
        self._blocks, first = iter(blocks), b""
        while not first.strip() and (block := next(self._blocks, None)) is not None:
            first = block
        self._first = first
        self._objects = Objects(where, names_in([_object(line) for line in first.splitlines()]), tabular)
        self.schema = self._objects.schema

    def check(self) -> None:
        """Read it all. May raise Malformed."""
        for _ in self._blocks:
            pass

    def __iter__(self) -> Iterator[Rows]:
        block: bytes | None = self._first
        step = rows_fitting(len(self._objects.names))
        while block is not None:
            lines = [line for line in block.splitlines() if line.strip()]
            for start in range(0, len(lines), step):
                some = lines[start : start + step]
                objects = [_object(line) for line in some]
                kept = list(zip(some, objects, strict=True))
                yield self._objects.rows(objects, kept, [one or {} for one in objects])
            block = next(self._blocks, None)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = _decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class LinesEncoder:
    """Writes rows with their answers as NDJSON; lines that came as NDJSON stay as they came."""

    def __init__(self, schema: pa.Schema, added: pa.Schema) -> None:
        self._added = added.names

    def begin(self) -> bytes:
        """Nothing comes before the first line."""
        return b""

    def encode(self, rows: Rows, answers: pa.RecordBatch) -> bytes:
        """Write some rows."""
        if len(rows) == 0:
            return b""
        found = json_columns(answers, b'""')
        if rows.kept and isinstance(rows.kept[0], tuple) and isinstance(rows.kept[0][0], bytes):
            answered = pc.cast(objects(found), pa.binary()).to_pylist()
            return b"".join(self._joined(*kept, one) for kept, one in zip(rows.kept, answered, strict=True))
        return joined(objects([*json_columns(rows.make_table(), b"null"), *found]), "\n") + b"\n"

    def _joined(self, line: bytes, own: dict[str, Any] | None, answer: bytes) -> bytes:
        if own is None:
            return answer + b"\n"
        refuse_clash(list(own), self._added, "line")
        between = b"," if own else b""
        return line.strip()[:-1].rstrip() + between + answer[1:] + b"\n"

    def end(self) -> bytes:
        """Nothing follows the last line."""
        return b""


def json_columns(table: pa.RecordBatch, nothing: bytes) -> list[tuple[str, pa.Array]]:
    """Write all columns as JSON values, with their names."""
    return [
        (name, as_json(one, nothing)) for name, one in zip(table.schema.names, table.columns, strict=True)
    ]


def joined(texts: pa.Array, between: str) -> bytes:
    """Join all texts of a column to one."""
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    return pc.binary_join(whole, between)[0].as_buffer().to_pybytes()


def objects(columns: list[tuple[str, pa.Array]]) -> pa.Array:
    """Join columns of JSON values to one object a row."""
    parts: list[Any] = []
    for name, values in columns:
        parts += [("," if parts else "{") + _encode(name).decode() + ":", values]
    return pc.binary_join_element_wise(*parts, "}", "")


def flat_objects(answers: pa.RecordBatch) -> list[dict[str, Any]]:
    """Give the added columns as objects, the empty text where there is nothing."""
    columns = [["" if value is None else value for value in one.to_pylist()] for one in answers.columns]
    return [dict(zip(answers.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]
