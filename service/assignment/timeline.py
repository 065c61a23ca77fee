"""Which editions count at a moment."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from service.assignment.maps import EditionKey

BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """The editions that count from one moment until another, by the code of their district."""

    since: datetime
    until: datetime
    keys: tuple[EditionKey, ...]

    def counts(self, moment: datetime) -> bool:
        """Tell whether these are the ones at a moment."""
        return self.since <= moment < self.until


class Timeline:
    """All editions of all schemes, in the order they took and will take force."""

    def __init__(self, editions: Iterable[EditionKey] = ()) -> None:
        self.editions = tuple(
            sorted(editions, key=lambda one: (one.scheme_id, one.district_code, one.in_force_from))
        )
        self._districts: dict[int, list[tuple[list[datetime], list[EditionKey]]]] = {}
        for (scheme_id, _), group in groupby(self.editions, lambda one: (one.scheme_id, one.district_code)):
            keys = list(group)
            self._districts.setdefault(scheme_id, []).append(([one.in_force_from for one in keys], keys))

    def at(self, scheme_id: int, moment: datetime) -> Standing:
        """Give what counts at a moment, and for how long."""
        since, until, keys = BEGINNING, END, []
        for moments, of_district in self._districts.get(scheme_id, ()):
            place = bisect_right(moments, moment)
            if place:
                keys.append(of_district[place - 1])
                since = max(since, moments[place - 1])
            if place < len(moments):
                until = min(until, moments[place])
        return Standing(since, until, tuple(keys))

    def needed(self, moment: datetime) -> list[EditionKey]:
        """List the editions in force, then those waiting."""
        standing = [key for scheme_id in self._districts for key in self.at(scheme_id, moment).keys]
        return standing + [key for key in self.editions if key.in_force_from > moment]

    def find(self, district_code: str, number: int) -> EditionKey | None:
        """Find an edition by district and number."""
        which = (district_code, number)
        return next((one for one in self.editions if (one.district_code, one.number) == which), None)
