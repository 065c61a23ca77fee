"""Small map files of every format, written for the tests that read them."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyogrio import raw

SQUARES = np.array([shapely.box(118.70 + i / 100, 32.0, 118.71 + i / 100, 32.01) for i in range(3)])
NAMES = ["东山街道", "秣陵街道", "汤山街道"]
CODES = ["320115001", "320115002", "020115003"]


def write(
    path: Path,
    geometries: Any = SQUARES,
    columns: dict[str, Any] | None = None,
    *,
    driver: str,
    crs: str | None = "EPSG:4490",
    encoding: str | None = None,
    layer: str | None = None,
    geometry_type: str = "Polygon",
    append: bool = False,
) -> Path:
    """Write a layer with pyogrio, without geopandas."""
    columns = {"code": CODES, "name": NAMES} if columns is None else columns
    wkb = np.array([None if shape is None else shapely.to_wkb(shape) for shape in geometries], dtype=object)
    values = [
        np.array(column, dtype=object if isinstance(column[0], str) else None) for column in columns.values()
    ]
    raw.write(
        path, wkb, values, list(columns), geometry_type=geometry_type, crs=crs, driver=driver,
        encoding=encoding, layer=layer, append=append,
    )  # fmt: skip
    return path


def put(path: Path, data: bytes) -> Path:
    """Write bytes and give the path."""
    path.write_bytes(data)
    return path


def zipped(path: Path, members: dict[str, bytes], **options: Any) -> Path:
    """Pack members; names are written as given."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def shapefile_parts(folder: Path, *, stem: str = "layer", **options: Any) -> dict[str, bytes]:
    """Write a Shapefile and give its files by name."""
    folder.mkdir(exist_ok=True)
    write(folder / f"{stem}.shp", driver="ESRI Shapefile", **options)
    return {file.name: file.read_bytes() for file in sorted(folder.glob(f"{stem}.*"))}


def feature_collection(
    geometries: Any = SQUARES, columns: dict[str, Any] | None = None, **members: Any
) -> bytes:
    """Write a GeoJSON text."""
    columns = {"code": CODES, "name": NAMES} if columns is None else columns
    features = [
        {
            "type": "Feature",
            "properties": {name: values[index] for name, values in columns.items()},
            "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
        }
        for index, shape in enumerate(geometries)
    ]
    document = {"type": "FeatureCollection", **members, "features": features}
    return json.dumps(document, ensure_ascii=False).encode()


def kml(placemarks: str, *, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    """Wrap placemarks into a KML document with one folder."""
    return (
        f'{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>网格</name>{placemarks}'
        "</Folder></Document></kml>"
    ).encode()


def placemark(shape: shapely.Polygon, name: str, code: str) -> str:
    """Give a polygon with a name and one extended datum."""
    ring = " ".join(f"{x},{y},0" for x, y in shapely.get_coordinates(shape).tolist())
    return (
        f'<Placemark><name>{name}</name><ExtendedData><Data name="code"><value>{code}</value></Data>'
        "</ExtendedData>"
        f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
        "</Polygon></Placemark>"
    )
