"""From features to grids: codes, parents, joined parts, repairs."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import GeoError
from geo.measure import area_m2
from geo.records import Feature, Finding, Gap, GridRecord, Layer
from geo.validity import Repair, repaired


class UncodedFeature(GeoError):
    """A feature has no code."""


ParentByCode = Callable[[str, str], str | None]
DISTRICT = -1


@dataclass(frozen=True, slots=True)
class Intake:
    """Grids of all levels in one numbering, coarsest level first, then by code.

    Attributes
    ----------
    levels
        Names of the levels, coarsest first.
    grids
        One record for each grid.
    level, parent
        Level number and parent grid of each grid, `DISTRICT` where it is the district itself.
    pieces, piece_grid
        Valid polygons on the lattice and the grid each belongs to; a grid may have several or none.
    gaps
        Declared gaps in a fixed order, repaired.
    findings
        What was found so far.
    """

    levels: tuple[str, ...]
    grids: tuple[GridRecord, ...]
    level: NDArray[np.int64]
    parent: NDArray[np.int64]
    pieces: NDArray[np.object_]
    piece_grid: NDArray[np.int64]
    gaps: tuple[Gap, ...]
    findings: tuple[Finding, ...]

    @property
    def outlined(self) -> NDArray[np.bool_]:
        """Which grids brought an outline of their own."""
        return np.bincount(self.piece_grid, minlength=len(self.grids)) > 0

    @property
    def has_children(self) -> NDArray[np.bool_]:
        """Which grids are somebody's parent."""
        return np.bincount(self.parent[self.parent != DISTRICT], minlength=len(self.grids)) > 0


def take_in(layers: Sequence[Layer], parent_by_code: ParentByCode, gaps: Sequence[Gap]) -> Intake:
    """Turn layers (coarsest first) into numbered grids with valid pieces of ground."""
    findings: list[Finding] = []
    grids: list[GridRecord] = []
    level_of: list[int] = []
    parent: list[int] = []
    pieces, piece_grid = [], []
    number: dict[tuple[int, str], int] = {}
    present = [layer for layer in layers if layer.features]
    _refuse_nameless(present)
    for depth, layer in enumerate(present):
        features = _in_order(layer.features)
        outlines, notes = _valid_outlines(layer.level, features)
        findings += notes
        grid_of_feature = np.zeros(len(features), dtype=np.int64)
        resolve = _Resolver(present, depth, number, parent_by_code)
        for code, members in _by_code(features).items():
            grid, found = _one_grid(resolve, layer.level, code, [features[i] for i in members])
            findings += found
            number[depth, code] = len(grids)
            grid_of_feature[members] = len(grids)
            parent.append(resolve.found(grid))
            grids.append(grid)
            level_of.append(depth)
        parts, feature = shapely.get_parts(outlines, return_index=True)
        solid = ~shapely.is_empty(parts)
        pieces.append(parts[solid])
        piece_grid.append(grid_of_feature[feature[solid]])
    good_gaps, gap_findings = _valid_gaps(gaps, {code for _, code in number})
    return Intake(
        levels=tuple(layer.level for layer in present),
        grids=tuple(grids),
        level=np.array(level_of, dtype=np.int64),
        parent=np.array(parent, dtype=np.int64),
        pieces=np.concatenate([np.zeros(0, dtype=object), *pieces]),
        piece_grid=np.concatenate([np.zeros(0, dtype=np.int64), *piece_grid]),
        gaps=good_gaps,
        findings=tuple(findings) + gap_findings,
    )


def _refuse_nameless(layers: Sequence[Layer]) -> None:
    """Features without a code would all melt into one grid; two layers of one level into each other."""
    names = [layer.level for layer in layers]
    if len(set(names)) < len(names):
        raise ValueError(f"several layers of one level: {names}")
    for layer in layers:
        for i, feature in enumerate(layer.features):
            if not feature.code:
                raise UncodedFeature(
                    f"Feature {i + 1} of level {layer.level} has no code.", level=layer.level, index=i
                )


def _in_order(features: Sequence[Feature]) -> list[Feature]:
    """Sort by what the features say, never by where they stand; shapes only matter between namesakes."""
    often = Counter(feature.code for feature in features)

    def key(feature: Feature) -> tuple[str, str, str, bytes]:
        alone = often[feature.code] == 1 or feature.geometry is None
        shape = b"" if alone else shapely.to_wkb(feature.geometry)
        return feature.code, feature.parent or "", feature.name, shape

    return sorted(features, key=key)


def _by_code(features: Sequence[Feature]) -> dict[str, list[int]]:
    """Positions of the features of each code, in order of the codes."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, feature in enumerate(features):
        groups[feature.code].append(i)
    return groups


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Finds the parent of a feature among the coarser levels that are present."""

    present: Sequence[Layer]
    depth: int
    number: dict[tuple[int, str], int]
    parent_by_code: ParentByCode

    def wanted(self, feature: Feature) -> str | None:
        """Code of the parent: the parent field, else the code scheme."""
        return feature.parent or self.parent_by_code(self.present[self.depth].level, feature.code)

    def level_of(self, code: str | None) -> str | None:
        """Nearest coarser level that has this code."""
        for depth in range(self.depth - 1, -1, -1):
            if code is not None and (depth, code) in self.number:
                return self.present[depth].level
        return None

    def found(self, grid: GridRecord) -> int:
        """Number of the parent grid."""
        for depth in range(self.depth):
            if self.present[depth].level == grid.parent_level:
                return self.number[depth, str(grid.parent_code)]
        return DISTRICT


