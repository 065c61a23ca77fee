"""Streets of the town: the ring, avenues on both banks, bridges, the old town's streets, the waterfront."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from geo.synth.frame import Frame
from geo.synth.lines import Lines
from geo.synth.plane import Points, unit

SECOND_RING = 0.52
ALONG = {0: "NS", 1: "EW"}


@dataclass(frozen=True, slots=True)
class Bank:
    """One side of the river: its ground in town, the ground free for avenues, where and how they turn."""

    name: str
    dry: Any
    free: Any
    water_half: Any
    turn: float
    pivot: Points
    diagonal_deg: float

    def place(self, xy: Points) -> Points:
        """Turn points of an upright pattern to where the bank has them."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        return xy @ np.array([[cos, sin], [-sin, cos]]) + self.pivot


def add_town_streets(rng: np.random.Generator, frame: Frame, lines: Lines) -> None:
    """Add all lines inside the outer ring, and river, rail and rim."""
    lines.add(frame.town.exterior, "ring", "outer ring")
    lines.add(frame.old.exterior, "wall", "wall")
    for bank in _banks(rng, frame):
        for axis in (0, 1):
            _avenues(rng, frame, lines, bank, axis)
        _diagonal(frame, lines, bank)
    _old_town(rng, frame, lines)
    _waterfront(frame, lines)
    lines.add(shapely.intersection(frame.rail, frame.rim), "rail", "rail")
    lines.add(frame.rim.exterior, "rim")


def _banks(rng: np.random.Generator, frame: Frame) -> list[Bank]:
    in_town = shapely.intersection(frame.river.corridor, frame.town)
    dry = shapely.get_parts(shapely.difference(frame.town, frame.river.corridor))
    north, south = sorted(sorted(dry, key=lambda g: -g.area)[:2], key=lambda g: -g.centroid.y)
    reach = 1.9 * frame.town_radius
    below = shapely.intersection(frame.river.middle, shapely.LineString([(0, 0), (0, -reach)]))
    hub = shapely.get_coordinates(below)[0]
    halves = shapely.intersection(in_town, frame.north), shapely.difference(in_town, frame.north)
    free = [shapely.difference(ground, frame.old) for ground in (north, south)]
    return [
        Bank("N", north, free[0], halves[0], 0.0, np.zeros(2), 133.0),
        Bank("S", south, free[1], halves[1], rng.uniform(-0.17, -0.12), hub, -49.0),
    ]


def _rungs(rng: np.random.Generator, frame: Frame, limit: float) -> Points:
    """Positions of parallel avenues from the old town outward, never hugging its wall."""
    at = [0.0]
    for side in (1, -1):
        inner = np.linspace(0, frame.old_half, int(frame.old_half / 330) + 1)[1:-1]
        mine = list(inner * rng.uniform(0.93, 1.07, len(inner)))
        x = frame.old_half + rng.uniform(300, 380)
        while x < limit:
            mine.append(x)
            x += rng.uniform(540, 800)
        at += [side * v for v in mine]
    return np.array(sorted(at))


def _avenues(rng: np.random.Generator, frame: Frame, lines: Lines, bank: Bank, axis: int) -> None:
    reach = 1.9 * frame.town_radius
    rungs = _rungs(rng, frame, reach)
    second_ring = [min(rungs, key=lambda v, q=q: abs(v - q * frame.town_radius)) for q in _RING_SIDES]
    middle = int(np.searchsorted(rungs, 0.0))
    for k, v in enumerate(rungs):
        order = abs(middle - k)
        line_class = "main" if order % 3 == 0 else "second"
        if v in second_ring and bank.name == "N":
            line_class = "ring"
        label = f"{ALONG[axis]} {bank.name}{k}"
        upright = np.array([[v, -reach], [v, reach]])
        line = shapely.LineString(bank.place(upright if axis == 0 else upright[:, ::-1]))
        lines.add(shapely.intersection(line, bank.free), line_class, label)
        if axis == 0 and bank.name == "N" and order % 2 == 0:
            over = shapely.intersection(frame.river.corridor, frame.town)
            lines.add(shapely.intersection(line, over), "ring" if line_class == "ring" else "main", label)
        elif axis == 0:  # The river bank is cut where avenues meet it.
            lines.add(shapely.intersection(line, bank.water_half), "border", label)


_RING_SIDES = (SECOND_RING, -SECOND_RING)


def _diagonal(frame: Frame, lines: Lines, bank: Bank) -> None:
    """One avenue across the pattern of each bank."""
    heading = unit(np.radians(bank.diagonal_deg))
    start = heading * frame.old_half * 1.12 if bank.name == "N" else bank.pivot
    ray = shapely.LineString([start, start + heading * 1.9 * frame.town_radius])
    lines.add(shapely.intersection(ray, bank.free), "main", f"diagonal {bank.name}")


def _old_town(rng: np.random.Generator, frame: Frame, lines: Lines) -> None:
    """Two straight main streets that cross in the middle, swaying streets beside them."""
    half = frame.old_half
    cross = np.array([[0.0, -1.2 * half], [0.0, 1.2 * half]])
    rungs = np.linspace(-half, half, max(3, round(2 * half / 250)) + 2)[1:-1]
    for axis in (0, 1):
        straight = shapely.LineString(cross if axis == 0 else cross[:, ::-1])
        lines.add(shapely.intersection(straight, frame.old), "oldmain", f"old main {ALONG[axis]}")
        for k, v in enumerate(rungs[abs(rungs) > 90]):
            along = np.linspace(-half * 1.1, half * 1.1, 8)
            sway = np.cumsum(rng.normal(0, 17, 8))
            xy = np.column_stack([v + rng.uniform(-28, 28) + sway - sway.mean(), along])
            street = shapely.LineString(xy if axis == 0 else xy[:, ::-1])
            lines.add(shapely.intersection(street, frame.old), "oldstreet", f"old {ALONG[axis]}{k}")


def _waterfront(frame: Frame, lines: Lines) -> None:
    lines.add(shapely.intersection(frame.river.middle, frame.rim), "river", "river")
    for name, bank in zip(("N", "S"), frame.river.banks, strict=True):
        lines.add(shapely.intersection(bank, frame.town), "riverside", f"riverside {name}")
        outside = shapely.difference(shapely.intersection(bank, frame.rim), frame.town)
        lines.add(outside, "levee", "levee")
