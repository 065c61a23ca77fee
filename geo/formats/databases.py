"""The formats that GDAL reads with their own schema: GeoPackage, FileGDB, KML."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from geo.errors import UnreadableFile
from geo.formats import gdal
from geo.formats.encoding import Verdict
from geo.formats.tables import FieldInfo, LayerInfo, RawTable, crs_of, samples

DRIVERS = {"gpkg": "GPKG", "gdb": "OpenFileGDB", "kml": "LIBKML"}
TITLES = {"gpkg": "GeoPackage", "gdb": "FileGDB", "kml": "KML"}
KML_CRS = ("wgs84", "kml", "KML is WGS84 by its standard.")
# What LIBKML adds to every layer: how to draw it, not what it is.
KML_DRAWING = {
    "timestamp", "begin", "end", "altitudeMode", "tessellate", "extrude", "visibility", "drawOrder", "icon",
}  # fmt: skip
MEND = "Export the layer into a new GeoPackage."
# Steps of SQLite's machine: a check of 1 GB needs some 50 million.
PATIENCE = 400


def inspect(path: Path, kind: str, verdict: Verdict | None) -> list[LayerInfo]:
    """Tell what each layer with geometry holds; raises UnreadableFile."""
    verdict = verdict or Verdict("UTF-8", "format", f"{TITLES[kind]} is UTF-8 by its standard.")
    described = gdal.describe(path)
    if any(layer["driver"] != DRIVERS[kind] for layer in described):
        raise UnreadableFile(f"The file is no {TITLES[kind]}. {MEND}")
    layers = [_layer_info(layer, kind, verdict) for layer in described if layer["geometry_type"] is not None]
    if not layers:
        raise UnreadableFile(f"The {TITLES[kind]} has no layer with geometry. {MEND}")
    return layers


def _layer_info(layer: dict[str, Any], kind: str, verdict: Verdict) -> LayerInfo:
    key, source, evidence = KML_CRS if kind == "kml" else crs_of(layer["crs"], "dataset")
    fields = tuple(
        FieldInfo(name, _type_word(dtype), samples(values)) for name, dtype, values in layer["fields"]
    )
    return LayerInfo(
        name=layer["name"], count=layer["count"], geometry_type=layer["geometry_type"], fields=fields,
        crs=key, crs_evidence=evidence, encoding=verdict.encoding, encoding_evidence=verdict.evidence,
        bbox=tuple(layer["bbox"]) if layer["bbox"] and layer["count"] else None, readings=verdict.readings,
        crs_source=source, encoding_source=verdict.source,
    )  # fmt: skip


def read(path: Path, kind: str, layer: LayerInfo) -> RawTable:
    """Read a layer whole; raises UnreadableFile, also where fewer features come than the layer promises."""
    table = gdal.read_layer(path, layer=layer.name)
    if len(table.fids) != layer.count:
        raise UnreadableFile(
            f"Layer ‘{layer.name}’ promises {layer.count} features and only {len(table.fids)} can be "
            f"read. {MEND}"
        )
    return RawTable(
        table.geometries, table.columns, layer.crs, layer.crs_evidence, layer.encoding, layer.name
    )


def _is_wanted(field: str, kind: str) -> bool:
    return kind != "kml" or field not in KML_DRAWING


def _type_word(dtype: str) -> str:
    if dtype.startswith(("int", "uint")):
        return "integer"
    if dtype.startswith("float"):
        return "number"
    if dtype.startswith("datetime"):
        return "date"
    return {"object": "text", "bool": "boolean"}.get(dtype, "other")


def check_geopackage(path: Path) -> None:
    """Look into a GeoPackage with SQLite itself: whole, and without anything that runs or reaches elsewhere.

    Parameters
    ----------
    path
        In the staging folder.

    Raises
    ------
    UnreadableFile
        Damaged, cut off, not a GeoPackage, or with views or virtual tables in the place of layers.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
            steps = iter(range(PATIENCE))
            # A crafted file could keep SQLite busy for ever; a true return value stops it.
            database.set_progress_handler(lambda: next(steps, None) is None, 1_000_000)
            database.execute("PRAGMA trusted_schema = OFF")
            schema = database.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
            _check_schema([(str(kind), str(name), str(sql)) for kind, name, sql in schema])
            (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        raise UnreadableFile(f"The GeoPackage is damaged or cut off ({str(error)[:100]}). {MEND}") from error
    if state != "ok":
        raise UnreadableFile(f"The GeoPackage is damaged or cut off ({str(state)[:100]}). {MEND}")


def _check_schema(schema: list[tuple[str, str, str]]) -> None:
    names = {name.lower() for _, name, _ in schema}
    if not {"gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"} <= names:
        raise UnreadableFile(f"The file is an SQLite database but no GeoPackage with layers. {MEND}")
    for kind, name, sql in schema:
        virtual = "virtual" in sql[:40].lower() and "rtree" not in sql.lower()
        if kind == "view" or virtual:
            raise UnreadableFile(f"‘{name[:60]}’ in the GeoPackage is no plain table. {MEND}")
