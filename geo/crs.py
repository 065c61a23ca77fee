"""Coordinate systems: what a caller may declare, and the way to canonical longitude and latitude and back.

Canonical is EPSG:4490 (CGCS2000) in lon/lat degrees. WGS84 has the same numbers here: the two frames drift
apart by less than a metre, below every GPS error, and EPSG itself knows only a null transformation.
"""

import functools
import math
import re
from dataclasses import dataclass

import numpy as np
import pyproj
import pyproj.network
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj.enums import WktVersion
from pyproj.exceptions import CRSError, ProjError

from geo.chinashift import shift_one, shift_points
from geo.errors import MalformedPoints, UnknownCrs

# Never fetch transformation grids: the service works without internet and must answer the same everywhere.
pyproj.network.set_network_enabled(False)

ALLOWED = "wgs84, cgcs2000, gcj02, bd09, EPSG:<number>, a PROJ string such as '+proj=utm +zone=50', or WKT"
NAMED = {
    "wgs84": "wgs84", "cgcs2000": "cgcs2000", "gcj02": "gcj02", "gcj-02": "gcj02", "bd09": "bd09",
    "bd-09": "bd09", "bd09ll": "bd09", "crs84": "wgs84", "ogc:crs84": "wgs84",
    "urn:ogc:def:crs:ogc:1.3:crs84": "wgs84", "urn:ogc:def:crs:ogc::crs84": "wgs84",
}  # fmt: skip
SAME_NUMBERS = ("World Geodetic System 1984", "China 2000")
EPSG_CODE = re.compile(r"(?:urn:ogc:def:crs:)?epsg:(?:[\d.]*:)?(\d{4,6})", re.IGNORECASE)
WKT_START = re.compile(r"(PROJ|GEOG|GEOD|COMPD|BOUND|COMPOUND)[A-Z]*(CS|CRS)?\s*\[", re.IGNORECASE)
# A declared system is text from outside: nothing in it may name a file of this machine or run a pipeline.
READS_FILES = re.compile(
    r"nadgrids=(?!@null)|geoidgrids|grids=(?!@null)|\+?\bfile=|\+?\binit=|pipeline|parameterfile",
    re.IGNORECASE,
)
LONGEST_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class Crs:
    """A coordinate system that someone declared.

    Attributes
    ----------
    key
        Canonical text, which `parse_crs` reads back to the same: ``wgs84``, ``cgcs2000``, ``gcj02``,
        ``bd09``, ``EPSG:4547`` or ``PROJ:<PROJ string or WKT>``.
    kind
        ``canonical`` (the numbers are the canonical ones), ``gcj02``, ``bd09``, ``geographic`` (another
        datum) or ``projected``.
    """

    key: str
    kind: str


WGS84 = Crs("wgs84", "canonical")
CGCS2000 = Crs("cgcs2000", "canonical")


@functools.lru_cache(maxsize=256)
def parse_crs(text: str) -> Crs:
    """Read a declared coordinate system.

    Parameters
    ----------
    text
        One of ``wgs84 cgcs2000 gcj02 bd09``, ``EPSG:n`` (also as OGC URN), a PROJ string or WKT; case does
        not matter.

    Returns
    -------
    crs
        Whatever its official axis order, coordinates are taken as lon, lat or easting, northing.

    Raises
    ------
    UnknownCrs
        Not one of these, not known to PROJ, without a way to lon/lat, or naming files.
    """
    stripped = text.strip()
    if named := NAMED.get(stripped.lower()):
        return Crs(named, "canonical" if named in ("wgs84", "cgcs2000") else named)
    if stripped[:5].upper() == "PROJ:":
        stripped = stripped[5:].strip()
    if len(stripped) > LONGEST_TEXT or READS_FILES.search(stripped):
        raise _unknown(text)
    if match := EPSG_CODE.fullmatch(stripped):
        key = f"EPSG:{int(match[1])}"
        return Crs(key, _kind(_pyproj_crs(key, text)))
    if stripped.startswith("+") or "+proj=" in stripped:
        definition = " ".join(stripped.split())
        return Crs(f"PROJ:{definition}", _kind(_pyproj_crs(definition, text)))
    if WKT_START.match(stripped):
        return _from_wkt(stripped, text)
    raise _unknown(text)


def _unknown(text: str, reason: str = "") -> UnknownCrs:
    shown = text if len(text) <= 80 else text[:77] + "…"
    return UnknownCrs(
        f"‘{shown}’ is not a coordinate system that can be used here{reason}. Allowed are {ALLOWED}.",
        given=shown,
        allowed=["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:n", "PROJ"],
    )


