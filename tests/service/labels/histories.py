"""Histories made by hand: rows labelled as their places are, and faults planted in them."""

from dataclasses import dataclass, field

import numpy as np
import shapely

from service.labels.positions import Choices
from service.labels.table import Table

CHOICES = Choices("lon", "lat", "label", "wgs84")


@dataclass
class History:
    """Columns to plant faults in; `planted` says which rows have which."""

    lon: np.ndarray
    lat: np.ndarray
    label: list[str]
    more: dict[str, list[str]] = field(default_factory=dict)
    planted: dict[int, str] = field(default_factory=dict)

    def table(self) -> Table:
        columns = {
            "lon": [repr(float(one)) for one in self.lon],
            "lat": [repr(float(one)) for one in self.lat],
            "label": self.label,
            **self.more,
        }
        lines = list(range(2, len(self.label) + 2))
        return Table(tuple(columns), columns, lines, frozenset(), "UTF-8")

    def plant(self, rows, fault: str) -> None:
        self.planted |= dict.fromkeys([int(row) for row in rows], fault)


def clean(shapes: dict[str, shapely.Geometry], count: int, seed: int = 11, *, away_m: float = 0.0) -> History:
    """Draw points in the shapes by their size, at least so far from the borders, labelled by brute force."""
    dice = np.random.default_rng(seed)
    codes = sorted(shapes)
    inner = {code: shapely.buffer(shapes[code], -away_m / 95_000) for code in codes}
    whole = shapely.union_all(list(inner.values()))
    west, south, east, north = whole.bounds
    points = dice.uniform((west, south), (east, north), (count * 6, 2))
    points = points[shapely.contains_xy(whole, *points.T)][:count]
    assert len(points) == count
    label = np.full(count, "", dtype=object)
    for code in reversed(codes):
        label[shapely.intersects_xy(shapes[code], *points.T)] = code
    return History(points[:, 0].copy(), points[:, 1].copy(), label.tolist())
