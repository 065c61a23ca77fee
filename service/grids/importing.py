"""Bring a file into a plan: read it, keep its features as they are, make the partition of all layers anew."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from geo.crs import geometries_to_lonlat, parse_crs
from geo.errors import MalformedPoints, UnknownField
from geo.formats import Table, as_code, read_table
from geo.partition import Feature, Gap, Layer, partition
from service import audit
from service.city import queries as city
from service.city.models import District, Level, Scheme
from service.db import database_now
from service.errors import Conflict, Invalid
from service.grids import actions, checking, content, doubts, posts, queries
from service.grids.models import Plan, PlanDistrict, PlanFeature, PlanFinding, PlanGap, PlanLayer

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What to read from which file into which plan."""

    plan: str
    level: str
    path: Path
    code_field: str
    name_field: str
    parent_field: str | None = None
    crs: str | None = None
    encoding: str | None = None
    layer: str | None = None
    scheme: str | None = None
    district: str | None = None
    base: str = "current"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    plan: Plan
    features: int
    source: dict[str, Any]
    findings: list[PlanFinding] = field(default_factory=list)


def import_file(
    session: Session, wanted: Request, *, by: audit.Actor, at: datetime, progress: Progress | None = None
) -> Imported:
    """Import a file as one level of a plan; all or nothing with the transaction. May raise GeoError, Invalid."""
    scheme = city.get_scheme(session, wanted.scheme)
    district = city.the_district(session, wanted.district)
    levels = list(city.levels(session, scheme.id))
    if wanted.level not in [level.code for level in levels]:
        known = ", ".join(level.code for level in levels)
        raise Invalid(f"There is no level {wanted.level!r}. Known: {known}.", field="level")
    declared = parse_crs(wanted.crs) if wanted.crs else None
    tell = progress or (lambda stage, share: None)
    tell("read", 0.0)
    table = read_table(wanted.path, layer=wanted.layer, encoding=wanted.encoding, crs=declared)
    odd = doubts.of_table(table)
    features = _features(table, wanted, odd)
    tell("keep", 0.2)
    plan = _open_plan(session, wanted, scheme, by=by, at=at)
    place = actions.touch_district(session, plan, district, at=at)
    _check_parents(session, plan, district, wanted, levels, features)
    source = {
        "file": wanted.path.name,
        "layer": table.layer,
        "crs": table.crs.key,
        "encoding": table.encoding,
        "fields": {"code": wanted.code_field, "name": wanted.name_field, "parent": wanted.parent_field},
        "doubts": odd,
    }
    _keep(session, plan, district, wanted.level, features, source, by=by, at=at)
    found = repartition(session, plan, place, district, levels, progress=tell)
    audit.record(
        session, by=by, at=at, verb="imported", thing=("plan", plan.name), district_id=district.id, **source
    )
    # Edits of another district that nobody checked yet stay unchecked.
    was_checked = not checking.is_stale(plan)
    plan.version += 1
    plan.checked_version, plan.changed_at = plan.version if was_checked else plan.checked_version, at
    return Imported(plan, len(features), source, found)


def _features(table: Table, wanted: Request, odd: list[dict[str, Any]]) -> list[Feature]:
    columns = {}
    for option in ("code_field", "name_field", "parent_field"):
        name = getattr(wanted, option)
        if name is None:
            columns[option] = [None] * len(table.geometries)
        elif name in table.columns:
            columns[option] = table.columns[name]
        else:
            known = ", ".join(table.columns)
            flag = "--" + option.replace("_", "-")
            raise UnknownField(
                f"The layer has no field {name!r} ({flag}). It has: {known}.", fields=list(table.columns)
            )
    try:
        geometries = geometries_to_lonlat(table.geometries, table.crs)
    except MalformedPoints as error:
        if not odd:
            raise
        # What looks odd about the whole file says more than the first place that is not on earth.
        raise MalformedPoints(f"{odd[0]['detail']} Declare the right one: --crs.", **error.members) from error
    return [
        Feature(
            as_code(code),
            "" if name is None else str(name),
            None if parent is None else as_code(parent),
            shape,
        )
        for code, name, parent, shape in zip(*columns.values(), geometries, strict=True)
    ]


def _open_plan(session: Session, wanted: Request, scheme: Scheme, *, by: audit.Actor, at: datetime) -> Plan:
    plan = queries.find_open_plan(session, wanted.plan)
    if plan is not None:
        if plan.state != "draft":
            raise Conflict(f"The plan {plan.name!r} is {plan.state}: only a draft can be changed.")
        return plan
    return actions.create_plan(session, wanted.plan, scheme, base=wanted.base, by=by, at=at)


def _check_parents(
    session: Session,
    plan: Plan,
    district: District,
    wanted: Request,
    levels: list[Level],
    features: list[Feature],
) -> None:
    """Refuse early where nothing says whose children these are. May raise Invalid."""
    at_level = next(level for level in levels if level.code == wanted.level)
    coarser = {level.code for level in levels if level.position < at_level.position}
    present = set(session.scalars(select(PlanLayer.level).where(PlanLayer.plan_id == plan.id)))
    if wanted.parent_field is not None or not coarser & present:
        return
    parsable = re.compile(at_level.code_pattern) if at_level.code_pattern else None
    lost = [one.code for one in features if parsable is None or not parsable.match(one.code)]
    if lost:
        raise Invalid(
            f"The codes do not say their parent ({lost[0]!r} and {len(lost) - 1} more): name the field with "
            "--parent-field.",
            field="parent_field",
        )


