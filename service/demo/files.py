"""Files to try things with: a messy map, a roster, places and a history of cases, as offices hand them over."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from geo.synth import City, history_rows, messy_zip, place_rows, roster_rows

MESSY, ROSTER, PLACES, HISTORY = "communities.zip", "roster.xlsx", "places.xlsx", "history.xlsx"
NAMES = (MESSY, ROSTER, PLACES, HISTORY)


def write(city: City, folder: Path) -> None:
    """Write the files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    messy_zip(city, folder / MESSY)
    write_roster(city, largest_district(city), folder / ROSTER)
    write_places(city, folder / PLACES)
    write_history(city, folder / HISTORY)


def largest_district(city: City) -> str:
    """Give the code of the district with most communities: the one the messy map is of."""
    counts = {one.code: 0 for one in city.districts}
    for grid in city.layers["community"]:
        counts[grid.district] += 1
    return max(counts, key=lambda code: counts[code])


def write_roster(city: City, district: str, path: Path) -> None:
    """Write the roster of one district as an XLSX workbook."""
    rows = [row for row in roster_rows(city) if str(row["编码"]).startswith(district)]
    _write_sheet("网格长", rows, path)


def write_places(city: City, path: Path) -> None:
    """Write the list of places as an XLSX workbook."""
    _write_sheet("地址", place_rows(city), path)


def write_history(city: City, path: Path) -> None:
    """Write a history of 1,000 cases with the community that handled each, as an XLSX workbook."""
    _write_sheet("工单", history_rows(city), path)


def _write_sheet(title: str, rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    book.save(path)
