"""Bodies of whole answers: points as JSON in, answers as JSON or one a line out."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from service.assignment.batch import Positions, answer_positions
from service.assignment.formats import Rows, Source
from service.assignment.formats.rows import ROWS_AT_ONCE, positions_of_values
from service.assignment.runs import Asked

NAMES = ("lon", "lat", "accuracy_m")
NO_PAIR = "the point is not [lon, lat] or [lon, lat, accuracy]"


class PointsSource:
    """Reads points, each [x, y] or [x, y, accuracy in metres]."""

    schema = pa.schema([(name, pa.float64()) for name in NAMES])

    def __init__(self, points: list[Any], accuracy: Any) -> None:
        self._points, self._accuracy = points, accuracy

    def __iter__(self) -> Iterator[Rows]:
        for start in range(0, len(self._points), ROWS_AT_ONCE):
            positions = self._positions(self._points[start : start + ROWS_AT_ONCE])
            yield Rows(positions, lambda positions=positions: self._table(positions))

    def _positions(self, points: list[Any]) -> Positions:
        nothing = (None, None)
        sound = [one if isinstance(one, list) and len(one) in (2, 3) else nothing for one in points]
        errors = {row: NO_PAIR for row, one in enumerate(sound) if one is nothing}
        accuracies = [one[2] if len(one) == 3 else self._accuracy for one in sound]
        return positions_of_values([one[0] for one in sound], [one[1] for one in sound], accuracies, errors)

    def _table(self, positions: Positions) -> pa.RecordBatch:
        columns = [*positions.xy.T, positions.accuracy_m]
        arrays = [pa.array(np.ascontiguousarray(one), from_pandas=True) for one in columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def whole_answers(source: Source, asked: Asked) -> Iterator[list[bytes]]:
    """Answer all rows with whole answers, some at a time."""
    for rows in source:
        for part in rows.positions.parts():
            yield answer_positions(asked.in_force, asked.question, part, asked.crs)


def as_json(answers: Iterable[list[bytes]]) -> Iterator[bytes]:
    """Write answers as one JSON document."""
    between = b'{"results":['
    for some in answers:
        if some:
            yield between + b",".join(some)
            between = b","
    yield (b"" if between == b"," else between) + b"]}"


def as_lines(answers: Iterable[list[bytes]]) -> Iterator[bytes]:
    """Write answers as NDJSON."""
    for some in answers:
        yield b"".join(one + b"\n" for one in some)
