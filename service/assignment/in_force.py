"""Which editions are in force at a moment, by the database's clock, and their maps in memory.

Each process asks the edition table every second and keeps an estimate of the database's clock between two
answers. After three seconds without an answer it refuses to answer at all: an old map may be wrong.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as OrmSession

from service.assignment.maps import EditionKey, EditionMap, load
from service.city import queries as city
from service.city.models import Scheme
from service.city.profile import Profile
from service.db import Session, database_now
from service.errors import NotReady

POLL_SECONDS = 1.0
STALE_SECONDS = 3.0
MAPS_KEPT = 64  # of old editions asked for by `at=`, beyond those in force
# What else must be heard with the editions, in the same transaction; each adds its own.
ALSO_HEARD: list[Callable[[OrmSession], None]] = []
BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_log = structlog.get_logger("in_force")

EDITIONS = text("""
    select e.district_id, d.code as district_code, d.name as district_name, e.number, e.scheme_id,
        e.snapshot_id, e.in_force_from
    from edition e join district d on d.id = e.district_id
    order by e.scheme_id, d.code, e.in_force_from
""")
LEADERS = text("""
    select distinct on (p.grid_id) p.grid_id, p.holder, p.kind, p.phone from post p
    where p.kind = 'leader' and p.from_on <= :today and (p.to_on is null or p.to_on > :today)
    order by p.grid_id, p.from_on desc
""")


class InForce:
    """The maps of this process and the clock they are chosen by."""

    def __init__(self) -> None:
        self._editions: tuple[EditionKey, ...] = ()
        self._maps: OrderedDict[tuple[int, UUID], EditionMap] = OrderedDict()
        # For each scheme: as of which editions, from and until when, the maps in force now.
        self._present: dict[int, tuple[tuple[EditionKey, ...], datetime, datetime, list[EditionMap]]] = {}
        self._schemes: dict[str, int] = {}
        self.levels: dict[int, tuple[str, ...]] = {}
        self._offset = timedelta(0)
        self._heard = float("-inf")
        self._profile: Profile | None = None
        self._leaders: dict[UUID, dict[str, str]] = {}
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._started = False

    def start(self) -> None:
        """Begin to follow the database in the background."""
        if not self._started:
            self._started = True
            # Two threads: a big map takes longer to load than the database may stay unheard.
            for step in (self.listen, self.load_needed):
                threading.Thread(target=_repeat, args=(step,), name=step.__name__, daemon=True).start()

    def refresh(self) -> None:
        """Ask the database now and load what is needed."""
        self.listen()
        self.load_needed()
        self.listen()  # loading a big map takes longer than what was heard may count

    def hear(self) -> None:
        """Refresh where nobody follows the database in the background, as on the command line."""
        if time.monotonic() - self._heard > 2 * POLL_SECONDS:
            self.refresh()

    def listen(self) -> None:
        """Ask the database: clock, editions, profile, posts."""
        with Session() as session:
            moment = database_now(session)
            heard, here = time.monotonic(), datetime.now(UTC)
            editions = tuple(EditionKey(**row._mapping) for row in session.execute(EDITIONS))
            self._profile = city.profile(session)
            self._schemes = {one.code: one.id for one in session.scalars(select(Scheme).order_by(Scheme.id))}
            self.levels = {
                one: tuple(level.code for level in city.levels(session, one))
                for one in self._schemes.values()
            }
            today = {"today": moment.astimezone(ZoneInfo(self._profile.time_zone)).date()}
            self._leaders = {
                row.grid_id: {"name": row.holder, "post": row.kind, "phone": row.phone}
                for row in session.execute(LEADERS, today)
            }
            for hear in ALSO_HEARD:
                hear(session)
        self._offset = moment - here
        if editions != self._editions:
            self._editions = editions
        self._heard = heard

    def load_needed(self) -> None:
        """Load the maps in force and waiting that are not in memory yet."""
        for key in self._needed(datetime.now(UTC) + self._offset):
            self._map(key)

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
        return next(code for code, number in self._schemes.items() if number == scheme_id)

    def now(self) -> datetime:
        """Give the database's clock as far as known. May raise NotReady."""
        if time.monotonic() - self._heard > STALE_SECONDS:
            raise NotReady("The database has not been heard for three seconds; an old map might be wrong.")
        return datetime.now(UTC) + self._offset

    def leader(self, grid_id: UUID) -> dict[str, str] | None:
        """Give who leads a grid today."""
        return self._leaders.get(grid_id)

    def maps_at(self, scheme_id: int, moment: datetime) -> list[EditionMap]:
        """Give the map of each district that is in force at a moment."""
        editions, known = self._editions, self._present.get(scheme_id)
        if known is not None and known[0] is editions and known[1] <= moment < known[2]:
            return known[3]
        maps = [self._map(key) for key in self._keys_at(scheme_id, moment)]
        changes = [key.in_force_from for key in editions if key.scheme_id == scheme_id]
        since = max((one for one in changes if one <= moment), default=BEGINNING)
        until = min((one for one in changes if one > moment), default=END)
        if since <= datetime.now(UTC) + self._offset < until:
            self._present[scheme_id] = (editions, since, until, maps)
        return maps

    def edition(self, district_code: str, number: int) -> EditionMap | None:
        """Give the map of one edition, whenever it counts; None where there is no such."""
        which = (district_code, number)
        key = next((one for one in self._editions if (one.district_code, one.number) == which), None)
        return None if key is None else self._map(key)

    def _keys_at(self, scheme_id: int, moment: datetime) -> list[EditionKey]:
        of_scheme = (
            key for key in self._editions if key.scheme_id == scheme_id and key.in_force_from <= moment
        )
        return [list(group)[-1] for _, group in groupby(of_scheme, key=lambda key: key.district_code)]

    def _needed(self, moment: datetime) -> list[EditionKey]:
        waiting = [key for key in self._editions if key.in_force_from > moment]
        return waiting + [key for scheme in self._schemes.values() for key in self._keys_at(scheme, moment)]

    def _map(self, key: EditionKey) -> EditionMap:
        found = self._kept(key)
        if found is None:
            with self._loading:  # one at a time, and nobody who needs another map waits for it
                found = self._kept(key) or self._load(key)
        if found.key != key:  # a rollback: the same content under another number
            found = EditionMap(key, found.grids, found.kinds, found.precedence, found.locator)
        return found

    def _kept(self, key: EditionKey) -> EditionMap | None:
        where = (key.district_id, key.snapshot_id)
        with self._lock:
            found = self._maps.get(where)
            if found is not None:
                self._maps.move_to_end(where)
            return found

    def _load(self, key: EditionKey) -> EditionMap:
        with Session() as session:
            found = load(session, key)
        with self._lock:
            self._maps[key.district_id, key.snapshot_id] = found
            while len(self._maps) > MAPS_KEPT:
                self._maps.popitem(last=False)
        return found


def _repeat(step: Callable[[], None]) -> None:
    while True:
        try:
            step()
        except (SQLAlchemyError, NotReady) as error:
            _log.warning("editions not heard", error=str(error))
        time.sleep(POLL_SECONDS)


IN_FORCE = InForce()
