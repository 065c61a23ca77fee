"""Have the index of an edition made, once: by a job, or here where nobody else does it."""

import time

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.errors import DamagedIndex, IndexNotSaved
from service import jobs
from service.assignment import maps, saved
from service.assignment.maps import EditionKey, EditionMap
from service.assignment.saved import Attached
from service.grids import queries, readiness
from service.grids.models import Snapshot
from service.grids.readiness import Content

JOB = "assignment.build_index"
PATIENCE_S = 5.0  # nobody builds for so long: the worker is busy with something else, or there is none
WAIT_S = 50.0  # in a request: before proxies give up
LOOK_S = 0.1
_log = structlog.get_logger("indexes")

NEEDED = text("""
    select e.district_id, e.snapshot_id, s.checksum
    from edition e
    join snapshot s on s.district_id = e.district_id and s.id = e.snapshot_id
    where not exists (
        select from edition later where later.district_id = e.district_id and later.scheme_id = e.scheme_id
            and later.in_force_from > e.in_force_from and later.in_force_from <= clock_timestamp())
    order by e.in_force_from
""")


def needed(session: Session) -> list[Content]:
    """List what the editions in force and waiting hold."""
    return list(dict.fromkeys(Content(*row) for row in session.execute(NEEDED)))


def make(session: Session, content: Content) -> None:
    """Save the index of what the session sees in a snapshot, unless it is there. May raise IndexNotSaved."""
    if saved.is_there(content):
        return
    with saved.turn():
        if not saved.is_there(content):  # while we waited for our turn
            begun = time.monotonic()
            saved.write(content, *maps.read(session, content.district_id, content.snapshot_id))
            took = round(time.monotonic() - begun, 2)
            _log.info("index saved", name=saved.path_of(content).name, seconds=took)


def bring(session: Session, key: EditionKey) -> Attached:
    """Give a map from its index, made now where it is missing; from memory where there is no room for one."""
    content = saved.content_of(key)
    if content.checksum:
        try:
            make(session, content)
            found = saved.attach(key)
            if found is not None:
                return found
        except (IndexNotSaved, DamagedIndex) as wrong:
            _log.error("serving from memory", district=key.district_code, error=wrong.detail)
    return in_memory(maps.load(session, key))


def in_memory(made: EditionMap) -> Attached:
    """Wrap a map that has no file."""
    return Attached(made, made.locator.nbytes, inode=0)


def content_now(session: Session, district_id: int, snapshot_id: object) -> Content:
    """Give what a snapshot holds, by the checksum it was frozen with or would be frozen with now."""
    frozen = session.scalar(
        select(Snapshot.checksum).where(Snapshot.district_id == district_id, Snapshot.id == snapshot_id)
    )
    return Content(district_id, snapshot_id, frozen or queries.checksum_of(session, district_id, snapshot_id))  # type: ignore[arg-type]


class Index:
    """The index as what publishing waits for."""

    def ask(self, session: Session, content: Content) -> None:
        """Queue the job."""
        if not saved.is_there(content):
            jobs.defer(session, JOB, district_id=content.district_id, snapshot_id=str(content.snapshot_id))

    def wait(self, content: Content) -> None:
        """Wait for the job, as long as it gets on."""
        begun = last_sign = time.monotonic()
        while not saved.is_there(content):
            now = time.monotonic()
            if saved.is_somebody_building():
                last_sign = now
            if now - last_sign > PATIENCE_S or now - begun > WAIT_S:
                return
            time.sleep(LOOK_S)

    def make(self, session: Session, content: Content) -> None:
        """Make it in this process."""
        make(session, content)


readiness.PARTS.append(Index())
