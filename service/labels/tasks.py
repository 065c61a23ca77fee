"""Jobs of checks: running one, sweeping away those of yesterday."""

from uuid import UUID

import structlog

from geo.errors import GeoError
from service import clock, errors, jobs
from service.assignment.in_force import IN_FORCE
from service.db import Session
from service.errors import NotFound, ServiceError
from service.labels import editions, keeping, summary
from service.labels.auditing import audit
from service.labels.keeping import Folder
from service.labels.positions import Choices
from service.labels.table import read_table
from service.settings import Settings

_log = structlog.get_logger("labels")
BROKEN = {
    "type": "about:blank",
    "title": "Internal error",
    "detail": "Something went wrong on our side. Nothing was changed. Tell the operator the request number.",
}


@jobs.app.task(name=keeping.JOB)
def run_audit(audit_id: str) -> None:
    """Check an uploaded history as its choices say."""
    folder = Folder(keeping.place(Settings().data) / str(UUID(audit_id)))
    try:
        run(folder)
    except NotFound:
        _log.info("the check is gone", audit_id=audit_id)
    except (ServiceError, GeoError) as error:
        refuse(folder, errors.as_problem(error))
    except Exception as error:
        # The type alone: messages may quote what is in the file, and logs are kept longer.
        _log.error("check failed", audit_id=audit_id, kind=type(error).__name__)
        refuse(folder, {**BROKEN, "request_id": audit_id})


def run(folder: Folder) -> None:
    """Check a history that waits. May raise ServiceError, GeoError."""
    state = folder.read()
    if state.state != "running":
        return  # an earlier run of this job came through

    def tell(stage: str, share: float) -> None:
        state.stage, state.progress = stage, share
        folder.write(state)

    tell("read", 0.02)
    choices = Choices(**{**state.choices, "kinds": tuple(state.choices.get("kinds", ()))})
    table = read_table(folder.table, encoding=choices.encoding, most_rows=keeping.MOST_ROWS)
    tell("maps", 0.1)
    IN_FORCE.hear()
    with Session() as session:
        against = editions.known(session, IN_FORCE, choices.scheme)
    found = audit(
        table, choices, against,
        tolerance_m=IN_FORCE.profile.tolerance_m, time_zone=IN_FORCE.profile.time_zone,
        district_ids=None if state.district_ids is None else frozenset(state.district_ids), tell=tell,
    )  # fmt: skip
    tell("write", 0.9)
    folder.keep(summary.summary(found, table, state.file_name), summary.rows(found, table))
    state.state, state.stage, state.progress = "done", "", 1.0
    folder.write(state)


def refuse(folder: Folder, problem: dict[str, object]) -> None:
    """Note why a check came to nothing."""
    try:
        state = folder.read()
        state.state, state.problem = "refused", problem
        folder.write(state)
    except (NotFound, FileNotFoundError):  # it was deleted meanwhile
        _log.info("the check is gone", audit_id=folder.path.name)


@jobs.app.periodic(cron="41 * * * *")
@jobs.app.task(name="labels.sweep", queueing_lock="labels.sweep")
def sweep(timestamp: int) -> None:
    """Delete checks of yesterday."""
    count = keeping.sweep(Settings().data, clock.now())
    _log.info("checks swept", count=count)
