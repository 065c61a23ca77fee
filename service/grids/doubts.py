"""What a person should look at again although it could be read: odd units, odd codes, shifted maps."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.crs import is_ballpark
from geo.formats import Table
from geo.partition import Finding, GridRecord, Layer
from geo.suspicion import suspect_shift, suspect_units
from service.city.models import District, Level
from service.grids.models import Plan, PlanLayer

SAME_NUMBERS = ("wgs84", "cgcs2000", "EPSG:4326", "EPSG:4490")
# The Chinese shift is some 500 m and the same all over a city: outlines a few metres rough tell it as well.
ROUGH_DEGREES = 2e-5


def of_table(table: Table) -> list[dict[str, Any]]:
    """Tell what is odd about the coordinates of a file."""
    bounds = tuple(float(value) for value in shapely.total_bounds(table.geometries))
    doubt = suspect_units(bounds, table.crs)  # type: ignore[arg-type]
    found = [] if doubt is None else [{"kind": doubt.kind, "detail": doubt.detail}]
    if is_ballpark(table.crs):
        detail = f"{table.crs.key} can only be converted to about a metre or worse."
        found.append({"kind": "ballpark", "detail": detail})
    return found


def lost_edits(count: int) -> list[Finding]:
    """Warn about edits whose face a new import took away."""
    detail = f"{count} reassigned faces changed shape with this import: look at them again."
    return [Finding("edit-lost", "warning", (), 0.0, None, detail)] if count else []


def off_scheme(grids: Sequence[GridRecord], levels: Sequence[Level]) -> list[Finding]:
    """Warn about codes that don't look as the code scheme says, one finding a level."""
    found = []
    for level in levels:
        codes = tuple(one.code for one in grids if one.level == level.code)
        wrong = tuple(code for code in codes if level.code_pattern and not re.match(level.code_pattern, code))
        if wrong:
            detail = (
                f"{len(wrong)} codes of level {level.code} do not fit the code scheme {level.code_pattern}."
            )
            members = {"level": level.code}
            found.append(Finding("off-scheme-code", "warning", wrong, 0.0, None, detail, members))
    return found


def shifted(session: Session, plan: Plan, district: District, layers: Sequence[Layer]) -> list[Finding]:
    """Note doubts of the files, and layers that fit another layer better after un-shifting."""
    found = []
    grounds = {one.level: _ground(one) for one in layers if one.features}
    wanted = select(PlanLayer).where(PlanLayer.plan_id == plan.id, PlanLayer.district_id == district.id)
    for layer in session.scalars(wanted):
        found += [_suspect(one["detail"], {"level": layer.level, **one}) for one in layer.source["doubts"]]
        own = grounds.get(layer.level)
        if own is None or layer.source["crs"] not in SAME_NUMBERS:
            continue
        level = _neighbour(layer.level, list(grounds))
        doubt = None if level is None else suspect_shift(own, grounds[level])
        if doubt is not None:
            members = {"level": layer.level, "against": level, **doubt.members}
            found.append(_suspect(doubt.detail, members))
    return found


def _neighbour(level: str, present: list[str]) -> str | None:
    """Give the level whose ground a level should have: the one above, for the coarsest the one below."""
    at = present.index(level)
    if at > 0:
        return present[at - 1]
    return present[1] if len(present) > 1 else None


def _suspect(detail: str, members: dict[str, Any]) -> Finding:
    return Finding("coordinates-suspect", "warning", (), 0.0, None, detail, members)


def _ground(layer: Layer) -> NDArray[Any]:
    """Give the ground of a layer as one rough shape: enough to compare areas, cheap for 60,000 yards."""
    shapes = [one.geometry for one in layer.features if one.geometry is not None]
    present = np.array([one for one in shapes if not one.is_empty], dtype=object)
    if not len(present):
        return present
    rough = shapely.make_valid(shapely.simplify(present, ROUGH_DEGREES, preserve_topology=False))
    return np.array([shapely.union_all(rough)], dtype=object)
