"""Periods of time that figures are about: half-open, in the city's time zone, never longer than can be meant."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.errors import Invalid

WEEK = timedelta(weeks=1)
EARLIEST, LATEST = date(1970, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to just before `end`, both UTC."""

    start: datetime
    end: datetime

    @property
    def weeks(self) -> float:
        """Give the length in weeks, so that figures of different periods can be compared."""
        return (self.end - self.start) / WEEK

    @property
    def previous(self) -> "Window":
        """Give the period of the same length just before."""
        return Window(self.start - (self.end - self.start), self.start)


def window(*, days: int, from_on: date | None, to_on: date | None, now: datetime, time_zone: str) -> Window:
    """Give the last so many days up to now, or the days from `from_on` to before `to_on`.

    Where one of the two is not given, it is `days` away from the other. May raise Invalid.
    """
    if from_on is None and to_on is None:
        return Window(now - timedelta(days=days), now)
    for field, day in (("from", from_on), ("to", to_on)):
        if day is not None and not EARLIEST <= day <= LATEST:
            raise _refused(field, f"{day} is not between {EARLIEST} and {LATEST}")
    first = from_on if from_on is not None else to_on - timedelta(days=days)  # type: ignore[operator]
    last = to_on if to_on is not None else first + timedelta(days=days)
    if last <= first:
        raise _refused("to", "the period is empty: `to` is the first day no more and must lie after `from`")
    zone = ZoneInfo(time_zone)
    start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last))
    return Window(start, end)


def _refused(field: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[{"pointer": f"/{field}", "detail": detail}])
