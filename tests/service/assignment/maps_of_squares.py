"""Maps of small squares in memory: two districts, three levels, gaps with and without a grid, no database."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import shapely

from geo.locator import Locator
from service.assignment.contents import Contents, GridRow
from service.assignment.maps import EditionKey, EditionMap
from service.assignment.question import Question

LEVELS = ("subdistrict", "community", "yard")
STEP = 0.001
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def square(column: float, row: float, width: float = 1.0, height: float = 1.0) -> shapely.Polygon:
    """A square of the lattice, about a hundred metres wide."""
    west, south = 116 + column * STEP, 32 + row * STEP
    return shapely.box(west, south, west + width * STEP, south + height * STEP)


def district(code: str, number: int, column: float) -> EditionMap:
    """Two communities of four squares each: yards, public ground, a gap of the community, a gap of nobody."""
    ids = iter(range(10_000 * number, 10_000 * number + 100))
    grids = [GridRow(UUID(int=next(ids)), f"{code}1", "街道", "subdistrict", 0, (0,))]
    faces: list[tuple[bool, int, str, UUID, shapely.Polygon, str, int]] = []

    def face(kind: str, owner: int, shape: shapely.Polygon) -> None:
        own = grids[owner] if owner >= 0 else None
        key = (kind == "gap", 1 if own is None else -own.position, own.code if own else "")
        faces.append((*key, UUID(int=next(ids)), shape, kind, owner))

    for nth in range(2):
        community = len(grids)
        place = (0, community)
        grids.append(GridRow(UUID(int=next(ids)), f"{code}1{nth}", f"社区,{nth}", "community", 1, place))
        for yard in range(2):
            own = len(grids)
            made = GridRow(
                UUID(int=next(ids)), f"{code}1{nth}{yard}", '院"落', "yard", 2, (*place, own), "dedicated"
            )
            grids.append(made)
            face("grid", own, square(column + 2 * nth + yard, 0))
        face("public", community, square(column + 2 * nth, 1))
        face("gap", community if nth == 0 else -1, square(column + 2 * nth + 1, 1))
    faces.sort(key=lambda one: one[:4])
    key = EditionKey(number, code, f"区{code}", number, 1, UUID(int=number), NOW)
    owners = np.array([one[6] for one in faces])
    return EditionMap.of(
        key,
        contents(grids, [(one[3], one[5]) for one in faces]),
        Locator.build([one[4] for one in faces], owners),
    )


def contents(grids: list[GridRow], faces: list[tuple[UUID, str]]) -> Contents:
    """The columns of grids, and of faces given by id and kind."""
    rows = [
        SimpleNamespace(
            grid_id=one.id, code=one.code, name=one.name, level=one.level, position=one.position, kind=one.kind,
            parent_id=grids[one.chain[-2]].id if len(one.chain) > 1 else None,
        )
        for one in grids
    ]  # fmt: skip
    return Contents.of(rows, [SimpleNamespace(id=face, kind=kind) for face, kind in faces])


def two_districts(overlap: float = 0.0) -> list[EditionMap]:
    """Two districts side by side, or a little into each other."""
    return [district("99", 1, 0), district("98", 2, 4 - overlap)]


def in_force_with(maps: list[EditionMap]) -> Any:
    """What the look-up asks of the maps in force."""
    profile = SimpleNamespace(tolerance_m=30.0, geographic_crs="EPSG:4490")
    return SimpleNamespace(
        maps_at=lambda scheme, moment: maps,
        profile=profile,
        leader=lambda grid: None,
        scheme_code=lambda scheme: "grid",
    )


def question(level: str | None = None, locale: str = "zh") -> Question:
    return Question(1, NOW, NOW, locale, contacts=False, level=level)
