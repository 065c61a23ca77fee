"""The first rows of a file and its outlines, read as a person says, before anything is imported."""

from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.crs import WGS84, geometries_to_lonlat, parse_crs
from geo.errors import CrsNotDeclared, GeoError, MalformedPoints
from geo.formats import Table, read_table
from service.grids import doubts

MOST_OUTLINES = 1500
SKETCH = 300  # a preview a few hundred pixels wide shows nothing finer
LONGEST_VALUE = 80


def of_file(
    path: Path, *, layer: str | None, encoding: str | None, crs: str | None, rows: int
) -> dict[str, Any]:
    """Read a file and show the beginning of it. May raise GeoError."""
    declared = parse_crs(crs) if crs else None
    try:
        table, placed = read_table(path, layer=layer, encoding=encoding, crs=declared), True
    except CrsNotDeclared:
        # Rows can be read without it; the outlines then stay in the numbers of the file.
        table, placed = read_table(path, layer=layer, encoding=encoding, crs=WGS84), False
    shapes, problem = table.geometries, None
    if placed:
        try:
            shapes = geometries_to_lonlat(table.geometries, table.crs)
        except MalformedPoints as error:
            placed, problem = False, error.detail
    return {
        "layer": table.layer,
        "encoding": table.encoding,
        "crs": table.crs.key if placed else None,
        "count": len(table.geometries),
        "columns": [_column(name, values) for name, values in table.columns.items()],
        "rows": _rows(table, rows),
        "outlines": _outlines(shapes),
        "is_placed": placed,
        "doubts": [one["detail"] for one in doubts.of_table(table)] if placed or problem else [],
        "problem": problem,
    }


def _column(name: str, values: list[Any]) -> dict[str, Any]:
    filled = [str(one).strip() for one in values if one is not None and str(one).strip()]
    return {"name": name, "empty": len(values) - len(filled), "different": len(set(filled))}


def _rows(table: Table, count: int) -> list[list[str | None]]:
    columns = [values[:count] for values in table.columns.values()]
    return [
        [None if one is None else str(one)[:LONGEST_VALUE] for one in row]
        for row in zip(*columns, strict=True)
    ]


def _outlines(shapes: NDArray[Any]) -> dict[str, Any]:
    """Give outlines as rings to sketch: rough, and so many that a browser draws them at once."""
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    step = max(1, len(shapes) // MOST_OUTLINES)
    tolerance = max(east - west, north - south) / SKETCH
    try:
        rough = shapely.simplify(shapes[::step], tolerance, preserve_topology=False)
    except (shapely.GEOSException, GeoError):
        rough = shapes[:0]
    rings = shapely.get_exterior_ring(shapely.get_parts(rough[~shapely.is_empty(rough)]))
    listed = [np.round(shapely.get_coordinates(ring), 6).tolist() for ring in rings if ring is not None]
    return {"bbox": [west, south, east, north], "rings": listed}
