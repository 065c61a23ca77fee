"""The editions that a history is held against: those in force now or at the time of each row, and all others."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.assignment.in_force import InForce
from service.assignment.maps import EditionMap
from service.city import queries as city
from service.errors import Conflict, Invalid
from service.grids import queries
from service.grids.models import Edition

OTHERS_ASKED = 6  # of one district, the newest; each is a map to load


@dataclass(frozen=True, slots=True)
class Editions:
    """The editions of one scheme, by district, oldest first."""

    source: InForce
    districts: dict[int, str]
    listed: dict[int, tuple[Edition, ...]]
    current: dict[int, Edition]

    def now(self) -> list[EditionMap]:
        """Give the maps in force."""
        return [self._map(one) for one in self.current.values()]

    def changes(self) -> list[float]:
        """List when any district's map changed, in seconds since 1970."""
        now = {place: one.number for place, one in self.current.items()}
        moments = {
            one.in_force_from.timestamp()
            for place, several in self.listed.items()
            for one in several[1:]
            if one.in_force_from <= self.current[place].in_force_from and one.number <= now[place]
        }
        return sorted(moments)

    def at(self, epoch: float) -> list[EditionMap]:
        """Give each district's map at a moment; its first one where that is before all of them."""
        found = []
        for place, several in self.listed.items():
            past = [
                one for one in several
                if one.in_force_from.timestamp() <= epoch and one.in_force_from <= self.current[place].in_force_from
            ]  # fmt: skip
            found.append(self._map(past[-1] if past else several[0]))
        return found

    def others(self, district_id: int) -> list[EditionMap]:
        """Give the maps of a district's other editions, newest first, each content once."""
        now = self.current[district_id]
        seen, found = {now.snapshot_id}, list[EditionMap]()
        for one in reversed(self.listed[district_id]):
            if one.snapshot_id not in seen and len(found) < OTHERS_ASKED:
                seen.add(one.snapshot_id)
                found.append(self._map(one))
        return found

    def _map(self, edition: Edition) -> EditionMap:
        found = self.source.edition(self.districts[edition.district_id], edition.number)
        if found is None:
            raise Conflict("The maps changed meanwhile. Start the check again.")
        return found


def known(session: Session, source: InForce, scheme: str | None) -> Editions:
    """Find the editions of a scheme. May raise Invalid, Conflict, NotReady."""
    moment = source.now()
    scheme_id = source.scheme_id(scheme)
    if scheme_id is None:
        detail = f"There is no scheme {scheme!r}."
        raise Invalid(detail, errors=[{"pointer": "/scheme", "detail": detail}])
    listed: dict[int, tuple[Edition, ...]] = {}
    for one in _by_force(queries.list_editions(session), scheme_id):
        listed[one.district_id] = (*listed.get(one.district_id, ()), one)
    current = {
        place: [one for one in several if one.in_force_from <= moment][-1]
        for place, several in listed.items()
        if several[0].in_force_from <= moment
    }
    if not current:
        raise Conflict("No map is in force yet: publish a plan first, then check the history against it.")
    districts = {one.id: one.code for one in city.list_districts(session)}
    return Editions(source, districts, {place: listed[place] for place in current}, current)


def _by_force(editions: Sequence[Edition], scheme_id: int) -> list[Edition]:
    mine = [one for one in editions if one.scheme_id == scheme_id]
    return sorted(mine, key=lambda one: (one.district_id, one.in_force_from, one.number))
