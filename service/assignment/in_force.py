"""Which editions are in force at a moment, by the database's clock, and their maps.

Each process asks the database every second (a notification only makes it ask sooner) and keeps an estimate of the
database's clock between two answers. After three seconds without an answer it refuses to answer at all: an old
map may be wrong. Maps are attached from the indexes that a job made; a process builds one itself only where no
job does.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as OrmSession

from geo.errors import DamagedIndex
from service import jobs
from service.assignment import building, saved
from service.assignment.database_clock import DatabaseClock
from service.assignment.kept import KeptMaps, Place, place_of
from service.assignment.maps import EditionKey, EditionMap
from service.assignment.saved import Attached
from service.assignment.timeline import Standing, Timeline
from service.city import queries as city
from service.city.models import Scheme
from service.city.profile import Profile
from service.db import Session
from service.errors import NotReady
from service.settings import Settings

POLL_SECONDS = 1.0
STALE_SECONDS = 3.0
READ_AGAIN_SECONDS = 30.0  # what changes rarely is read again at least so often, where no notification came
ASK_AGAIN_SECONDS = 60.0  # for an index that a job should have made meanwhile
WAIT_SECONDS = 4.0  # of a request, for a map that is being made
CHANNEL = "wangge_editions"
# What else must be heard with the editions, in the same transaction; each adds its own.
ALSO_HEARD: list[Callable[[OrmSession], None]] = []
_log = structlog.get_logger("in_force")

PULSE = text("select clock_timestamp() as moment, (select count(*) from edition) as editions")
EDITIONS = text("""
    select e.district_id, d.code as district_code, d.name as district_name, e.number, e.scheme_id,
        e.snapshot_id, e.in_force_from, coalesce(s.checksum, '') as checksum
    from edition e
    join district d on d.id = e.district_id
    join snapshot s on s.district_id = e.district_id and s.id = e.snapshot_id
""")
LEADERS = """
    from post p
    where p.kind = 'leader' and p.from_on <= :today and (p.to_on is null or p.to_on > :today)
