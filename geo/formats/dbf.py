"""The dBASE table of a Shapefile, read whole and strictly: the bytes decide the encoding first.

GDAL would decode it for us, but replaces what does not fit, cuts Chinese field names and cannot show what
another encoding would read. Layout: dBASE III/IV file structure, header of 32 bytes and 32 for each field.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.errors import UnreadableFile
from geo.formats.encoding import decode

DELETED = ord("*")
TYPE_WORDS = {
    "C": "text",
    "N": "number",
    "F": "number",
    "B": "number",
    "I": "integer",
    "L": "boolean",
    "D": "date",
}
MEND = "Export the Shapefile again, with all its files, or send a GeoPackage."


@dataclass(frozen=True, slots=True)
class DbfField:
    """A column: raw name, type letter of dBASE, place inside a record."""

    raw_name: bytes
    letter: str
    start: int
    width: int
    decimals: int

    @property
    def type_word(self) -> str:
        """``text``, ``integer``, ``number``, ``boolean``, ``date`` or ``other``."""
        if self.letter == "N" and self.decimals == 0:
            return "integer"
        return TYPE_WORDS.get(self.letter, "other")


@dataclass(frozen=True, slots=True)
class DbfTable:
    """A table not decoded yet: `records` are bytes of shape (rows, record length), deleted ones too."""

    fields: tuple[DbfField, ...]
    records: NDArray[np.uint8]
    language_byte: int

    def texts(self) -> Iterator[tuple[bytes, int | None]]:
        """Give field names and the values of text fields, once each, with the width that may cut them."""
        for field in self.fields:
            yield field.raw_name, 10
        for field in self.fields:
            if field.letter == "C":
                for raw in dict.fromkeys(self.raw_values(field)):
                    yield raw, field.width

    def raw_values(self, field: DbfField) -> list[bytes]:
        """Give the bytes of a column, without the padding."""
        column = np.ascontiguousarray(self.records[:, field.start : field.start + field.width])
        # numpy's S type drops trailing NULs by itself.
        values = column.view(f"S{field.width}").ravel().tolist()
        return [value.split(b"\x00", 1)[0].rstrip(b" ") for value in values]

    def column(self, field: DbfField, encoding: str) -> list[Any]:
        """Decode a column; values that are empty or no values of their type are None."""
        if field.letter in "IB":
            return _binary_values(self.records[:, field.start : field.start + field.width], field)
        raw_values = self.raw_values(field)
        known = {raw: _value(raw, field, encoding) for raw in dict.fromkeys(raw_values)}
        return [known[raw] for raw in raw_values]

    def names(self, encoding: str) -> list[str]:
        """Give the field names, made different from each other where a cut made them alike."""
        names: list[str] = []
        for field in self.fields:
            name = decode(field.raw_name, encoding, width=10).strip() or "field"
            unique, number = name, 1
            while unique in names:
                number += 1
                unique = f"{name}_{number}"
            names.append(unique)
        return names


def read_dbf(path: Path) -> DbfTable:
    """Read a DBF.

    Parameters
    ----------
    path
        The .dbf file.

    Returns
    -------
    table
        All records, undecoded.

    Raises
    ------
    UnreadableFile
        Truncated, or not a DBF.
    """
    data = path.read_bytes()
    if len(data) < 33:
        raise UnreadableFile(f"The attribute table (.dbf) is cut off after {len(data)} bytes. {MEND}")
    count, header_size, record_size = struct.unpack_from("<IHH", data, 4)
    fields = _fields(data, header_size)
    width = fields[-1].start + fields[-1].width if fields else 1
    if record_size < width or header_size > len(data):
        raise UnreadableFile(f"The attribute table (.dbf) has a header that contradicts itself. {MEND}")
    needed = header_size + count * record_size
    if needed > len(data):
        whole = (len(data) - header_size) // record_size
        raise UnreadableFile(
            f"The attribute table (.dbf) is cut off: it promises {count} rows and holds {whole}. {MEND}"
        )
    records = np.frombuffer(data, np.uint8, count * record_size, header_size).reshape(count, record_size)
    return DbfTable(fields, records, data[29])


def _fields(data: bytes, header_size: int) -> tuple[DbfField, ...]:
    fields: list[DbfField] = []
    start = 1
    for at in range(32, min(header_size, len(data)) - 31, 32):
        if data[at] == 0x0D:
            break
        letter = chr(data[at + 11]).upper()
        # The second byte counts only where it cannot be decimals: long text fields of Clipper and FoxPro.
        width, decimals = data[at + 16], data[at + 17]
        if letter == "C":
            width, decimals = width + 256 * decimals, 0
        if width == 0 or not letter.isalpha():
            raise UnreadableFile(f"Column {len(fields) + 1} of the attribute table (.dbf) is damaged. {MEND}")
        raw_name = data[at : at + 11].split(b"\x00", 1)[0]
        fields.append(DbfField(raw_name, letter, start, width, decimals))
        start += width
    return tuple(fields)


def _value(raw: bytes, field: DbfField, encoding: str) -> Any:
    if field.letter == "C":
        return decode(raw, encoding, width=field.width).strip() or None
    text = raw.decode("ascii", "replace").strip()
    if field.letter in "NF":
        return _number(text)
    if field.letter == "L":
        return {"T": True, "Y": True, "F": False, "N": False}.get(text.upper())
    if field.letter == "D":
        return _day(text)
    return None


def _number(text: str) -> int | float | None:
    # Codes of 15 and more digits lie in columns with decimals too: whole numbers stay exact integers.
    whole, _, decimals = text.partition(".")
    try:
        return int(whole) if not decimals.strip("0") else float(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None


def _day(text: str) -> str | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
    except ValueError:
        return None


def _binary_values(column: NDArray[np.uint8], field: DbfField) -> list[Any]:
    numpy_type = {("I", 4): "<i4", ("B", 8): "<f8"}.get((field.letter, field.width))
    if numpy_type is None:
        return [None] * len(column)
    return np.ascontiguousarray(column).view(numpy_type).ravel().tolist()
