"""The figures as files for spreadsheets."""

from collections.abc import Sequence
from typing import Any

from service.tables import CSV_TYPE, XLSX_TYPE, Sheet, as_csv, workbook

__all__ = ["CSV_TYPE", "XLSX_TYPE", "as_csv", "as_xlsx"]


def as_xlsx(header: Sequence[str], rows: Sequence[Sequence[Any]], notes: Sequence[tuple[str, Any]]) -> bytes:
    """Write a sheet of figures and a second sheet that says what they are about."""
    figures = Sheet("Sheet", header, rows, (6, 22, 22, 22))
    return workbook([figures, Sheet("about", (), notes, (22, 60))])
