"""The heatmap over HTTP: the page, its framed map, tables for spreadsheets, the same figures as JSON."""

from dataclasses import dataclass
from typing import Any

from apiflask import APIBlueprint
from flask import Response, render_template, request, url_for
from flask_babel import gettext as _
from pydantic import Field
from sqlalchemy.orm import Session as OrmSession

from geo import raster
from service.assignment.in_force import IN_FORCE
from service.db import Session
from service.http import json_response, query
from service.openapi import takes
from service.people.guards import principal, requires
from service.people.permissions import Permission
from service.supervision import tables, wording
from service.supervision.heatmap import WORST, Figures, Heatmap, HeatmapQuery, figures, picture, resolve
from service.supervision.tally import GridCount

bp = APIBlueprint("supervision", __name__)
PERIODS = (7, 28, 84)
# Folium writes its scripts into the page, so this page is shut in instead: no cookies, no storage, no requests
# but for its own assets, also where it is opened by itself.
FRAME_CSP = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-scripts"
)


class HeatmapListQuery(HeatmapQuery):
    """As the heatmap's, and how many grids are listed."""

    limit: int = Field(WORST, ge=1, le=10_000)


@dataclass(frozen=True, slots=True)
class _Answer:
    asked: Heatmap
    found: Figures


def _district_ids() -> frozenset[int] | None:
    granted = {place for one, place in principal().grants if one is Permission.HEATMAP_READ}
    return None if None in granted else frozenset(place for place in granted if place is not None)


def _answer(session: OrmSession, wanted: HeatmapQuery) -> _Answer:
    asked = resolve(session, wanted, _district_ids())
    return _Answer(asked, figures(session, asked))


@bp.get("/heatmap")
@requires(Permission.HEATMAP_READ)
def heatmap_page() -> str:
    """Show the heatmap with the grids that have most reports beside it."""
    wanted = query(HeatmapQuery)
    with Session() as session:
        answer = _answer(session, wanted)
    asked, found = answer.asked, answer.found
    given = {name: one for name, one in request.args.items() if one and name != "locale"}

    def link(endpoint: str = "supervision.heatmap_page", **changed: Any) -> str:
        return url_for(endpoint, **{**given, **changed})

    return render_template(
        "heatmap.html",
        asked=asked,
        found=found,
        link=link,
        given=given,
        days=None if asked_days(given) else wanted.days,
        periods=PERIODS,
        worst=[one for one in found.grids if one.count][:WORST],
        choices=_choices(asked),
        categories=[(one.code, wording.category_name(one.code)) for one in IN_FORCE.profile.categories],
        words=wording,
    )


def asked_days(given: dict[str, str]) -> bool:
    """Tell whether the period was given by days rather than by its length."""
    return bool(given.get("from") or given.get("to"))


def _choices(asked: Heatmap) -> list[tuple[str, str]]:
    """List the grids that the filter offers: those of the levels above the finest."""
    offered = asked.levels[:2]
    return [
        (f"{grid.level}:{grid.code}", grid.name)
        for one in asked.maps
        for grid in one.grids
        if grid.level in offered
    ]


@bp.get("/heatmap/frame")
@requires(Permission.HEATMAP_READ)
def heatmap_frame() -> Response:
    """Show the map alone, for the page's frame."""
    with Session() as session:
        answer = _answer(session, query(HeatmapQuery))
        html = render(session, answer.asked, answer.found)
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = FRAME_CSP
    return response


def render(session: OrmSession, asked: Heatmap, found: Figures) -> str:
    """Give the map as one page, or a page that says that there is none."""
    from service.supervision.drawing import draw  # Folium takes long to import

    title = f"{_('Heatmap')} · {wording.period(wording.shown_window(asked))}"
    drawn = picture(session, asked, found.grids)
    if drawn is None:
        return render_template("heatmap_empty.html", title=title)
    texts = {
        "surface": _("Density of reports"),
        "name": _("Grid"),
        "code": _("Code"),
        "count": _("Reports"),
        "rate": wording.unit(),
        **{level: wording.level_name(level) for level in asked.levels},
    }
    legend = render_template(
        "heatmap_legend.html",
        asked=asked,
        found=found,
        words=wording,
        breaks=raster.CHANGE_BREAKS if asked.view == "difference" else raster.BREAKS,
        bandwidth_m=raster.BANDWIDTH_M,
    )
    return draw(drawn, title=title, legend=legend, texts=texts)


@bp.get("/heatmap/table.csv")
@requires(Permission.HEATMAP_READ)
@bp.doc(hide=True)
def table_csv() -> Response:
    """Give the figures of all grids of the level as CSV."""
    answer = _read(query(HeatmapQuery))
    return _file(tables.as_csv(*_table(answer)), tables.CSV_TYPE, answer, "csv")


@bp.get("/heatmap/table.xlsx")
@requires(Permission.HEATMAP_READ)
@bp.doc(hide=True)
def table_xlsx() -> Response:
    """Give the figures of all grids of the level as XLSX, with what they are about on a second sheet."""
    answer = _read(query(HeatmapQuery))
    about = wording.notes(answer.asked, answer.found)
    return _file(tables.as_xlsx(*_table(answer), about), tables.XLSX_TYPE, answer, "xlsx")


def _read(wanted: HeatmapQuery) -> _Answer:
    with Session() as session:
        return _answer(session, wanted)


def _table(answer: _Answer) -> tuple[list[str], list[list[Any]]]:
    rows = [wording.row(rank, one) for rank, one in enumerate(answer.found.grids, 1)]
    return wording.header(answer.asked), rows


def _file(content: bytes, kind: str, answer: _Answer, ending: str) -> Response:
    day = f"{wording.local(answer.asked.window.end):%Y%m%d}"
    response = Response(content, mimetype=kind.split(";")[0], content_type=kind)
    name = f"heatmap-{answer.asked.level}-{day}.{ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@bp.get("/api/v1/heatmap")
@requires(Permission.HEATMAP_READ)
@takes(query=HeatmapListQuery)
@bp.doc(summary="Reports of a period by grid: counts, density, change", tags=["supervision"])
def heatmap_figures() -> Response:
    """Answer the figures behind the heatmap."""
    wanted = query(HeatmapListQuery)
    answer = _read(wanted)
    asked, found = answer.asked, answer.found
    return json_response(
        {
            "as_of": asked.as_of.isoformat(),
            "window": _window(asked.window),
            "previous": _window(asked.window.previous),
            "time_zone": IN_FORCE.profile.time_zone,
            "filters": {"category": asked.category, "grid": asked.grid.code if asked.grid else None},
            "unit": "reports/km2/week",
            "breaks": list(raster.BREAKS),
            "bandwidth_m": raster.BANDWIDTH_M,
            "count": found.count,
            "previous_count": found.before,
            "outside_map_count": found.left_out,
            "level": asked.level,
            "grids": [_grid(rank, one) for rank, one in enumerate(found.grids[: wanted.limit], 1)],
        }
    )


def _window(one: Any) -> dict[str, Any]:
    return {"from": one.start.isoformat(), "to": one.end.isoformat(), "weeks": round(one.weeks, 6)}


def _grid(rank: int, one: GridCount) -> dict[str, Any]:
    return {
        "rank": rank,
        "id": str(one.grid_id),
        "code": one.code,
        "name": one.name,
        "part_of": one.parent_name,
        "count": one.count,
        "previous_count": one.before,
        "area_km2": one.area_km2,
        "per_km2_week": one.per_km2_week,
        "change": one.change,
    }
