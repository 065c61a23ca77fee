"""The program that runs GDAL: one file in, arrays out, in a process of its own.

GDAL is half a million lines of C++ that parse what strangers send. Here it may crash, loop or eat memory
without harm to anyone: the process has limits, no way to the network, only the drivers we want, and is thrown
away.

Called as ``python -I gdal_child.py REQUEST.json`` by `geo.formats.gdal`; imports nothing of ours, for it has
to set its environment before GDAL loads.
"""

import json
import os
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

ALLOWED_DRIVERS = {"ESRI Shapefile", "GPKG", "OpenFileGDB", "LIBKML"}
# All other vector drivers of GDAL 3.12 as pyogrio ships it; a test fails when a new one appears.
SKIPPED_DRIVERS = [
    "ADBC", "AIVector", "AmigoCloud", "AVCBin", "AVCE00", "Carto", "CSV", "CSW", "DGN", "DXF", "EDIGEO",
    "EEDA", "Elasticsearch", "ESRIJSON", "FlatGeobuf", "GDALG", "GeoJSON", "GeoJSONSeq", "GeoRSS", "GML",
    "GPSBabel", "GPX", "GTFS", "HTTP", "Idrisi", "JML", "JSONFG", "KML", "LVBAG", "MapInfo File", "MapML",
    "MBTiles", "MEM", "MiraMonVector", "MVT", "NGW", "OAPIF", "ODS", "OGCAPI", "OGR_GMT", "OGR_PDS",
    "OGR_VRT", "OSM", "PCIDSK", "PDF", "PDS4", "PGDUMP", "PLSCENES", "PMTiles", "S57", "Selafin", "SQLite",
    "SXF", "TopoJSON", "VDV", "VFK", "VICAR", "WAsP", "WFS", "XLSX",
]  # fmt: skip
MEMORY_BYTES = 6 << 30
CPU_SECONDS = 300
SAMPLE_ROWS = 50


def set_limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def set_environment() -> None:
    skipped = ",".join(SKIPPED_DRIVERS)
    os.environ.update(
        GDAL_SKIP=skipped,
        OGR_SKIP=skipped,
        CPL_VSIL_CURL_ALLOWED_EXTENSIONS="{none}",
        GDAL_HTTP_TIMEOUT="1",
        http_proxy="http://127.0.0.1:9",
        https_proxy="http://127.0.0.1:9",
        OGR_SQLITE_ALLOW_EXTERNAL_ACCESS="NO",
        GDAL_DISABLE_READDIR_ON_OPEN="FALSE",
    )
    # pyogrio loads these when it finds them, which takes a second and is of no use here.
    for unwanted in ("geopandas", "pandas", "pyarrow", "shapely"):
        sys.modules[unwanted] = None  # type: ignore[assignment]


def plain(value: Any) -> Any:
    """Turn a cell into what JSON knows."""
    if value is None or value != value:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool | int | float | str):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def describe(path: str) -> dict[str, Any]:
    import pyogrio
    from pyogrio import raw

    layers = []
    for name, geometry_type in pyogrio.list_layers(path).tolist():
        info = pyogrio.read_info(path, layer=name, force_feature_count=True, force_total_bounds=True)
        values = raw.read(
            path, layer=name, read_geometry=False, max_features=SAMPLE_ROWS, datetime_as_string=True
        )[3]
        bounds = info["total_bounds"]
        layers.append(
            {
                "name": name,
                "geometry_type": geometry_type,
                "driver": info["driver"],
                "count": int(info["features"]),
                "crs": info["crs"],
                "bbox": None if bounds is None else [float(bound) for bound in bounds],
                "fields": [
                    [str(field), str(kind), [plain(value) for value in column.tolist()]]
                    for field, kind, column in zip(info["fields"], info["dtypes"], values, strict=True)
                ],
            }
        )
    return {"layers": layers}


def read(path: str, layer: str | None, columns: bool, out: Path) -> dict[str, Any]:
    import numpy as np
    from pyogrio import raw

    meta, fids, wkb, values = raw.read(
        path,
        layer=layer,
        columns=None if columns else [],
        force_2d=True,
        return_fids=True,
        datetime_as_string=True,
    )
    wkb = [b""] * len(fids) if wkb is None else [b"" if shape is None else bytes(shape) for shape in wkb]
    np.save(out / "fids.npy", np.asarray(fids, dtype=np.int64))
    np.save(out / "lengths.npy", np.array([len(shape) for shape in wkb], dtype=np.int64))
    (out / "wkb.bin").write_bytes(b"".join(wkb))
    named = zip(meta["fields"].tolist(), values, strict=True)
    return {
        "crs": meta["crs"],
        "columns": {name: [plain(value) for value in column.tolist()] for name, column in named},
    }


def main(request_path: str) -> int:
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    out = Path(request["out"])
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            if request["do"] == "describe":
                answer = describe(request["path"])
            else:
                answer = read(request["path"], request["layer"], request["columns"], out)
        answer["warnings"] = [str(warning.message) for warning in heard]
    except Exception as error:  # whatever GDAL says, the parent turns it into a sentence
        answer = {"error": str(error), "kind": type(error).__name__}
    (out / "answer.json").write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    set_limits()
    set_environment()
    sys.exit(main(sys.argv[1]))
