"""Buildings: rectangles in rows that face south or the street, and running tracks beside schools."""

from dataclasses import dataclass

import numpy as np
import shapely

from geo.synth.drawing import Drawing
from geo.synth.ground import YARD
from geo.synth.plane import Flags, Indices, Points, Shapes, unit

# length m, depth m, gap along m, gap between rows m, share built
ROWS = {
    "estate": (52, 12.5, 8, 14.5, 0.97),
    "tower": (27, 17, 17, 25, 0.94),
    "lane": (12.5, 7.5, 1.8, 3.6, 0.86),
    "village": (13, 9, 3.2, 6.5, 0.80),
    "commerce": (48, 36, 10, 12, 0.90),
    "office": (52, 16, 18, 26, 0.85),
    "school": (56, 13, 14, 24, 0.62),
    "hospital": (62, 18, 12, 18, 0.85),
    "market": (62, 12, 6, 7, 0.97),
    "factory": (72, 32, 13, 14, 0.84),
    "depot": (96, 34, 14, 22, 0.90),
    "campus": (58, 15, 24, 32, 0.72),
    "station": (110, 30, 30, 60, 0.80),
    "sight": (18, 11, 7, 8, 0.80),
    "idle": (26, 14, 30, 40, 0.30),
}
TOWER_SHARE = 0.33
IRREGULAR = ("lane", "village", "sight", "factory")
WITH_TRACK = ("school", "campus")
TRACK_LENGTH_M, TRACK_RADIUS_M = 86.0, 36.5
TRACK_SCALES = (0.8, 0.72, 0.5)
SETBACK_M, NARROW_SETBACK_M = 4.5, 0.8


@dataclass(frozen=True, slots=True)
class _Plots:
    """Yards to build on: middle, direction of the rows, half extents along and across, pattern."""

    shape: Shapes
    pattern: Points
    use: Shapes
    middle: Points
    turn: Points
    half: Points

    def place(self, owner: Indices, local: Points) -> Points:
        """Local coordinates of yards, shape (n, m, 2), on the plane."""
        along = unit(self.turn[owner])[:, None, :]
        across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
        return self.middle[owner][:, None, :] + local[..., :1] * along + local[..., 1:] * across


def buildings_of(drawing: Drawing, seed: int) -> tuple[Shapes, Shapes]:
    """Build up a drawn city.

    Returns
    -------
    buildings, tracks
        Polygons in lon/lat; every building stands wholly inside its yard.
    """
    rng = np.random.default_rng([seed, 51])
    plots = _measured(rng, drawing)
    rows, owner = _rows(rng, plots)
    narrow = np.isin(plots.use.astype(str), ("lane", "village"))
    inner = shapely.buffer(plots.shape, -np.where(narrow, NARROW_SETBACK_M, SETBACK_M), quad_segs=1)
    shapely.prepare(inner)
    rows = rows[shapely.contains(inner[owner], rows)]
    tracks = _tracks(plots, inner)
    if len(tracks):
        hit = shapely.STRtree(tracks).query(rows, predicate="intersects")[0]
        rows = np.delete(rows, np.unique(hit))
    return drawing.bend.shapes(rows, finest=1e9), drawing.bend.shapes(tracks, finest=1e9)


def _measured(rng: np.random.Generator, drawing: Drawing) -> _Plots:
    plots = drawing.plots
    pick = np.flatnonzero((plots.kind == YARD) & (plots.use != "field"))
    shape, use = plots.shape[pick], plots.use[pick].astype(object)
    use[(use == "estate") & (rng.random(len(use)) < TOWER_SHARE)] = "tower"
    pattern = np.array([ROWS.get(u, ROWS["lane"]) for u in use])
    pattern[:, [0, 3]] *= rng.uniform(0.85, 1.2, (len(pick), 2))
    box = shapely.get_coordinates(shapely.oriented_envelope(shape)).reshape(-1, 5, 2)
    side = box[:, 1] - box[:, 0]
    # Nearest to east-west: the rows then face south.
    turn = (np.arctan2(side[:, 1], side[:, 0]) + np.pi / 4) % (np.pi / 2) - np.pi / 4
    middle = shapely.get_coordinates(shapely.centroid(shape))
    along = unit(turn)[:, None, :]
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    corner = box[:, :4] - middle[:, None]
    half = np.abs(np.stack([(corner * along).sum(axis=2), (corner * across).sum(axis=2)], axis=2))
    return _Plots(shape, pattern, use, middle, turn, half.max(axis=1))


def _rows(rng: np.random.Generator, plots: _Plots) -> tuple[Shapes, Indices]:
    """Rectangles in rows over every yard, and the yard of each."""
    length, depth, gap, gap_rows, share = plots.pattern.T
    extent = 2 * plots.half
    count = np.maximum(1, np.floor(extent / np.column_stack([length + gap, depth + gap_rows]))).astype(int)
    total = count.prod(axis=1)
    owner = np.repeat(np.arange(len(total)), total)
    k = np.arange(len(owner)) - np.repeat(np.cumsum(total) - total, total)
    place = np.column_stack([k % count[owner, 0], k // count[owner, 0]])
    pitch = (extent / count)[owner]
    middle = (place + 0.5) * pitch - plots.half[owner]
    loose = np.isin(plots.use[owner].astype(str), IRREGULAR)
    middle += np.where(loose[:, None], rng.normal(0, [1.2, 1.0], (len(owner), 2)), 0)
    size = np.minimum(np.column_stack([length, depth])[owner], pitch - 1)
    size *= np.where(loose[:, None], rng.uniform([0.6, 0.8], [1.1, 1.15], (len(owner), 2)), 1.0)
    keep = (rng.random(len(owner)) < share[owner]) & ~_track_corner(plots, owner, middle)
    owner = owner[keep]
    corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) / 2
    local = middle[keep, None, :] + corner * size[keep, None, :]
    return shapely.polygons(plots.place(owner, local)), owner


def _track_corner(plots: _Plots, owner: Indices, middle: Points) -> Flags:
    """Where schools leave room for the running track."""
    school = np.isin(plots.use[owner].astype(str), WITH_TRACK)
    return school & (middle[:, 0] > 0.05 * plots.half[owner, 0]) & (middle[:, 1] < 0.1 * plots.half[owner, 1])


def _tracks(plots: _Plots, inner: Shapes) -> Shapes:
    """The largest running track that fits beside each school."""
    out = []
    for k in np.flatnonzero(np.isin(plots.use.astype(str), WITH_TRACK)):
        u, v = plots.half[k]
        middle = plots.place(np.array([k]), np.array([[[0.36 * u, -0.34 * v]]]))[0, 0]
        heading = unit(plots.turn[k] + (np.pi / 2 if v > u else 0))
        for scale in TRACK_SCALES:
            end = heading * TRACK_LENGTH_M * scale / 2
            axis = shapely.LineString([middle - end, middle + end])
            oval = shapely.buffer(axis, TRACK_RADIUS_M * scale, quad_segs=6)
            if inner[k].contains(oval):
                out.append(oval)
                break
    return np.array(out, dtype=object)
