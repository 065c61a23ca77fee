"""The heatmap as a Folium map: backdrop, surface, borders and ranks, each text escaped."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any
from uuid import UUID

import folium
import numpy as np
import shapely
from branca.element import MacroElement
from folium.template import Template
from numpy.typing import NDArray

from geo import raster
from service.assignment.maps import EditionMap
from service.supervision.assets import ABROAD, PREFIX
from service.supervision.grounds import outline, outlines
from service.supervision.tally import GridCount

MAX_ZOOM = 19  # without tiles Leaflet knows no greatest zoom, and some layers then draw nothing
OPACITY = 0.82
DIGITS = 5  # of degrees, about a metre
LEVEL_LINES = (("#3D3A78", 2.4), ("#5F6CA8", 1.1), ("#8B93A1", 0.8))
LAND = {"color": "#F3F2EE", "weight": 0, "fillColor": "#F3F2EE", "fillOpacity": 1}
BACKDROP: dict[str, dict[str, Any]] = {
    "water": {"color": "#CBDDE8", "weight": 1, "fillColor": "#CBDDE8", "fillOpacity": 1},
    "parks": {"color": "#DFE8D8", "weight": 0.5, "fillColor": "#DFE8D8", "fillOpacity": 1},
    "roads": {"color": "#FFFFFF", "weight": 2.2, "fill": False},
    "rail": {"color": "#B4BBC2", "weight": 1.4, "dashArray": "6 5", "fill": False},
}
MOST_OUTLINES = 1500  # more borders than that are a black picture and a heavy page
LABELS = ("name", "code", "count", "rate")


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn.

    `classed` is the surface in classes on `frame`, `clear` its transparent class; `view` is shown at first;
    borders of `levels` are drawn, those of `level` can be clicked and show `counts`; `ranked` get numbers.
    """

    classed: NDArray[np.uint8]
    colours: tuple[str, ...]
    clear: int
    frame: raster.Frame
    view: tuple[float, float, float, float]
    maps: Sequence[EditionMap]
    levels: tuple[str, ...]
    level: str
    ranked: Sequence[GridCount]
    counts: dict[UUID, GridCount]
    backdrop: dict[str, list[shapely.Geometry]] = field(default_factory=dict)


class _Fixed(MacroElement):
    """HTML and code of our own in the page, as they are."""

    _template = Template(
        "{% macro html(this, kwargs) %}{{ this.markup }}{% endmacro %}"
        "{% macro script(this, kwargs) %}{{ this.code }}{% endmacro %}"
    )

    def __init__(self, markup: str, code: str) -> None:
        super().__init__()
        self._name = "Fixed"
        self.markup, self.code = markup, code


def shown(text: str) -> str:
    """Escape a text for HTML; braces too, since templates of Folium may meet it."""
    return escape(text).replace("{", "&#123;").replace("}", "&#125;")


def draw(picture: Picture, *, title: str, legend: str, texts: dict[str, str]) -> str:
    """Give the whole page; `legend` is HTML of our own templates, `texts` are plain."""
    west, south, east, north = picture.view
    page = folium.Map(tiles=None, prefer_canvas=True, zoom_snap=0.25)
    page.options["maxZoom"] = MAX_ZOOM
    page.options["attributionControl"] = False
    _add_backdrop(page, picture)
    _add_surface(page, picture, texts["surface"])
    for position, level in enumerate(picture.levels):
        _add_outlines(page, picture, position, level, texts)
    folium.LayerControl(position="topright").add_to(page)
    frame_script = f'<script src="{PREFIX}js/heatmap-frame.js"></script>'
    view = [[south, west], [north, east]]
    code = f"wanggeFrame({page.get_name()}, {json.dumps(view)}, {json.dumps(_ranks(picture))});"
    page.add_child(_Fixed(legend + frame_script, code))
    page.get_root().title = escape(title)
    html: str = page.get_root().render()
    found = ABROAD.search(html)
    if found:
        raise RuntimeError(
            f"The map would load from another host: {html[found.start() : found.start() + 80]}"
        )
    return html


def _add_backdrop(page: folium.Map, picture: Picture) -> None:
    folium.map.CustomPane("backdrop", z_index=250).add_to(page)
    of_maps = [list(outlines(one, picture.levels[0]).values()) for one in picture.maps]
    _add_plain(page, [shape for shapes in of_maps for shape in shapes], LAND)
    for layer, style in BACKDROP.items():
        _add_plain(page, picture.backdrop.get(layer, []), style)


