"""Blocks between streets, and yards: every block is halved until its pieces have the size of their style.

All pieces are halved at once, round by round; there is no loop over yards.
"""

from dataclasses import dataclass

import numpy as np
import shapely

from geo.synth.cells import Cells, Net
from geo.synth.classes import HALF_WIDTH_M, is_style, style_column
from geo.synth.plane import STEPS_PER_METRE, Flags, Indices, Points, Shapes, grid_steps

ROUNDS = 24
SMALLEST_PIECE_M2 = 60.0


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of ground: polygons, the cell each lies in, its style; `gross` reaches to the street middles."""

    shape: Shapes
    cell: Indices
    style: Indices
    gross: Shapes

    def __len__(self) -> int:
        return len(self.shape)

    def pick(self, which: Indices | Flags) -> "Pieces":
        """Some of the pieces."""
        return Pieces(self.shape[which], self.cell[which], self.style[which], self.gross[which])


@dataclass(frozen=True, slots=True)
class CutStreets:
    """Streets that came into being by cutting: middle lines, widths, and the cell and style they lie in."""

    line: Shapes
    width: Points
    cell: Indices
    style: Indices


def blocks_of(cells: Cells, net: Net, style: Indices) -> Pieces:
    """Ground of the cells less the streets along their edges."""
    free, cell = shapely.get_parts(_street_free(cells.shape, net), return_index=True)
    keep = (shapely.area(free) > 400) & (shapely.get_type_id(free) == shapely.GeometryType.POLYGON)
    free, cell = free[keep], cell[keep]
    # Buffers leave spikes; banks stay as they are, the water is cut out of them later.
    dry = ~is_style(style[cell], "river")
    free[dry] = shapely.simplify(free[dry], 0.3)
    whole = np.bincount(cell, minlength=len(cells)) == 1
    return Pieces(free, cell, style[cell], np.where(whole[cell], cells.shape[cell], free))


def _street_free(shape: Shapes, net: Net) -> Shapes:
    """Cut out the streets, class by class, and the corners where wide streets cross."""
    out = shape.copy()
    for line_class, half_width in enumerate(HALF_WIDTH_M):
        mine = np.flatnonzero(net.line_class == line_class)
        owner, line = net.sides[mine].T.ravel(), np.tile(mine, 2)
        owner, line = owner[owner >= 0], line[owner >= 0]
        if half_width == 0 or not len(line):
            continue
        order = np.argsort(owner, kind="stable")
        beside, bundle = np.unique(owner[order], return_inverse=True)
        lines = shapely.multilinestrings(net.line[line[order]], indices=bundle)
        out[beside] = shapely.difference(out[beside], shapely.buffer(lines, half_width, quad_segs=2))
    return _without_corners(out, net)


def _without_corners(shape: Shapes, net: Net) -> Shapes:
    ends = np.vstack([shapely.get_coordinates(shapely.get_point(net.line, k)) for k in (0, -1)])
    node, number, degree = np.unique(grid_steps(ends), axis=0, return_inverse=True, return_counts=True)
    widest = np.zeros(len(node))
    np.maximum.at(widest, number.ravel(), np.tile(net.half_width_m, 2))
    pick = np.flatnonzero((degree >= 3) & (widest >= 12))
    corner = shapely.buffer(shapely.points(node[pick] / STEPS_PER_METRE), widest[pick] * 1.45, quad_segs=1)
    which, cell = shapely.STRtree(shape).query(corner, predicate="intersects")
    order = np.lexsort((which, cell))
    beside, bundle = np.unique(cell[order], return_inverse=True)
    out = shape.copy()
    if len(beside):
        cuts = shapely.make_valid(shapely.multipolygons(corner[which[order]], indices=bundle))
        out[beside] = shapely.difference(out[beside], cuts)
    return out


@dataclass(frozen=True, slots=True)
class _Cut:
    """How the pieces of one round are halved: middle, direction and reach of the cut, width of the street."""

    middle: Points
    along: Points
    reach: Points
    width: Points

    def line(self) -> Shapes:
        step = self.along * self.reach[:, None]
        return shapely.linestrings(np.stack([self.middle - step, self.middle + step], axis=1))

    def half(self, side: int, off: Points) -> Shapes:
        """Half planes left (1) or right (-1) of the cut, `off` metres away from it, as quads."""
        normal = side * np.column_stack([-self.along[:, 1], self.along[:, 0]])
        step, deep = self.along * self.reach[:, None], normal * self.reach[:, None]
        base = self.middle + normal * off[:, None]
        corners = [base - step, base + step, base + step + deep, base - step + deep, base - step]
        return shapely.polygons(np.stack(corners, axis=1))


def cut_yards(seed: int, blocks: Pieces, scale: float, *, streets: bool) -> tuple[Pieces, CutStreets]:
    """Halve blocks across their long side until every piece is small enough.

    Parameters
    ----------
    seed
        Equal seeds cut alike, whatever else was drawn.
    blocks
        What to cut.
    scale
        Factor of all the size limits of the styles.
    streets
        Whether to return the streets between the pieces; without, it goes faster.
    """
    rng = np.random.default_rng([seed, 31])
    limit = rng.uniform(style_column(blocks.style, "smallest_ha"), style_column(blocks.style, "largest_ha"))
    limit *= 1e4 * scale
    pieces, done, laid = blocks, [], []
    for _ in range(ROUNDS):
        big = shapely.area(pieces.shape) > limit
        done.append(pieces.pick(~big))
        pieces, limit = pieces.pick(big), limit[big]
        if not len(pieces):
            break
        cut = _plan_cut(rng, pieces, scale)
        if streets:
            laid.append(_streets_of(pieces, cut))
        pieces, parent = _halved(pieces, cut, gross=streets)
        limit = limit[parent] * rng.uniform(0.82, 1.22, len(parent))
    return _joined(done, Pieces), _joined(laid, CutStreets)


def _joined(parts: list, kind: type) -> "Pieces | CutStreets":
    fields = kind.__dataclass_fields__
    return kind(*(np.concatenate([getattr(p, f) for p in parts]) if parts else np.zeros(0) for f in fields))


def _plan_cut(rng: np.random.Generator, pieces: Pieces, scale: float) -> _Cut:
    count = len(pieces)
    box = shapely.get_coordinates(shapely.oriented_envelope(pieces.shape)).reshape(-1, 5, 2)
    one, other = box[:, 1] - box[:, 0], box[:, 2] - box[:, 1]
    long_one = np.hypot(*one.T) >= np.hypot(*other.T)
    axis = np.where(long_one[:, None], one, other)
    length = np.hypot(*axis.T)
    breadth = np.minimum(np.hypot(*one.T), np.hypot(*other.T))
    axis /= length[:, None]
    skew = style_column(pieces.style, "skew_deg")
    loose = rng.uniform(0.34, 0.66, count)
    at = np.where(skew > 3, loose, 0.5 + (loose - 0.5) * 0.625)
    turn = rng.normal(0, 1, count) * np.radians(skew)
    cos, sin = np.cos(turn), np.sin(turn)
    along = np.column_stack([-axis[:, 1] * cos - axis[:, 0] * sin, -axis[:, 1] * sin + axis[:, 0] * cos])
    middle = box[:, :4].mean(axis=1) + axis * ((at - 0.5) * length)[:, None]
    return _Cut(middle, along, 2 * (length + breadth), _street_widths(rng, pieces, scale))


def _street_widths(rng: np.random.Generator, pieces: Pieces, scale: float) -> Points:
    area = shapely.area(pieces.shape) / 1e4

    def of(name: str) -> Points:
        return style_column(pieces.style, name)

    lane = np.where(rng.random(len(pieces)) < of("lane_share"), of("lane_m"), 0.0)
    local = area > of("local_above_ha") * min(scale, 1.3)
    return np.where(area > of("collector_above_ha"), of("collector_m"), np.where(local, of("local_m"), lane))


def _streets_of(pieces: Pieces, cut: _Cut) -> CutStreets:
    has = cut.width > 0
    line = shapely.intersection(cut.line()[has], pieces.gross[has])
    return CutStreets(line, cut.width[has], pieces.cell[has], pieces.style[has])


def _halved(pieces: Pieces, cut: _Cut, *, gross: bool) -> tuple[Pieces, Indices]:
    """Both halves of all pieces, and the piece each comes from."""
    halves, parents = [], []
    nothing = np.zeros(len(pieces))
    for side in (1, -1):
        shape = shapely.intersection(pieces.shape, cut.half(side, cut.width / 2))
        parts, parent = shapely.get_parts(shape, return_index=True)
        good = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
        good &= shapely.area(parts) > SMALLEST_PIECE_M2
        parts, parent = parts[good], parent[good]
        around = parts
        if gross:
            around = shapely.intersection(pieces.gross, cut.half(side, nothing))[parent]
            around = np.where(shapely.is_empty(around), parts, around)
        halves.append(Pieces(parts, pieces.cell[parent], pieces.style[parent], around))
        parents.append(parent)
    return _joined(halves, Pieces), np.concatenate(parents)


def good_yards(pieces: Pieces) -> Pieces:
    """Pieces that can be yards; slivers and left-over corners go back to public ground."""
    area, around = shapely.area(pieces.shape), shapely.length(pieces.shape)
    floor = np.where(is_style(pieces.style, "old", "village", "invillage"), 320.0, 1500.0)
    good = (area > floor) & (4 * np.pi * area / around**2 > 0.30)
    good |= is_style(pieces.style, "park", "field", "hill") & (area > 3000) & (area / around > 5)
    good |= is_style(pieces.style, "river") & (area > SMALLEST_PIECE_M2)
    return pieces.pick(good)


def scale_for(seed: int, blocks: Pieces, yards: int, passes: int = 4) -> float:
    """Find the factor of the size limits that gives about this many yards, by a few dry passes."""
    scale, best = 1.0, (float("inf"), 1.0)
    for _ in range(passes):
        kept = good_yards(cut_yards(seed, blocks, scale, streets=False)[0])
        # A few go back to public ground later.
        count = int((~is_style(kept.style, "park", "river", "hill")).sum() * 0.985)
        best = min(best, (abs(count - yards), scale))
        if best[0] < 0.008 * yards:
            break
        scale *= (max(count, 1) / yards) ** 1.05
    return best[1]
