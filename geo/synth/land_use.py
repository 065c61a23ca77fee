"""What a block is for: the style of every cell, and what stands in every yard."""

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.synth.cells import Cells
from geo.synth.classes import STYLE, USES, is_style
from geo.synth.frame import Frame
from geo.synth.plane import Flags, Indices, Points, Shapes
from geo.synth.villages import Villages

PARK_SHARE = 0.035
PARKS_APART_M = 1500.0


def cell_styles(
    rng: np.random.Generator, frame: Frame, cells: Cells, villages: Villages
) -> tuple[Indices, list[int]]:
    """Choose the style of every cell, shape (n,), and the parks that get a lake."""
    style = np.full(len(cells), STYLE["modern"])
    spot, area = cells.spot, shapely.area(cells.shape)
    out = np.linalg.norm(spot - frame.centre, axis=1) / frame.town_radius
    chance = rng.random(len(cells))
    style[np.linalg.norm(spot, axis=1) < 0.36 * frame.town_radius] = STYLE["core"]
    works = cells.urban & np.where(cells.north, cells.east, spot[:, 0] > 0.25 * frame.town_radius)
    style[works & (out > 0.42) & (chance < 0.52)] = STYLE["industry"]
    style[cells.urban & (out > 0.72) & (chance > 0.72)] = STYLE["invillage"]
    style[cells.urban & (out > 0.78) & (chance > 0.83)] = STYLE["field"]
    parks, others = _parks(rng, frame, cells, area)
    style[parks] = STYLE["park"]
    quiet = [k for k in others if is_style(style[k], "modern") and 0.45 < out[k] < 0.8 and area[k] > 300_000]
    style[quiet[: max(2, int(2 * frame.size**2))]] = STYLE["campus"]
    style[cells.old] = STYLE["old"]
    style[~cells.urban] = STYLE["field"]
    style[~cells.urban & villages.hill[np.maximum(cells.village, 0)]] = STYLE["hill"]
    style[cells.room >= 0] = STYLE["village"]
    style[cells.wet] = STYLE["river"]
    return style, parks[::2]


def _parks(rng: np.random.Generator, frame: Frame, cells: Cells, area: Points) -> tuple[list[int], list[int]]:
    """One park beside the old town, the others away from each other."""
    possible = cells.urban & ~cells.wet & ~cells.old & (area > 130_000) & (area < 520_000)
    shuffled = rng.permutation(np.flatnonzero(possible)).tolist()
    beside = np.array([-1.3, 0.4]) * frame.old_half
    parks = sorted(shuffled, key=lambda k: float(np.linalg.norm(cells.spot[k] - beside)))[:1]
    for k in shuffled:
        if len(parks) >= max(4, int(len(shuffled) * PARK_SHARE)):
            break
        if min(np.linalg.norm(cells.spot[k] - cells.spot[p]) for p in parks) > PARKS_APART_M:
            parks.append(k)
    return parks, [k for k in shuffled if k not in parks]


def yard_uses(
    rng: np.random.Generator, style: Indices, shape: Shapes, in_market_town: Flags
) -> NDArray[np.str_]:
    """Draw what every yard is, by the style of its cell, shape (n,)."""
    use = np.empty(len(style), "U9")
    town = is_style(style, "village") & in_market_town
    for name, table in USES.items():
        mine = np.flatnonzero(town if name == "market town" else (style == STYLE.get(name, -1)) & ~town)
        share = np.array(list(table.values()), float)
        use[mine] = rng.choice(np.array(list(table)), len(mine), p=share / share.sum())
    area = shapely.area(shape)
    use[(use == "school") & (area < 5000) & ~is_style(style, "old")] = "commerce"
    use[(use == "market") & (area > 20_000)] = "estate"
    return use
