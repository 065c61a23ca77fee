"""Files with maps: what they hold, and their layers, read whole or not at all.

GeoJSON (also .gz), Shapefile (zipped or beside its siblings), GeoPackage, FileGDB (zipped or a folder), KML
and KMZ. Whatever is wrong with a file ends in a `geo.errors.GeoError` whose message says how to mend it.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely

from geo.crs import Crs, parse_crs
from geo.errors import CrsNotDeclared, LayerNotChosen, NotPolygons, UnknownLayer
from geo.formats import databases, geojson, kml, shapefile
from geo.formats.archive import Limits, Staged, stage
from geo.formats.tables import (
    FieldInfo,
    Inspection,
    LayerInfo,
    RawTable,
    Table,
    as_code,
    check_polygons,
)
from geo.suspicion import suspect_units

__all__ = [
    "FieldInfo",
    "Inspection",
    "LayerInfo",
    "Limits",
    "Table",
    "as_code",
    "inspect_file",
    "read_spots",
    "read_table",
]


def inspect_file(path: Path, *, encoding: str | None = None, limits: Limits | None = None) -> Inspection:
    """Tell what a file holds, before anyone decides anything.

    Parameters
    ----------
    path
        A file, or a .gdb folder. Its name is not trusted, its content decides.
    encoding
        What a person says the texts are in.
    limits
        For archives.

    Returns
    -------
    inspection
        `questions` lists what only a person can answer: ``crs-missing``, ``crs-suspect`` (the numbers do not
        look like the system that is named), ``encoding-unsure``, ``several-layers``, ``not-polygons``.

    Raises
    ------
    UnreadableFile, UnsafeArchive, WrongEncoding
        Nothing can be said about the file. EncodingNotDeclared only for GeoJSON and KML.
    """
    with tempfile.TemporaryDirectory(prefix="wangge-map-") as folder:
        staged = stage(path, Path(folder), limits)
        layers = _layers(staged, encoding)
    return Inspection(_driver(staged[0].kind), tuple(layers), _questions(layers))


def read_table(
    path: Path,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    crs: Crs | None = None,
    limits: Limits | None = None,
) -> Table:
    """Read one layer of polygons, whole.

    Parameters
    ----------
    path
        A file, or a .gdb folder.
    layer
        Its name; may be left out where only one layer has polygons.
    encoding
        What the texts are in; left out, the file decides.
    crs
        What the coordinates are in; it wins over what the file says.
    limits
        For archives.

    Returns
    -------
    table
        Geometries two-dimensional, as in the file: not transformed, not repaired, not rounded.

    Raises
    ------
    CrsNotDeclared
        Neither the file nor the caller says it.
    EncodingNotDeclared, WrongEncoding
        The texts fit several encodings, or not the declared one.
    LayerNotChosen, UnknownLayer, NotPolygons, MalformedPoints, UnreadableFile, UnsafeArchive
        As they say.
    """
    with tempfile.TemporaryDirectory(prefix="wangge-map-") as folder:
        staged = stage(path, Path(folder), limits)
        raw = _read(staged, layer, encoding)
    geometries = check_polygons(raw.geometries, raw.layer)
    if crs is None:
        crs = _own_crs(raw)
    return Table(geometries, raw.columns, crs, raw.encoding, raw.layer)


def read_spots(
    path: Path,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    crs: Crs | None = None,
    limits: Limits | None = None,
) -> Table:
    """Read one layer as one point a feature, whole.

    Parameters
    ----------
    path, layer, encoding, crs, limits
        As for `read_table`; a layer of any geometry may be chosen.

    Returns
    -------
    table
        Points as in the file, of lines and polygons a point on them; None where a feature has no geometry.

    Raises
    ------
    CrsNotDeclared, EncodingNotDeclared, WrongEncoding, LayerNotChosen, UnknownLayer, UnreadableFile
        As they say. UnsafeArchive too.
    """
    with tempfile.TemporaryDirectory(prefix="wangge-map-") as folder:
        raw = _read(stage(path, Path(folder), limits), layer, encoding, useful=lambda one: one.count > 0)
    spots = np.full(len(raw.geometries), None, dtype=object)
    good = ~(shapely.is_missing(raw.geometries) | shapely.is_empty(raw.geometries))
    spots[good] = shapely.point_on_surface(raw.geometries[good])
    return Table(spots, raw.columns, crs or _own_crs(raw), raw.encoding, raw.layer)


def _own_crs(raw: RawTable) -> Crs:
    if raw.crs is None:
        raise CrsNotDeclared(
            f"{raw.crs_evidence} Declare the coordinate system of layer ‘{raw.layer}’: --crs EPSG:4490 "
            "(or EPSG:n, gcj02, bd09, a PROJ string), or choose it in the form.",
            layer=raw.layer,
        )
    return parse_crs(raw.crs)


def _driver(kind: str) -> str:
    return {"shapefile": shapefile.DRIVER, "geojson": geojson.DRIVER, **databases.DRIVERS}[kind]


def _layers(staged: list[Staged], encoding: str | None) -> list[LayerInfo]:
    first = staged[0]
    if first.kind == "shapefile":
        return [shapefile.inspect(shapefile.Parts(one.name, one.path), encoding) for one in staged]
    if first.kind == "geojson":
        return [geojson.inspect(first.path, first.name, encoding)]
    if first.kind == "gpkg":
        databases.check_geopackage(first.path)
    verdict = kml.make_safe(first.path, encoding) if first.kind == "kml" else None
    return databases.inspect(first.path, first.kind, verdict)


def _questions(layers: list[LayerInfo]) -> tuple[str, ...]:
    useful = [layer for layer in layers if _may_be_polygons(layer)]
    asked = {
        "not-polygons": not useful,
        "several-layers": len(useful) > 1,
        "encoding-unsure": any(layer.encoding is None for layer in useful),
        "crs-missing": any(layer.crs is None for layer in useful),
        "crs-suspect": any(
            layer.crs and layer.bbox and suspect_units(layer.bbox, parse_crs(layer.crs)) for layer in useful
        ),
    }
    return tuple(question for question, ask in asked.items() if ask)


def _may_be_polygons(layer: LayerInfo) -> bool:
    words = ("Polygon", "Surface", "Unknown", "GeometryCollection")
    return layer.count > 0 and any(word in layer.geometry_type for word in words)


def _read(
    staged: list[Staged],
    layer: str | None,
    encoding: str | None,
    useful: Callable[[LayerInfo], bool] = _may_be_polygons,
) -> RawTable:
    first = staged[0]
    if first.kind == "geojson":
        _choose([first.name], [first.name], layer)
        return geojson.read(first.path, first.name, encoding)
    if first.kind == "shapefile":
        names = [one.name for one in staged]
        chosen = staged[names.index(_choose(names, names, layer))]
        return shapefile.read(shapefile.Parts(chosen.name, chosen.path), encoding)
    layers = _layers(staged, encoding)
    names = [info.name for info in layers]
    chosen = _choose(names, [info.name for info in layers if useful(info)], layer)
    return databases.read(first.path, first.kind, layers[names.index(chosen)])


def _choose(names: list[str], useful: list[str], layer: str | None) -> str:
    listed = ", ".join(f"‘{name}’" for name in names)
    if layer is not None:
        if layer not in names:
            raise UnknownLayer(f"The file has no layer ‘{layer}’, only {listed}.", layer=layer, layers=names)
        return layer
    if not useful:
        raise NotPolygons(f"No layer of the file holds polygons; its layers are {listed}.", layers=names)
    if len(useful) > 1:
        raise LayerNotChosen(
            f"The file has several layers: {listed}. Choose one: --layer NAME.", layers=names
        )
    return useful[0]
