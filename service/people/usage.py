"""What tokens ask: counted against their quota as it comes, written to the log a second later.

Each web process counts for itself and learns what the others counted when it writes, once a second. So all of
them together may let through what comes within that second beyond the quota, and no more.
"""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from service.db import Session
from service.errors import QuotaSpent

WRITE_SECONDS = 1.0
MOST_WAITING = 20_000  # lines of the log that wait for a database that does not answer
MOST_QUERY = 2000  # letters of a query string that are kept
_log = structlog.get_logger("usage")

COUNT = text("""
    insert into api_usage as u (token_id, minute, requests) values (:token_id, :minute, :requests)
    on conflict (token_id, minute) do update set requests = u.requests + excluded.requests
    returning requests
""")
LINE = text("""
    insert into api_request (token_id, at, request_id, method, path, query, status, ms)
    values (:token_id, :at, :request_id, :method, :path, :query, :status, :ms)
""")
Minute = tuple[str, int]  # a token and the minute since 1970


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    token_id: str
    at: datetime
    request_id: str
    method: str
    path: str
    query: str
    status: int
    ms: float


class Usage:
    """The counts and log lines of this process that are not written yet, and what all processes had counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._counts: Counter[Minute] = Counter()
        self._all: dict[Minute, int] = {}
        self._lines: deque[Line] = deque(maxlen=MOST_WAITING)
        self._lost = 0
        self._started = False

    def start(self) -> None:
        """Write once a second in the background."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._repeat, name="usage", daemon=True).start()

    def admit(self, token_id: str, per_minute: int | None, at: datetime) -> int | None:
        """Count a request; gives how many are left in this minute, None without a quota. May raise QuotaSpent."""
        minute, second = divmod(at.timestamp(), 60)
        key = (token_id, int(minute))
        with self._lock:
            asked = self._counts[key] + self._all.get(key, 0)
            if per_minute is not None and asked >= per_minute:
                wait = int(60 - second) + 1
                raise QuotaSpent(
                    f"The token may ask {per_minute} times a minute. Ask again in {wait} s.",
                    retry_after=wait,
                    per_minute=per_minute,
                )
            self._counts[key] += 1
        return None if per_minute is None else per_minute - asked - 1

    def note(self, line: Line) -> None:
        """Keep a line for the log."""
        with self._lock:
            self._lost += len(self._lines) == MOST_WAITING
            self._lines.append(line)

    def write(self) -> None:
        """Write what waits, and learn what the other processes counted. May raise SQLAlchemyError."""
        with self._writing:
            with self._lock:
                counts, lines, lost = dict(self._counts), list(self._lines), self._lost
            if not counts and not lines:
                return
            with Session.begin() as session:
                totals = {
                    key: session.scalar(COUNT, {**_row(key), "requests": count})
                    for key, count in sorted(counts.items())
                }
                if lines:
                    session.execute(LINE, [_fields(one) for one in lines])
            self._forget(counts, totals, len(lines), lost)

    def _forget(self, counts: dict[Minute, int], totals: dict[Minute, int], written: int, lost: int) -> None:
        """Drop what is written; what came meanwhile stays."""
        with self._lock:
            self._counts -= Counter(counts)
            newest = max((minute for _, minute in totals), default=0)
            self._all = {key: n for key, n in (self._all | totals).items() if key[1] >= newest - 1}
            late = self._lost - lost  # the oldest lines gave way while we wrote
            for _ in range(max(0, min(written - late, len(self._lines)))):
                self._lines.popleft()
            self._lost = 0
        if lost:
            _log.warning("lines of the request log were lost", count=lost)

    def _repeat(self) -> None:
        while True:
            time.sleep(WRITE_SECONDS)
            try:
                self.write()
            except (DataError, IntegrityError) as error:  # tried again it would block all that follows
                with self._lock:
                    lost = len(self._lines)
                    self._lines.clear(), self._counts.clear()
                _log.error("lines of the request log can't be stored", count=lost, error=str(error))
            except SQLAlchemyError as error:
                _log.warning("usage not written, tried again", error=str(error))


def _row(key: Minute) -> dict[str, object]:
    return {"token_id": UUID(key[0]), "minute": datetime.fromtimestamp(key[1] * 60, UTC)}


def _fields(one: Line) -> dict[str, object]:
    return {
        "token_id": UUID(one.token_id),
        "at": one.at,
        "request_id": _text(one.request_id, 64),
        "method": _text(one.method, 16),
        "path": _text(one.path, MOST_QUERY),
        "query": _text(one.query, MOST_QUERY),
        "status": one.status,
        "ms": one.ms,
    }


def _text(given: str, most: int) -> str:
    """Make a text that PostgreSQL can hold."""
    return given[:most].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


USAGE = Usage()
