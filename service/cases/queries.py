"""Reads of reports."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# Reports are kept by district, so that the ids alone would find them slowly.
FILED = text("""
    select r.id, r.status, r.district_id, r.happened_at, r.grid_id, r.grid_level, r.grid_code, g.name as grid_name,
        r.edition_number, e.in_force_from, d.code as district, st_x(r.position) as lon, st_y(r.position) as lat
    from unnest(cast(:ids as uuid[])) with ordinality as wanted (id, place)
    join report r on r.id = wanted.id
        and r.district_id = any (array(select id from district union all select 0))
    left join district d on d.id = r.district_id
    left join edition e on e.district_id = r.district_id and e.number = r.edition_number
    left join snapshot_grid g on g.district_id = e.district_id and g.snapshot_id = e.snapshot_id
        and g.grid_id = r.grid_id
    order by wanted.place
""")


def filed(session: Session, ids: Sequence[UUID], geographic_crs: str) -> list[dict[str, Any]]:
    """Show filed reports in the order of `ids`, as the API answers them."""
    return [_shown(row, geographic_crs) for row in session.execute(FILED, {"ids": list(ids)})]


def _shown(row: Any, geographic_crs: str) -> dict[str, Any]:
    grid = edition = None
    if row.grid_id is not None:
        grid = {
            "id": str(row.grid_id), "code": row.grid_code, "name": row.grid_name, "level": row.grid_level,
        }  # fmt: skip
    if row.edition_number is not None:
        since = row.in_force_from.isoformat()
        edition = {"district": row.district, "number": row.edition_number, "in_force_from": since}
    return {
        "id": str(row.id),
        "status": row.status,
        "grid": grid,
        "edition": edition,
        "position": {"lon": row.lon, "lat": row.lat, "crs": geographic_crs},
        "happened_at": row.happened_at.isoformat(),
    }
