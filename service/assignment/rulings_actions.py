"""Writes of rulings: decide who answers for a spot or an area, and take it back. Rows are only ever added."""

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from geo.areas import circle
from geo.lattice import canon
from geo.measure import area_m2
from service import audit
from service.assignment.rulings_models import RulingRevocation, RulingRow
from service.city import queries as city
from service.db import CANONICAL_SRID, database_now
from service.errors import CONSTRAINTS, Conflict, Invalid
from service.grids import publishing

RADIUS_AT_MOST_M = 500.0
AREA_AT_MOST_M2 = 1_000_000.0
EXTENT_AT_MOST = 0.05  # degrees: an area like a thread is no spot either
CORNERS_AT_MOST = 5_000
CONSTRAINTS["pk_ruling_revocation"] = (Conflict, "This ruling was revoked already.")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a ruling is about: an area, and the spot it was drawn around, if any."""

    area: shapely.Polygon
    spot: tuple[float, float, float] | None = None  # lon, lat, radius in metres

    @classmethod
    def around(cls, lon: float, lat: float, radius_m: float) -> "Ground":
        """Take all within a radius of a spot. May raise Invalid."""
        if not 1.0 <= radius_m <= RADIUS_AT_MOST_M:
            raise _wrong("radius_m", f"A radius is from 1 to {RADIUS_AT_MOST_M:.0f} m.")
        return cls(circle(lon, lat, radius_m), (lon, lat, radius_m))

    @classmethod
    def drawn(cls, area: shapely.Polygon) -> "Ground":
        """Take an area drawn in lon/lat of the city. May raise Invalid."""
        if shapely.get_num_coordinates(area) > CORNERS_AT_MOST:
            raise _wrong("area", f"An area has at most {CORNERS_AT_MOST} corners.")
        west, south, east, north = area.bounds
        if max(east - west, north - south) > EXTENT_AT_MOST:
            raise _wrong(
                "area", "A ruling is about a spot: the area reaches too far. Larger ground needs a plan."
            )
        kept = canon(np.array([area], dtype=object))[0]
        if not shapely.is_valid(kept) or shapely.is_empty(kept):
            raise _wrong("area", "The outline crosses itself or encloses nothing.")
        size = float(area_m2(kept)[0])
        if not 1.0 <= size <= AREA_AT_MOST_M2:
            raise _wrong(
                "area", f"An area is from 1 to {AREA_AT_MOST_M2:.0f} m²; larger ground needs a plan."
            )
        return cls(kept)


def decide(
    session: Session,
    *,
    scheme_id: int,
    district_id: int,
    grid_id: UUID,
    ground: Ground,
    reason: str,
    from_on: date | None = None,
    to_on: date | None = None,
    by: audit.Actor,
    at: datetime,
) -> RulingRow:
    """Record that a grid answers for some ground from now or a later day on. May raise Invalid."""
    _require_reason(reason)
    moment = database_now(session)
    zone = ZoneInfo(city.profile(session).time_zone)
    today = moment.astimezone(zone).date()
    first = from_on or today
    if first < today:
        raise _wrong("from_on", "A ruling can't reach back: what was answered stays as it was.")
    if to_on is not None and to_on <= first:
        raise _wrong("to_on", "The last day lies before the first: to_on is the first day no more.")
    row = RulingRow(
        district_id=district_id,
        id=uuid4(),
        scheme_id=scheme_id,
        grid_id=grid_id,
        area=from_shape(ground.area, CANONICAL_SRID),
        reason=reason.strip(),
        from_on=first,
        to_on=to_on,
        recorded_at=moment,
        known_from=moment + publishing.LEAD,
        counts_from=max(moment + publishing.LEAD, _midnight(first, zone)),
        counts_until=None if to_on is None else _midnight(to_on, zone),
        by_kind=by.kind,
        by_id=by.id,
        by_name=by.name,
    )
    row.center_lon, row.center_lat, row.radius_m = ground.spot or (None, None, None)
    session.add(row)
    session.flush()
    publishing.keep_notice(session, row.known_from)
    what = {"grid": str(grid_id), "reason": row.reason, "counts_from": row.counts_from.isoformat()}
    audit.record(
        session, by=by, at=at, verb="ruled", thing=("ruling", row.id), district_id=district_id, **what
    )
    return row


def revoke(
    session: Session,
    *,
    district_id: int,
    ruling_id: UUID,
    reason: str,
    by: audit.Actor,
    at: datetime,
) -> RulingRevocation:
    """Take a ruling back: from a few seconds from now on the geometry decides again. May raise Invalid, Conflict."""
    _require_reason(reason)
    moment = database_now(session)
    row = RulingRevocation(
        district_id=district_id,
        ruling_id=ruling_id,
        reason=reason.strip(),
        recorded_at=moment,
        counts_from=moment + publishing.LEAD,
        by_kind=by.kind,
        by_id=by.id,
        by_name=by.name,
    )
    session.add(row)
    session.flush()  # somebody else's revocation must speak here
    publishing.keep_notice(session, row.counts_from)
    audit.record(
        session,
        by=by,
        at=at,
        verb="revoked",
        thing=("ruling", ruling_id),
        district_id=district_id,
        reason=row.reason,
    )
    return row


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise _wrong("reason", "Say why: a ruling needs a reason.")


def _wrong(field: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[{"pointer": f"/{field}", "detail": detail}])
