"""Jobs of the index: build it, read it through, sweep it away."""

from uuid import UUID

import structlog
from sqlalchemy.orm import Session as OrmSession

from geo.errors import IndexNotSaved
from service import jobs
from service.assignment import building, saved
from service.db import Session
from service.grids.models import Snapshot
from service.grids.readiness import Content

_log = structlog.get_logger("indexes")


@jobs.app.task(name=building.JOB)
def build_index(district_id: int, snapshot_id: str) -> None:
    """Save the index of a snapshot; where there is no room, whoever needs it serves from memory or refuses."""
    with Session() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        if session.get(Snapshot, (district_id, UUID(snapshot_id))) is None:
            return  # the plan was given up
        _make([building.content_now(session, district_id, UUID(snapshot_id))], session)


@jobs.app.periodic(cron="*/10 * * * *")
@jobs.app.task(name="assignment.verify_indexes", queueing_lock="assignment.verify_indexes")
def verify_indexes(timestamp: int) -> None:
    """Read the indexes in force and waiting through; make anew what is damaged or missing."""
    with Session() as session:
        contents = building.needed(session)
        for content in contents:
            check(content)
        _make(contents, session)


@jobs.app.periodic(cron="41 3 * * *")
@jobs.app.task(name="assignment.sweep_indexes", queueing_lock="assignment.sweep_indexes")
def sweep_indexes(timestamp: int) -> None:
    """Delete the indexes nobody used for long, and read the others through."""
    with Session() as session:
        kept = {saved.path_of(one) for one in building.needed(session)}
    _log.info("indexes swept", count=saved.sweep(kept))
    for path in saved.folder().glob(f"*{saved.SUFFIX}"):
        saved.verify(path)


def check(content: Content) -> None:
    """Read an index through and say where it is damaged."""
    path = saved.path_of(content)
    if not saved.verify(path):
        _log.error("index damaged, it is made anew", name=path.name)


def _make(contents: list[Content], session: OrmSession) -> None:
    for content in contents:
        try:
            building.make(session, content)
        except IndexNotSaved as wrong:
            _log.error("index not saved", error=wrong.detail)
