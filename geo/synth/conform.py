"""Shared borders made exact: close vertices welded, and every vertex on a border put into every face there.

Works on the planning grid by whole numbers; nothing is noded, so nothing moves by more than the weld.
"""

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.edges import distinct_edges, distinct_vertices
from geo.synth.plane import STEPS_PER_METRE, Flags, Indices, Points, Shapes, grid_steps

WELD_M = 0.11
# Larger than the weld, smaller than the shortest edge: an insertion never makes a spike.
ON_LINE_M = 0.125
SHORTEST_M = 0.09
ROUNDS = 8


def conform(plots: Shapes, outlines: Shapes) -> tuple[Shapes, Shapes]:
    """Weld close vertices and insert those that lie on borders.

    Parameters
    ----------
    plots
        Polygons on the planning grid that may touch each other and the outlines, shape (n,).
    outlines
        A clean coverage of polygons that the plots lie in, shape (c,). Outlines take vertices of plots but
        none of each other, and are not welded: they are sound as they are, and could only lose by it.

    Returns
    -------
    plots, outlines
        With the same vertices wherever they share a border. A plot that the weld pinched is invalid.
    """
    plots = _welded(plots, outlines)
    together = np.concatenate([plots, outlines])
    for _ in range(ROUNDS):
        more = _with_missing_vertices(together, len(plots))
        if more is None:
            break
        together = more
    return together[: len(plots)], together[len(plots) :]


def _welded(plots: Shapes, outlines: Shapes) -> Shapes:
    """Plots with their vertices moved to an outline's vertex close by, else to one of their own."""
    _, xy, offsets = shapely.to_ragged_array(plots)
    fixed = cKDTree(shapely.get_coordinates(outlines))
    distance, nearest = fixed.query(xy, distance_upper_bound=WELD_M)
    close = np.isfinite(distance)
    xy[close] = fixed.data[nearest[close]]
    vertices, number = distinct_vertices(grid_steps(xy))
    count = len(vertices)
    pairs = cKDTree(vertices / STEPS_PER_METRE).query_pairs(WELD_M, output_type="ndarray").reshape(-1, 2)
    at_outline = np.zeros(count, dtype=bool)
    at_outline[number[close]] = True
    pairs = pairs[~at_outline[pairs].any(axis=1)]
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), (count, count))
    _, cluster = connected_components(graph, directed=False)
    head = np.full(count, count)
    np.minimum.at(head, cluster, np.arange(count))
    welded = vertices[head[cluster]][number] / STEPS_PER_METRE
    made = shapely.from_ragged_array(shapely.GeometryType.POLYGON, welded, offsets)
    return shapely.remove_repeated_points(made)


def _with_missing_vertices(polygons: Shapes, plots: int) -> Shapes | None:
    """Polygons with the vertices that lie on their segments put in; None when there are no more.

    Asked are segments that only one polygon uses, and all segments of outlines.
    """
    _, xy, (rings, parts) = shapely.to_ragged_array(polygons)
    vertices, number = distinct_vertices(grid_steps(xy))
    first_outline = rings[parts[plots]]
    inner = np.ones(len(xy), dtype=bool)
    inner[rings[1:] - 1] = False
    start = np.flatnonzero(inner)
    ends = np.column_stack([number[start], number[start + 1]])
    asked = _lonely(ends, len(vertices)) | (start >= first_outline)
    start, ends = start[asked], ends[asked]
    vertex, segment = _on_segments(vertices / STEPS_PER_METRE, ends)
    of_outline = np.zeros(len(vertices), dtype=bool)
    of_outline[number[first_outline:]] = True
    wanted = ~(of_outline[vertex] & (start[segment] >= first_outline))
    vertex, segment = vertex[wanted], segment[wanted]
    if not len(vertex):
        return None
    after = start[segment] + 1
    xy = np.insert(xy, after, vertices[vertex] / STEPS_PER_METRE, axis=0)
    added = np.cumsum(np.bincount(after, minlength=len(inner) + 1))
    longer = rings + np.concatenate([[0], added[rings[1:] - 1]])
    return shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy, (longer, parts))


def _lonely(ends: Indices, vertex_count: int) -> Flags:
    """Segments that only one polygon uses."""
    _, edge, _ = distinct_edges(ends, vertex_count)
    return np.bincount(edge)[edge] == 1


def _on_segments(vertices: Points, ends: Indices) -> tuple[Indices, Indices]:
    """Ends of segments that lie on another segment, and that segment, in the order along it."""
    candidates = np.unique(ends)
    lines = shapely.linestrings(vertices[ends])
    points = shapely.points(vertices[candidates])
    k, segment = shapely.STRtree(lines).query(points, predicate="dwithin", distance=ON_LINE_M)
    vertex = candidates[k]
    step = vertices[ends[segment, 1]] - vertices[ends[segment, 0]]
    square = (step * step).sum(axis=1)
    at = ((vertices[vertex] - vertices[ends[segment, 0]]) * step).sum(axis=1) / square
    inside = (vertex[:, None] != ends[segment]).all(axis=1) & (at > 0) & (at < 1)
    inside &= np.minimum(at, 1 - at) * np.sqrt(square) > SHORTEST_M
    vertex, segment, at = vertex[inside], segment[inside], at[inside]
    order = np.lexsort((at, segment))
    return vertex[order], segment[order]
