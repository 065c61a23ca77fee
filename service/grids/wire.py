"""How plans, findings, editions and grids look as JSON."""

import json
from typing import Any

import shapely
from sqlalchemy import Row
from sqlalchemy.orm import Session

from service.city.models import District
from service.grids.models import Edition, Plan, PlanFinding, PlanImport, SnapshotGrid, Waiver
from service.sentences import problem, say


def finding(one: PlanFinding) -> dict[str, Any]:
    """Give a finding as JSON has it."""
    return {
        "rule": one.rule,
        "severity": one.severity,
        "grids": list(one.grids),
        "area_m2": one.area_m2,
        "detail": say(one.detail),
        "fingerprint": one.fingerprint,
        "geometry": _stored(one.geom),
    }


def _stored(geom: Any) -> Any:
    if geom is None:
        return None
    if isinstance(geom, str):
        return geojson(shapely.from_wkt(geom.partition(";")[2]))
    return geojson(shapely.from_wkb(geom.data if isinstance(geom.data, str) else bytes(geom.data)))


def geojson(shape: shapely.Geometry | None) -> Any:
    """Give a geometry as GeoJSON, coordinates as they are stored."""
    return None if shape is None else json.loads(shapely.to_geojson(shape))


def edition(session: Session, one: Edition) -> dict[str, Any]:
    """Give an edition as JSON has it."""
    district = session.get_one(District, one.district_id)
    return {
        "district": district.code,
        "number": one.number,
        "in_force_from": one.in_force_from.isoformat(),
        "published_by": one.published_by,
        "rollback_to": one.rollback_to,
    }


def upload(session: Session, one: PlanImport) -> dict[str, Any]:
    """Give an upload and how far its import is as JSON has it."""
    return {
        "id": str(one.id),
        "file": one.file_name,
        "district": session.get_one(District, one.district_id).code,
        "state": one.state,
        "stage": one.stage,
        "progress": one.progress,
        "problem": problem(one.problem) if one.problem else None,
        "result": _said(one.result),
        "options": one.options,
        "created_at": one.created_at.isoformat(),
        "created_by": one.created_by,
        "is_kept": bool(one.path),
    }


def _said(result: dict[str, Any] | None) -> dict[str, Any] | None:
    """Say the findings of a result in the asker's language; they were made by a job."""
    if result is None:
        return None
    found = [{**one, "detail": say(one["detail"])} for one in result.get("findings", [])]
    return {**result, "findings": found}


def waiver(one: Waiver) -> dict[str, Any]:
    """Give a waiver as JSON has it."""
    return {
        "id": str(one.id),
        "rule": one.rule,
        "fingerprint": one.fingerprint,
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(),
    }


def plan(one: Plan) -> dict[str, Any]:
    """Give a plan as JSON has it."""
    return {
        "id": str(one.id),
        "name": one.name,
        "state": one.state,
        "base": one.base,
        "version": one.version,
        "created_at": one.created_at.isoformat(),
        "created_by": one.created_by,
        "changed_at": one.changed_at.isoformat(),
        "submitted_by": one.submitted_by,
        "approved_by": one.approved_by,
        "published_at": one.published_at.isoformat() if one.published_at else None,
    }


def plan_grid(one: SnapshotGrid) -> dict[str, Any]:
    """Give a grid of a plan as JSON has it."""
    return {
        "id": str(one.grid_id),
        "code": one.code,
        "name": one.name,
        "level": one.level,
        "parent_id": str(one.parent_id) if one.parent_id else None,
    }


def face(one: Row[Any]) -> dict[str, Any]:
    """Give a face of a plan as a GeoJSON feature; the reason of a gap stays on the server."""
    return {
        "type": "Feature",
        "id": str(one.id),
        "geometry": geojson(shapely.from_wkb(bytes(one.wkb))),
        "properties": {"kind": one.kind, "grid_id": str(one.grid_id) if one.grid_id else None},
    }
