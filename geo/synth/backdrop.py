"""The backdrop: roads with names, rail, water, parks, hills, fields; so that it looks like a city."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.synth.blocks import Pieces, cut_yards
from geo.synth.classes import LINE_NAMES, STYLE, is_style
from geo.synth.drawing import Drawing
from geo.synth.ground import YARD, paths_of
from geo.synth.naming import Names
from geo.synth.plane import Points, Shapes, groups
from geo.synth.records import Backdrop, Road

NOT_ROADS = ("border", "rim", "river", "rail")
ROAD_NAMES = {
    "": "",
    "outer ring": "外环路",
    "wall": "环城路",
    "old main NS": "南北大街",
    "old main EW": "东西大街",
    "riverside N": "滨河北路",
    "riverside S": "滨河南路",
    "levee": "河堤路",
}
ROAD_ENDS = {
    "ring": ("路",),
    "main": ("大道", "路"),
    "second": ("路", "街"),
    "highway": ("公路",),
    "oldstreet": ("街",),
    "vroad": ("村道",),
    "collector": ("路", "街"),
    "local": ("街", "支路"),
    "lane": ("巷", "胡同"),
}
# Names of streets inside cells repeat after so many cells, as they do in a real city.
CELLS_PER_NAME_POOL = 60
SHORTEST_STREET_M = 20.0
CROPS = ("wheat", "maize", "orchard", "vegetables", "fallow")


@dataclass(frozen=True, slots=True)
class RoadNet:
    """Roads on the plane: middle lines, class, name, half width, shape (n,)."""

    line: Shapes
    kind: NDArray[np.str_]
    name: Shapes
    half_width_m: Points


def lay_roads(drawing: Drawing, names: Names) -> RoadNet:
    """Name all roads: those between cells by the line they were drawn as, those inside, paths in parks."""
    rows = [*_planned_roads(drawing, names), *_cut_streets(drawing, names)]
    parks = drawing.parks.shape[drawing.parks.use == "park"]
    rows += [(line, "path", "", 1.0) for line in paths_of(parks, hills=False)]
    line, kind, name, half = zip(*rows, strict=True)
    return RoadNet(np.array(line, object), np.array(kind), np.array(name, object), np.array(half, float))


Row = tuple[shapely.LineString, str, str, float]


def _planned_roads(drawing: Drawing, names: Names) -> list[Row]:
    """Roads between cells; the pieces of one road become one line again where they meet end to end."""
    road = np.flatnonzero(~np.isin(LINE_NAMES[drawing.net.line_class], NOT_ROADS))
    net = drawing.net.pick(road)
    kind = LINE_NAMES[net.line_class]
    keys, number = np.unique(
        [f"{k}|{label}" for k, label in zip(kind, net.label, strict=True)], return_inverse=True
    )
    known, rows = dict(ROAD_NAMES), []
    for key, members in zip(keys, groups(number, len(keys)), strict=True):
        line_class, label = key.split("|")
        if label not in known:
            known[label] = names.road("roads", ROAD_ENDS.get(line_class, ("路",)), 0.45)
        half = float(net.half_width_m[members[0]])
        merged = shapely.line_merge(shapely.multilinestrings(net.line[members]))
        rows += [(part, line_class, known[label], half) for part in shapely.get_parts(merged)]
    return rows


def _cut_streets(drawing: Drawing, names: Names) -> list[Row]:
    streets, rows = drawing.streets, []
    rural = is_style(streets.style, "field", "village")
    for line, width, cell, outside in zip(streets.line, streets.width, streets.cell, rural, strict=True):
        kind = "collector" if width >= 18 else "local" if width >= 9 else "lane"
        for part in shapely.get_parts(line):
            if part.geom_type != "LineString" or part.length < SHORTEST_STREET_M:
                continue
            if outside:
                rows.append((part, "track", "", width / 2))
            else:
                pool = ("cell", int(cell) // CELLS_PER_NAME_POOL)
                rows.append((part, kind, names.road(pool, ROAD_ENDS[kind], 0.05), width / 2))
    return rows


def bent_roads(drawing: Drawing, net: RoadNet) -> list[Road]:
    """Roads in lon/lat."""
    bent = drawing.bend.shapes(net.line)
    columns = (net.kind.tolist(), net.name.tolist(), net.half_width_m.tolist())
    return [Road(*row) for row in zip(bent, *columns, strict=True)]


def backdrop_of(drawing: Drawing, roads: list[Road], seed: int) -> list[Backdrop]:
    """Everything there is to draw, except buildings, in the order of drawing."""
    bend, frame, parks = drawing.bend, drawing.frame, drawing.parks
    hills = np.array(paths_of(parks.shape[parks.use == "hill"], hills=True), dtype=object)
    green = bend.polygons(parks.shape)
    water = shapely.intersection(frame.river.water, frame.rim)
    lakes = drawing.bent[drawing.plots.use == "lake"]
    rail = shapely.intersection(frame.rail, frame.rim)
    return [
        *_fields(drawing, seed),
        *(Backdrop("relief", "contour", "", g) for g in bend.shapes(hills)),
        *(Backdrop("parks", use, "", g) for use, g in zip(parks.use.tolist(), green, strict=True)),
        *(Backdrop("water", "river", "云水", g) for g in bend.shapes(shapely.get_parts(water))),
        *(Backdrop("water", "lake", "", g) for g in lakes),
        *(Backdrop("roads", road.kind, road.name, road.geometry) for road in roads),
        *(Backdrop("rail", "rail", "铁路", g) for g in bend.shapes(shapely.get_parts(rail))),
    ]


def _fields(drawing: Drawing, seed: int) -> list[Backdrop]:
    """Parcels of arable land, each with a crop."""
    plots = drawing.plots
    meadow = np.flatnonzero((plots.kind == YARD) & (plots.use == "field"))
    style = np.full(len(meadow), STYLE["parcel"])
    whole = Pieces(plots.shape[meadow], meadow, style, plots.shape[meadow])
    parcels, _ = cut_yards(seed, whole, 1.0, streets=False)
    crop = np.random.default_rng([seed, 52]).integers(0, len(CROPS), len(parcels))
    bent = drawing.bend.shapes(parcels.shape, finest=40.0)
    return [Backdrop("fields", CROPS[k], "", g) for g, k in zip(bent, crop.tolist(), strict=True)]
