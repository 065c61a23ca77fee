"""Sub-districts and districts: communities parted by recursive sweeps along rivers, rails and avenues."""

from dataclasses import dataclass

import numpy as np
import shapely

from geo.synth.cells import Cells, Net
from geo.synth.groups import Borders, connected
from geo.synth.plane import Flags, Indices, Points

# Cost of a metre of border by its natural rank, 0 … 9: a lane is dear, a river nearly free.
COST_BY_RANK = np.array([1.5, 1.5, 1.5, 1.25, 1.1, 0.9, 0.7, 0.6, 0.35, 0.2])
RIVER_RANK = 8.5
DIRECTIONS = np.arange(10) * np.pi / 10 + 0.12


@dataclass(frozen=True, slots=True)
class Communities:
    """What parting needs to know of the communities: middles, weights, borders, and three traits."""

    spot: Points
    weight: Points
    borders: Borders
    urban: Flags
    old: Flags
    bank: Indices

    @property
    def cost(self) -> Points:
        """What it costs to run a higher border along each border."""
        rank = np.clip(np.round(self.borders.rank).astype(int), 0, 9)
        return self.borders.length * COST_BY_RANK[rank]


def describe(cells: Cells, net: Net, community: Indices, weight: Points) -> Communities:
    """Sum up communities; `weight` is about how many people live in each."""
    count = int(community.max()) + 1
    area = shapely.area(cells.shape)
    total = np.bincount(community, area)
    spot = np.column_stack([np.bincount(community, area * cells.spot[:, k]) / total for k in (0, 1)])
    north = np.bincount(community, cells.north) > np.bincount(community) / 2
    east = np.bincount(community, cells.east * area) > total / 2
    borders = Borders(net, community, count)
    bank = np.where(~north, 1, np.where(east, 2, 0))
    return Communities(
        spot=spot,
        weight=weight,
        borders=borders,
        urban=np.bincount(community, cells.urban * area) > total / 2,
        old=np.bincount(community, cells.old) > 0,
        bank=_gathered(bank, borders, weight),
    )


def _gathered(bank: Indices, borders: Borders, weight: Points) -> Indices:
    """South bank, north-west, east of the rail, each in one piece: strays follow their neighbours."""
    for _ in range(3):
        part = borders.linked(bank[borders.i] == bank[borders.j])
        heft = np.bincount(part, weight)
        for b in range(3):
            parts = np.unique(part[bank == b])
            for stray in parts[heft[parts] < heft[parts].max(initial=0)]:
                mine = (part[borders.i] == stray) != (part[borders.j] == stray)
                by_land = mine & (borders.rank <= RIVER_RANK)
                _follow(bank, part == stray, borders, by_land if by_land.any() else mine)
    return bank


def _follow(label: Indices, stray: Flags, borders: Borders, which: Flags) -> None:
    """Give a stray part the label of the neighbour behind the longest of these borders."""
    candidates = np.flatnonzero(which)
    if len(candidates):
        k = candidates[np.argmax(borders.length[candidates])]
        i, j = borders.i[k], borders.j[k]
        label[stray] = label[j] if stray[i] else label[i]


def part_districts(communities: Communities, count: int) -> Indices:
    """Number of the district of every community: a few within each of the three banks."""
    return _sweep_each(communities, communities.bank, count)


def part_subdistricts(communities: Communities, district: Indices, count: int) -> Indices:
    """Number of the sub-district of every community; the old town stays one."""
    sub = district
    for more in range(4):  # The old town may swallow one: ask for one more.
        sub = _sweep_each(communities, district, count + more)
        if communities.old.any():
            sub[communities.old] = np.argmax(np.bincount(sub[communities.old]))
        _rejoin_strays(communities, sub, district)
        sub = np.unique(sub, return_inverse=True)[1]
        if sub.max() + 1 >= count:
            break
    return sub


def _rejoin_strays(communities: Communities, sub: Indices, district: Indices) -> None:
    borders = communities.borders
    part = borders.linked((sub[borders.i] == sub[borders.j]) & (district[borders.i] == district[borders.j]))
    heft = np.bincount(part, communities.weight)
    inside = district[borders.i] == district[borders.j]
    for p in range(int(part.max()) + 1):
        siblings = np.unique(part[sub == sub[part == p][0]])
        if heft[p] < heft[siblings].max():
            out = (part[borders.i] == p) != (part[borders.j] == p)
            _follow(sub, part == p, borders, out & inside)


def apportion(share: Points, total: int) -> Indices:
    """Seats by share, at least one each: more than `total` only where there are more shares."""
    seats = np.maximum(1, np.floor(share / share.sum() * total)).astype(int)
    while seats.sum() < total:
        seats[np.argmax(share / (seats + 0.5))] += 1
    while seats.sum() > total and seats.max() > 1:
        seats[np.argmin(np.where(seats > 1, share / seats, np.inf))] -= 1
    return seats


def _sweep_each(communities: Communities, whole: Indices, count: int) -> Indices:
    """Part every whole by its share of the weight; numbers go on from one whole to the next."""
    present = np.unique(whole)
    share = np.bincount(whole, communities.weight)[present]
    out = np.full(len(whole), -1)
    label = 0
    for w, parts in zip(present, apportion(share, count), strict=True):
        label = _sweep(communities, np.flatnonzero(whole == w), int(parts), out, label)
    return out


def _sweep(communities: Communities, members: Indices, parts: int, out: Indices, label: int) -> int:
    """Split members into balanced, connected, well-bordered parts; returns the next free label."""
    left = _best_cut(communities, members, parts) if parts > 1 and len(members) > 1 else None
    if left is None:
        out[members] = label
        return label + 1
    label = _sweep(communities, members[left], parts // 2, out, label)
    return _sweep(communities, members[~left], parts - parts // 2, out, label)


def _best_cut(communities: Communities, members: Indices, parts: int) -> Flags | None:
    borders = communities.borders
    local = np.full(borders.count, -1)
    local[members] = np.arange(len(members))
    a, b = local[borders.i], local[borders.j]
    inside = (a >= 0) & (b >= 0)
    a, b, cost = a[inside], b[inside], communities.cost[inside]
    spot, weight = communities.spot[members], communities.weight[members]
    target = (parts // 2) / parts
    best: tuple[float, Flags | None] = (np.inf, None)
    for angle in DIRECTIONS:
        order = np.argsort(spot @ [np.cos(angle), np.sin(angle)], kind="stable")
        so_far = np.cumsum(weight[order]) / weight.sum()
        for wanted in target + np.array([0, -0.1, 0.1]) / parts:
            left = np.zeros(len(members), bool)
            left[order[: max(1, min(len(members) - 1, int(np.searchsorted(so_far, wanted)) + 1))]] = True
            left = _in_two_pieces(left, a, b, weight)
            if left.all() or not left.any():
                continue
            off = weight[left].sum() / weight.sum() - target
            value = cost[left[a] != left[b]].sum() * (1 + 3.5 * (off * parts) ** 2)
            if value < best[0]:
                best = (value, left)
    return best[1]


def _in_two_pieces(left: Flags, a: Indices, b: Indices, weight: Points) -> Flags:
    """Strays of either side go over to the other."""
    for side in (True, False):
        mine = left == side
        if not mine.any():
            continue
        link = mine[a] & mine[b]
        part = connected(a[link], b[link], len(left))
        main = np.argmax(np.bincount(part, weight * mine))
        left[mine & (part != main)] = not side
    return left
