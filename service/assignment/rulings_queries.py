"""Reads of rulings: which there are, whose ground an area touches, which grids can be named."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from service.db import CANONICAL_SRID
from service.errors import NotFound

# Interiors meet; said by ST_Relate, since the shorter predicates take shortcuts beside GEOS.
TOUCHED = text("""
    with e as (
        select distinct on (district_id) * from edition
        where scheme_id = :scheme_id and in_force_from <= clock_timestamp()
        order by district_id, in_force_from desc
    )
    select distinct f.district_id from e
    join face f on f.district_id = e.district_id and f.snapshot_id = e.snapshot_id
    join shape s on s.district_id = f.district_id and s.id = f.shape_id
    where s.geom && st_geomfromwkb(:wkb, :srid) and st_relate(s.geom, st_geomfromwkb(:wkb, :srid), 'T********')
""")
NAMED = text("""
    with e as (
        select distinct on (district_id) * from edition
        where scheme_id = :scheme_id and in_force_from <= clock_timestamp()
        order by district_id, in_force_from desc
    )
    select g.district_id, g.grid_id, g.code, g.name, g.level from e
    join snapshot_grid g on g.district_id = e.district_id and g.snapshot_id = e.snapshot_id
    where g.code = :code and (cast(:level as text) is null or g.level = :level)
    order by g.position desc, g.district_id
""")
LIST = text("""
    select r.district_id, d.code as district, r.id, s.code as scheme, r.grid_id, g.code, g.name, g.level,
        st_asbinary(r.area) as wkb, r.center_lon, r.center_lat, r.radius_m, r.reason, r.from_on, r.to_on,
        r.recorded_at, r.counts_from, r.counts_until, r.by_name, v.recorded_at as revoked_at,
        v.counts_from as revoked_from, v.reason as revoke_reason, v.by_name as revoked_by
    from ruling r
    join district d on d.id = r.district_id
    join scheme s on s.id = r.scheme_id
    left join ruling_revocation v on v.district_id = r.district_id and v.ruling_id = r.id
    left join lateral (
        select n.code, n.name, n.level from snapshot_grid n
        join edition e on e.district_id = n.district_id and e.snapshot_id = n.snapshot_id
        where n.district_id = r.district_id and n.grid_id = r.grid_id
        order by e.in_force_from desc limit 1
    ) g on true
    where (cast(:district as text) is null or d.code = :district)
        and (cast(:districts as int[]) is null or r.district_id = any (cast(:districts as int[])))
        and (cast(:id as uuid) is null or r.id = :id)
        and (cast(:counts_at as timestamptz) is null or (r.counts_from <= :counts_at
            and coalesce(least(r.counts_until, v.counts_from) > :counts_at, true)))
        and (cast(:before as timestamptz) is null
            or (r.recorded_at, r.id) < (cast(:before as timestamptz), cast(:before_id as uuid)))
    order by r.recorded_at desc, r.id desc limit :limit
""")


def districts_under(session: Session, scheme_id: int, area: shapely.Polygon) -> set[int]:
    """List the districts whose ground in force an area takes a part of."""
    given = {"scheme_id": scheme_id, "wkb": shapely.to_wkb(area), "srid": CANONICAL_SRID}
    return set(session.scalars(TOUCHED, given))


def named_grids(session: Session, scheme_id: int, code: str, level: str | None) -> Sequence[Row[Any]]:
    """List the grids in force of a code, finest first: several where levels or districts share it."""
    return session.execute(NAMED, {"scheme_id": scheme_id, "code": code, "level": level}).all()


def list_rulings(
    session: Session,
    *,
    district: str | None = None,
    districts: Sequence[int] | None = None,
    counts_at: datetime | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 100,
) -> Sequence[Row[Any]]:
    """List rulings, the latest recorded first; `districts` None means all of them."""
    return _rows(
        session,
        district=district,
        districts=None if districts is None else list(districts),
        counts_at=counts_at,
        before=before[0] if before else None,
        before_id=before[1] if before else None,
        limit=limit,
    )


def get_ruling(session: Session, ruling_id: UUID) -> Row[Any]:
    """Find one ruling. May raise NotFound."""
    rows = _rows(session, id=ruling_id)
    if not rows:
        raise NotFound(f"There is no ruling {ruling_id}.")
    return rows[0]


def _rows(session: Session, **given: Any) -> Sequence[Row[Any]]:
    nothing = dict.fromkeys(("district", "districts", "id", "counts_at", "before", "before_id"))
    return session.execute(LIST, {**nothing, "limit": 1, **given}).all()
