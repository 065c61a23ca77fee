"""The plan of a city, drawn: everything on the flat plane, and the borders of yards and communities bent."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from geo.synth.bend import Bend
from geo.synth.blocks import CutStreets, blocks_of, cut_yards, good_yards, scale_for
from geo.synth.cells import Cells, Net, make_cells
from geo.synth.conform import conform
from geo.synth.frame import Frame, lay_frame
from geo.synth.ground import GAP, PARK, YARD, Ground, ground_of
from geo.synth.groups import group_communities
from geo.synth.land_use import cell_styles
from geo.synth.lines import Lines
from geo.synth.plane import Flags, Indices, Points, Shapes, dissolve, groups
from geo.synth.streets import add_town_streets
from geo.synth.sweeps import Communities, describe, part_districts, part_subdistricts
from geo.synth.villages import add_villages

Progress = Callable[[str, float], None]
# Rough homes per hectare, to weigh communities before anyone lives there.
DENSITY = {"estate": 140, "lane": 100, "village": 40, "commerce": 15}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn city.

    Attributes
    ----------
    plots
        Yards and gaps on the plane, n of them, in the order of their codes; `bent` their final borders in
        lon/lat, `community` the number of the community each lies in.
    parks
        Parks, banks and hills on the plane: public ground.
    outlines
        Final borders of the communities, c of them.
    subdistrict, district
        Number of the sub-district of every community, and of the district of every sub-district.
    streets
        Streets inside the cells; those between cells are the lines of `net`.
    """

    frame: Frame
    bend: Bend
    cells: Cells
    net: Net
    streets: CutStreets
    communities: Communities
    plots: Ground
    bent: Shapes
    community: Indices
    parks: Ground
    outlines: Shapes
    subdistrict: Indices
    district: Indices


def draw_city(seed: int, yards: int, tell: Progress) -> Drawing:
    """Plan a city with straight lines, make its borders conform, and bend them."""
    rng = np.random.default_rng([seed, 1])
    tell("streets", 0.0)
    frame = lay_frame(rng, yards)
    lines = Lines()
    add_town_streets(rng, frame, lines)
    villages = add_villages(rng, frame, lines)
    tell("cells", 0.05)
    cells, net = make_cells(rng, frame, lines, villages)
    style, lake_cells = cell_styles(rng, frame, cells, villages)
    tell("yards", 0.15)
    blocks = blocks_of(cells, net, style)
    pieces, streets = cut_yards(seed, blocks, scale_for(seed, blocks, yards), streets=True)
    ground = ground_of(
        np.random.default_rng([seed, 3]), frame, cells, villages, good_yards(pieces), lake_cells
    )
    tell("communities", 0.45)
    per_cell = np.bincount(ground.cell[ground.kind == YARD], minlength=len(cells))
    community = group_communities(cells, net, villages, per_cell)
    tell("borders", 0.5)
    bend = Bend(np.random.default_rng([seed, 2]), frame)
    plots, bent, outlines = _bent_borders(bend, ground.pick(ground.kind != PARK), cells, community)
    tell("districts", 0.75)
    described = describe(cells, net, community, _weights(plots, community))
    subdistrict, district = _parted(described, yards)
    return Drawing(
        frame=frame,
        bend=bend,
        cells=cells,
        net=net,
        streets=streets,
        communities=described,
        plots=plots,
        bent=bent,
        community=community[plots.cell],
        parks=ground.pick(ground.kind == PARK),
        outlines=outlines,
        subdistrict=subdistrict,
        district=district,
    )


def _bent_borders(
    bend: Bend, plots: Ground, cells: Cells, community: Indices
) -> tuple[Ground, Shapes, Shapes]:
    """Borders of plots and communities that share every vertex where they meet, bent."""
    count = int(community.max()) + 1
    plots = _in_order(plots, community)
    whole = dissolve(cells.shape, community, count)
    flat, whole = conform(plots.shape, whole)
    bent, outlines = bend.polygons(flat), bend.polygons(whole)
    sound = _sound_plots(bent, outlines, community[plots.cell])
    plots = Ground(flat, plots.cell, plots.use, plots.kind).pick(sound)
    return plots, bent[sound], outlines


def _in_order(plots: Ground, community: Indices) -> Ground:
    """By community, yards before gaps, north-west to south-east."""
    spot = shapely.get_coordinates(shapely.point_on_surface(plots.shape))
    return plots.pick(np.lexsort((spot[:, 0] * 0.6 - spot[:, 1], plots.kind == GAP, community[plots.cell])))


def _sound_plots(bent: Shapes, outlines: Shapes, community: Indices) -> Flags:
    """Plots that tile their community; the few that spoil it go back to public ground."""
    sound = shapely.is_valid(bent)
    shapely.prepare(outlines)
    for mine, outline in zip(groups(community, len(outlines)), outlines, strict=True):
        mine = mine[sound[mine]]
        inside = shapely.covers(outline, bent[mine])
        sound[mine[~inside]] = False
        mine = mine[inside]
        while len(mine) and not shapely.coverage_is_valid(bent[mine]):
            spoilt = mine[~shapely.is_empty(shapely.coverage_invalid_edges(bent[mine]))]
            worst = spoilt[np.argmin(shapely.area(bent[spoilt]))]
            sound[worst] = False
            mine = mine[mine != worst]
    return sound


def _weights(plots: Ground, community: Indices) -> Points:
    """About how much work every community is."""
    homes = shapely.area(plots.shape) / 1e4 * np.array([DENSITY.get(use, 0) for use in plots.use.tolist()])
    load = np.where(plots.kind == YARD, homes / 180 + 0.3, 0.0)
    return np.bincount(community[plots.cell], load, int(community.max()) + 1) + 12.0


def _parted(communities: Communities, yards: int) -> tuple[Indices, Indices]:
    district = part_districts(communities, max(3, round(3 * (yards / 3000) ** 0.36)))
    sub = part_subdistricts(communities, district, max(int(district.max()) + 1, round(24 * yards / 3000)))
    of_sub = np.zeros(int(sub.max()) + 1, dtype=np.int64)
    of_sub[sub] = district
    return sub, of_sub
