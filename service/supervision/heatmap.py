"""One heatmap: what was asked, the reports it is about, its figures and its picture."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from geo import raster
from service.assignment.in_force import IN_FORCE
from service.assignment.maps import EditionMap, GridRow
from service.errors import Invalid
from service.supervision import queries
from service.supervision.periods import Window, window
from service.supervision.tally import GridCount, judged, tally

if TYPE_CHECKING:
    from service.supervision.drawing import Picture

WORST = 10
BASELINE_MAY_LACK = timedelta(days=1)  # a period before the first report can't be compared with
MINOR_ROADS = ("lane", "path", "track", "vlane", "wall", "levee", "oldstreet")
BACKDROP_TOLERANCE = 0.0001


class HeatmapQuery(BaseModel):
    """Which reports, and how they are shown. `from` is the first day, `to` the first day no more."""

    model_config = ConfigDict(populate_by_name=True)

    days: int = Field(28, ge=1, le=3660)
    from_on: date | None = Field(None, alias="from")
    to_on: date | None = Field(None, alias="to")
    category: str | None = Field(None, max_length=100)
    grid: str | None = Field(None, max_length=200)
    level: str | None = Field(None, max_length=100)
    view: Literal["now", "previous", "difference"] = "now"

    @model_validator(mode="before")
    @classmethod
    def _empty_fields_of_a_form_say_nothing(cls, given: Any) -> Any:
        return {name: one for name, one in given.items() if one != ""} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _no_nul(self) -> Self:
        if any("\x00" in (one or "") for one in (self.category, self.grid, self.level)):
            raise ValueError("a text holds a character that is not allowed")
        return self


@dataclass(frozen=True, slots=True)
class Heatmap:
    """What was asked, resolved against the maps in force."""

    as_of: datetime
    window: Window
    filters: queries.Filters
    category: str | None
    grid: GridRow | None
    level: str
    levels: tuple[str, ...]
    view: str
    maps: list[EditionMap]
    extent: tuple[float, float, float, float] | None


def resolve(session: Session, asked: HeatmapQuery, district_ids: frozenset[int] | None) -> Heatmap:
    """Find what a query names; `district_ids` limits it to a person's districts. May raise Invalid."""
    now, profile = IN_FORCE.now(), IN_FORCE.profile
    scheme_id = IN_FORCE.scheme_id(None)
    levels = IN_FORCE.levels.get(scheme_id, ()) if scheme_id is not None else ()
    maps = IN_FORCE.maps_at(scheme_id, now) if scheme_id is not None else []
    if district_ids is not None:
        maps = [one for one in maps if one.key.district_id in district_ids]
    level = asked.level or (levels[1] if len(levels) > 1 else "".join(levels[:1]))
    if level not in levels:
        raise _refused("level", f"There is no level {level!r}. Known: {', '.join(levels)}.")
    if asked.category is not None and asked.category not in {one.code for one in profile.categories}:
        known = ", ".join(one.code for one in profile.categories)
        raise _refused("category", f"There is no category {asked.category!r}. Known: {known}.")
    about = window(
        days=asked.days, from_on=asked.from_on, to_on=asked.to_on, now=now, time_zone=profile.time_zone
    )
    found = _grid(maps, asked.grid) if asked.grid is not None else None
    grid_ids = queries.grids_below(session, found[0].key.district_id, found[1].id) if found else None
    districts = None if district_ids is None else tuple(sorted(district_ids))
    return Heatmap(
        as_of=now,
        window=about,
        filters=queries.Filters(asked.category, grid_ids, districts),
        category=asked.category,
        grid=found[1] if found else None,
        level=level,
        levels=levels,
        view=asked.view,
        maps=maps,
        extent=_extent(maps),
    )


def _refused(field: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[{"pointer": f"/{field}", "detail": detail}])


def _grid(maps: Sequence[EditionMap], asked: str) -> tuple[EditionMap, GridRow]:
    level, _, code = asked.rpartition(":")
    found = [
        (one, grid)
        for one in maps
        for grid in one.grids
        if grid.code == (code if level else asked) and (not level or grid.level == level)
    ]
    found = found or [(one, grid) for one in maps for grid in one.grids if grid.name == asked]
    if not found:
        raise _refused("grid", f"There is no grid {asked[:60]!r} in force.")
    if len(found) > 1:
        choices = ", ".join(f"{grid.level}:{grid.code} {grid.name}" for _, grid in found[:5])
        raise _refused("grid", f"Several grids are called {asked[:60]!r}: {choices}. Write LEVEL:CODE.")
    return found[0]


