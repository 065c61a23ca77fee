"""Somebody's table as columns of text: CSV in whatever encoding and with whatever separator, or XLSX."""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from geo.errors import EncodingNotDeclared, UnreadableFile, UnsafeArchive
from geo.formats.encoding import decode, judge, known_encoding
from service.workbooks import RATIO, RATIO_FROM, UNPACKED_LIMIT, first_sheet

SEPARATORS = (",", ";", "\t", "|")
LOOKED_AT = 200  # lines by which encoding and separator are told
COLUMNS_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of one table, all texts, stripped; `lines[i]` is where row i begins in the file, from 1."""

    names: tuple[str, ...]
    columns: dict[str, list[str]]
    lines: list[int]
    too_long: frozenset[int]
    encoding: str

    def __len__(self) -> int:
        return len(self.lines)


def read_table(path: Path, *, encoding: str | None = None, most_rows: int | None = None) -> Table:
    """Read a CSV (also .gz) or the first sheet of an XLSX; its name is not trusted, its content decides.

    May raise UnreadableFile, UnsafeArchive, EncodingNotDeclared, WrongEncoding.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(b"PK"):
        return _collected(enumerate(first_sheet(path), start=1), "XLSX", most_rows)
    raw = _unpacked(path) if head.startswith(b"\x1f\x8b") else _whole(path)
    text, name = _decoded(raw, encoding)
    if "\x00" in text[:4096]:
        raise UnreadableFile("This is no table. Readable are CSV (also .gz) and XLSX.")
    return _collected(_records(text), name, most_rows)


def _whole(path: Path) -> bytes:
    if path.stat().st_size > UNPACKED_LIMIT:
        raise UnsafeArchive(f"The table has more than {UNPACKED_LIMIT >> 20} MB. Send it in parts.")
    return path.read_bytes()


def _unpacked(path: Path) -> bytes:
    most = min(UNPACKED_LIMIT, max(RATIO_FROM, path.stat().st_size * RATIO))
    try:
        with gzip.open(path) as packed:
            raw = packed.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile("The .gz is damaged or cut off. Pack and send it again.") from error
    if len(raw) > most:
        raise UnsafeArchive("The .gz would unpack to more than any table does. Send the table itself.")
    return raw


def _decoded(raw: bytes, declared: str | None) -> tuple[str, str]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _read_as(raw, "UTF-16"), "UTF-16"
    body = raw.removeprefix(b"\xef\xbb\xbf")
    if len(body) < len(raw):
        return _read_as(body, "UTF-8"), "UTF-8"
    beyond = (line for line in io.BytesIO(body) if not line.isascii())
    cells = [(cell, None) for line in islice(beyond, LOOKED_AT) for cell in _pieces(line)]
    verdict = judge(cells, declared=declared)
    if verdict.encoding is None:
        raise EncodingNotDeclared(
            f"{verdict.evidence} Declare the encoding of the table: --encoding UTF-8, GBK, GB18030 or Big5."
        )
    name = verdict.encoding
    if name == "GBK" and declared is None:
        name = "GB18030"  # holds GBK, and the rare characters that later lines may have
    return _read_as(body, name), verdict.encoding


def _pieces(line: bytes) -> Iterator[bytes]:
    """Cut at bytes that are never the second of a character in any of the encodings."""
    for piece in line.replace(b"\t", b",").replace(b";", b",").strip().split(b","):
        if not piece.isascii():
            yield piece.strip(b'" ')


def _read_as(raw: bytes, name: str) -> str:
    try:
        return decode(raw, known_encoding(name) or name)
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"The table is not {name} all through: {error.reason} at byte {error.start}. "
            "Declare its encoding, or save it again as UTF-8."
        ) from error


def _records(text: str) -> Iterator[tuple[int, list[Any]]]:
    sample = [line for line in text[: 1 << 20].splitlines()[:LOOKED_AT] if line.strip()]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(sample), strict=False)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile(f"The table can't be split into rows near line {line}: {error}.") from error


def _separator(lines: list[str]) -> str:
    def steadiness(one: str) -> tuple[int, int]:
        try:
            counts = Counter(len(cells) for cells in csv.reader(lines, delimiter=one))
        except csv.Error:  # said with its line by the reading itself
            return 0, 0
        width, rows = max(counts.items(), key=lambda pair: (pair[1], pair[0]), default=(0, 0))
        return (rows if width > 1 else 0, width)

    return max(SEPARATORS, key=steadiness)


def _collected(records: Iterable[tuple[int, list[Any]]], encoding: str, most_rows: int | None) -> Table:
    rows = ((line, cells) for line, cells in records if any(cell not in (None, "") for cell in cells))
    _, header = next(rows, (0, []))
    names = _names(header)
    lines, too_long = list[int](), set[int]()
    kept: list[list[str]] = [[] for _ in names]
    for line, cells in rows:
        if most_rows is not None and len(lines) >= most_rows:
            raise UnreadableFile(
                f"The table has more than {most_rows} rows. Check it with the command wangge audit."
            )
        if len(cells) > len(names) and any(cell not in (None, "") for cell in cells[len(names) :]):
            too_long.add(len(lines))
        lines.append(line)
        for place, column in enumerate(kept):
            column.append(_text(cells[place]) if place < len(cells) else "")
    return Table(names, dict(zip(names, kept, strict=True)), lines, frozenset(too_long), encoding)


def _names(header: list[Any]) -> tuple[str, ...]:
    given = [_text(cell) for cell in header]
    while given and not given[-1]:
        given.pop()
    if not given or len(given) > COLUMNS_LIMIT:
        raise UnreadableFile("The first row must name the columns, at most 2,000 of them.")
    names: list[str] = []
    for place, name in enumerate(given, start=1):
        wanted = name[:100] or f"column {place}"
        names.append(wanted if wanted not in names else f"{wanted} ({place})")
    return tuple(names)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return str(cell).strip()
