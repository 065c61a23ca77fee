"""Lists of places as files: tables with columns of coordinates, or layers of a map; row for row."""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geo.crs import Crs, parse_crs
from geo.errors import InexactCode
from geo.formats import as_code, read_spots
from geo.formats.encoding import text_of
from service.errors import Invalid, Malformed
from service.workbooks import first_sheet

TABLES = (".csv", ".txt", ".xlsx", ".xlsm")
ROWS_LIMIT = 1_000_000
LONGEST = 200
_BETWEEN_ALIASES = re.compile(r"[,，、;；|/\n]")
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; `x` and `y` are for tables, layers bring their geometry."""

    name: str
    aliases: tuple[str, ...] = ()
    address: str | None = None
    kind: str | None = None
    regions: tuple[str, ...] = ()
    x: str | None = None
    y: str | None = None

    def named(self) -> Iterator[str]:
        """List the columns that must be there."""
        optional = (self.address, self.kind, self.x, self.y)
        yield from (self.name, *self.aliases, *(one for one in optional if one), *self.regions)


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A place as a row of a list gives it; `error` says why it can't be taken."""

    row: int
    name: str
    aliases: tuple[str, ...] = ()
    address: str = ""
    kind: str = ""
    regions: tuple[str, ...] = ()
    x: float = NAN
    y: float = NAN
    error: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What a file holds."""

    places: list[NewPlace]
    crs: Crs


def read_file(
    path: Path, columns: Columns, *, crs: str | None, encoding: str | None = None, layer: str | None = None
) -> Source:
    """Read a list of places. May raise Invalid, Malformed, GeoError."""
    if path.suffix.lower() not in TABLES:
        table = read_spots(path, layer=layer, encoding=encoding, crs=parse_crs(crs) if crs else None)
        return Source(list(_of_layer(table.geometries, table.columns, columns)), table.crs)
    if crs is None:
        raise Invalid(
            "Say the coordinate system of the columns: --crs wgs84, gcj02, bd09 or EPSG:n.", field="crs"
        )
    if columns.x is None or columns.y is None:
        raise Invalid("Name the columns of the coordinates: --lon and --lat.", field="lon")
    lines = first_sheet(path) if path.suffix.lower().startswith(".xls") else _csv(path, encoding)
    return Source(list(_of_table(lines, columns)), parse_crs(crs))


def _csv(path: Path, encoding: str | None) -> Iterator[Iterable[Any]]:
    text, _ = text_of(path.read_bytes(), "CSV", declared=encoding)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise Malformed(f"The CSV can't be split into rows: {error}.") from error


def _of_table(lines: Iterator[Iterable[Any]], columns: Columns) -> Iterator[NewPlace]:
    header = [str(cell or "").strip() for cell in next(lines, ())]
    _check(columns, header)
    at = {name: header.index(name) for name in columns.named()}
    for number, line in enumerate(lines, start=2):
        if number > ROWS_LIMIT + 1:
            raise Invalid(f"The list has more than {ROWS_LIMIT} rows: send it in parts.")
        cells = list(line)
        if all(cell in (None, "") for cell in cells):
            continue
        given = {name: cells[place] if place < len(cells) else None for name, place in at.items()}
        try:
            x, y = (_number(given[name], name) for name in (columns.x or "", columns.y or ""))
            yield _place(number, given, columns, x, y)
        except ValueError as error:
            yield NewPlace(number, "", error=str(error))


def _of_layer(spots: Any, table: dict[str, list[Any]], columns: Columns) -> Iterator[NewPlace]:
    _check(columns, list(table))
    missing = shapely.is_missing(spots)
    xs, ys = np.where(missing, NAN, shapely.get_x(spots)), np.where(missing, NAN, shapely.get_y(spots))
    for row, (x, y) in enumerate(zip(xs.tolist(), ys.tolist(), strict=True)):
        given = {name: table[name][row] for name in columns.named()}
        try:
            if missing[row]:
                raise ValueError("it has no geometry")
            yield _place(row + 1, given, columns, x, y)
        except ValueError as error:
            yield NewPlace(row + 1, "", error=str(error))


def _check(columns: Columns, present: list[str]) -> None:
    absent = next((name for name in columns.named() if name not in present), None)
    if absent is not None:
        raise Invalid(
            f"The list has no column {absent!r}. It has: {', '.join(filter(None, present))}.", field=absent
        )


def _place(row: int, given: dict[str, Any], columns: Columns, x: float, y: float) -> NewPlace:
    address = _text(given, columns.address)
    name = _text(given, columns.name) or address
    if not name:
        raise ValueError("it has no name")
    listed = (
        part.strip() for column in columns.aliases for part in _BETWEEN_ALIASES.split(_text(given, column))
    )
    aliases = tuple(one for one in dict.fromkeys(listed) if one and one != name)
    regions = tuple(dict.fromkeys(filter(None, (_text(given, column) for column in columns.regions))))
    return NewPlace(row, name, aliases, address, _text(given, columns.kind), regions, x, y)


def _text(given: dict[str, Any], column: str | None) -> str:
    if column is None:
        return ""
    try:
        text = as_code(given[column])
    except InexactCode:
        text = str(given[column])
    if len(text) > LONGEST:
        raise ValueError(f"{column} is longer than {LONGEST} characters")
    if "\x00" in text:
        raise ValueError(f"{column} holds a character that is not allowed")
    return text


def _number(value: Any, column: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = NAN
    if not math.isfinite(number):
        raise ValueError(f"{column} is not a number: {str(value)[:40]!r}")
    return number
