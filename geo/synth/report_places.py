"""Where reports happen: along streets up to their edges, and in yards and parks mostly near the border."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.synth.plane import Indices, Points, Shapes, to_metres
from geo.synth.records import City
from geo.synth.report_classes import HABITS

YARD_PULL = 1.4
# Standard deviation across a street, in half widths.
ACROSS = 0.4
REACH_DEEP = ("market", "park", "idle")


@dataclass(frozen=True, slots=True)
class Places:
    """Anchors of reports, roads first, then yards and parks, on the plane in metres.

    Attributes
    ----------
    line, half_width_m
        Roads, shape (r,).
    shape, use, inner
        Yards and parks, shape (s,), and a point inside each, shape (s, 2).
    name
        Names of all, shape (r + s,).
    weight
        By category, the pull of each anchor; each adds up to 1.
    """

    line: Shapes
    half_width_m: Points
    shape: Shapes
    use: NDArray[np.str_]
    inner: Points
    name: list[str]
    weight: dict[str, Points]

    def draw(self, rng: np.random.Generator, category: NDArray[np.str_]) -> tuple[Points, Indices]:
        """Draw a place for each category: points, shape (n, 2), and the anchors they belong to."""
        anchor = np.empty(len(category), dtype=np.int64)
        for code in HABITS:
            mine = np.flatnonzero(category == code)
            anchor[mine] = rng.choice(len(self.weight[code]), len(mine), p=self.weight[code])
        return self._near(rng, anchor), anchor

    def _near(self, rng: np.random.Generator, anchor: Indices) -> Points:
        xy = np.empty((len(anchor), 2))
        on_road = anchor < len(self.line)
        road = anchor[on_road]
        middle = shapely.line_interpolate_point(self.line[road], rng.random(len(road)), normalized=True)
        scatter = rng.normal(0, ACROSS, (len(road), 2)) * self.half_width_m[road][:, None]
        xy[on_road] = shapely.get_coordinates(middle) + scatter
        yard = anchor[~on_road] - len(self.line)
        rim = shapely.get_exterior_ring(self.shape[yard])
        edge = shapely.get_coordinates(
            shapely.line_interpolate_point(rim, rng.random(len(yard)), normalized=True)
        )
        deep = np.isin(self.use[yard], REACH_DEEP)
        depth = np.where(deep, rng.uniform(0.05, 0.9, len(yard)), rng.beta(1.2, 6, len(yard)))
        xy[~on_road] = edge + (self.inner[yard] - edge) * depth[:, None]
        return xy


def places_of(city: City) -> Places:
    """Collect the anchors of a city and how much each pulls every category."""
    parks = [item for item in city.backdrop if item.layer == "parks"]
    yards = city.layers["yard"]
    line = _on_plane([road.geometry for road in city.roads])
    shape = _on_plane([yard.geometry for yard in yards] + [park.geometry for park in parks])
    kind = [road.kind for road in city.roads]
    use = [yard.use for yard in yards] + [park.kind for park in parks]
    size = np.concatenate([shapely.length(line) / 100, np.full(len(use), YARD_PULL)])
    return Places(
        line=line,
        half_width_m=np.array([road.half_width_m for road in city.roads]),
        shape=shape,
        use=np.array(use),
        inner=shapely.get_coordinates(shapely.point_on_surface(shape)),
        name=[road.name for road in city.roads] + [yard.name for yard in yards] + [p.name for p in parks],
        weight={code: _weight(habit.pull, kind + use, size) for code, habit in HABITS.items()},
    )


def _on_plane(geometries: list[shapely.Geometry]) -> Shapes:
    return shapely.transform(np.array(geometries, dtype=object), to_metres)


def _weight(pull: dict[str, float], kind: list[str], size: Points) -> Points:
    weight = size * np.array([pull.get(k, 0.0) for k in kind])
    # A small town may lack every place a category likes: then it happens anywhere.
    return weight / weight.sum() if weight.any() else size / size.sum()
