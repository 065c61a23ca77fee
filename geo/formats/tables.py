"""What comes out of a file: what it holds (`Inspection`) and the layer itself (`Table`)."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.crs import Crs, parse_crs
from geo.errors import InexactCode, MalformedPoints, NotPolygons, UnknownCrs, UnreadableFile

SAMPLES = 5
NAMED_ROWS = 10
LARGEST_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A column: name, type word (``text integer number boolean date other``), the first different values."""

    name: str
    type: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """What a layer holds, as far as can be told without anyone's help.

    Attributes
    ----------
    crs
        Key for `geo.crs.parse_crs`, or None where a person must declare it.
    crs_source
        ``rfc7946``, ``crs-member``, ``prj``, ``dataset``, ``kml``, ``missing`` or ``unreadable``.
    encoding_source
        ``declared``, ``cpg``, ``language-byte``, ``file``, ``bytes``, ``ascii``, ``format``, ``unsure``.
    crs_evidence, encoding_evidence
        The same in a sentence.
    bbox
        West, south, east, north in the layer's own coordinates; None where there are none.
    readings
        Encoding → how the first names beyond ASCII would read.
    """

    name: str
    count: int
    geometry_type: str
    fields: tuple[FieldInfo, ...]
    crs: str | None
    crs_evidence: str
    encoding: str | None
    encoding_evidence: str
    bbox: tuple[float, float, float, float] | None
    readings: dict[str, tuple[str, ...]]
    crs_source: str = ""
    encoding_source: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A file's driver, its layers, and what a person must answer (see `inspect_file`)."""

    driver: str
    layers: tuple[LayerInfo, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A layer as it is in the file: geometries not transformed, shape (n,); each column n values or None."""

    geometries: NDArray[np.object_]
    columns: dict[str, list[Any]]
    crs: Crs
    encoding: str | None
    layer: str


@dataclass(frozen=True, slots=True)
class RawTable:
    """A layer before the common checks: the file's own coordinate system may be missing."""

    geometries: NDArray[np.object_]
    columns: dict[str, list[Any]]
    crs: str | None
    crs_evidence: str
    encoding: str | None
    layer: str


def crs_of(text: str | None, where: str) -> tuple[str | None, str, str]:
    """Judge the coordinate system that a file names.

    Parameters
    ----------
    text
        WKT or authority code; None where the file has none.
    where
        ``prj`` or ``dataset``.

    Returns
    -------
    key, source, evidence
        As in `LayerInfo`.
    """
    place = "The .prj" if where == "prj" else "The layer"
    if text is None or not text.strip():
        missing = "There is no .prj." if where == "prj" else "The layer names no coordinate system."
        return None, "missing", missing
    # GeoPackage knows two named nothings, and ArcGIS a third.
    if "undefined" in text.lower() or text.upper().startswith(("LOCAL_CS", "ENGCRS")):
        return None, "missing", f"{place} says the coordinate system is undefined."
    try:
        crs = parse_crs(text)
    except UnknownCrs:
        shown = " ".join(text.split())[:80]
        return None, "unreadable", f"{place} names a coordinate system that is not known here (‘{shown}’)."
    return crs.key, where, f"{place} says {crs.key if crs.key.startswith('EPSG') else 'a system of its own'}."


def samples(values: list[Any]) -> tuple[str, ...]:
    """Give the first different values of a column, shortened, as text."""
    shown = dict.fromkeys(str(value)[:60] for value in values[:1000] if value is not None and value != "")
    return tuple(list(shown)[:SAMPLES])


def check_polygons(geometries: NDArray[np.object_], layer: str) -> NDArray[np.object_]:
    """Make sure that a layer can be a map of grids.

    Parameters
    ----------
    geometries
        Shape (n,), any coordinates.
    layer
        Its name, for the message.

    Returns
    -------
    geometries
        Two-dimensional polygons and multipolygons, none missing, none empty.

    Raises
    ------
    UnreadableFile
        No features.
    NotPolygons
        Points, lines, collections, or features without geometry; names the rows.
    MalformedPoints
        NaN or infinite coordinates.
    """
    if len(geometries) == 0:
        raise UnreadableFile(
            f"Layer ‘{layer}’ has no features. Choose another layer or export it again.", layer=layer
        )
    missing = np.flatnonzero(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    if len(missing):
        raise NotPolygons(
            f"{len(missing)} of {len(geometries)} features of layer ‘{layer}’ have no geometry "
            f"({_rows(missing)}). "
            "Draw them or delete the rows, then send the file again.",
            layer=layer,
            rows=(missing[:NAMED_ROWS] + 1).tolist(),
        )
    types = shapely.get_type_id(geometries)
    other = np.flatnonzero((types != 3) & (types != 6))
    if len(other):
        kinds = ", ".join(sorted({geometries[row].geom_type for row in other}))
        raise NotPolygons(
            f"Layer ‘{layer}’ holds {kinds} ({_rows(other)}); grids are polygons. "
            "Send the polygon layer alone, or turn the lines into polygons first.",
            layer=layer,
            rows=(other[:NAMED_ROWS] + 1).tolist(),
        )
    coordinates, owners = shapely.get_coordinates(geometries, return_index=True)
    wild = ~np.isfinite(coordinates).all(axis=1)
    if wild.any():
        rows = np.unique(owners[wild])
        raise MalformedPoints(
            f"Layer ‘{layer}’ has coordinates that are not numbers ({_rows(rows)}). Repair these features.",
            layer=layer,
            rows=(rows[:NAMED_ROWS] + 1).tolist(),
        )
    return shapely.force_2d(geometries)


def _rows(rows: NDArray[np.int64]) -> str:
    named = ", ".join(str(row + 1) for row in rows[:NAMED_ROWS].tolist())
    return f"row {named}" if len(rows) == 1 else f"rows {named}{', …' if len(rows) > NAMED_ROWS else ''}"


def as_code(value: Any) -> str:
    """Make a code text.

    Parameters
    ----------
    value
        As it came from a column.

    Returns
    -------
    code
        Text as it is, without blanks around it, leading zeros kept; numbers without decimals; None and NaN
        are the empty text.

    Raises
    ------
    InexactCode
        A floating-point number beyond 2⁵³, whose last digits are lost, or one with a fraction.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value).strip()
    if not value.is_integer() or abs(value) > LARGEST_EXACT:
        raise InexactCode(
            f"The code {value!r} was stored as a floating-point number and is not a whole number or has "
            "lost its last "
            "digits. Store codes as text.",
            value=repr(value),
        )
    return str(int(value))
