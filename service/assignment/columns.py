"""Positions in, the flat columns of their answers out, as arrays: row for row what a single look-up says."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geo.crs import Crs, to_lonlat, usable
from service.assignment.atlas import NOBODY, Atlas, atlas_of
from service.assignment.batch import Positions, errors_of, fields
from service.assignment.in_force import InForce
from service.assignment.located import OUTSIDE, STATUSES, Located, locate_many
from service.assignment.question import Question
from service.assignment.rulings import RULINGS
from service.assignment.sureness import Sureness, millimetres, sureness

WORD = pa.dictionary(pa.int32(), pa.string())


def answer_schema(levels: tuple[str, ...]) -> pa.Schema:
    """Give names and types of the columns that are added, for a scheme's levels."""
    kinds = dict.fromkeys(fields(levels), WORD)
    kinds |= {"border_m": pa.float64(), "confidence": pa.float64()}
    kinds |= {"alternates": pa.string(), "grid_error": pa.string()}
    return pa.schema(kinds)


def answer_columns(
    in_force: InForce, question: Question, levels: tuple[str, ...], positions: Positions, crs: Crs
) -> pa.RecordBatch:
    """Answer positions as columns; a row with an error has only `grid_error`."""
    atlas = atlas_of(in_force.maps_at(question.scheme_id, question.moment), levels, question.level)
    with np.errstate(invalid="ignore"):
        points = to_lonlat(positions.xy, crs)
    good = np.isfinite(positions.xy).all(axis=1) & usable(points)
    rows = np.flatnonzero(good)
    located = locate_many(atlas.maps, atlas.gaps, points[rows], in_force.profile.tolerance_m)
    grid = atlas.grid_of(located.map, located.face)
    accuracy = positions.accuracy_m[rows]
    sure = sureness(atlas, located, grid, points[rows], accuracy)
    answering, edition = _ruled(atlas, question, located, grid, points[rows])
    columns = _spread(_columns(atlas, located, answering, edition, sure), rows, good)
    columns["grid_error"] = _errors(positions, good, crs)
    schema = answer_schema(levels)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _ruled(
    atlas: Atlas,
    question: Question,
    located: Located,
    grid: NDArray[np.int64],
    points: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the grid that answers and the map whose edition it is: the ground's, or what a ruling decided."""
    outside = located.status == OUTSIDE
    answering = np.where(outside, NOBODY, grid)
    edition = np.where(outside, NOBODY, located.map)
    if len(RULINGS):
        decisions = RULINGS.at_points(question.scheme_id, points, question.moment, question.answered_at)
        for row, ruling in decisions.items():
            decided = atlas.with_id(ruling.grid_id)
            if decided is not None:
                answering[row], edition[row] = decided
    return answering, edition


def _columns(
    atlas: Atlas,
    located: Located,
    grid: NDArray[np.int64],
    edition: NDArray[np.int64],
    sure: Sureness,
) -> dict[str, tuple[pa.Array | None, NDArray[np.generic] | pa.Array]]:
    """Give for each column its words and the place of each row's word, or the values themselves."""
    outside = located.status == OUTSIDE
    words, level_of = atlas.level_names
    columns: dict[str, tuple[pa.Array | None, NDArray[np.generic] | pa.Array]] = {
        "grid_status": (pa.array(STATUSES), located.status),
        "grid_level": (words, _at(level_of, grid)),
        "grid_code": (atlas.codes, grid),
        "grid_name": (atlas.names, grid),
    }
    for level, (codes, place) in atlas.chains.items():
        columns[f"{level}_code"] = (codes, _at(place, grid))
    columns["border_m"] = (None, np.where(outside, np.nan, millimetres(located.distance_m)))
    columns["confidence"] = (None, sure.confidence)
    columns["alternates"] = (None, sure.alternates)
    columns["edition"] = (atlas.editions, edition)
    return columns


def _at(place: NDArray[np.int32], grid: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.where(grid < 0, NOBODY, place[grid] if len(place) else NOBODY)


def _spread(
    columns: dict[str, tuple[pa.Array | None, NDArray[np.generic] | pa.Array]],
    rows: NDArray[np.int64],
    good: NDArray[np.bool_],
) -> dict[str, pa.Array]:
    """Put what is known of the good rows at their places among all rows."""
    spread = {}
    for name, (words, values) in columns.items():
        if isinstance(values, pa.Array):
            spread[name] = _spread_texts(values, rows, good)
        elif words is None:
            whole = np.full(len(good), np.nan)
            whole[rows] = values
            spread[name] = pa.array(whole, from_pandas=True)
        else:
            place = np.full(len(good), NOBODY, dtype=np.int32)
            place[rows] = values
            indices = pa.array(place, mask=place < 0)
            spread[name] = pa.DictionaryArray.from_arrays(indices, words)
    return spread


def _spread_texts(values: pa.Array, rows: NDArray[np.int64], good: NDArray[np.bool_]) -> pa.Array:
    if len(rows) == len(good):
        return values
    place = np.zeros(len(good), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    return values.take(pa.array(place, mask=~good))


def _errors(positions: Positions, good: NDArray[np.bool_], crs: Crs) -> pa.Array:
    wrong = np.flatnonzero(~good)
    if len(wrong) == 0:
        return pa.nulls(len(good), pa.string())
    texts = list(errors_of(positions, good, crs).values())
    place = np.zeros(len(good), dtype=np.int64)
    place[wrong] = np.arange(len(wrong))
    return pa.array(texts, pa.string()).take(pa.array(place, mask=good))


def compacted(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Keep in each column's dictionary only the words that occur."""
    columns = [
        pc.dictionary_encode(column.dictionary_decode()) if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
