"""The figures as files for spreadsheets. What people wrote never becomes a formula there."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def harmless(cell: Any) -> Any:
    """Keep a text from being read as a formula: spreadsheets show the apostrophe as nothing."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(DANGEROUS):
        return "'" + cell
    return cell


def as_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Write UTF-8 with a mark, by which spreadsheets know it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([harmless(one) for one in header])
    writer.writerows([[harmless(one) for one in row] for row in rows])
    return out.getvalue().encode("utf-8-sig")


def _storable(cell: Any) -> Any:
    return ILLEGAL_CHARACTERS_RE.sub("", cell) if isinstance(cell, str) else cell


def as_xlsx(header: Sequence[str], rows: Sequence[Sequence[Any]], notes: Sequence[tuple[str, Any]]) -> bytes:
    """Write a sheet of figures and a second sheet that says what they are about."""
    book = Workbook()
    sheet = book.active
    about = book.create_sheet("about")
    for page, lines in ((sheet, (header, *rows)), (about, notes)):
        for line in lines:
            page.append([_storable(harmless(one)) for one in line])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for page, widths in ((sheet, (6, 22, 22, 22)), (about, (22, 60))):
        for letter, width in zip("ABCD", widths, strict=False):
            page.column_dimensions[letter].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
