"""What is wrong between outlines: grids of one level that overlap, children outside their parents."""

from collections import defaultdict
from itertools import combinations

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.partition.ground import Ground, with_derived
from geo.partition.intake import DISTRICT
from geo.records import Finding

# Below this it is the noise of digitising: listed, but nobody has to answer for it.
NOISE_M2 = 1.0


def severity_by_area(area: float) -> str:
    """Error from a square metre on, warning below."""
    return "error" if area >= NOISE_M2 else "warning"


def overlaps(ground: Ground) -> list[Finding]:
    """One finding for each pair of grids of one level that claim the same ground."""
    intake = ground.intake
    shared: dict[tuple[int, int], list[int]] = defaultdict(list)
    # Pairs are sorted by atom, then grid, and grids by level: claimants of one level stand side by side.
    key = ground.atom * len(intake.levels) + intake.level[ground.grid]
    again = np.flatnonzero(key[1:] == key[:-1])
    for run in np.split(again, np.flatnonzero(np.diff(again) > 1) + 1) if len(again) else []:
        claimants = ground.grid[run[0] : run[-1] + 2].tolist()
        for pair in combinations(claimants, 2):
            shared[pair].append(int(ground.atom[run[0]]))
    return [_overlap(ground, one, other, np.array(atoms)) for (one, other), atoms in sorted(shared.items())]


def _overlap(ground: Ground, one: int, other: int, atoms: NDArray[np.int64]) -> Finding:
    first, second = ground.intake.grids[one], ground.intake.grids[other]
    area = float(ground.areas[atoms].sum())
    return Finding(
        "overlap", severity_by_area(area), (first.code, second.code), area, _tidy(ground.merged(atoms)),
        f"Grids {first.code} and {second.code} of level {first.level} overlap by {area:.2f} m²; "
        f"the ground goes to {first.code}.",
        {"level": first.level, "names": [first.name, second.name], "goes_to": first.code},
    )  # fmt: skip


def outside_parents(ground: Ground) -> list[Finding]:
    """One finding for each grid with ground outside its parent's own outline."""
    intake = ground.intake
    atom, grid = with_derived(ground)
    parent = intake.parent[grid]
    asks = parent != DISTRICT
    asks[asks] = intake.outlined[parent[asks]]
    covered = np.bincount(grid, weights=ground.areas[atom], minlength=len(intake.grids))
    atom, grid, parent = atom[asks], grid[asks], parent[asks]
    outside = ~ground.covers(atom, parent)
    atom, grid = atom[outside], grid[outside]
    order = np.lexsort((atom, grid))
    atom, grid = atom[order], grid[order]
    children, first = np.unique(grid, return_index=True)
    groups = np.split(atom, first[1:])
    return [
        _outside(ground, int(child), atoms, float(covered[child]))
        for child, atoms in zip(children, groups, strict=False)
    ]


def _outside(ground: Ground, child: int, atoms: NDArray[np.int64], whole: float) -> Finding:
    record = ground.intake.grids[child]
    area = float(ground.areas[atoms].sum())
    share = area / whole if whole else 1.0
    wholly = share > 1 - 1e-9
    how = "lies wholly outside" if wholly else f"sticks out by {area:.2f} m² of"
    return Finding(
        "outside-parent", severity_by_area(area), (record.code, str(record.parent_code)), area,
        _tidy(ground.merged(atoms)),
        f"Grid {record.code} of level {record.level} {how} the outline of its parent {record.parent_code} "
        f"({record.parent_level}); the ground stays with {record.code}.",
        {
            "level": record.level, "parent_level": record.parent_level, "name": record.name,
            "share": share, "wholly": wholly,
        },
    )  # fmt: skip


def gap_conflicts(ground: Ground) -> list[Finding]:
    """Declared gaps that lie over each other, and the ground they take from grids of the finest level."""
    intake = ground.intake
    findings = []
    again = np.flatnonzero(ground.gap_atom[1:] == ground.gap_atom[:-1])
    for gap in np.unique(ground.gap[again + 1]):
        atoms = np.unique(ground.gap_atom[again + 1][ground.gap[again + 1] == gap])
        area = float(ground.areas[atoms].sum())
        findings.append(
            Finding(
                "gap-overlap", "warning", (), area, _tidy(ground.merged(atoms)),
                f"A declared gap lies over another one on {area:.2f} m²; the first one keeps the ground.",
                {"level": "", "reason": intake.gaps[gap].reason},
            )
        )  # fmt: skip
    taken: dict[int, list[int]] = defaultdict(list)
    finest = len(intake.levels) - 1
    for atom in np.unique(ground.gap_atom):
        owner = int(ground.owner[atom])
        if owner >= 0 and intake.level[owner] == finest:
            taken[owner].append(int(atom))
    for grid, atoms_of_grid in sorted(taken.items()):
        atoms = np.array(atoms_of_grid)
        area, record = float(ground.areas[atoms].sum()), intake.grids[grid]
        findings.append(
            Finding(
                "gap-over-grid", "info" if area < NOISE_M2 else "warning", (record.code,), area,
                _tidy(ground.merged(atoms)),
                f"A declared gap takes {area:.2f} m² from grid {record.code} of level {record.level}.",
                {"level": record.level, "name": record.name},
            )
        )  # fmt: skip
    return findings


def _tidy(geometry: shapely.Geometry) -> shapely.Geometry:
    """The same shape always as the same bytes."""
    return shapely.orient_polygons(shapely.normalize(geometry))
