"""Communities from cells: neighbours join until a community has enough yards, never across a river or rail."""

import heapq

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from geo.synth.cells import Cells, Net
from geo.synth.classes import RANK
from geo.synth.plane import Flags, Indices, Points
from geo.synth.villages import Villages

# Yards a community needs at least: in town; an old town needs more (its courts are small), a village less.
LEAST_YARDS = 7.0
LEAST_OLD = 1.9
LEAST_VILLAGE = 0.55


class Borders:
    """Who borders on whom: pairs i < j of groups, metres between them, natural rank (weighted by length)."""

    def __init__(self, net: Net, owner: Indices, count: int) -> None:
        both = (net.sides >= 0).all(axis=1)
        pair = np.sort(owner[net.sides[both]], axis=1)
        differ = pair[:, 0] != pair[:, 1]
        length = shapely.length(net.line[both][differ])
        rank = RANK[net.line_class[both][differ]]
        key, number = np.unique(pair[differ] @ [count, 1], return_inverse=True)
        self.count = count
        self.i, self.j = np.divmod(key, count)
        self.length: Points = np.bincount(number, length, len(key))
        self.rank: Points = np.bincount(number, length * rank, len(key)) / self.length

    def linked(self, which: Flags) -> Indices:
        """Number of the connected part of every group when only `which` borders join."""
        return connected(self.i[which], self.j[which], self.count)


def connected(i: Indices, j: Indices, count: int) -> NDArray[np.int64]:
    """Connected parts of a graph with these edges."""
    graph = coo_matrix((np.ones(len(i)), (i, j)), (count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def group_communities(cells: Cells, net: Net, villages: Villages, yards: Indices) -> Indices:
    """Number of the community of every cell, shape (n,); `yards` is the number of yards in each cell."""
    start = _first_groups(cells, net, villages)
    count = int(start.max()) + 1
    merger = _Merger(cells, start, np.bincount(start, yards, count), Borders(net, start, count))
    community = np.unique(merger.run()[start], return_inverse=True)[1]
    return _without_islands(net, community)


def _first_groups(cells: Cells, net: Net, villages: Villages) -> Indices:
    """Town cells alone; in the country all cells of a village on one bank, hills with the nearest village."""
    nearest = np.arange(len(villages.middle))
    flat = np.flatnonzero(~villages.hill)
    for hill in np.flatnonzero(villages.hill):
        away = np.linalg.norm(villages.middle[flat] - villages.middle[hill], axis=1)
        nearest[hill] = flat[np.argmin(away)]
    group = np.arange(len(cells))
    country = ~cells.urban
    group[country] = len(cells) + 2 * nearest[cells.village[country]] + cells.north[country]
    borders = Borders(net, np.arange(len(cells)), len(cells))
    return borders.linked(group[borders.i] == group[borders.j])


class _Merger:
    """Joins the smallest group with its best neighbour until all are large enough."""

    def __init__(self, cells: Cells, group: Indices, weight: Points, borders: Borders) -> None:
        count = borders.count
        self.weight = weight.astype(float)
        self.urban, self.north, self.east, self.old = (
            np.bincount(group, flag, count) > 0 for flag in (cells.urban, cells.north, cells.east, cells.old)
        )
        self.into = np.arange(count)
        self.near: list[dict[int, tuple[float, float]]] = [{} for _ in range(count)]
        for i, j, length, rank in zip(
            borders.i.tolist(),
            borders.j.tolist(),
            borders.length.tolist(),
            borders.rank.tolist(),
            strict=True,
        ):
            self.near[i][j] = self.near[j][i] = (length, rank)
        self.least = LEAST_YARDS * np.where(self.old, LEAST_OLD, np.where(self.urban, 1.0, LEAST_VILLAGE))

    def run(self) -> Indices:
        heap = [(w, k) for k, w in enumerate(self.weight.tolist())]
        heapq.heapify(heap)
        while heap:
            weight, k = heapq.heappop(heap)
            outdated = self.into[k] != k or weight != self.weight[k]
            if outdated or weight >= self.least[k]:
                continue
            other = self._best(k)
            if other is not None:
                self._absorb(k, other)
                heapq.heappush(heap, (float(self.weight[other]), other))
        for k in range(len(self.into)):
            self.into[k] = self._root(k)
        return self.into

    def _root(self, k: int) -> int:
        while self.into[k] != k:
            k = self.into[k]
        return k

    def _allowed(self, k: int, other: int) -> bool:
        same = self.north[k] == self.north[other] and self.urban[k] == self.urban[other]
        same &= self.old[k] == self.old[other] or self.weight[k] == 0
        return bool(same and (not self.urban[k] or self.east[k] == self.east[other]))

    def _cost(self, k: int, other: int) -> float:
        length, rank = self.near[k][other]
        most = LEAST_YARDS * (4.2 if self.old[k] else 2.9)
        too_large = self.weight[other] + self.weight[k] > most
        return rank * 3 + self.weight[other] * 0.6 - min(length, 1500) / 130 + 60 * too_large

    def _best(self, k: int) -> int | None:
        allowed = [other for other in self.near[k] if self._allowed(k, other)]
        return min(allowed, key=lambda other: (self._cost(k, other), other), default=None)

    def _absorb(self, k: int, other: int) -> None:
        self.into[k] = other
        self.weight[other] += self.weight[k]
        for third, (length, rank) in self.near[k].items():
            del self.near[third][k]
            if third == other:
                continue
            had, had_rank = self.near[other].get(third, (0.0, 0.0))
            total = had + length
            joint = (total, (had * had_rank + length * rank) / total)
            self.near[other][third] = self.near[third][other] = joint
        self.near[k] = {}


def _without_islands(net: Net, community: Indices) -> Indices:
    """Nobody lies wholly inside one other."""
    for _ in range(3):
        count = int(community.max()) + 1
        borders = Borders(net, community, count)
        degree = np.bincount(np.concatenate([borders.i, borders.j]), minlength=count)
        outer = community[net.sides[(net.sides < 0).any(axis=1)].max(axis=1)]
        inner = np.setdiff1d(np.flatnonzero(degree == 1), outer)
        for c in inner.tolist():
            k = np.flatnonzero((borders.i == c) | (borders.j == c))[0]
            community[community == c] = borders.i[k] + borders.j[k] - c
        if not len(inner):
            break
        community = np.unique(community, return_inverse=True)[1]
    return community
