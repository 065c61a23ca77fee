"""Cells that are too small or too thin give up their longest weak border; so T-junctions arise, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo.synth.classes import REMOVABLE
from geo.synth.plane import Flags, Indices, Points

if TYPE_CHECKING:
    from scipy.cluster.hierarchy import DisjointSet

    from geo.synth.cells import Cells, Net

LARGEST_M2 = 900_000
LARGEST_OLD_M2 = 60_000
ROUNDS = 4


def absorb_small_cells(cells: Cells, net: Net, together: DisjointSet) -> None:
    """Join cells that are too small with a neighbour, in a few rounds, smallest first."""
    area, length = shapely.area(cells.shape), shapely.length(net.line)
    for _ in range(ROUNDS):
        root = np.array([together[k] for k in range(len(cells))])
        total = np.bincount(root, area, len(cells))
        old = _any(root, cells.old)
        options = _options(cells, net, root, length, _too_small(cells, net, root, total, length))
        if not options:
            return
        for small in sorted(options, key=lambda u: (total[u], u)):
            shared = options[small]
            other = max(shared, key=lambda w: (shared[w] / np.sqrt(total[w] + 1), -w))
            limit = LARGEST_OLD_M2 if old[small] else LARGEST_M2
            if total[small] + total[other] < limit:
                together.merge(small, other)


def _any(root: Indices, flag: Flags) -> Flags:
    return np.bincount(root, flag, len(root)) > 0


def _too_small(cells: Cells, net: Net, root: Indices, total: Points, length: Points) -> Flags:
    around = np.zeros(len(root))
    inner = (net.sides >= 0).all(axis=1) & (root[net.sides[:, 0]] == root[net.sides[:, 1]])
    for column in (0, 1):
        counts = (net.sides[:, column] >= 0) & ~inner
        np.add.at(around, root[net.sides[counts, column]], length[counts])
    thickness = total / np.maximum(around, 1) ** 2
    town = (total < 100_000) | ((thickness < 0.033) & (total < 260_000))
    country = (total < 12_000) | ((thickness < 0.02) & (total < 90_000))
    small = np.select(
        [_any(root, cells.old), _any(root, cells.wet), _any(root, cells.urban)],
        [total < 14_000, total < 9_000, town],
        country,
    )
    return small & (total > 0)


def _options(
    cells: Cells, net: Net, root: Indices, length: Points, small: Flags
) -> dict[int, dict[int, float]]:
    """For each small cell the neighbours it may join, with the length of the border between them."""
    options: dict[int, dict[int, float]] = {}
    weak = (net.sides >= 0).all(axis=1) & REMOVABLE[net.line_class]
    i, j = root[net.sides].T
    weak &= (i != j) & (cells.wet[i] == cells.wet[j]) & (cells.village[i] == cells.village[j])
    weak &= (cells.room[i] >= 0) == (cells.room[j] >= 0)
    for e in np.flatnonzero(weak):
        for own, other in ((int(i[e]), int(j[e])), (int(j[e]), int(i[e]))):
            if small[own]:
                shared = options.setdefault(own, {})
                shared[other] = shared.get(other, 0.0) + float(length[e])
    return options
