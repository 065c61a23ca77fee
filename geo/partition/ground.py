"""Whose ground each atom is: the finest grid that covers it, the lowest code where several of a level do."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.measure import area_m2
from geo.partition.atoms import lay_over
from geo.partition.intake import DISTRICT, Intake

NOBODY = -1


@dataclass(frozen=True)
class Ground:
    """Atoms with the grids and gaps that cover them.

    Attributes
    ----------
    shapes
        Atoms, shape (a,), polygons in degrees on the lattice.
    atom, grid
        Pairs (atom, grid whose outline covers it), sorted and distinct.
    gap_atom, gap
        Pairs (atom, declared gap that covers it), sorted and distinct.
    """

    intake: Intake
    shapes: NDArray[np.object_]
    atom: NDArray[np.int64]
    grid: NDArray[np.int64]
    gap_atom: NDArray[np.int64]
    gap: NDArray[np.int64]

    @cached_property
    def areas(self) -> NDArray[np.float64]:
        """Square metres of each atom."""
        return area_m2(self.shapes)

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """Finest grid of each atom, the lowest code of its level; `NOBODY` under a gap outside all grids."""
        return self._first(self.intake.level[self.grid])

    @cached_property
    def gap_owner(self) -> NDArray[np.int64]:
        """First declared gap of each atom, else `NOBODY`: what a person declared stands before outlines."""
        owner = np.full(len(self.shapes), NOBODY)
        owner[self.gap_atom[::-1]] = self.gap[::-1]
        return owner

    @cached_property
    def fallback(self) -> NDArray[np.int64]:
        """Grid that answers for each atom if it is a gap: as declared, else the finest coarser one there."""
        depth = self.intake.level[self.grid]
        finest = len(self.intake.levels) - 1
        lying_there = (
            self._first(np.where(depth == finest, NOBODY, depth)) if finest > 0 else self.owner.copy()
        )
        by_code: dict[str, int] = {}
        for number, record in enumerate(self.intake.grids):
            by_code.setdefault(record.code, number)
        declared = np.array(
            [by_code[gap.parent] if gap.parent else NOBODY for gap in self.intake.gaps] + [NOBODY],
            dtype=np.int64,
        )[self.gap_owner]
        return np.where(declared != NOBODY, declared, lying_there)

    def _first(self, rank: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each atom the pair of highest rank, then lowest grid; pairs of negative rank don't count."""
        owner = np.full(len(self.shapes), NOBODY)
        # Written in rising order, so the last write for an atom is its best pair.
        order = np.lexsort((-self.grid, rank))
        order = order[rank[order] >= 0]
        owner[self.atom[order]] = self.grid[order]
        return owner

    def covers(self, atom: NDArray[np.int64], grid: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the outline of a grid covers an atom, pair by pair."""
        width = len(self.intake.grids)
        keys = self.atom * width + self.grid
        wanted = atom * width + grid
        if len(keys) == 0:
            return np.zeros(len(wanted), dtype=bool)
        return keys[np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)] == wanted

    def merged(self, atoms: NDArray[np.int64]) -> shapely.Geometry:
        """One geometry from several atoms."""
        return shapely.coverage_union_all(self.shapes[atoms])


def survey(intake: Intake, *, node_everything: bool = False) -> Ground:
    """Lay all outlines and gaps over each other."""
    gap_parts, gap_of_part = _gap_parts(intake)
    atoms = lay_over(np.concatenate([intake.pieces, gap_parts]), node_everything=node_everything)
    count = len(intake.pieces)
    by_grid = atoms.cover < count
    atom, grid = _distinct(
        atoms.atom[by_grid], intake.piece_grid[atoms.cover[by_grid]], max(len(intake.grids), 1)
    )
    gap_atom, gap = _distinct(
        atoms.atom[~by_grid], gap_of_part[atoms.cover[~by_grid] - count], max(len(intake.gaps), 1)
    )
    return Ground(intake, atoms.shapes, atom, grid, gap_atom, gap)


def _gap_parts(intake: Intake) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    shapes = np.empty(len(intake.gaps), dtype=object)
    shapes[:] = [gap.geometry for gap in intake.gaps]
    parts, owner = shapely.get_parts(shapes, return_index=True)
    solid = ~shapely.is_empty(parts)
    return parts[solid], owner[solid]


def _distinct(
    atom: NDArray[np.int64], other: NDArray[np.int64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct pairs, sorted: two pieces of one grid may cover the same atom."""
    keys = np.unique(atom * width + other)
    return keys // width, keys % width


def with_derived(ground: Ground) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (atom, grid) with those of grids that have no outline: theirs is the union of their children.

    Returns
    -------
    atom, grid
        The pairs of `ground` and the derived ones.
    """
    intake = ground.intake
    atoms, grids = [ground.atom], [ground.grid]
    width = max(len(intake.grids), 1)
    for depth in range(len(intake.levels) - 1, 0, -1):
        atom, grid = np.concatenate(atoms), np.concatenate(grids)
        above = intake.parent[grid]
        takes = (intake.level[grid] == depth) & (above != DISTRICT)
        takes &= ~intake.outlined[above]
        more_atoms, more_grids = _distinct(atom[takes], above[takes], width)
        atoms.append(more_atoms)
        grids.append(more_grids)
    return np.concatenate(atoms), np.concatenate(grids)
