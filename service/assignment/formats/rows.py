"""Rows as they come out of any form: the input's columns, the positions in them, what is wrong with which row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from service.assignment.batch import Positions, read_row
from service.errors import Invalid

ROWS_AT_ONCE = 1 << 16  # bounds memory together with BLOCK_BYTES
BLOCK_BYTES = 1 << 22
COLUMNS_AT_MOST = 2000
# A short row has all columns of the header, so a few bytes can stand for millions of cells.
CELLS_AT_ONCE = 1 << 22
TOO_MANY_CELLS = "the row has more cells than the header"


@dataclass(frozen=True, slots=True)
class Where:
    """Where a row tells its position: names of its columns, and the accuracy of rows that state none."""

    lon: str = "lon"
    lat: str = "lat"
    accuracy: str | None = "accuracy_m"
    metres: float | None = None


@dataclass(slots=True)
class Rows:
    """Some rows of an input; `kept` are the rows as they came, where their own form needs them again."""

    positions: Positions
    make_table: Callable[[], pa.RecordBatch]
    kept: Sequence[Any] = field(default=())

    def __len__(self) -> int:
        return len(self.positions)


class Source(Protocol):
    """An input that has been opened: the names and types of its columns, then its rows."""

    schema: pa.Schema

    def __iter__(self) -> Iterator[Rows]: ...


def refuse_clash(names: Sequence[str], added: Sequence[str], what: str = "file") -> None:
    """Refuse an input that already has a column that would be added. May raise Invalid."""
    clash = sorted(set(names) & set(added))
    if clash:
        raise Invalid(f"The {what} already has {', '.join(clash)}: rename them first.")


def rows_fitting(width: int) -> int:
    """Give how many rows of so many columns are taken at once."""
    least = CELLS_AT_ONCE // COLUMNS_AT_MOST
    return min(ROWS_AT_ONCE, max(least, CELLS_AT_ONCE // max(1, width)))


def refuse_width(names: Sequence[str], what: str) -> None:
    """Refuse an input with more columns than any table has. May raise Invalid."""
    if len(names) > COLUMNS_AT_MOST:
        raise Invalid(f"The {what} has {len(names)} columns; at most {COLUMNS_AT_MOST} are read.")


def place_of(names: Sequence[str], wanted: str, what: str) -> int:
    """Give the place of a column. May raise Invalid."""
    if wanted not in names:
        raise Invalid(f"The {what} has no column {wanted!r}. It has: {', '.join(names)}.", field=wanted)
    if list(names).count(wanted) > 1:
        raise Invalid(f"The {what} has more than one column {wanted!r}: rename the others.", field=wanted)
    return list(names).index(wanted)


def positions_in(table: pa.RecordBatch, where: Where, errors: dict[int, str], what: str) -> Positions:
    """Read the positions out of a table's columns."""
    names = table.schema.names
    x, y = (table.column(place_of(names, name, what)) for name in (where.lon, where.lat))
    accuracy: pa.Array | None = None
    if where.accuracy is not None and where.accuracy in names:
        accuracy = table.column(place_of(names, where.accuracy, what))
    elif where.metres is not None:
        accuracy = pa.array(np.full(len(table), where.metres))
    return positions_of(x, y, accuracy, errors)


def positions_of(x: pa.Array, y: pa.Array, accuracy: pa.Array | None, errors: dict[int, str]) -> Positions:
    """Read columns of numbers or texts; a row that can't be read says why, in the words of a single look-up."""
    xy = np.column_stack([_numbers(x), _numbers(y)])
    if accuracy is None:
        metres, stated = np.full(len(xy), np.nan), np.zeros(len(xy), dtype=np.bool_)
    else:
        metres, stated = _numbers(accuracy), _is_stated(accuracy)
    with np.errstate(invalid="ignore"):
        good = np.isfinite(xy).all(axis=1) & (~stated | (np.isfinite(metres) & (metres >= 0)))
    good[list(errors)] = False
    said = dict(errors)
    for row in np.flatnonzero(~good).tolist():
        if row in errors:
            xy[row], metres[row] = np.nan, np.nan
            continue
        one = read_row(x[row].as_py(), y[row].as_py(), None if accuracy is None else accuracy[row].as_py())
        xy[row], metres[row] = (one.x, one.y), one.accuracy_m
        if one.error:
            said[row] = one.error
    return Positions(xy, metres, said)


def _numbers(column: pa.Array) -> NDArray[np.float64]:
    """Read numbers as far as that is possible at once; NaN where each must be looked at."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return _as_float(pc.cast(column, pa.float64(), safe=False))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return np.full(len(column), np.nan)
    texts = pc.if_else(pc.equal(column, ""), None, column)
    try:
        return _as_float(pc.cast(texts, pa.float64()))
    except pa.ArrowInvalid:
        plain = pc.match_substring_regex(texts, r"^-?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,3})?$")
        return _as_float(pc.cast(pc.if_else(plain, texts, None), pa.float64()))


def _as_float(column: pa.Array) -> NDArray[np.float64]:
    return np.array(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _is_stated(column: pa.Array) -> NDArray[np.bool_]:
    stated = pc.is_valid(column)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        stated = pc.and_(stated, pc.fill_null(pc.not_equal(column, ""), False))
    return np.array(stated.to_numpy(zero_copy_only=False), dtype=np.bool_)


def values_column(values: list[Any]) -> pa.Array | None:
    """Make a column of numbers from parsed JSON, None where some are no numbers."""
    kinds = set(map(type, values))
    if not kinds <= {float, int, type(None)}:
        return None
    try:
        return pa.array(values, pa.float64())
    except (OverflowError, pa.ArrowInvalid):
        return None


def positions_of_values(
    xs: list[Any], ys: list[Any], accuracies: list[Any], errors: dict[int, str]
) -> Positions:
    """Read positions out of parsed JSON: numbers, or texts of numbers."""
    columns = [values_column(one) for one in (xs, ys, accuracies)]
    if None not in columns:
        return positions_of(*columns, errors)
    rows = [read_row(*one) for one in zip(xs, ys, accuracies, strict=True)]
    said = {place: row.error for place, row in enumerate(rows) if row.error} | errors
    xy = np.array([(row.x, row.y) for row in rows], dtype=np.float64).reshape(-1, 2)
    accuracy = np.array([row.accuracy_m for row in rows], dtype=np.float64)
    xy[list(errors)], accuracy[list(errors)] = np.nan, np.nan
    return Positions(xy, accuracy, said)
