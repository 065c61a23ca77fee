"""Files on their way into a plan: kept aside, looked into, imported by a job, deleted afterwards."""

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.candidates import candidates
from geo.errors import GeoError
from geo.formats import Inspection, LayerInfo, inspect_file
from service import audit, jobs
from service.city import queries as city
from service.city.models import District, Level
from service.errors import Conflict, NotFound
from service.grids import guesses
from service.grids.importing import Imported
from service.grids.models import Plan, PlanImport

JOB = "grids.import_upload"
KEPT_FOR = timedelta(hours=24)
SHOWN_FINDINGS = 200
GROUND = text("""
    select st_xmin(box), st_ymin(box), st_xmax(box), st_ymax(box) from (
        select st_extent(geom) as box from shape
    ) known where box is not null
""")


def keep(
    session: Session,
    plan: Plan,
    district: District,
    path: Path,
    file_name: str,
    *,
    encoding: str | None,
    by: audit.Actor,
    at: datetime,
) -> PlanImport:
    """Look into an uploaded file and note what it holds. May raise GeoError."""
    seen = msgspec.to_builtins(inspect_file(path, encoding=encoding))
    kept = PlanImport(
        district_id=district.id,
        id=uuid4(),
        plan_id=plan.id,
        state="uploaded",
        file_name=file_name[-200:],
        path=str(path),
        inspection=seen,
        options={"encoding": encoding} if encoding else {},
        stage="",
        progress=0.0,
        created_at=at,
        created_by=by.name,
        changed_at=at,
    )
    session.add(kept)
    session.flush()
    return kept


def get(session: Session, plan: Plan, import_id: UUID, *, lock: bool = False) -> PlanImport:
    """Find an upload of a plan. May raise NotFound."""
    wanted = select(PlanImport).where(PlanImport.plan_id == plan.id, PlanImport.id == import_id)
    kept = session.scalar(wanted.with_for_update() if lock else wanted)
    if kept is None:
        raise NotFound("The plan has no such upload.")
    return kept


def of_plan(session: Session, plan_id: UUID) -> Sequence[PlanImport]:
    """List the newest uploads of a plan."""
    wanted = select(PlanImport).where(PlanImport.plan_id == plan_id)
    return session.scalars(wanted.order_by(PlanImport.created_at.desc()).limit(20)).all()


def inspection_of(kept: PlanImport) -> Inspection:
    """Give back what was seen in the file."""
    return msgspec.convert(kept.inspection, Inspection)


def require_file(kept: PlanImport) -> Path:
    """Give the kept file. May raise Conflict."""
    if not kept.path or not Path(kept.path).is_file():
        raise Conflict("The uploaded file is gone: it was imported or kept for a day. Upload it again.")
    return Path(kept.path)


def suggest(session: Session, kept: PlanImport, levels: Sequence[Level]) -> list[dict[str, Any]]:
    """Suggest, for each layer, level, columns and coordinate system, with what speaks for them."""
    ground = known_ground(session)
    named = city.profile(session).crs_choices
    return [
        {**guesses.of_layer(one, levels), "crs_candidates": _systems(one, named, ground)}
        for one in inspection_of(kept).layers
    ]


def _systems(
    layer: LayerInfo, named: list[str], ground: tuple[float, float, float, float] | None
) -> list[dict[str, Any]]:
    if layer.bbox is None:
        return []
    try:
        return [msgspec.to_builtins(one) for one in candidates(layer.bbox, named, ground)]
    except GeoError:
        return []


def known_ground(session: Session) -> tuple[float, float, float, float] | None:
    """Give the box of what the city has on its maps already."""
    box = session.execute(GROUND).one_or_none()
    return None if box is None else tuple(box)  # type: ignore[return-value]


def start(
    session: Session,
    kept: PlanImport,
    options: dict[str, Any],
    *,
    by: audit.Actor,
    at: datetime,
) -> None:
    """Queue the import of an upload. May raise Conflict."""
    if kept.state == "running":
        raise Conflict("This file is being imported already.")
    require_file(kept)
    kept.state, kept.stage, kept.progress, kept.problem = "running", "waiting", 0.0, None
    kept.result = {"layers": (kept.result or {}).get("layers", [])}  # which are imported stays known
    kept.options, kept.changed_at = options, at
    session.flush()
    actor = {"kind": by.kind, "id": by.id, "name": by.name}
    jobs.defer(session, JOB, district_id=kept.district_id, import_id=str(kept.id), actor=actor)


def finish(kept: PlanImport, done: Imported, *, dry_run: bool, findings: list[Any], at: datetime) -> None:
    """Note what an import did, or would have done."""
    severities = [one.severity for one in done.findings]
    kept.state, kept.stage, kept.progress, kept.changed_at = "done", "", 1.0, at
    earlier = (kept.result or {}).get("layers", [])
    kept.result = {
        "dry_run": dry_run,
        "features": done.features,
        "source": done.source,
        "counts": {word: severities.count(word) for word in ("error", "warning", "info")},
        "findings": [{**one, "geometry": None} for one in findings[:SHOWN_FINDINGS]],
        "layers": earlier if dry_run else sorted({*earlier, done.source["layer"]}),
    }


def refuse(kept: PlanImport, problem: dict[str, Any], *, at: datetime) -> None:
    """Note why a file was not imported; the plan is as it was."""
    kept.state, kept.problem, kept.changed_at = "refused", problem, at


def discard(kept: PlanImport) -> None:
    """Delete the kept file; what was seen in it and what came out stays."""
    if kept.path:
        remove_file(Path(kept.path))
        kept.path = ""


def remove_file(path: Path) -> None:
    """Delete an upload with its folder."""
    path.unlink(missing_ok=True)
    if path.parent.parent.name == "uploads":
        shutil.rmtree(path.parent, ignore_errors=True)


def is_used_up(kept: PlanImport) -> bool:
    """Tell whether every layer of the file was imported."""
    taken = set((kept.result or {}).get("layers", []))
    return {one["name"] for one in kept.inspection["layers"]} <= taken


def sweep(session: Session, folder: Path, *, at: datetime) -> int:
    """Delete uploads nobody touched for a day, and folders nobody knows; gives how many."""
    old = PlanImport.changed_at < at - KEPT_FOR
    rows = session.scalars(select(PlanImport).where(PlanImport.path != "", old)).all()
    for kept in rows:
        if kept.state == "running":
            refuse(kept, {"title": "The import did not end.", "detail": "Upload the file again."}, at=at)
        discard(kept)
    known = {Path(one).parent.name for one in session.scalars(select(PlanImport.path))}
    lost = [one for one in folder.glob("*") if one.name not in known and _is_older(one, at - KEPT_FOR)]
    for one in lost:
        shutil.rmtree(one, ignore_errors=True)
    return len(rows) + len(lost)


def _is_older(path: Path, moment: datetime) -> bool:
    return path.stat().st_mtime < moment.timestamp()
