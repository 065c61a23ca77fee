"""Vector tiles: outlines cut to a tile here, encoded by PostGIS; kept, since what they show never changes."""

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.assignment.maps import EditionMap
from service.tiles.outlines import DISTRICT, GAP, Feature, Outlines

HALF_WORLD_M = 20037508.342789244
RADIUS_M = HALF_WORLD_M / np.pi
MARGIN = 0.03  # of a tile's width, drawn beyond its edge so that lines don't end there
GAPS_FROM = 12
KEPT_BYTES = 64 << 20

ENCODE = text("""
    with tile as (select st_tileenvelope(:z, :x, :y) as box),
    given as (
        select id, code, name, kind, area_m2, st_geomfromwkb(ground, 3857) as ground, st_geomfromwkb(spot, 3857) as spot
        from unnest(cast(:ids as text[]), cast(:codes as text[]), cast(:names as text[]), cast(:kinds as text[]),
            cast(:areas as float8[]), cast(:grounds as bytea[]), cast(:spots as bytea[]))
            as t (id, code, name, kind, area_m2, ground, spot)
    ),
    grids as (
        select id, code, name, kind, st_asmvtgeom(ground, box, 4096, 80, true) as geom
        from given, tile where kind <> 'gap'
    ),
    gaps as (
        select kind, st_asmvtgeom(ground, box, 4096, 80, true) as geom from given, tile where kind = 'gap'
    ),
    labels as (
        select id, code, name, kind, area_m2, st_asmvtgeom(spot, box, 4096, 0, true) as geom
        from given, tile where kind <> 'gap'
    )
    select coalesce((select st_asmvt(grids, 'grids', 4096, 'geom') from grids where geom is not null), ''::bytea)
        || coalesce((select st_asmvt(gaps, 'gaps', 4096, 'geom') from gaps where geom is not null), ''::bytea)
        || coalesce((select st_asmvt(labels, 'labels', 4096, 'geom') from labels where geom is not null), ''::bytea)
""")


class Kept:
    """The tiles made last, up to a number of bytes."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._tiles: OrderedDict[Any, bytes] = OrderedDict()
        self._limit, self._size, self._lock = limit, 0, Lock()

    def get(self, key: Any) -> bytes | None:
        """Give a tile that is still here."""
        with self._lock:
            found = self._tiles.get(key)
            if found is not None:
                self._tiles.move_to_end(key)
            return found

    def put(self, key: Any, tile: bytes) -> None:
        """Keep a tile, and let the oldest go."""
        with self._lock:
            self._size += len(tile) - len(self._tiles.pop(key, b""))
            self._tiles[key] = tile
            while self._size > self._limit:
                self._size -= len(self._tiles.popitem(last=False)[1])


OUTLINES = Outlines()


def make(
    session: Session, maps: list[EditionMap], levels: tuple[str, ...], level: str, place: tuple[int, int, int]
) -> bytes:
    """Make the tile (z, x, y) of one level of some districts' editions."""
    box = _lonlat_box(place)
    features: list[Feature] = []
    shapes: list[NDArray[np.object_]] = []
    wanted = [level] + ([GAP] if level == DISTRICT and place[0] >= GAPS_FROM else [])
    for one in maps:
        for name in wanted:
            found, grounds = OUTLINES.level(one, levels, name).within(box, place[0])
            features += found
            shapes.append(grounds)
    if not features:
        return b""
    return _encode(session, features, np.concatenate(shapes), place)


def _encode(
    session: Session, features: list[Feature], grounds: NDArray[np.object_], place: tuple[int, int, int]
) -> bytes:
    west, south, east, north = _mercator_box(place)
    margin = (east - west) * MARGIN
    plane = shapely.transform(grounds, mercator)
    cut = shapely.clip_by_rect(plane, west - margin, south - margin, east + margin, north + margin)
    spots = shapely.point_on_surface(plane)
    shrink = np.cos(np.radians(shapely.get_y(shapely.point_on_surface(grounds)))) ** 2
    given = {
        "ids": [one.id for one in features],
        "codes": [one.code for one in features],
        "names": [one.name for one in features],
        "kinds": [one.kind for one in features],
        "areas": np.round(shapely.area(plane) * shrink).tolist(),
        "grounds": shapely.to_wkb(cut).tolist(),
        "spots": shapely.to_wkb(spots).tolist(),
    }
    z, x, y = place
    return bytes(session.scalar(ENCODE, {"z": z, "x": x, "y": y, **given}))


def mercator(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project degrees, shape (n, 2), to EPSG:3857 metres."""
    lon, lat = np.radians(lonlat[:, 0]), np.radians(np.clip(lonlat[:, 1], -85.06, 85.06))
    return np.column_stack([lon * RADIUS_M, np.log(np.tan(np.pi / 4 + lat / 2)) * RADIUS_M])


def _mercator_box(place: tuple[int, int, int]) -> tuple[float, float, float, float]:
    z, x, y = place
    width = 2 * HALF_WORLD_M / 2**z
    west, north = x * width - HALF_WORLD_M, HALF_WORLD_M - y * width
    return west, north - width, west + width, north


def _lonlat_box(place: tuple[int, int, int]) -> shapely.Polygon:
    west, south, east, north = _mercator_box(place)
    margin = (east - west) * MARGIN
    x = np.degrees(np.array([west - margin, east + margin]) / RADIUS_M)
    plane = np.array([south - margin, north + margin]) / RADIUS_M
    y = np.degrees(2 * np.arctan(np.exp(plane)) - np.pi / 2)
    return shapely.box(x[0], y[0], x[1], y[1])
