"""A history of handled cases to hold against the map: what is wrong in it is known."""

from typing import Any

import numpy as np
import shapely

from geo.crs import from_lonlat, parse_crs
from geo.synth.records import City, DemoGrid

HISTORY_CRS = "gcj02"
CROSSING_SHARE, PILE_SHARE, SHORT_SHARE, UNKNOWN_SHARE, LOST_SHARE = 0.08, 0.03, 0.12, 0.01, 0.008
GPS_M, CROSSING_M = 2.0, 5.0
METRES_PER_DEGREE = 111_000.0
KINDS = ("占道经营", "暴露垃圾", "路灯损坏", "噪声扰民", "违规停车")
SOURCES = ("12345", "微信", "巡查")


def history_rows(city: City, count: int = 1000, seed: int = 7) -> list[dict[str, Any]]:
    """Make a table of cases with the community that handled each.

    Parameters
    ----------
    city
        From `make_city`.
    count
        Rows.
    seed
        The same seed gives the same rows.

    Returns
    -------
    rows
        One dict a row in the columns of an office; coordinates in `HISTORY_CRS`. Crossings lie on borders and are
        labelled by one side; a failed geocoder put some rows on one point; some names lack their ending; some
        labels say nothing; some rows have no coordinates.
    """
    dice = np.random.default_rng(seed)
    grids = city.layers["community"]
    weight = np.sqrt(np.array([max(1, one.households) for one in grids], dtype=np.float64))
    chosen = dice.choice(len(grids), count, p=weight / weight.sum())
    is_crossing = dice.random(count) < CROSSING_SHARE
    points = np.array(
        [
            _place(grids[k], bool(crossing), dice)
            for k, crossing in zip(chosen.tolist(), is_crossing.tolist(), strict=True)
        ]
    )
    middle = shapely.union_all([one.geometry for one in grids]).representative_point()
    points[dice.random(count) < PILE_SHARE] = middle.x, middle.y
    shown = from_lonlat(points, parse_crs(HISTORY_CRS))
    lost = dice.random(count) < LOST_SHARE
    return [
        {
            "工单编号": f"GD2026{row + 1:05d}",
            "受理时间": f"2026-{6 + row * 3 // count:02d}-{1 + row % 28:02d} {8 + row % 11:02d}:{row * 7 % 60:02d}",
            "问题类别": KINDS[int(dice.integers(len(KINDS)))],
            "经度": None if lost[row] else round(float(shown[row, 0]), 6),
            "纬度": None if lost[row] else round(float(shown[row, 1]), 6),
            "地址类型": "路口" if is_crossing[row] else "门牌",
            "处置网格": _label(grids[chosen[row]].name, dice),
            "来源": SOURCES[int(dice.integers(len(SOURCES)))],
        }
        for row in range(count)
    ]


def _place(grid: DemoGrid, is_crossing: bool, dice: np.random.Generator) -> tuple[float, float]:
    """Draw a place in a grid, or for a crossing one on its border; a little off, as positions are."""
    error = dice.normal(0, (CROSSING_M if is_crossing else GPS_M) / METRES_PER_DEGREE, 2)
    if is_crossing:
        at = grid.geometry.boundary.interpolate(dice.random(), normalized=True)
        return at.x + error[0], at.y + error[1]
    west, south, east, north = grid.geometry.bounds
    while True:
        x, y = dice.uniform(west, east), dice.uniform(south, north)
        if shapely.intersects_xy(grid.geometry, x, y):
            return x + error[0], y + error[1]


def _label(name: str, dice: np.random.Generator) -> str:
    kind = dice.random()
    if kind < UNKNOWN_SHARE:
        return "待定"
    if kind < UNKNOWN_SHARE + SHORT_SHARE:
        return name.removesuffix("社区") if name.endswith("社区") else f"{name}委会"
    return name
