"""Small maps as GeoJSON files, and the way from them into a plan."""

import json
from pathlib import Path
from typing import Any

import shapely
from sqlalchemy.orm import Session

from service import audit, clock
from service.grids.importing import Imported, Request, import_file

TOWN = "320115001"
WEST, EAST = TOWN + "001", TOWN + "002"


def box(west: float, east: float, south: float = 31.9, north: float = 31.91) -> shapely.Polygon:
    return shapely.box(west, south, east, north)


def write(path: Path, features: list[tuple[str, str, shapely.Geometry]]) -> Path:
    listed = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": name, "above": code[:9]},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for code, name, shape in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}), encoding="utf-8")
    return path


def communities(folder: Path, border: float = 118.81, east: float = 118.82) -> Path:
    return write(
        folder / "communities.geojson",
        [(WEST, "西社区", box(118.8, border)), (EAST, "东社区", box(118.81, east))],
    )


def bring(session: Session, path: Path, level: str = "community", **more: Any) -> Imported:
    options = {"plan": "P", "code_field": "code", "name_field": "name", "base": "current", **more}
    return import_file(session, Request(level=level, path=path, **options), by=audit.OPERATOR, at=clock.now())
