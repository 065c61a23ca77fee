"""Checks of a stored or freshly made set of faces, from the faces alone (rules E1–E6 of publishing).

`conditions` tells what is odd about a sound partition (holes, scattered or tiny ground); `check` also proves
that it is sound: valid polygons on the lattice that neither overlap nor miss each other's vertices.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.edges import EdgeSet, edges, neighbours
from geo.lattice import canon_coordinates
from geo.measure import area_m2
from geo.noding import in_trouble
from geo.records import FaceRecord, Finding, GridRecord
from geo.rim import Rim, rim

TINY_FACE_M2 = 50.0
SHORT_EDGE_M = 0.05
NONE = -1


def check(faces: Sequence[FaceRecord], grids: Sequence[GridRecord]) -> tuple[Finding, ...]:
    """Prove that faces are a sound partition.

    Parameters
    ----------
    faces, grids
        A partition as `geo.partition.partition` makes it or a database kept it.

    Returns
    -------
    findings
        Errors ``invalid-face``, ``overlap``, ``unmatched-border``, ``unknown-grid`` where it is not sound,
        and those of `conditions`. Errors first, then by rule and code.
    """
    found = [*_unknown_grids(faces, grids), *_invalid_faces(faces)]
    sound = [face for face in faces if _is_solid(face)]
    edge_set = edges(_shapes(sound))
    # Where two faces have different ideas of a border their shapes overlap or gape by a hair: said once.
    whole = rim(edge_set)
    found += _unmatched(sound, edge_set) + _overlaps(sound, edge_set, whole)
    found += _conditions(sound, grids, edge_set, whole)
    return tuple(sorted(found, key=lambda finding: finding.order))


def conditions(faces: Sequence[FaceRecord], grids: Sequence[GridRecord]) -> tuple[Finding, ...]:
    """List what a sound partition may still have wrong with it.

    Parameters
    ----------
    faces, grids
        Sound faces, and the grids they name.

    Returns
    -------
    findings
        ``hole`` (error, one for each enclosed hole of the whole); ``several-parts``, ``tiny-face``,
        ``short-edge``, ``no-ground`` (warnings, one for each grid).
    """
    edge_set = edges(_shapes(faces))
    return tuple(_conditions(faces, grids, edge_set, rim(edge_set)))


def _conditions(
    faces: Sequence[FaceRecord], grids: Sequence[GridRecord], edge_set: EdgeSet, whole: Rim
) -> list[Finding]:
    shapes = _shapes(faces)
    chains = _Chains(faces, grids)
    found = [*_holes(faces, shapes, whole), *_tiny(faces, shapes), *_short(faces, edge_set)]
    return [*found, *chains.without_ground(), *chains.in_several_parts(edge_set, shapes)]


def _shapes(faces: Sequence[FaceRecord]) -> NDArray[np.object_]:
    shapes = np.empty(len(faces), dtype=object)
    shapes[:] = [face.geometry for face in faces]
    # A database may have turned the rings round; edge sets want the ground on the left.
    return shapely.orient_polygons(shapes)


def _codes(faces: Iterable[FaceRecord]) -> tuple[str, ...]:
    return tuple(sorted({face.code for face in faces if face.code}))


# ---------------------------------------------------------------- is it sound?


def _is_solid(face: FaceRecord) -> bool:
    return (
        isinstance(face.geometry, shapely.Polygon) and not face.geometry.is_empty and face.geometry.is_valid
    )


def _unknown_grids(faces: Sequence[FaceRecord], grids: Sequence[GridRecord]) -> list[Finding]:
    """Faces and parents that name a grid that does not exist (E5: everything has exactly one parent)."""
    known = {(grid.level, grid.code) for grid in grids}
    missing = {(face.level, face.code) for face in faces if face.code} - known
    missing |= {(g.parent_level, g.parent_code) for g in grids if g.parent_code} - known
    return [
        Finding(
            "unknown-grid", "error", (str(code),), 0.0, None,
            f"Grid {code} of level {level} is named by a face or as a parent but does not exist.",
            {"level": level},
        )
        for level, code in sorted(missing, key=str)
    ]  # fmt: skip


def _invalid_faces(faces: Sequence[FaceRecord]) -> list[Finding]:
    """E1: every face is one valid polygon, on the lattice, without repeated vertices."""
    shapes = _shapes(faces)
    reasons: dict[int, str] = {}
    solid = np.array([isinstance(s, shapely.Polygon) and not s.is_empty for s in shapes], dtype=bool)
    for i in np.flatnonzero(~solid):
        reasons[int(i)] = "it is not a polygon with ground"
    where = np.flatnonzero(solid)
    rings, face = shapely.get_rings(shapes[where], return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    off = (canon_coordinates(coordinates) != coordinates).any(axis=1)
    off[1:] |= (ring[1:] == ring[:-1]) & (coordinates[1:] == coordinates[:-1]).all(axis=1)
    for i in where[np.unique(face[ring[off]])]:
        reasons[int(i)] = "it has vertices off the lattice or repeated ones"
    for i in where[~shapely.is_valid(shapes[where])]:
        reasons[int(i)] = shapely.is_valid_reason(shapes[i])
    return [
        Finding(
            "invalid-face", "error", _codes([faces[i]]), float(area_m2(shapes[i])[0]), shapes[i],
            f"A face of grid {faces[i].code or '(none)'} can't stand: {reason}.",
            {"level": faces[i].level, "reason": reason},
        )
        for i, reason in sorted(reasons.items())
    ]  # fmt: skip


def _overlaps(faces: Sequence[FaceRecord], edge_set: EdgeSet, whole: Rim) -> list[Finding]:
    """E2: no two faces share ground.

    Proof by the rim (`geo.rim`): each edge used once, or by two faces from both sides, and each polygon that
    the rim cuts out either ground or void. Only if that fails are the culprits looked for.
    """
    balance = np.bincount(
        edge_set.edge, weights=np.where(edge_set.forward, 1, -1), minlength=len(edge_set.ends)
    )
    fair = (edge_set.uses == 1) | ((edge_set.uses == 2) & (balance == 0))
    if fair.all() and np.isin(whole.ground, (0, 1)).all():
        return []
    shapes = _shapes(faces)
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[a < b], b[a < b]
    common = shapely.intersection(shapes[a], shapes[b])
    area = area_m2(common)
    return [
        Finding(
            "overlap", "error", _codes([faces[i], faces[j]]), float(size), shapely.normalize(shape),
            f"Two faces ({faces[i].code or 'gap'}, {faces[j].code or 'gap'}) share {size:.2f} m² of ground.",
            {"level": faces[i].level},
        )
        for i, j, size, shape in zip(a, b, area, common, strict=True)
        if size > 0
    ]  # fmt: skip


def _unmatched(faces: Sequence[FaceRecord], edge_set: EdgeSet) -> list[Finding]:
    """E2, E3: every vertex on a border is a vertex of both sides.

    Edges used once are the rim of the whole or of a hole; where one passes a vertex that is not its own, two
    faces have different ideas of one border. (The coverage check of GEOS does not see that.)
    """
    once = np.flatnonzero(edge_set.uses == 1)
    bad = once[in_trouble(edge_set.vertices[edge_set.ends[once]])]
    if len(bad) == 0:
        return []
    owner = np.full(len(edge_set.ends), NONE)
    owner[edge_set.edge] = edge_set.owner
    groups: dict[int, list[int]] = defaultdict(list)
    for edge in bad:
        groups[int(owner[edge])].append(int(edge))
    return [
        Finding(
            "unmatched-border", "error", _codes([faces[face]]), 0.0,
            shapely.normalize(shapely.multilinestrings(edge_set.lines(np.array(which)))),
            f"A face of grid {faces[face].code or '(none)'} lacks vertices of its neighbours "
            f"on {len(which)} edge(s).",
            {"level": faces[face].level, "edges": len(which)},
        )
        for face, which in sorted(groups.items())
    ]  # fmt: skip


def nesting_differences(
    faces: NDArray[np.object_], parent: NDArray[np.int64], outlines: NDArray[np.object_]
) -> tuple[EdgeSet, NDArray[np.int64]]:
    """Compare outlines of coarser grids with what their faces say, edge by edge (E5).

    Parameters
    ----------
    faces
        Polygons on the lattice, shape (n,).
    parent
        Index of each face's outline, shape (n,).
    outlines
        Polygons or multipolygons on the lattice, shape (m,).

    Returns
    -------
    edge_set, differing
        The edges of all, and those that are in the border of an outline but not in the border of its faces,
        or the other way round. None differ exactly when every outline is the union of its faces.
    """
    edge_set = edges(np.concatenate([faces, outlines]))
    count = len(faces)
    is_face = edge_set.owner < count
    group = np.where(
        is_face,
        np.r_[parent, np.zeros(len(outlines), dtype=np.int64)][edge_set.owner],
        edge_set.owner - count,
    )
    key = edge_set.edge * max(len(outlines), 1) + group
    # An edge inside a group is used by its faces twice, on the border once; the outline adds one more there.
    keys, place = np.unique(key, return_inverse=True)
    by_faces = np.bincount(place[is_face], minlength=len(keys))
    by_outline = np.bincount(place[~is_face], minlength=len(keys))
    return edge_set, np.unique(keys[(by_faces == 1) != (by_outline == 1)] // max(len(outlines), 1))


# ---------------------------------------------------------------- what is odd about it?


def _holes(faces: Sequence[FaceRecord], shapes: NDArray[np.object_], whole: Rim) -> list[Finding]:
    found = whole.holes()
    if len(found) == 0:
        return []
    # Holes laid in as if they were faces: who shares an edge with one borders on it.
    near = np.unique(shapely.STRtree(shapes).query(found)[1])
    together = np.concatenate([shapes[near], found])
    pairs = neighbours(edges(together), len(together))
    around: dict[int, list[int]] = defaultdict(list)
    for a, b in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True):
        if a < len(near) <= b:
            around[b - len(near)].append(int(near[a]))
    findings = []
    for k, (shape, area) in enumerate(zip(found, area_m2(found), strict=True)):
        codes = _codes(faces[i] for i in around[k])
        findings.append(
            Finding(
                "hole", "error", codes, float(area), shape,
                f"A hole of {area:.2f} m² that belongs to no grid lies between {', '.join(codes) or 'gaps'}.",
                {"level": ""},
            )
        )  # fmt: skip
    return findings


def _by_grid(faces: Sequence[FaceRecord], which: Iterable[int]) -> dict[tuple[str, str], list[int]]:
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i in which:
        groups[faces[i].level, faces[i].code].append(int(i))
    return groups


def _tiny(faces: Sequence[FaceRecord], shapes: NDArray[np.object_]) -> list[Finding]:
    areas = area_m2(shapes)
    return [
        Finding(
            "tiny-face", "warning", _codes([faces[which[0]]]), float(areas[which].sum()),
            shapely.multipolygons(shapes[which]),
            f"{len(which)} part(s) of grid {code or '(none)'} are smaller than {TINY_FACE_M2:.0f} m².",
            {"level": level, "faces": len(which)},
        )
        for (level, code), which in sorted(_by_grid(faces, np.flatnonzero(areas < TINY_FACE_M2)).items())
    ]  # fmt: skip


def _short(faces: Sequence[FaceRecord], edge_set: EdgeSet) -> list[Finding]:
    length = edge_set.lengths_m(np.arange(len(edge_set.ends)))
    use = np.flatnonzero(length[edge_set.edge] < SHORT_EDGE_M)
    groups: dict[tuple[str, str], set[int]] = defaultdict(set)
    for face, edge in zip(edge_set.owner[use].tolist(), edge_set.edge[use].tolist(), strict=True):
        groups[faces[face].level, faces[face].code].add(edge)
    findings = []
    for (level, code), chosen in sorted(groups.items()):
        which = np.array(sorted(chosen))
        findings.append(
            Finding(
                "short-edge", "warning", (code,) if code else (), 0.0,
                shapely.normalize(shapely.multilinestrings(edge_set.lines(which))),
                f"Grid {code or '(none)'} has {len(which)} edge(s) shorter than {SHORT_EDGE_M:g} m.",
                {"level": level, "edges": len(which), "shortest_m": float(length[which].min())},
            )
        )  # fmt: skip
    return findings


class _Chains:
    """The grids above each face."""

    def __init__(self, faces: Sequence[FaceRecord], grids: Sequence[GridRecord]) -> None:
        self.grids = grids
        self.levels = list(dict.fromkeys(grid.level for grid in grids))
        number = {(grid.level, grid.code): i for i, grid in enumerate(grids)}
        # One more at the end stands for "none", so that -1 leads to itself.
        self.parent = np.array(
            [number.get((g.parent_level or "", g.parent_code or ""), NONE) for g in grids] + [NONE]
        )
        self.level = np.array([self.levels.index(g.level) for g in grids] + [NONE])
        self.holder = np.array(
            [NONE if f.kind == "gap" else number.get((f.level, f.code), NONE) for f in faces], dtype=np.int64
        )

    def without_ground(self) -> list[Finding]:
        """Grids to whom nothing fell, neither directly nor through finer grids."""
        has = np.zeros(len(self.grids) + 1, dtype=bool)
        current = self.holder
        for _ in range(len(self.levels) + 1):
            has[current] = True
            current = self.parent[current]
        return [
            Finding(
                "no-ground", "warning", (grid.code,), 0.0, None,
                f"Grid {grid.code} of level {grid.level} has no ground.",
                {"level": grid.level, "name": grid.name},
            )
            for grid, some in zip(self.grids, has, strict=False)
            if not some
        ]  # fmt: skip

    def at(self, depth: int) -> NDArray[np.int64]:
        """Grid of each face at one level, `NONE` where it has none there."""
        current = self.holder
        for _ in self.levels:
            current = np.where(self.level[current] > depth, self.parent[current], current)
        return np.where(self.level[current] == depth, current, NONE)

    def in_several_parts(self, edge_set: EdgeSet, shapes: NDArray[np.object_]) -> list[Finding]:
        """E6: grids whose ground falls apart; contact in a corner does not hold it together."""
        pairs = neighbours(edge_set, len(shapes))
        findings = []
        for depth in range(len(self.levels)):
            grid = self.at(depth)
            same = (grid[pairs.a] == grid[pairs.b]) & (grid[pairs.a] != NONE)
            a, b = pairs.a[same], pairs.b[same]
            links = coo_array((np.ones(len(a)), (a, b)), shape=(len(shapes), len(shapes)))
            _, part = connected_components(links, directed=False)
            keys = np.unique(np.column_stack([grid, part])[grid != NONE], axis=0)
            several, count = np.unique(keys[:, 0], return_counts=True)
            for g, parts in zip(several[count > 1], count[count > 1], strict=True):
                findings.append(self._scattered(int(g), int(parts), shapes[grid == g], part[grid == g]))
        return findings

    def _scattered(
        self, grid: int, parts: int, shapes: NDArray[np.object_], part: NDArray[np.int64]
    ) -> Finding:
        areas = area_m2(shapes)
        of_part = np.bincount(np.unique(part, return_inverse=True)[1], weights=areas)
        small = part != np.unique(part)[of_part.argmax()]
        record = self.grids[grid]
        return Finding(
            "several-parts", "warning", (record.code,), float(of_part.sum() - of_part.max()),
            shapely.coverage_union_all(shapes[small]),
            f"Grid {record.code} of level {record.level} lies in {parts} separate parts.",
            {"level": record.level, "name": record.name, "parts": parts},
        )  # fmt: skip