def _pyproj_crs(definition: str, text: str) -> pyproj.CRS:
    try:
        crs = pyproj.CRS.from_user_input(definition)
        if crs.is_compound:
            crs = crs.sub_crs_list[0]
        if not (crs.is_geographic or crs.is_projected):
            raise _unknown(text, ": it is neither geographic nor projected")
        pyproj.Transformer.from_crs(crs, _target(crs), always_xy=True)
    except (CRSError, ProjError) as error:
        raise _unknown(text) from error
    return crs


def _kind(crs: pyproj.CRS) -> str:
    if crs.is_projected:
        return "projected"
    in_degrees = all(axis.unit_name.lower() == "degree" for axis in crs.axis_info[:2])
    from_greenwich = crs.prime_meridian is not None and crs.prime_meridian.longitude == 0
    return "canonical" if in_degrees and from_greenwich and _datum(crs) in SAME_NUMBERS else "geographic"


def _datum(crs: pyproj.CRS) -> str:
    # A +towgs84 wraps the system; what it wraps is then another datum, whatever its name.
    return "" if crs.is_bound or crs.datum is None else crs.datum.name.removesuffix(" ensemble")


def _from_wkt(wkt: str, text: str) -> Crs:
    crs = _pyproj_crs(wkt, text)
    # 70: the same parameters under another name, as in every .prj that ArcGIS writes.
    if code := crs.to_epsg(min_confidence=70):
        return parse_crs(f"EPSG:{code}")
    return Crs("PROJ:" + crs.to_wkt(WktVersion.WKT2_2019), _kind(crs))


def _target(crs: pyproj.CRS) -> str:
    # Equal numbers: take the side that needs no change of datum.
    return "EPSG:4490" if _datum(crs) == "China 2000" else "EPSG:4326"


@functools.lru_cache(maxsize=256)
def _transformer(key: str, back: bool) -> pyproj.Transformer:
    crs = _pyproj_crs(key.removeprefix("PROJ:"), key)
    ends = (_target(crs), crs) if back else (crs, _target(crs))
    return pyproj.Transformer.from_crs(*ends, always_xy=True)


@functools.lru_cache(maxsize=256)
def is_ballpark(crs: Crs) -> bool:
    """Tell whether the change of datum is only a guess.

    Parameters
    ----------
    crs
        From `parse_crs`.

    Returns
    -------
    ballpark
        True where PROJ knows no transformation from this datum to WGS84 or CGCS2000 for the middle of the
        system's area of use (or would need a grid file it does not have): positions may be off by some
        hundred metres and the answer must say so.
    """
    if crs.kind in ("canonical", "gcj02", "bd09"):
        return False
    transformer = _transformer(crs.key, True)
    if "until proj_trans" not in transformer.description:
        return "ballpark" in transformer.description.lower()
    # Several candidates: PROJ chooses by place, so ask for the middle of the system's area.
    area = _pyproj_crs(crs.key.removeprefix("PROJ:"), crs.key).area_of_use
    west, south, east, north = area.bounds if area else (73.0, 18.0, 135.0, 54.0)
    transformer.transform((west + east) / 2, (south + north) / 2)
    return "ballpark" in transformer.get_last_used_operation().description.lower()


@functools.lru_cache(maxsize=256)
def false_easting_m(crs: Crs) -> float | None:
    """Give the easting of the central meridian of a transverse Mercator (Gauss–Krüger, UTM), else None."""
    if crs.kind != "projected":
        return None
    operation = _pyproj_crs(crs.key.removeprefix("PROJ:"), crs.key).coordinate_operation
    if operation is None or "transverse mercator" not in operation.method_name.lower():
        return None
    eastings = [one for one in operation.params if one.name == "False easting"]
    return eastings[0].value * eastings[0].unit_conversion_factor if eastings else None


def to_lonlat(points: NDArray[np.float64], crs: Crs) -> NDArray[np.float64]:
    """Bring points to canonical lon/lat.

    Parameters
    ----------
    points
        x, y in `crs` (lon, lat or easting, northing), shape (n, 2).
    crs
        What they are in.

    Returns
    -------
    lonlat
        EPSG:4490 degrees, shape (n, 2). Canonical input comes back itself, bit for bit. A point that the
        projection can't reach comes back as infinities: `check_points` or `usable` finds it.

    Raises
    ------
    MalformedPoints
        Not of shape (n, 2).
    """
    return _convert(_as_points(points), crs, back=False)


