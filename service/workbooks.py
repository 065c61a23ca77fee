"""Workbooks of others: the first sheet, row by row. What is damaged or packed to do harm is said in a sentence."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from geo.errors import UnreadableFile, UnsafeArchive

UNPACKED_LIMIT = 1 << 30
RATIO, RATIO_FROM = 250, 32 << 20  # no real table packs better; as for packed maps
# Sheets are read as they are asked for, so what is wrong in one shows at any row.
DAMAGE = (
    zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, EOFError, zlib.error, IndexError,
    TypeError, AttributeError, SyntaxError, NotImplementedError, RuntimeError,
)  # fmt: skip


def first_sheet(path: Path) -> Iterator[list[Any]]:
    """Give the rows of the first sheet as they are, empty ones too. May raise UnreadableFile, UnsafeArchive."""
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
        size, small = (sum(getattr(one, name) for one in members) for name in ("file_size", "compress_size"))
        if size > UNPACKED_LIMIT or (size > RATIO_FROM and size > small * RATIO):
            raise UnsafeArchive(f"The workbook would unpack to {size >> 20} MB, which no table does.")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True)
    except DAMAGE as broken:
        raise _unreadable() from broken
    while True:
        try:
            cells = next(rows, None)
        except DAMAGE as broken:
            raise _unreadable() from broken
        if cells is None:
            break
        yield list(cells)
    book.close()


def _unreadable() -> UnreadableFile:
    return UnreadableFile("This is no XLSX workbook that can be read. Save it again, or as CSV.")