def _add_plain(page: folium.Map, geometries: Sequence[shapely.Geometry], style: dict[str, Any]) -> None:
    if not geometries:
        return
    whole = {"type": "GeometryCollection", "geometries": [_shape(one) for one in geometries]}
    feature = {"type": "Feature", "id": 0, "properties": {}, "geometry": whole}
    folium.GeoJson(
        {"type": "FeatureCollection", "features": [feature]},
        style_function=lambda _: style,
        control=False,
        pane="backdrop",
        interactive=False,
    ).add_to(page)


def _shape(geometry: shapely.Geometry) -> dict[str, Any]:
    return json.loads(shapely.to_geojson(shapely.transform(geometry, lambda xy: xy.round(DIGITS))))


def _add_surface(page: folium.Map, picture: Picture, name: str) -> None:
    west, south, east, north = picture.frame.bounds
    png = raster.png(picture.classed, picture.colours, clear=picture.clear)
    folium.raster_layers.ImageOverlay(
        "data:image/png;base64," + base64.b64encode(png).decode(),
        bounds=[[south, west], [north, east]],
        opacity=OPACITY,
        name=shown(name),
        alt=shown(name),
    ).add_to(page)


def _outlines(picture: Picture, level: str) -> list[tuple[EditionMap, int, shapely.Geometry]]:
    """Give the outlines of a level's grids; where there are too many, only those of the ranked ones."""
    if sum(grid.level == level for one in picture.maps for grid in one.grids) <= MOST_OUTLINES:
        return [
            (one, number, shape) for one in picture.maps for number, shape in outlines(one, level).items()
        ]
    by_district = {one.key.district_id: one for one in picture.maps}
    ranked = [one for one in picture.ranked if one.number is not None and one.district_id in by_district]
    drawn = [(by_district[one.district_id], one.number or 0) for one in ranked]
    return [(*which, outline(*which)) for which in drawn if which[0].grids[which[1]].level == level]


def _add_outlines(
    page: folium.Map, picture: Picture, position: int, level: str, texts: dict[str, str]
) -> None:
    drawn = _outlines(picture, level)
    if not drawn:
        return
    features = [_feature(*each, picture.counts.get(each[0].grids[each[1]].id)) for each in drawn]
    colour, weight = LEVEL_LINES[min(position, len(LEVEL_LINES) - 1)]
    is_asked = level == picture.level
    style = {"color": colour, "weight": weight, "fill": is_asked, "fillOpacity": 0}
    layer = folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        style_function=lambda _: style,
        highlight_function=(lambda _: {"weight": weight + 2, "color": "#2F7FC1"}) if is_asked else None,
        interactive=is_asked,
        name=shown(texts[level]),
    )
    if is_asked:
        words = [shown(texts[one]) for one in LABELS]
        folium.GeoJsonPopup(LABELS, words, localize=False, class_name="grid-popup").add_to(layer)
    layer.add_to(page)


def _feature(
    one: EditionMap, number: int, shape: shapely.Geometry, counted: GridCount | None
) -> dict[str, Any]:
    grid = one.grids[number]
    rate = counted.per_km2_week if counted is not None else 0.0
    # Leaflet puts these into the page as HTML.
    properties = {
        "name": shown(grid.name),
        "code": shown(grid.code),
        "count": counted.count if counted is not None else 0,
        "rate": "" if rate is None else f"{rate:.1f}",
    }
    return {"type": "Feature", "id": str(grid.id), "properties": properties, "geometry": _shape(shape)}


def _ranks(picture: Picture) -> list[tuple[float, float, int]]:
    """Give where the numbers of the ranked grids stand: lat, lon, rank."""
    shapes = {one.grids[number].id: shape for one, number, shape in _outlines(picture, picture.level)}
    spots = []
    for rank, one in enumerate(picture.ranked, 1):
        shape = shapes.get(one.grid_id)
        if shape is not None and not shape.is_empty:
            spot = shapely.point_on_surface(shape)
            spots.append((round(spot.y, DIGITS), round(spot.x, DIGITS), rank))
    return spots