def _one_grid(
    resolve: _Resolver, level: str, code: str, members: Sequence[Feature]
) -> tuple[GridRecord, list[Finding]]:
    """Make the grid of one code and say what is odd about its features."""
    parents = sorted({resolve.wanted(feature) or "" for feature in members})
    name = min((feature.name for feature in members if feature.name), default="")
    findings = []
    if len(parents) > 1:
        findings.append(_duplicate(level, code, parents, members))
    elif len(members) > 1:
        findings.append(_joined(level, code, members))
    known = [(resolve.level_of(parent), parent) for parent in parents if resolve.level_of(parent)]
    if resolve.depth == 0:
        return GridRecord(level, code, name, None, None), findings
    unknown = [parent for parent in parents if not resolve.level_of(parent)]
    if unknown:
        findings.append(_unknown_parent(level, code, unknown, resolve, members))
    if not known:
        return GridRecord(level, code, name, None, None), findings
    parent_level, parent = known[0]
    return GridRecord(level, code, name, parent_level, parent), findings


def _ground(members: Sequence[Feature]) -> tuple[float, shapely.Geometry | None]:
    """Area and shape of the features as given."""
    shapes = [feature.geometry for feature in members if feature.geometry is not None]
    if not shapes:
        return 0.0, None
    parts = shapely.get_parts(shapely.force_2d(shapes))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return float(area_m2(polygons).sum()), shapely.multipolygons(polygons)


def _duplicate(level: str, code: str, parents: list[str], members: Sequence[Feature]) -> Finding:
    area, shape = _ground(members)
    names = ", ".join(repr(parent) for parent in parents)
    return Finding(
        "duplicate-code", "error", (code,), area, shape,
        f"{len(members)} features of level {level} carry the code {code} under different parents ({names}).",
        {"level": level, "parents": parents, "features": len(members)},
    )  # fmt: skip


def _joined(level: str, code: str, members: Sequence[Feature]) -> Finding:
    area, shape = _ground(members)
    return Finding(
        "joined-parts", "info", (code,), area, shape,
        f"{len(members)} features of level {level} carry the code {code}; they are parts of one grid.",
        {"level": level, "features": len(members), "names": sorted({m.name for m in members if m.name})},
    )  # fmt: skip


def _unknown_parent(
    level: str, code: str, unknown: list[str], resolve: _Resolver, members: Sequence[Feature]
) -> Finding:
    area, shape = _ground(members)
    above = resolve.present[resolve.depth - 1].level
    parent = unknown[0] or None
    if parent is None:
        detail = (
            f"Grid {code} of level {level} names no parent and its code does not tell one, "
            f"but the plan has the coarser level {above}; name the parent field (--parent-field)."
        )
    else:
        detail = f"Grid {code} of level {level} names the parent {parent}, which level {above} does not have."
    return Finding(
        "unknown-parent", "error", (code,), area, shape, detail,
        {"level": level, "parent": parent, "parent_level": above},
    )  # fmt: skip


def _valid_outlines(level: str, features: Sequence[Feature]) -> tuple[NDArray[np.object_], list[Finding]]:
    """Outlines on the lattice, with a finding for each repair."""
    given = np.empty(len(features), dtype=object)
    given[:] = [feature.geometry for feature in features]
    outlines, repairs = repaired(given)
    return outlines, [_repair_finding(repair, level, features[repair.index].code) for repair in repairs]


def _repair_finding(repair: Repair, level: str, code: str) -> Finding:
    where = None if repair.lon is None else shapely.Point(repair.lon, repair.lat)
    if repair.by_rounding:
        cause = f"was pinched by rounding to the lattice ({repair.reason})"
    else:
        cause = f"is invalid ({repair.reason})"
    return Finding(
        "invalid-repaired", "warning" if repair.by_rounding else "error", (code,) if code else (),
        repair.change_m2, where,
        f"The outline of {code or 'a gap'} {cause}; repaired: area {repair.area_before_m2:.2f} m² → "
        f"{repair.area_after_m2:.2f} m², parts {repair.parts_before} → {repair.parts_after}.",
        {
            "level": level, "reason": repair.reason,
            "area_before_m2": repair.area_before_m2, "area_after_m2": repair.area_after_m2,
            "parts_before": repair.parts_before, "parts_after": repair.parts_after,
        },
    )  # fmt: skip


def _valid_gaps(gaps: Sequence[Gap], codes: set[str]) -> tuple[tuple[Gap, ...], tuple[Finding, ...]]:
    """Repair declared gaps; one whose answering grid is gone falls to whatever grid lies there."""
    ordered = sorted(gaps, key=lambda gap: (gap.parent or "", gap.reason, shapely.to_wkb(gap.geometry)))
    given = np.empty(len(ordered), dtype=object)
    given[:] = [gap.geometry for gap in ordered]
    outlines, repairs = repaired(given)
    findings = [_repair_finding(repair, "", "") for repair in repairs]
    good = []
    for gap, outline in zip(ordered, outlines, strict=True):
        parent = gap.parent or None
        if parent is not None and parent not in codes:
            findings.append(
                Finding(
                    "gap-parent-missing", "warning", (parent,), float(area_m2(outline)[0]), outline,
                    f"The declared gap is to be answered by {parent}, which no level has; "
                    "it falls to the grid whose outline it lies in.",
                    {"level": "", "reason": gap.reason},
                )
            )  # fmt: skip
            parent = None
        good.append(Gap(outline, parent, gap.reason))
    return tuple(good), tuple(findings)
