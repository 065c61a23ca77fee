"""GeoJSON, parsed here: the format is simple, and Python's parser is strict where GDAL's forgives.

RFC 7946; the `crs` member of the 2008 format is obeyed, for half of all files in China still carry one.
"""

import gc
import json
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.crs import parse_crs
from geo.errors import UnknownCrs, UnreadableFile
from geo.formats.encoding import Verdict, text_of
from geo.formats.tables import FieldInfo, LayerInfo, RawTable, samples

DRIVER = "GeoJSON"
BY_STANDARD = "GeoJSON is WGS84 by RFC 7946; the file says nothing else."
TYPE_WORDS = {str: "text", int: "integer", float: "number", bool: "boolean"}
# What json and numpy say about a ring that is none.
DAMAGE = (KeyError, TypeError, ValueError, IndexError, OverflowError, shapely.errors.ShapelyError)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: geometries (n,), columns, coordinate system with source and evidence, encoding."""

    geometries: NDArray[np.object_]
    columns: dict[str, list[Any]]
    crs: tuple[str | None, str, str]
    verdict: Verdict


def inspect(path: Path, name: str, encoding: str | None) -> LayerInfo:
    """Tell what a GeoJSON holds; raises UnreadableFile, WrongEncoding and EncodingNotDeclared."""
    document = _load(path, encoding)
    present = document.geometries[~shapely.is_missing(document.geometries)]
    bounds = shapely.total_bounds(present) if len(present) else np.full(4, np.nan)
    types = sorted({geometry.geom_type for geometry in present})
    columns = document.columns
    key, source, evidence = document.crs
    return LayerInfo(
        name=name, count=len(document.geometries), geometry_type="/".join(types) or "None",
        fields=tuple(FieldInfo(one, _type_word(values), samples(values)) for one, values in columns.items()),
        crs=key, crs_evidence=evidence, encoding=document.verdict.encoding,
        encoding_evidence=document.verdict.evidence,
        bbox=tuple(bounds.tolist()) if np.isfinite(bounds).all() else None,
        readings=document.verdict.readings, crs_source=source, encoding_source=document.verdict.source,
    )  # fmt: skip


def read(path: Path, name: str, encoding: str | None) -> RawTable:
    """Read a GeoJSON whole; raises UnreadableFile, WrongEncoding and EncodingNotDeclared."""
    document = _load(path, encoding)
    key, _, evidence = document.crs
    return RawTable(document.geometries, document.columns, key, evidence, document.verdict.encoding, name)


def _load(path: Path, encoding: str | None) -> Document:
    text, verdict = text_of(path.read_bytes(), DRIVER, declared=encoding)
    try:
        root = _parse(text)
    except json.JSONDecodeError as error:
        raise UnreadableFile(
            f"The file is no JSON from line {error.lineno}, column {error.colno} on ({error.msg}): "
            "damaged or cut off. "
            "Export it again.",
            line=error.lineno,
        ) from error
    except (RecursionError, ValueError) as error:
        raise UnreadableFile(
            f"The file is JSON that no map has ({str(error)[:100]}). Export it again."
        ) from error
    features = _features(root)
    # 1e999 is infinite; `check_polygons` names the row.
    with np.errstate(invalid="ignore"):
        geometries = _geometries([feature.get("geometry") for feature in features])
    return Document(geometries, _columns(features), _crs(root), verdict)


def _parse(text: str) -> Any:
    # Millions of small lists that are all kept: the cycle collector would walk them again and again, for nothing,
    # and doubles the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return json.loads(text, parse_constant=_no_number)
    finally:
        if collecting:
            gc.enable()


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")


def _features(root: Any) -> list[dict[str, Any]]:
    kind = root.get("type") if isinstance(root, dict) else None
    if kind == "FeatureCollection":
        features = root.get("features")
    elif kind == "Feature":
        features = [root]
    elif kind in ("Polygon", "MultiPolygon"):
        features = [{"type": "Feature", "geometry": root, "properties": {}}]
    else:
        raise UnreadableFile(_what_else(root, kind))
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise UnreadableFile("The FeatureCollection has no list of features. Export it again.")
    return features


def _what_else(root: Any, kind: Any) -> str:
    mend = "Export the polygons as a GeoJSON FeatureCollection."
    if kind == "Topology":
        return f"The file is TopoJSON. {mend}"
    if isinstance(root, dict) and ("rings" in root or "spatialReference" in root):
        return f"The file is Esri JSON. {mend}"
    return f"The file is JSON but no GeoJSON of polygons (type {str(kind)[:40]}). {mend}"


def _geometries(values: list[Any]) -> NDArray[np.object_]:
    try:
        return _all_at_once(values)
    except DAMAGE:
        # Something in it is no polygon: go one by one, to keep what is good and to name what is not.
        geometries = np.empty(len(values), dtype=object)
        for index, value in enumerate(values):
            geometries[index] = _geometry(value, index + 1)
        return geometries


def _all_at_once(values: list[Any]) -> NDArray[np.object_]:
    """Build polygons and multipolygons in three calls, several times faster than one by one."""
    rings: list[Any] = []
    polygon_of_ring: list[int] = []
    row_of_polygon: list[int] = []
    for row, value in enumerate(values):
        for part in {"Polygon": lambda c: [c], "MultiPolygon": list}[value["type"]](value["coordinates"]):
            rings.extend(part)
            polygon_of_ring.extend([len(row_of_polygon)] * len(part))
            row_of_polygon.append(row)
    positions = _positions(list(chain.from_iterable(rings)))
    linear = shapely.linearrings(
        positions, indices=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    )
    polygons = shapely.polygons(linear, indices=polygon_of_ring)
    geometries = np.empty(len(values), dtype=object)
    multi = np.array([value["type"] == "MultiPolygon" for value in values])
    of_multi = multi[row_of_polygon]
    geometries[~multi] = polygons[~of_multi]
    rows, indices = np.unique(np.array(row_of_polygon)[of_multi], return_inverse=True)
    geometries[rows] = shapely.multipolygons(polygons[of_multi], indices=indices)
    if shapely.is_missing(geometries).any():
        raise ValueError("a multipolygon has no parts")
    return geometries


def _geometry(value: Any, row: int) -> shapely.Geometry | None:
    if value is None:
        return None
    try:
        kind = value["type"]
        if kind == "Polygon":
            return _polygon(value["coordinates"])
        if kind == "MultiPolygon":
            return shapely.multipolygons([_polygon(part) for part in value["coordinates"]])
        return shapely.from_geojson(json.dumps(value))
    except DAMAGE as error:
        raise UnreadableFile(
            f"The geometry of feature {row} is damaged ({str(error)[:120]}). Repair or delete it.", row=row
        ) from error


def _polygon(rings: Any) -> shapely.Polygon:
    if not rings or rings == [[]]:
        return shapely.Polygon()
    shell, *holes = (_ring(ring) for ring in rings)
    return shapely.polygons(shell, holes=holes or None)


def _ring(positions: Any) -> shapely.LinearRing:
    return shapely.linearrings(_positions(positions))


def _positions(values: Any) -> NDArray[np.float64]:
    array = np.asarray(values)
    # Text, booleans and nothing would become numbers by themselves.
    if array.dtype.kind not in "iuf" or array.ndim != 2 or array.shape[1] < 2:
        raise ValueError("a ring is a list of positions, each two or three numbers")
    return array[:, :2].astype(np.float64)


def _columns(features: list[dict[str, Any]]) -> dict[str, list[Any]]:
    rows = [feature.get("properties") or {} for feature in features]
    if not all(isinstance(row, dict) for row in rows):
        raise UnreadableFile("The properties of a feature are no object. Export the file again.")
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [_plain(row.get(name)) for row in rows] for name in names}
    if "id" not in columns and any(feature.get("id") is not None for feature in features):
        columns["id"] = [_plain(feature.get("id")) for feature in features]
    return columns


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _type_word(column: list[Any]) -> str:
    words = {TYPE_WORDS.get(type(value), "other") for value in column if value is not None}
    if words == {"integer", "number"}:
        return "number"
    return words.pop() if len(words) == 1 else "text"


def _crs(root: dict[str, Any]) -> tuple[str | None, str, str]:
    if "crs" not in root:
        return "wgs84", "rfc7946", BY_STANDARD
    member = root["crs"]
    if member is None:
        return (
            None,
            "missing",
            "The file's crs member is null: it says that its coordinate system is unknown.",
        )
    properties = member.get("properties") if isinstance(member, dict) else None
    named = properties.get("name", properties.get("code")) if isinstance(properties, dict) else None
    try:
        crs = parse_crs(f"EPSG:{named}" if isinstance(named, int) else str(named))
    except UnknownCrs:
        return (
            None,
            "unreadable",
            f"The file's crs member names a system that is not known here (‘{str(named)[:60]}’).",
        )
    return crs.key, "crs-member", f"The file's crs member says {crs.key}."
