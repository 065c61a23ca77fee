"""What the map of a sheet shows, read from the frozen editions: faces around a point, their grids, a backdrop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.measure import metres_per_degree
from service.db import CANONICAL_SRID

MARGIN = 24.0  # pixels around the picture that are drawn too, so that cut outlines lie outside
PATCHES_AT_MOST = 6000
FINEST = 0.5  # pixels that a border may be straightened by
BACKDROP_UP_TO_M = 900.0  # half a height; farther out houses are dust

FACES = text("""
    select f.district_id, f.kind, f.grid_id, st_asbinary(s.geom) as wkb from face f
    join shape s on s.district_id = f.district_id and s.id = f.shape_id
    where (f.district_id, f.snapshot_id) in
            (select * from unnest(cast(:districts as int[]), cast(:snapshots as uuid[])))
        and s.geom && st_makeenvelope(:west, :south, :east, :north, :srid)
    order by f.district_id, f.id limit :limit
""")
GRIDS = text("""
    with recursive g as (
        select n.* from snapshot_grid n
        join unnest(cast(:districts as int[]), cast(:snapshots as uuid[])) as w (district_id, snapshot_id)
            using (district_id, snapshot_id)
        where n.grid_id = any (cast(:ids as uuid[]))
        union
        select p.* from snapshot_grid p
        join g on p.district_id = g.district_id and p.snapshot_id = g.snapshot_id and p.grid_id = g.parent_id
    )
    select distinct grid_id, parent_id, code, name, level, position from g order by position, code
""")
BACKDROP = text("""
    select layer, kind, name, st_asbinary(geom) as wkb from backdrop
    where layer in ('parks', 'water', 'buildings', 'roads')
        and geom && st_makeenvelope(:west, :south, :east, :north, :srid)
    order by id limit 4000
""")


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture around a point: lon/lat of its middle, pixels of its sides, metres of half its height."""

    lon: float
    lat: float
    half_height_m: float
    width: float = 680.0
    height: float = 330.0

    @property
    def pixels_per_m(self) -> float:
        """Give the scale, the same both ways."""
        return self.height / 2 / self.half_height_m

    def bounds(self) -> tuple[float, float, float, float]:
        """Give west, south, east, north of what is drawn, the margin included."""
        m_lon, m_lat = (float(one) for one in metres_per_degree(self.lat))
        wide = (self.width / 2 + MARGIN) / self.pixels_per_m / m_lon
        high = (self.height / 2 + MARGIN) / self.pixels_per_m / m_lat
        return self.lon - wide, self.lat - high, self.lon + wide, self.lat + high

    def pixels(self, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn lon/lat, shape (n, 2), into pixels from the upper left corner."""
        m_lon, m_lat = (float(one) for one in metres_per_degree(self.lat))
        x = (lonlat[:, 0] - self.lon) * m_lon * self.pixels_per_m + self.width / 2
        y = (self.lat - lonlat[:, 1]) * m_lat * self.pixels_per_m + self.height / 2
        return np.column_stack([x, y])

    def drawn(self, shapes: Sequence[Any]) -> list[shapely.Geometry]:
        """Bring geometries into pixels, cut off outside the margin."""
        if not len(shapes):
            return []
        turned = shapely.transform(np.array(shapes, dtype=object), self.pixels)
        box = shapely.box(-MARGIN, -MARGIN, self.width + MARGIN, self.height + MARGIN)
        return list(shapely.intersection(turned, box))


@dataclass(frozen=True, slots=True)
class GridHere:
    """A grid on the picture; `chain` are the ids of those above it and its own, coarsest first."""

    id: UUID
    code: str
    name: str
    level: str
    position: int
    chain: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """A face on the picture, in pixels."""

    kind: str
    grid_id: UUID | None
    shape: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Ground:
    """All that lies in a frame."""

    frame: Frame
    patches: tuple[Patch, ...]
    grids: dict[UUID, GridHere]
    backdrop: tuple[tuple[str, str, shapely.Geometry], ...]  # layer, name, in pixels


def read_ground(session: Session, frame: Frame, snapshots: Sequence[tuple[int, UUID]]) -> Ground:
    """Read what lies in a frame, of the snapshots (district_id, snapshot_id) in force."""
    which = {"districts": [one for one, _ in snapshots], "snapshots": [str(one) for _, one in snapshots]}
    box = dict(zip(("west", "south", "east", "north"), frame.bounds(), strict=True))
    around = {**box, "srid": CANONICAL_SRID}
    faces = session.execute(FACES, {**which, **around, "limit": PATCHES_AT_MOST}).all()
    shapes = map(_ground_of, frame.drawn(shapely.from_wkb([bytes(one.wkb) for one in faces])))
    there = [(face, shape) for face, shape in zip(faces, shapes, strict=True) if not shape.is_empty]
    # Straightened together, so that what they share stays shared.
    simple = shapely.coverage_simplify(np.array([shape for _, shape in there], dtype=object), FINEST)
    patches = tuple(
        Patch(face.kind, face.grid_id, shape) for (face, _), shape in zip(there, simple, strict=True)
    )
    ids = sorted({str(one.grid_id) for one in patches if one.grid_id is not None})
    rows = session.execute(GRIDS, {**which, "ids": ids}).all()
    grids: dict[UUID, GridHere] = {}
    for row in rows:  # coarsest first, so that a parent is there before its children
        above = grids[row.parent_id].chain if row.parent_id in grids else ()
        grids[row.grid_id] = GridHere(
            row.grid_id, row.code, row.name, row.level, row.position, (*above, row.grid_id)
        )
    return Ground(frame, patches, grids, _backdrop(session, frame, around))


def _ground_of(shape: shapely.Geometry) -> shapely.Geometry:
    """Leave out the points and lines in which a face touches the margin."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    return shapely.MultiPolygon([one for one in shapely.get_parts(shape) if one.geom_type == "Polygon"])


def _backdrop(
    session: Session, frame: Frame, around: dict[str, Any]
) -> tuple[tuple[str, str, shapely.Geometry], ...]:
    if frame.half_height_m > BACKDROP_UP_TO_M:
        return ()
    rows = session.execute(BACKDROP, around).all()
    shapes = frame.drawn(shapely.from_wkb([bytes(one.wkb) for one in rows]))
    return tuple(
        (row.layer if row.kind != "track" else "tracks", row.name, shape)
        for row, shape in zip(rows, shapes, strict=True)
        if not shape.is_empty
    )