"""
LEADERS_MARK = text(
    "select md5(string_agg(row(p.grid_id, p.holder, p.phone, p.from_on)::text, ',' order by p.grid_id, p.from_on))"
    + LEADERS
)
LEADERS_READ = text(
    "select distinct on (p.grid_id) p.grid_id, p.holder, p.kind, p.phone"
    + LEADERS
    + "order by p.grid_id, p.from_on desc"
)


@dataclass(frozen=True, slots=True)
class Current:
    """The maps that answer now: good until the next edition takes force, or anything changes."""

    generation: int
    standing: Standing
    maps: list[EditionMap]


class InForce:
    """The maps of this process and the clock they are chosen by."""

    def __init__(self) -> None:
        self._clock = DatabaseClock()
        self._timeline = Timeline()
        self._read_at = float("-inf")
        self._kept = KeptMaps(most_bytes=2048 << 20)
        self._generation = 0  # grows with whatever may change an answer
        self._current: dict[int, Current] = {}
        self._schemes: dict[str, int] = {}
        self.levels: dict[int, tuple[str, ...]] = {}
        self._profile: Profile | None = None
        self._leaders: dict[UUID, dict[str, str]] = {}
        self._leaders_mark: tuple[date, str | None] | None = None
        self._loading = threading.Lock()
        self._hasten, self._wake = threading.Event(), threading.Event()
        self._arrived = threading.Condition()
        self._wanted: dict[Place, EditionKey] = {}
        self._asked: dict[Place, float] = {}
        self._last_sign = float("-inf")
        self._started = False

    def start(self) -> None:
        """Begin to follow the database in the background."""
        if not self._started:
            self._started = True
            self._kept.most_bytes = Settings().old_maps_mb << 20
            # Threads of their own: a big map takes longer to make than the database may stay unheard.
            for step in (self._follow, self._look_after_all, self._listen):
                threading.Thread(target=_repeat, args=(step,), name=step.__name__, daemon=True).start()

    def refresh(self) -> None:
        """Ask the database now, for everything, and load what is needed."""
        self.poll(everything=True)
        needed = self._timeline.needed(self._clock.now(STALE_SECONDS))
        self._kept.pin(place_of(key) for key in needed)
        for key in needed:
            self._map(key)
        self.poll()  # making a big map takes longer than what was heard may count

    def hear(self) -> None:
        """Refresh where nobody follows the database in the background, as on the command line."""
        if self._clock.silence > 2 * POLL_SECONDS:
            self.refresh()

    def poll(self, *, everything: bool = False) -> None:
        """Ask the database: its clock, and what changed."""
        with Session() as session:
            session.connection()  # opening one may take long, and would blur the moment
            asked = self._clock.count()
            pulse = session.execute(PULSE).one()
            heard = self._clock.count()
            is_old = asked - self._read_at > READ_AGAIN_SECONDS
            if everything or is_old or pulse.editions != len(self._timeline.editions):
                self._read(session, pulse.moment)
                self._read_at = asked
            for hear in ALSO_HEARD:
                hear(session)
        # Last of all: who knows the moment must know what counts at it.
        self._clock.hear(pulse.moment, asked=asked, heard=heard)

    def _read(self, session: OrmSession, moment: datetime) -> None:
        timeline = Timeline(EditionKey(**row._mapping) for row in session.execute(EDITIONS))
        self._profile = city.profile(session)
        schemes = session.scalars(select(Scheme).order_by(Scheme.id)).all()
        self.levels = {one.id: tuple(level.code for level in city.levels(session, one.id)) for one in schemes}
        self._schemes = {one.code: one.id for one in schemes}
        self._read_leaders(session, moment.astimezone(ZoneInfo(self._profile.time_zone)).date())
        if timeline.editions != self._timeline.editions:
            self._timeline = timeline
            self._changed()
            self._wake.set()

    def _read_leaders(self, session: OrmSession, today: date) -> None:
        """Read the posts where they changed; a city has tens of thousands."""
        mark = today, session.scalar(LEADERS_MARK, {"today": today})
        if mark != self._leaders_mark:
            self._leaders = {
                row.grid_id: {"name": row.holder, "post": row.kind, "phone": row.phone}
                for row in session.execute(LEADERS_READ, {"today": today})
            }
            self._leaders_mark = mark

    @property
    def profile(self) -> Profile:
        """Give the city profile. May raise NotReady."""
        if self._profile is None:
            raise NotReady("The maps are not loaded yet.")
        return self._profile

    def scheme_id(self, code: str | None) -> int | None:
        """Give the number of a scheme, the first where none is named; None where there is no such."""
        if code is None:
            return next(iter(self._schemes.values()), None)
        return self._schemes.get(code)

    def scheme_code(self, scheme_id: int) -> str:
        """Give the code of a scheme."""
        for code, number in self._schemes.items():
            if number == scheme_id:
                return code
        raise KeyError(scheme_id)

    def now(self) -> datetime:
        """Give the database's clock as far as known. May raise NotReady."""
        return self._clock.now(STALE_SECONDS)

    def leader(self, grid_id: UUID) -> dict[str, str] | None:
        """Give who leads a grid today."""
        return self._leaders.get(grid_id)

    def maps_at(self, scheme_id: int, moment: datetime) -> list[EditionMap]:
        """Give the map of each district that is in force at a moment; not to be changed. May raise NotReady."""
        current = self._current.get(scheme_id)
        if current is not None and current.generation == self._generation and current.standing.counts(moment):
            return current.maps
        generation = self._generation
        standing = self._timeline.at(scheme_id, moment)
        maps = [self._map(key) for key in standing.keys]
        if standing.counts(self._clock.now(float("inf"))):
            self._current[scheme_id] = Current(generation, standing, maps)
        return maps

    def edition(self, district_code: str, number: int) -> EditionMap | None:
        """Give the map of one edition, whenever it counts; None where there is no such. May raise NotReady."""
        key = self._timeline.find(district_code, number)
        return None if key is None else self._map(key)

    def not_loaded(self) -> list[EditionKey]:
        """List the editions in force whose maps are not there. May raise NotReady."""
        moment = self.now()
        standing = [key for key in self._timeline.needed(moment) if key.in_force_from <= moment]
        return [key for key in standing if self._kept.peek(place_of(key)) is None]

    def _map(self, key: EditionKey) -> EditionMap:
        place = place_of(key)
        found = self._kept.get(place)
        if found is None:
            with self._loading:  # one at a time, and nobody who needs another map waits for it
                found = self._kept.get(place) or self._attach(key)
                if found is None and not self._started:
                    with Session() as session:
                        found = self._keep(key, building.bring(session, key))
        if found is None:
            found = self._await(key)
        # A rollback is the same content under another number; what was written of the other one is not ours.
        return found.map if found.map.key == key else replace(found.map, key=key)

    def _attach(self, key: EditionKey) -> Attached | None:
        try:
            found = saved.attach(key)
        except DamagedIndex as wrong:
            _log.error("index can't be attached, it is made anew", error=wrong.detail)
            return None
        return None if found is None else self._keep(key, found)

    def _await(self, key: EditionKey) -> Attached:
        """Have a map made and wait for a moment; it takes seconds, and a request may ask again."""
        place = place_of(key)
        self._wanted[place] = key
        self._wake.set()
        with self._arrived:
            self._arrived.wait_for(lambda: self._kept.peek(place) is not None, WAIT_SECONDS)
        found = self._kept.get(place)
        if found is None:
            raise NotReady(
                f"The map of {key.district_name}, edition {key.number}, is being prepared. Ask again."
            )
        return found

    def _keep(self, key: EditionKey, made: Attached) -> Attached:
        self._kept.put(place_of(key), made)
        self._changed()
        with self._arrived:
            self._arrived.notify_all()
        return made

    def _changed(self) -> None:
        self._generation += 1

    def _follow(self) -> None:
        was_notified = self._hasten.is_set()
        self._hasten.clear()  # before we ask: what is told meanwhile makes us ask again
        self.poll(everything=was_notified)
        self._hasten.wait(POLL_SECONDS)

    def _listen(self) -> None:
        """Let notifications make us ask sooner. A connection lost here costs nothing but that."""
        pooled = Session.kw["bind"].raw_connection()
        with pooled.driver_connection as connection:
            pooled.detach()  # it stays ours, and is closed at the end
            connection.autocommit = True
            connection.execute(f"listen {CHANNEL}")
            for _ in connection.notifies():
                self._hasten.set()

    def _look_after_all(self) -> None:
        self._wake.wait(POLL_SECONDS)
        self._wake.clear()
        if self._clock.silence == float("inf"):
            return  # nothing is known yet
        needed = self._timeline.needed(self._clock.now(float("inf")))
        self._kept.pin(place_of(key) for key in needed)
        for key in {place_of(one): one for one in (*needed, *self._wanted.values())}.values():
            try:
                self._look_after(key)
            except Exception:  # whatever ails one map, the others are looked after; it has its turn again
                _log.exception("map not looked after", district=key.district_code, number=key.number)

    def _look_after(self, key: EditionKey) -> None:
        """See that a map is attached to the file at its place, and that the file is made where it is missing."""
        place, path = place_of(key), saved.path_of(saved.content_of(key))
        kept, inode = self._kept.peek(place), saved.inode_of(path)
        if kept is not None and saved.is_put_aside(path, kept.inode):
            self._kept.drop(place)
            self._changed()
            kept = None
        if inode and kept is not None and kept.inode == inode:
            pass  # as it should be
        elif inode and self._attach(key) is not None:
            self._last_sign = time.monotonic()
        elif self._ask(key) and kept is None:
            with Session() as session:
                self._keep(key, building.bring(session, key))
        if kept is not None or self._kept.peek(place) is not None:
            self._wanted.pop(place, None)

    def _ask(self, key: EditionKey) -> bool:
        """Have a job make an index; tells whether it is time to make it here, since nobody does."""
        place, now = place_of(key), time.monotonic()
        if now - self._asked.get(place, float("-inf")) > ASK_AGAIN_SECONDS:
            with Session.begin() as session:
                jobs.defer(
                    session, building.JOB, district_id=key.district_id, snapshot_id=str(key.snapshot_id)
                )
            self._asked[place] = now
        if saved.is_somebody_building():
            self._last_sign = now
        return now - max(self._last_sign, self._asked[place]) > building.PATIENCE_S


def _repeat(step: Callable[[], None]) -> None:
    while True:
        try:
            step()
        except (SQLAlchemyError, psycopg.Error, NotReady, OSError) as error:
            _log.warning("editions not heard", step=step.__name__, error=str(error))
            time.sleep(POLL_SECONDS)
        except Exception:  # a thread that ended would be missed by nobody, until the answers stop
            _log.exception("editions not heard", step=step.__name__)
            time.sleep(POLL_SECONDS)


IN_FORCE = InForce()
