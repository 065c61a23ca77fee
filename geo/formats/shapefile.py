"""Shapefiles: structure checked here, geometry read by GDAL, attributes by our own strict DBF reader."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geo.errors import UnreadableFile
from geo.formats import gdal
from geo.formats.dbf import DELETED, MEND, DbfTable, read_dbf
from geo.formats.encoding import Verdict, judge, require
from geo.formats.tables import FieldInfo, LayerInfo, RawTable, crs_of, samples

DRIVER = "ESRI Shapefile"
SHAPE_TYPES = {
    0: "Null", 1: "Point", 3: "LineString", 5: "Polygon", 8: "MultiPoint", 11: "Point", 13: "LineString",
    15: "Polygon", 18: "MultiPoint", 21: "Point", 23: "LineString", 25: "Polygon", 28: "MultiPoint",
    31: "MultiPatch",
}  # fmt: skip
HEADER = 100


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of one Shapefile in the staging folder, and its name as the sender called it."""

    name: str
    shp: Path

    def text(self, suffix: str) -> str | None:
        """Give the content of a small text file beside the .shp, or None."""
        path = self.shp.with_suffix(suffix)
        return path.read_bytes()[:20_000].decode("utf-8-sig", "replace") if path.exists() else None


def inspect(parts: Parts, encoding: str | None) -> LayerInfo:
    """Tell what a Shapefile holds; raises UnreadableFile and WrongEncoding."""
    geometry_type, bbox = _check_structure(parts)
    table = _attributes(parts)
    alive = table.records[:, 0] != DELETED
    verdict = _verdict(parts, table, encoding)
    shown_in = verdict.encoding or next(iter(verdict.readings), "latin-1")
    kept = DbfTable(table.fields, table.records[alive], table.language_byte)
    fields = tuple(
        FieldInfo(name, field.type_word, samples(kept.column(field, shown_in)))
        for name, field in zip(table.names(shown_in), table.fields, strict=True)
    )
    crs, crs_source, crs_evidence = crs_of(parts.text(".prj"), "prj")
    return LayerInfo(
        name=parts.name, count=int(alive.sum()), geometry_type=geometry_type, fields=fields, crs=crs,
        crs_evidence=crs_evidence, encoding=verdict.encoding, encoding_evidence=verdict.evidence,
        bbox=bbox if len(kept.records) else None, readings=verdict.readings, crs_source=crs_source,
        encoding_source=verdict.source,
    )  # fmt: skip


def read(parts: Parts, encoding: str | None) -> RawTable:
    """Read a Shapefile whole; raises UnreadableFile, WrongEncoding and EncodingNotDeclared."""
    _check_structure(parts)
    table = _attributes(parts)
    chosen = require(_verdict(parts, table, encoding))
    # GDAL stumbles over field names that were cut inside a Chinese character; it gets the geometry alone.
    parts.shp.with_suffix(".dbf").unlink()
    layer = gdal.read_layer(parts.shp, layer=None, columns=False)
    if len(layer.geometries) != len(table.records):
        raise UnreadableFile(
            f"Only {len(layer.geometries)} of {len(table.records)} geometries of ‘{parts.name}’ can be read. {MEND}"
        )
    alive = table.records[:, 0] != DELETED
    kept = DbfTable(table.fields, table.records[alive], table.language_byte)
    names = table.names(chosen)
    columns = {name: kept.column(field, chosen) for name, field in zip(names, table.fields, strict=True)}
    crs, _, crs_evidence = crs_of(parts.text(".prj"), "prj")
    return RawTable(layer.geometries[alive], columns, crs, crs_evidence, chosen, parts.name)


def _verdict(parts: Parts, table: DbfTable, encoding: str | None) -> Verdict:
    return judge(
        table.texts(), declared=encoding, claim=parts.text(".cpg"), language_byte=table.language_byte
    )


def _attributes(parts: Parts) -> DbfTable:
    dbf = parts.shp.with_suffix(".dbf")
    if not dbf.exists():
        raise UnreadableFile(
            f"Shapefile ‘{parts.name}’ comes without its .dbf, so it has no names and codes. "
            "Send .shp, .shx, .dbf and .prj together in one ZIP."
        )
    table = read_dbf(dbf)
    features = _features(parts.shp.with_suffix(".shx"))
    if len(table.records) != features:
        raise UnreadableFile(
            f"Shapefile ‘{parts.name}’ has {features} geometries but {len(table.records)} attribute "
            f"rows. {MEND}"
        )
    return table


def _features(shx: Path) -> int:
    return (shx.stat().st_size - HEADER) // 8


def _check_structure(parts: Parts) -> tuple[str, tuple[float, float, float, float]]:
    """Compare .shp and .shx: GDAL would read what is left of a cut file without a word."""
    shx = parts.shp.with_suffix(".shx")
    if not shx.exists():
        raise UnreadableFile(
            f"Shapefile ‘{parts.name}’ comes without its .shx. Send .shp, .shx, .dbf and .prj together "
            "in one ZIP."
        )
    shape_type, bbox = _header(parts, parts.shp)
    _header(parts, shx)
    entries = np.fromfile(shx, ">i4", offset=HEADER)[: _features(shx) * 2].reshape(-1, 2).astype(np.int64) * 2
    if len(entries) == 0:
        raise UnreadableFile(f"Shapefile ‘{parts.name}’ has no features. Export the layer again.")
    data = np.frombuffer(parts.shp.read_bytes(), np.uint8)
    offsets, lengths = entries[:, 0], entries[:, 1]
    inside = (offsets >= HEADER) & (lengths >= 4) & (offsets + 8 + lengths <= len(data))
    if inside.all():
        told = data[offsets[:, None] + np.arange(4, 8)].view(">i4").ravel().astype(np.int64) * 2
        inside = told == lengths
    if not inside.all():
        row = int(np.argmin(inside)) + 1
        raise UnreadableFile(f"Shapefile ‘{parts.name}’ is damaged or cut off at feature {row}. {MEND}")
    return SHAPE_TYPES[shape_type], bbox


def _header(parts: Parts, path: Path) -> tuple[int, tuple[float, float, float, float]]:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEADER)
    if len(head) < HEADER or struct.unpack_from(">i", head)[0] != 9994:
        raise UnreadableFile(f"The {path.suffix} of ‘{parts.name}’ is not part of a Shapefile. {MEND}")
    told = struct.unpack_from(">i", head, 24)[0] * 2
    shape_type = struct.unpack_from("<i", head, 32)[0]
    if told < HEADER or shape_type not in SHAPE_TYPES:
        raise UnreadableFile(f"The {path.suffix} of ‘{parts.name}’ has a damaged header. {MEND}")
    if told > size:
        raise UnreadableFile(
            f"The {path.suffix} of ‘{parts.name}’ is cut off: it should have {told} bytes and has "
            f"{size}. {MEND}"
        )
    return shape_type, struct.unpack_from("<4d", head, 36)