def _keep(
    session: Session,
    plan: Plan,
    district: District,
    level: str,
    features: list[Feature],
    source: dict[str, Any],
    *,
    by: audit.Actor,
    at: datetime,
) -> None:
    where = (PlanLayer.district_id == district.id, PlanLayer.plan_id == plan.id, PlanLayer.level == level)
    session.execute(delete(PlanLayer).where(*where))
    session.add(
        PlanLayer(
            district_id=district.id,
            plan_id=plan.id,
            level=level,
            source=source,
            imported_at=at,
            imported_by=by.name,
        )
    )
    session.flush()  # the features refer to it and go past the session
    cursor = session.connection().connection.cursor()
    with cursor.copy("copy plan_feature from stdin") as copy:
        for number, one in enumerate(features):
            ewkb = shapely.to_wkb(
                shapely.set_srid(one.geometry or shapely.Polygon(), 4490), hex=True, include_srid=True
            )
            copy.write_row((district.id, plan.id, level, number, one.code, one.name, one.parent, ewkb))


def repartition(
    session: Session,
    plan: Plan,
    place: PlanDistrict,
    district: District,
    levels: list[Level],
    *,
    progress: Progress | None = None,
) -> list[PlanFinding]:
    """Make the faces of a district anew from all layers of the plan and note what was found."""
    base = _base_layers(session, plan, place)
    layers = []
    for level in levels:
        features = _stored(session, plan, district, level.code)
        codes = {one.code for one in features}
        layers.append(
            Layer(
                level.code, (*features, *(one for one in base.get(level.code, []) if one.code not in codes))
            )
        )
    gaps = [
        Gap(shapely.from_wkb(bytes(row.geom.data)), row.parent, row.reason)
        for row in session.scalars(
            select(PlanGap).where(PlanGap.plan_id == plan.id, PlanGap.district_id == district.id)
        )
    ]
    present = [level for level, layer in zip(levels, layers, strict=True) if layer.features]
    tell = progress or (lambda stage, share: None)
    made = partition(
        layers,
        parent_by_code=_code_scheme(present, levels),
        gaps=gaps,
        progress=lambda stage, share: tell(stage, 0.25 + 0.6 * share),
    )
    tell("write", 0.85)
    content.replace(
        session,
        district_id=district.id,
        scheme_id=plan.scheme_id,
        snapshot_id=place.snapshot_id,
        made=made,
        levels=levels,
    )
    lost = actions.replay(session, plan, place)
    tell("compare", 0.93)
    today = posts.today_in_city(session, database_now(session))
    extra = [
        *doubts.off_scheme(made.grids, levels),
        *doubts.shifted(session, plan, district, layers),
        *doubts.lost_edits(lost),
        *posts.without_leader(session, district.id, place.snapshot_id, today),
    ]
    return checking.note(session, plan, district.id, [*made.findings, *extra])


def _stored(session: Session, plan: Plan, district: District, level: str) -> list[Feature]:
    wanted = select(PlanFeature).where(
        PlanFeature.plan_id == plan.id, PlanFeature.district_id == district.id, PlanFeature.level == level
    )
    rows = session.scalars(wanted.order_by(PlanFeature.number)).all()
    shapes = shapely.from_wkb([bytes(row.geom.data) for row in rows]) if rows else []
    return [Feature(row.code, row.name, row.parent, shape) for row, shape in zip(rows, shapes, strict=True)]


def _base_layers(session: Session, plan: Plan, place: PlanDistrict) -> dict[str, list[Feature]]:
    """Give the grids of the base edition as layers: the ground of each is the union of its faces."""
    if place.base_edition is None:
        return {}
    edition = queries.get_edition(session, place.district_id, place.base_edition)
    grids = {one.grid_id: one for one in queries.grids_of(session, place.district_id, edition.snapshot_id)}
    ground: dict[UUID, list[shapely.Geometry]] = {one: [] for one in grids}
    for face in queries.faces_of(session, place.district_id, edition.snapshot_id):
        grid_id = face.grid_id if face.kind != "gap" else None
        while grid_id is not None:
            ground[grid_id].append(shapely.from_wkb(bytes(face.wkb)))
            grid_id = grids[grid_id].parent_id
    layers: dict[str, list[Feature]] = {}
    for grid_id, grid in grids.items():
        parent = grids[grid.parent_id].code if grid.parent_id else None
        shape = shapely.union_all(ground[grid_id], grid_size=None) if ground[grid_id] else shapely.Polygon()
        layers.setdefault(grid.level, []).append(Feature(grid.code, grid.name, parent, shape))
    return layers


def _code_scheme(present: list[Level], levels: list[Level]) -> Callable[[str, str], str | None]:
    """Give what codes say: the code of the parent at the nearest coarser level that is present."""
    by_code = {level.code: level for level in levels}

    def parent(level: str, code: str) -> str | None:
        own = by_code[level]
        above = [one for one in present if one.position < own.position]
        if not above or not own.code_pattern or not re.match(own.code_pattern, code):
            return None
        return code[: levels[above[-1].position + 1].parent_length]

    return parent
