"""Files to try an import with: a messy map and a roster, as offices hand them over."""

from pathlib import Path

import openpyxl

from geo.synth import City, messy_zip, roster_rows

MESSY, ROSTER = "communities.zip", "roster.xlsx"
NAMES = (MESSY, ROSTER)


def write(city: City, folder: Path) -> None:
    """Write the files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    messy_zip(city, folder / MESSY)
    write_roster(city, largest_district(city), folder / ROSTER)


def largest_district(city: City) -> str:
    """Give the code of the district with most communities: the one the messy map is of."""
    counts = {one.code: 0 for one in city.districts}
    for grid in city.layers["community"]:
        counts[grid.district] += 1
    return max(counts, key=lambda code: counts[code])


def write_roster(city: City, district: str, path: Path) -> None:
    """Write the roster of one district as an XLSX workbook."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("网格长")
    rows = [row for row in roster_rows(city) if str(row["编码"]).startswith(district)]
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    book.save(path)
