"""Rulings in memory: what persons decided on site, asked before the geometry has the last word.

Each process hears them with the editions, in the same transaction. A ruling counts a few seconds after it was
recorded, so that every process knows it before; a moment therefore has one answer, now and years later.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.areas import Areas
from service.assignment import in_force
from service.city import queries as city

# Rows are only ever added, so their numbers tell whether anything is new.
VERSION = text("""
    select (select count(*) from ruling), (select max(recorded_at) from ruling),
        (select count(*) from ruling_revocation), (select max(recorded_at) from ruling_revocation)
""")
ALL = text("""
    select r.district_id, r.id, r.scheme_id, r.grid_id, st_asbinary(r.area) as wkb, r.center_lon, r.center_lat,
        r.radius_m, r.reason, r.recorded_at, r.known_from, r.counts_from, r.counts_until,
        v.counts_from as revoked_from, r.by_name
    from ruling r left join ruling_revocation v on v.district_id = r.district_id and v.ruling_id = r.id
    order by r.recorded_at desc, r.id desc
""")


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision: this grid answers in this area, from one moment until another (None: for good)."""

    district_id: int
    id: UUID
    scheme_id: int
    grid_id: UUID
    area: shapely.Polygon
    spot: tuple[float, float, float] | None  # lon, lat, radius in metres
    reason: str
    recorded_at: datetime
    decided_on: date
    decided_by: str
    known_from: datetime
    counts_from: datetime
    counts_until: datetime | None
    revoked_from: datetime | None

    def counts_at(self, scheme_id: int, at: datetime, as_of: datetime) -> bool:
        """Tell whether it decides in a scheme at a moment, by what was known at another."""
        is_revoked = self.revoked_from is not None and self.revoked_from <= min(at, as_of)
        return (
            self.scheme_id == scheme_id
            and self.known_from <= as_of
            and self.counts_from <= at
            and (self.counts_until is None or at < self.counts_until)
            and not is_revoked
        )


class Rulings:
    """All rulings this process knows, the latest recorded first."""

    def __init__(self) -> None:
        self._known: tuple[object, tuple[Ruling, ...], Areas] = (None, (), Areas([]))

    def __len__(self) -> int:
        return len(self._known[1])

    def listen(self, session: Session) -> None:
        """Read the rulings anew where one was added or taken back."""
        version = tuple(session.execute(VERSION).one())
        if version == self._known[0]:
            return
        zone = ZoneInfo(city.profile(session).time_zone)
        rows = session.execute(ALL).all()
        rulings = tuple(
            Ruling(
                district_id=row.district_id,
                id=row.id,
                scheme_id=row.scheme_id,
                grid_id=row.grid_id,
                area=shapely.from_wkb(bytes(row.wkb)),
                spot=None if row.radius_m is None else (row.center_lon, row.center_lat, row.radius_m),
                reason=row.reason,
                recorded_at=row.recorded_at,
                decided_on=row.recorded_at.astimezone(zone).date(),
                decided_by=row.by_name,
                known_from=row.known_from,
                counts_from=row.counts_from,
                counts_until=row.counts_until,
                revoked_from=row.revoked_from,
            )
            for row in rows
        )
        # One assignment, so that a look-up on another thread never sees the half of it.
        self._known = (version, rulings, Areas([one.area for one in rulings]))

    def at_point(
        self, scheme_id: int, lon: float, lat: float, at: datetime, as_of: datetime
    ) -> Ruling | None:
        """Give the ruling that decides at a point: of several, the one recorded last.

        Asked is about the moment `at`, by what was known at `as_of`.
        """
        _, rulings, areas = self._known
        if not rulings:
            return None
        for number in areas.covering(lon, lat):
            if rulings[number].counts_at(scheme_id, at, as_of):
                return rulings[number]
        return None

    def at_points(
        self, scheme_id: int, points: NDArray[np.float64], at: datetime, as_of: datetime
    ) -> dict[int, Ruling]:
        """Give the rulings that decide at points, (n, 2) lon/lat, by the row of the point."""
        _, rulings, areas = self._known
        found: dict[int, Ruling] = {}
        if not rulings:
            return found
        for point, number in zip(*(one.tolist() for one in areas.covered(points)), strict=True):
            if point not in found and rulings[number].counts_at(scheme_id, at, as_of):
                found[point] = rulings[number]
        return found


RULINGS = Rulings()
in_force.ALSO_HEARD.append(RULINGS.listen)
