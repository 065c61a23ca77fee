"""Tables as files for spreadsheets. What people wrote never becomes a formula there."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_CELL = 32_767  # of a workbook


def harmless(cell: Any) -> Any:
    """Keep a text from being read as a formula: spreadsheets show the apostrophe as nothing."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(DANGEROUS):
        return "'" + cell
    return cell


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write UTF-8 with a mark, by which spreadsheets know it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([harmless(one) for one in header])
    writer.writerows([harmless(one) for one in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook; the header stays in view."""

    title: str
    header: Sequence[str]
    rows: Iterable[Sequence[Any]]
    widths: Sequence[int] = ()


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """Write a workbook row by row, so that its memory doesn't grow with the rows."""
    book = Workbook(write_only=True)
    for one in sheets:
        page = book.create_sheet(one.title[:31])
        for place, width in enumerate(one.widths, start=1):
            page.column_dimensions[get_column_letter(place)].width = width
        if one.header:
            page.freeze_panes = "A2"
            page.append([_heading(page, cell) for cell in one.header])
        for row in one.rows:
            page.append([_storable(harmless(cell)) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _heading(page: Any, cell: str) -> WriteOnlyCell:
    made = WriteOnlyCell(page, value=_storable(harmless(cell)))
    made.font = Font(bold=True)
    return made


def _storable(cell: Any) -> Any:
    return ILLEGAL_CHARACTERS_RE.sub("", cell)[:LONGEST_CELL] if isinstance(cell, str) else cell
