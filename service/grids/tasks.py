"""Jobs of the map: importing an upload, sweeping away what nobody came back for."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from geo.errors import GeoError
from service import audit, clock, errors, jobs
from service.city.models import District
from service.db import Session
from service.errors import ServiceError
from service.grids import queries, uploads, wire
from service.grids.importing import Request, import_file
from service.grids.models import PlanImport
from service.settings import Settings

_log = structlog.get_logger("grids")
BROKEN = {
    "type": "about:blank",
    "title": "Internal error",
    "detail": "Something went wrong on our side. Nothing was changed. Tell the operator the request number.",
}


@jobs.app.task(name=uploads.JOB)
def import_upload(district_id: int, import_id: str, actor: dict[str, str]) -> None:
    """Import an upload as its options say: all of it, or nothing and the reason why."""
    key = (district_id, UUID(import_id))
    try:
        _import(key, audit.Actor(**actor))
    except (ServiceError, GeoError) as error:
        _refuse(key, errors.as_problem(error))
    except Exception as error:
        _log.exception("import failed", import_id=import_id, exc_info=error)
        _refuse(key, {**BROKEN, "request_id": import_id})


def _import(key: tuple[int, UUID], by: audit.Actor) -> None:
    with Session() as session:
        kept = session.get(PlanImport, key)
        if kept is None or kept.state != "running":
            return  # an earlier run of this job came through
        plan = queries.get_plan_by_id(session, kept.plan_id, lock=True)
        options = {name: value for name, value in kept.options.items() if name != "dry_run"}
        dry_run = bool(kept.options.get("dry_run"))
        place = session.get_one(District, kept.district_id)
        wanted = Request(plan=plan.name, path=uploads.require_file(kept), district=place.code, **options)
        done = import_file(session, wanted, by=by, at=clock.now(), progress=lambda *at: _tell(key, *at))
        findings = [wire.finding(one) for one in done.findings[: uploads.SHOWN_FINDINGS]]
        if dry_run:
            session.rollback()
            kept = session.get_one(PlanImport, key, populate_existing=True)
        uploads.finish(kept, done, dry_run=dry_run, findings=findings, at=clock.now())
        session.commit()
        if not dry_run and uploads.is_used_up(kept):
            uploads.discard(kept)
            session.commit()


def _tell(key: tuple[int, UUID], stage: str, share: float) -> None:
    """Let the page see how far it is, past the transaction of the import."""
    with Session.begin() as session:
        kept = session.get_one(PlanImport, key)
        kept.stage, kept.progress, kept.changed_at = stage, round(share, 3), clock.now()


def _refuse(key: tuple[int, UUID], problem: dict[str, Any]) -> None:
    with Session.begin() as session:
        uploads.refuse(session.get_one(PlanImport, key), problem, at=clock.now())


@jobs.app.periodic(cron="23 * * * *")
@jobs.app.task(name="grids.sweep_uploads", queueing_lock="grids.sweep_uploads")
def sweep_uploads(timestamp: int) -> None:
    """Delete uploads of yesterday."""
    sweep(Settings().data / "uploads", clock.now())


def sweep(folder: Path, at: datetime) -> None:
    """Delete the uploads in a folder that nobody touched for a day."""
    with Session.begin() as session:
        count = uploads.sweep(session, folder, at=at)
    _log.info("uploads swept", count=count)
