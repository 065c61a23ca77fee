"""The database's clock as a process knows it: what is in force is decided by it and by no other."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from service.errors import NotReady


def elapsed() -> float:
    """Count seconds by a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class DatabaseClock:
    """Carries the database's clock on between two answers; the machine's own date plays no part.

    Each answer bounds how far the database is ahead of our count: it read its clock after we asked and before we
    heard. The estimate starts at the lower bound and moves only where a later one excludes it: it never runs ahead
    of the database nor backwards, and does not tremble with the network.
    """

    def __init__(self, count: Callable[[], float] = elapsed) -> None:
        self._count = count
        self._ahead: float | None = None
        self._heard = float("-inf")

    def hear(self, moment: datetime, *, asked: float, heard: float) -> None:
        """Take the database's moment; `asked` and `heard` are our counts from before the question and after it."""
        stamp = moment.timestamp()
        least, most = stamp - heard, stamp - asked
        self._ahead = least if self._ahead is None else min(max(self._ahead, least), most)
        self._heard = asked

    def count(self) -> float:
        """Give our count of seconds."""
        return self._count()

    @property
    def silence(self) -> float:
        """Seconds since the database was last known to answer."""
        return self._count() - self._heard

    def now(self, stale_s: float) -> datetime:
        """Give the database's moment. May raise NotReady where it was not heard for so many seconds."""
        count = self._count()
        if self._ahead is None or count - self._heard > stale_s:
            raise NotReady("The database has not been heard for three seconds; an old map might be wrong.")
        return datetime.fromtimestamp(count + self._ahead, UTC)
