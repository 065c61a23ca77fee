"""What differs between two maps of a district: editions, or a plan and the edition it starts from."""

import csv
import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy.orm import Session

from geo.measure import area_m2
from service.city.models import District
from service.grids import queries
from service.grids.models import PlanDistrict, SnapshotGrid

COLUMNS = (
    "district",
    "level",
    "code",
    "name",
    "changes",
    "area_before_m2",
    "area_after_m2",
    "gained_m2",
    "lost_m2",
)
NO_GROUND = shapely.Polygon()


@dataclass(slots=True)
class _State:
    """A grid in one map with the faces that are its own and their areas, by the hash of their shapes."""

    grid: SnapshotGrid
    shapes: dict[bytes, shapely.Geometry]
    areas: dict[bytes, float]

    @property
    def area_m2(self) -> float:
        return sum(self.areas.values())


@dataclass(frozen=True, slots=True)
class Change:
    """One grid that differs; `gained` and `lost` are the ground itself."""

    grid_id: UUID
    code: str
    name: str
    level: str
    changes: list[str]
    area_before_m2: float | None
    area_after_m2: float | None
    gained: shapely.Geometry
    lost: shapely.Geometry
    gained_m2: float
    lost_m2: float
    before: dict[str, str]


def editions(session: Session, district: District, a: int, b: int) -> list[Change]:
    """Compare two editions of a district. May raise NotFound."""
    before, after = (queries.get_edition(session, district.id, one).snapshot_id for one in (a, b))
    return _compare(session, district.id, before, after)


def plan(session: Session, place: PlanDistrict) -> list[Change]:
    """Compare a plan's part in a district with the edition it starts from; all is new where there is none."""
    number = place.base_edition
    base = queries.get_edition(session, place.district_id, number).snapshot_id if number else None
    return _compare(session, place.district_id, base, place.snapshot_id)


def _compare(session: Session, district_id: int, before_id: UUID | None, after_id: UUID) -> list[Change]:
    before = _states(session, district_id, before_id) if before_id else {}
    after = _states(session, district_id, after_id)
    found = [
        _change(grid_id, before.get(grid_id), after.get(grid_id), before, after)
        for grid_id in before.keys() | after.keys()
    ]
    return sorted((one for one in found if one), key=lambda one: (one.level, one.code, str(one.grid_id)))


def _change(
    grid_id: UUID,
    old: _State | None,
    new: _State | None,
    before: dict[UUID, _State],
    after: dict[UUID, _State],
) -> Change | None:
    words = _words(old, new, before, after)
    if not words:
        return None
    shown = (new or old).grid  # type: ignore[union-attr]
    gained, lost, gained_m2, lost_m2 = _exchanged(old or _State(shown, {}, {}), new or _State(shown, {}, {}))
    return Change(
        grid_id,
        shown.code,
        shown.name,
        shown.level,
        words,
        old.area_m2 if old else None,
        new.area_m2 if new else None,
        gained,
        lost,
        gained_m2,
        lost_m2,
        {"code": old.grid.code, "name": old.grid.name} if old else {},
    )


def _words(
    old: _State | None, new: _State | None, before: dict[UUID, _State], after: dict[UUID, _State]
) -> list[str]:
    if old is None or new is None:
        return ["added"] if old is None else ["retired"]
    pairs = {
        "renamed": (old.grid.name, new.grid.name),
        "recoded": (old.grid.code, new.grid.code),
        "moved": (old.grid.parent_id, new.grid.parent_id),
        "reshaped": (old.shapes.keys(), new.shapes.keys()),
    }
    return [word for word, (was, now) in pairs.items() if was != now]


def _exchanged(old: _State, new: _State) -> tuple[shapely.Geometry, shapely.Geometry, float, float]:
    """Give the ground that came and that went, with areas; faces that both have are not looked at."""
    came, went = new.shapes.keys() - old.shapes.keys(), old.shapes.keys() - new.shapes.keys()
    arrived, left = _together(new.shapes, came), _together(old.shapes, went)
    if not came or not went:  # nothing is in both: no need to cut one with the other
        return arrived, left, sum(new.areas[key] for key in came), sum(old.areas[key] for key in went)
    gained, lost = (_polygonal(shapely.difference(*pair)) for pair in ((arrived, left), (left, arrived)))
    areas = area_m2(np.array([gained, lost]))
    return gained, lost, float(areas[0]), float(areas[1])


def _together(shapes: dict[bytes, shapely.Geometry], keys: Collection[bytes]) -> shapely.Geometry:
    parts = [shapes[key] for key in sorted(keys)]
    if not parts:
        return NO_GROUND
    return parts[0] if len(parts) == 1 else shapely.coverage_union_all(parts)


def _polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    parts = [one for one in shapely.get_parts(shape) if isinstance(one, shapely.Polygon)]
    return shapely.multipolygons(parts) if parts else NO_GROUND


def _states(session: Session, district_id: int, snapshot_id: UUID) -> dict[UUID, _State]:
    grids = queries.grids_of(session, district_id, snapshot_id)
    states = {one.grid_id: _State(one, {}, {}) for one in grids}
    rows = [one for one in queries.faces_of(session, district_id, snapshot_id) if one.grid_id]
    shapes = shapely.from_wkb([bytes(one.wkb) for one in rows]) if rows else []
    areas = area_m2(shapes).tolist() if rows else []
    for row, shape, area in zip(rows, shapes, areas, strict=True):
        state = states[row.grid_id]
        state.shapes[bytes(row.shape_id)], state.areas[bytes(row.shape_id)] = shape, area
    return states


def as_rows(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Give changes as JSON has them."""
    return [
        {
            "id": str(one.grid_id),
            "code": one.code,
            "name": one.name,
            "level": one.level,
            "changes": one.changes,
            "before": one.before,
            "area_before_m2": one.area_before_m2,
            "area_after_m2": one.area_after_m2,
            "gained_m2": round(one.gained_m2, 2),
            "lost_m2": round(one.lost_m2, 2),
        }
        for one in changes
    ]


def as_csv(listed: Sequence[tuple[str, Sequence[Change]]]) -> bytes:
    """Write changes by district as CSV that spreadsheets open right (UTF-8 with its mark)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for district, changes in listed:
        for row in as_rows(changes):
            shown = {**row, "district": district, "changes": " ".join(row["changes"])}
            writer.writerow({key: _harmless(value) for key, value in shown.items()})
    return out.getvalue().encode("utf-8-sig")


def _harmless(value: Any) -> Any:
    """Keep a spreadsheet from running a name as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def as_features(listed: Sequence[tuple[str, Sequence[Change]]]) -> dict[str, Any]:
    """Give the ground that changed hands as GeoJSON, gained and lost apart."""
    features = []
    for district, changes in listed:
        for one, row in zip(changes, as_rows(changes), strict=True):
            for kind, shape in (("gained", one.gained), ("lost", one.lost)):
                features += _feature(district, kind, shape, row)
    return {"type": "FeatureCollection", "features": features}


def _feature(district: str, kind: str, shape: shapely.Geometry, row: dict[str, Any]) -> list[dict[str, Any]]:
    if shape.is_empty:
        return []
    properties = {**row, "district": district, "exchange": kind, "area_m2": row[f"{kind}_m2"]}
    return [{"type": "Feature", "geometry": json.loads(shapely.to_geojson(shape)), "properties": properties}]
