"""The kinds of lines and blocks a city is planned from: widths, sizes, shares; all the taste is in here."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class LineClass:
    """A kind of line of the plan.

    Attributes
    ----------
    half_width_m
        Ground taken on each side of the line.
    removable
        Whether a cell that is too small may give the line up.
    rank
        How natural a border it is: 9 river, 8 rail … 1 lane.
    """

    half_width_m: float
    removable: bool
    rank: int


LINE_CLASSES = {
    "rim": LineClass(2.0, False, 9),
    "river": LineClass(0.0, False, 9),
    "rail": LineClass(16.0, False, 8),
    "ring": LineClass(24.0, False, 7),
    "main": LineClass(22.0, False, 6),
    "wall": LineClass(12.0, False, 6),
    "highway": LineClass(11.0, False, 5),
    "riverside": LineClass(9.0, False, 5),
    "second": LineClass(14.0, True, 4),
    "levee": LineClass(3.0, False, 4),
    "oldmain": LineClass(8.0, False, 3),
    "border": LineClass(1.8, True, 3),
    "oldstreet": LineClass(4.0, True, 2),
    "vroad": LineClass(3.5, True, 2),
    "vlane": LineClass(2.5, False, 1),
}
LINE_NAMES = np.array(list(LINE_CLASSES))
LINE = {name: k for k, name in enumerate(LINE_CLASSES)}
HALF_WIDTH_M = np.array([c.half_width_m for c in LINE_CLASSES.values()])
REMOVABLE = np.array([c.removable for c in LINE_CLASSES.values()])
RANK = np.array([c.rank for c in LINE_CLASSES.values()])


@dataclass(frozen=True, slots=True)
class Style:
    """How a block is cut into yards.

    Attributes
    ----------
    smallest_ha, largest_ha
        A piece larger than a draw between the two is halved.
    collector_above_ha, collector_m
        Pieces larger than this are halved by a collector street of this width;
    local_above_ha, local_m
        smaller ones by a local street;
    lane_m, lane_share
        the smallest by a lane with this probability, else by a wall alone.
    skew_deg
        How far cuts deviate from the right angle.
    """

    smallest_ha: float
    largest_ha: float
    collector_above_ha: float = 1e5
    collector_m: float = 0.0
    local_above_ha: float = 1e5
    local_m: float = 0.0
    lane_m: float = 0.0
    lane_share: float = 0.0
    skew_deg: float = 0.0


WHOLE = Style(1e4, 1e4)
STYLES = {
    "old": Style(0.28, 0.75, local_above_ha=1.9, local_m=5.0, lane_m=2.6, lane_share=0.55, skew_deg=9.0),
    "core": Style(1.1, 2.8, 9.0, 20.0, 4.2, 12.0, skew_deg=0.6),
    "modern": Style(1.7, 4.6, 14.0, 22.0, 6.2, 13.0, skew_deg=0.8),
    "industry": Style(3.4, 9.0, 20.0, 24.0, 11.0, 14.0, skew_deg=0.5),
    "invillage": Style(0.8, 2.1, 10.0, 12.0, 2.6, 6.0, 3.0, 0.60, 6.0),
    "campus": Style(7.0, 13.0, 24.0, 20.0, 15.0, 12.0, skew_deg=0.5),
    "village": Style(0.9, 2.3, local_above_ha=2.4, local_m=5.0, lane_m=3.2, lane_share=0.65, skew_deg=5.0),
    "field": Style(26.0, 60.0, local_above_ha=40.0, local_m=5.0, lane_m=3.5, lane_share=1.0, skew_deg=4.0),
    "parcel": Style(1.2, 3.2, local_above_ha=9.0, local_m=3.0, skew_deg=4.0),
    "park": WHOLE,
    "river": WHOLE,
    "hill": WHOLE,
}
STYLE_NAMES = np.array(list(STYLES))
STYLE = {name: k for k, name in enumerate(STYLES)}
STYLE_FIELDS = tuple(Style.__dataclass_fields__)
STYLE_TABLE = np.array([[getattr(s, f) for f in STYLE_FIELDS] for s in STYLES.values()])


def style_column(style: np.ndarray, field: str) -> np.ndarray:
    """One field of the styles of many pieces."""
    return STYLE_TABLE[style, STYLE_FIELDS.index(field)]


def is_style(style: np.ndarray, *names: str) -> np.ndarray:
    """Whether each style is one of these."""
    return np.isin(style, [STYLE[name] for name in names])


# What stands in the yards of a style, with shares. "pocket" becomes a small park, "idle" is a building site.
USES = {
    "old": {"lane": 82, "commerce": 9, "office": 3, "market": 2, "sight": 2, "school": 2},
    "core": {"estate": 62, "commerce": 16, "office": 9, "school": 6, "market": 3, "hospital": 2, "pocket": 2},
    "modern": {
        "estate": 77,
        "school": 7,
        "commerce": 5,
        "office": 3,
        "pocket": 3,
        "market": 2.5,
        "idle": 2,
        "hospital": 0.5,
    },
    "industry": {"factory": 76, "estate": 11, "depot": 10, "idle": 3},
    "invillage": {"village": 90, "commerce": 5, "school": 3, "market": 2},
    "campus": {"campus": 1},
    "village": {"village": 95.5, "school": 2, "office": 1.5, "market": 1},
    "market town": {"village": 45, "estate": 25, "commerce": 14, "school": 6, "market": 5, "office": 5},
    "field": {"field": 1},
    "park": {"park": 1},
    "river": {"park": 1},
    "hill": {"hill": 1},
}
GREEN = ("park", "hill", "pocket")
# 专属网格: yards that one employer, school or trader answers for.
DEDICATED = (
    "campus",
    "commerce",
    "depot",
    "factory",
    "hospital",
    "market",
    "office",
    "school",
    "sight",
    "station",
)
# Homes per hectare, from and to.
HOMES_PER_HA = {
    "lane": (70, 130),
    "estate": (95, 190),
    "village": (26, 52),
    "campus": (4, 9),
    "commerce": (8, 22),
    "market": (0, 6),
    "office": (0, 5),
    "sight": (0, 3),
    "factory": (0, 2),
    "station": (0, 2),
}