def from_lonlat(points: NDArray[np.float64], crs: Crs) -> NDArray[np.float64]:
    """Bring canonical lon/lat points, shape (n, 2), to `crs`; the inverse of `to_lonlat`."""
    return _convert(_as_points(points), crs, back=True)


def _convert(points: NDArray[np.float64], crs: Crs, *, back: bool) -> NDArray[np.float64]:
    if crs.kind == "canonical":
        return points
    if crs.kind in ("gcj02", "bd09"):
        return shift_points(points, baidu=crs.kind == "bd09", back=not back)
    x, y = _transformer(crs.key, back).transform(points[:, 0], points[:, 1])
    return np.column_stack([x, y])


def to_lonlat_one(x: float, y: float, crs: Crs) -> tuple[float, float]:
    """Bring one point to canonical lon/lat, without arrays.

    Parameters
    ----------
    x, y
        In `crs`.
    crs
        What they are in.

    Returns
    -------
    lon, lat
        EPSG:4490 degrees, equal to `to_lonlat` bit for bit.

    Raises
    ------
    MalformedPoints
        The result is not a place on earth.
    """
    if crs.kind == "canonical":
        lon, lat = x, y
    elif not (math.isfinite(x) and math.isfinite(y)):
        lon, lat = math.inf, math.inf
    elif crs.kind in ("gcj02", "bd09"):
        lon, lat = shift_one(x, y, baidu=crs.kind == "bd09", back=True)
    else:
        lon, lat = _transformer(crs.key, False).transform(x, y)
    # Written so that NaN fails too.
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise MalformedPoints(_not_on_earth(x, y, crs.key), x=repr(x), y=repr(y), crs=crs.key)
    return lon, lat


def usable(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which lon/lat points, shape (n, 2), are finite and within ±180 and ±90 degrees; shape (n,)."""
    # Comparisons with NaN are false, which is what is wanted.
    return (np.abs(points[:, 0]) <= 180.0) & (np.abs(points[:, 1]) <= 90.0)


def check_points(points: ArrayLike) -> NDArray[np.float64]:
    """Refuse points that are no places on earth.

    Parameters
    ----------
    points
        Lon/lat degrees, after any transformation.

    Returns
    -------
    points
        The same as float64, shape (n, 2).

    Raises
    ------
    MalformedPoints
        Wrong shape, not numbers, NaN, infinite, or beyond ±180 or ±90 degrees; names the first.
    """
    checked = _as_points(points)
    wrong = np.flatnonzero(~usable(checked))
    if len(wrong):
        x, y = checked[wrong[0]].tolist()
        raise MalformedPoints(
            f"Point {wrong[0] + 1} of {len(checked)}: {_not_on_earth(x, y, 'lon/lat degrees')}",
            index=int(wrong[0]),
            count=len(wrong),
        )
    return checked


def _as_points(points: ArrayLike) -> NDArray[np.float64]:
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MalformedPoints("Points must be pairs of numbers.") from error
    if array.size == 0:
        return array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise MalformedPoints(f"Points must be pairs of numbers, not an array of shape {array.shape}.")
    return array


def _not_on_earth(x: float, y: float, system: str) -> str:
    return (
        f"({x:.10g}, {y:.10g}) in {system} is not a place on earth; coordinates are lon, lat or easting, "
        "northing. Check their order and the declared coordinate system."
    )


def geometries_to_lonlat(geometries: NDArray[np.object_], crs: Crs) -> NDArray[np.object_]:
    """Bring geometries to canonical lon/lat, vertex by vertex.

    Parameters
    ----------
    geometries
        In `crs`, shape (n,); None is kept.
    crs
        What they are in.

    Returns
    -------
    geometries
        EPSG:4490 degrees, shape (n,), two-dimensional. Edges between the vertices stay straight.

    Raises
    ------
    MalformedPoints
        A vertex is not a place on earth: usually the declared system is the wrong one.
    """
    moved = shapely.transform(np.asarray(geometries, dtype=object), lambda points: to_lonlat(points, crs))
    coordinates = shapely.get_coordinates(moved)
    wrong = np.flatnonzero(~usable(coordinates))
    if len(wrong):
        x, y = shapely.get_coordinates(geometries)[wrong[0]].tolist()
        raise MalformedPoints(_not_on_earth(x, y, crs.key), count=len(wrong), crs=crs.key)
    return moved
