"""Many positions at once: columns in, answers out, row for row, each row its own answer or error."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from geo.crs import Crs, to_lonlat, usable
from service.assignment.answers import Question, answer_many
from service.assignment.in_force import InForce

CHUNK = 4096  # bounds memory; an answer with its evidence is about 2 kB
ROW_FIELDS = ("grid_status", "grid_level", "grid_code", "grid_name")
EVIDENCE_FIELDS = ("border_m", "confidence", "alternates", "edition", "grid_error")


class Row(NamedTuple):
    """One position as it came: numbers where they could be read, else the reason in `error`."""

    x: float
    y: float
    accuracy_m: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions as they came, shape (n, 2), accuracies (NaN: not stated), and what is wrong with which row."""

    xy: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    errors: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.xy)

    def parts(self) -> "Iterator[Positions]":
        """Cut into runs of bounded length."""
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            said = {row - start: one for row, one in self.errors.items() if start <= row < start + CHUNK}
            yield Positions(self.xy[part], self.accuracy_m[part], said)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
BAD = float("nan")


def read_row(x: object, y: object, accuracy: object = None) -> Row:
    """Read one position from texts or numbers; what is wrong is said in the row itself."""
    try:
        numbers = (_number(x, "x"), _number(y, "y"))
        accuracy_m = BAD if accuracy in (None, "") else _number(accuracy, "accuracy")
    except ValueError as error:
        return Row(BAD, BAD, BAD, str(error))
    if accuracy_m < 0:
        return Row(BAD, BAD, BAD, "accuracy is negative")
    return Row(*numbers, accuracy_m)


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{name} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name} is not a number: {str(value)[:40]!r}") from error
    if not isfinite(number):
        raise ValueError(f"{name} is not a finite number")
    return number


def answer_positions(in_force: InForce, question: Question, positions: Positions, crs: Crs) -> list[bytes]:
    """Answer each position as JSON, or give ``{"error": {...}}`` in its place."""
    raw, accuracy = positions.xy, positions.accuracy_m
    with np.errstate(invalid="ignore"):
        points = to_lonlat(raw, crs)
    good = np.isfinite(raw).all(axis=1) & usable(points)
    answers = iter(answer_many(in_force, question, crs, raw[good], points[good], accuracy[good]))
    said = errors_of(positions, good, crs)
    return [
        next(answers) if is_good else _encode({"error": {"detail": said[row]}})
        for row, is_good in enumerate(good.tolist())
    ]


def errors_of(positions: Positions, good: NDArray[np.bool_], crs: Crs) -> dict[int, str]:
    """Say of each position that can't be answered why."""
    wrong = np.flatnonzero(~good)
    spots = positions.xy[wrong].tolist()
    return {
        row: positions.errors.get(row) or not_on_earth(x, y, crs)
        for row, (x, y) in zip(wrong.tolist(), spots, strict=True)
    }


def not_on_earth(x: float, y: float, crs: Crs) -> str:
    """Say that a position is no place."""
    return f"({x}, {y}) is not on earth in {crs.key}"


def answer_rows(in_force: InForce, question: Question, rows: list[Row], crs: Crs) -> list[dict[str, Any]]:
    """Answer each row as what its JSON reads back to."""
    positions = Positions(
        np.array([(row.x, row.y) for row in rows], dtype=np.float64).reshape(-1, 2),
        np.array([row.accuracy_m for row in rows], dtype=np.float64),
        {place: row.error for place, row in enumerate(rows) if row.error},
    )
    return [_decode(one) for one in answer_positions(in_force, question, positions, crs)]


def chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut a stream into lists of bounded length."""
    stream = iter(rows)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk


def fields(levels: Iterable[str]) -> tuple[str, ...]:
    """Name the columns that are added to a table, for a scheme's levels, coarsest first."""
    return (*ROW_FIELDS, *(f"{level}_code" for level in levels), *EVIDENCE_FIELDS)


def flat(result: dict[str, Any], levels: Iterable[str]) -> dict[str, Any]:
    """Write one answer as the added columns; an error row has only `grid_error`."""
    columns = dict.fromkeys(fields(levels), "")
    if "error" in result:
        columns["grid_error"] = result["error"]["detail"]
        return columns
    grid, edition = result["grid"] or {}, result["edition"]
    columns["grid_status"] = result["status"]
    columns |= {f"grid_{name}": grid.get(name, "") for name in ("level", "code", "name")}
    columns |= {f"{one['level']}_code": one["code"] for one in result["chain"] if one["level"] != "district"}
    columns["border_m"] = _blank(result["distance_to_border_m"])
    columns["confidence"] = _blank(result["confidence"])
    columns["alternates"] = ";".join(
        f"{_blank(one['code'])}:{_blank(one['share'])}" for one in result["alternates"]
    )
    columns["edition"] = f"{edition['district']}/{edition['number']}" if edition else ""
    return columns


def _blank(value: object) -> object:
    return "" if value is None else value