def _extent(maps: Sequence[EditionMap]) -> tuple[float, float, float, float] | None:
    boxes = np.array([one.locator.bounds for one in maps if len(one.locator)]).reshape(-1, 4)
    if len(boxes) == 0:
        return None
    west, south = boxes[:, :2].min(axis=0).tolist()
    east, north = boxes[:, 2:].max(axis=0).tolist()
    return west, south, east, north


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of a heatmap: of all reports, of those beyond the drawn map, of each grid, most first."""

    count: int
    before: int
    left_out: int
    grids: list[GridCount]


def figures(session: Session, asked: Heatmap) -> Figures:
    """Count."""
    nowhere = (math.inf, math.inf, -math.inf, -math.inf)
    rows = queries.counts(session, asked.window, asked.filters, asked.extent or nowhere)
    grids = tally(session, rows, asked.window.weeks, asked.level, asked.maps)
    first = queries.first_report_at(session, asked.filters.district_ids)
    if first is not None and first <= asked.window.previous.start + BASELINE_MAY_LACK:
        grids = judged(grids)
    count, before, beyond = (sum(getattr(one, name) for one in rows) for name in ("now", "before", "beyond"))
    return Figures(count, before, beyond, grids)


def picture(session: Session, asked: Heatmap, grids: Sequence[GridCount]) -> "Picture | None":
    """Draw; None where no map is in force."""
    from service.supervision.drawing import Picture  # Folium takes long to import

    if asked.extent is None:
        return None
    frame = raster.frame_of(asked.extent)
    classed, colours, clear = _surface(session, asked, frame)
    position = asked.levels.index(asked.level)
    return Picture(
        classed=classed,
        colours=colours,
        clear=clear,
        frame=frame,
        view=_view(asked),
        maps=asked.maps,
        levels=asked.levels[: position + 1],
        level=asked.level,
        ranked=[one for one in grids if one.count][:WORST],
        counts={one.grid_id: one for one in grids},
        backdrop=_backdrop(session),
    )


def _surface(
    session: Session, asked: Heatmap, frame: raster.Frame
) -> tuple[NDArray[np.uint8], tuple[str, ...], int]:
    def density(about: Window) -> NDArray[np.float64]:
        found = queries.points(session, about, asked.filters)
        return raster.density(found, frame, weeks=about.weeks)

    if asked.view == "difference":
        change = density(asked.window) - density(asked.window.previous)
        return raster.classes(change, raster.CHANGE_BREAKS), raster.CHANGE_COLOURS, raster.CHANGE_CLEAR
    about = asked.window.previous if asked.view == "previous" else asked.window
    return raster.classes(density(about)), raster.COLOURS, 0


def _view(asked: Heatmap) -> tuple[float, float, float, float]:
    if asked.grid is not None:
        for one in asked.maps:
            owned = [
                face
                for face, owner in enumerate(one.locator.owners.tolist())
                if owner >= 0 and asked.grid.id in {one.grids[up].id for up in one.grids[owner].chain}
            ]
            if owned:
                west, south, east, north = shapely.total_bounds(one.locator.faces[owned]).tolist()
                return west, south, east, north
    assert asked.extent is not None  # noqa: S101 - for the type checker
    return asked.extent


_drawn: dict[str, list[shapely.Geometry]] = {}
_drawing = threading.Lock()


def _backdrop(session: Session) -> dict[str, list[shapely.Geometry]]:
    """Give the backdrop, coarsened for a whole city; read once a process, it never changes while one runs."""
    with _drawing:
        if not _drawn:
            for row in queries.backdrop(session, MINOR_ROADS):
                shape = shapely.simplify(shapely.from_wkb(bytes(row.wkb)), BACKDROP_TOLERANCE)
                _drawn.setdefault(row.layer, []).append(shape)
        return dict(_drawn)
