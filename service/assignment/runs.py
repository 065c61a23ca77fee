"""A run over a whole input: rows in, rows with their answers out, piece by piece, and where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from geo.crs import Crs
from service.assignment.answers import Question
from service.assignment.columns import answer_columns, answer_schema
from service.assignment.doubts import Watch, batch_warnings
from service.assignment.formats import Encoder, Rows, Source
from service.assignment.formats.arrow_form import ArrowEncoder
from service.assignment.formats.geojson_form import FeaturesEncoder
from service.assignment.in_force import InForce
from service.errors import Conflict


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every row, and of which maps."""

    in_force: InForce
    question: Question
    levels: tuple[str, ...]
    crs: Crs

    @property
    def added(self) -> pa.Schema:
        """Columns that are added."""
        return answer_schema(self.levels)

    def answers(self, rows: Rows) -> pa.RecordBatch:
        """Answer some rows as columns."""
        return answer_columns(self.in_force, self.question, self.levels, rows.positions, self.crs)

    def doubts(self, watch: Watch) -> list[str]:
        """Say what is doubtful about positions as a whole."""
        maps = self.in_force.maps_at(self.question.scheme_id, self.question.moment)
        points = watch.points[np.isfinite(watch.points).all(axis=1)]
        return [one["detail"] for one in batch_warnings(maps, points, self.crs, self.question.locale)]

    def editions(self) -> list[list[object]]:
        """List the editions that answer."""
        maps = self.in_force.maps_at(self.question.scheme_id, self.question.moment)
        return [[one.key.district_code, one.key.number] for one in maps]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to append to the output, and how many rows lie behind and how many of the piece failed."""

    data: bytes
    rows: int = 0
    failed: int = 0


def run(
    source: Source, encoder: Encoder, asked: Asked, done: int = 0, watch: Watch | None = None
) -> Iterator[Piece]:
    """Answer all rows of a source; the first `done` were answered by an earlier run. May raise Conflict.

    `watch` sees all positions, for what can only be said of them together.
    """
    beginning = encoder.begin()
    if done:
        if isinstance(encoder, FeaturesEncoder | ArrowEncoder):
            encoder.go_on()
    else:
        yield Piece(beginning)
    rows_behind = 0
    for rows in source:
        rows_behind += len(rows)
        if watch is not None:
            watch.add(rows.positions.xy)
        if rows_behind <= done:
            continue
        if rows_behind - len(rows) < done:
            raise Conflict("The interrupted run stopped where this one can't go on. Run it without --resume.")
        answers = asked.answers(rows)
        failed = len(answers) - answers.column("grid_error").null_count
        yield Piece(encoder.encode(rows, answers), rows_behind, failed)
    yield Piece(encoder.end(), rows_behind)
