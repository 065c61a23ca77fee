"""Grids of several editions under one number each, so that answers and labels can be compared.

A label says a code; so the same code in a district is the same grid here, whatever edition it is of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from service.assignment.maps import EditionMap, GridRow
from service.labels.grounds import Level
from service.labels.spelling import Grid, Meaning, Vocabulary, meanings

Numbers = NDArray[np.int64]


@dataclass
class Register:
    """Numbers of grids by district, level and code; the newest edition gives the name."""

    level: str
    grids: list[GridRow] = field(default_factory=list)
    districts: list[int] = field(default_factory=list)
    _numbers: dict[tuple[int, str, str], int] = field(default_factory=dict)
    _of_edition: dict[tuple[int, UUID], Numbers] = field(default_factory=dict)
    _words: Vocabulary | None = None

    def numbers(self, edition: EditionMap) -> Numbers:
        """Give the number of each grid of an edition, new ones where it brings grids not seen before."""
        district, content = edition.key.district_id, (edition.key.district_id, edition.key.snapshot_id)
        if content in self._of_edition:
            return self._of_edition[content]
        found = []
        for grid in edition.grids:
            key = (district, grid.level, grid.code)
            if key not in self._numbers:
                self._numbers[key] = len(self.grids)
                self.grids.append(grid)
                self.districts.append(district)
            found.append(self._numbers[key])
        self._of_edition[content] = np.array(found, dtype=np.int64)
        return self._of_edition[content]

    def read(self, labels: Sequence[str], ours: Numbers) -> tuple[dict[str, Meaning], Numbers]:
        """Find what the labels mean; gives it with numbers of grids, and the number that each row's label means."""
        place = [number for number, one in enumerate(self.grids) if one.level == self.level]
        back = np.full(len(self.grids) + 1, -1)
        back[place] = np.arange(len(place))
        if self._words is None or len(self._words.grids) != len(place):
            self._words = Vocabulary([Grid(self.grids[one].code, self.grids[one].name) for one in place])
        found = meanings(labels, self._words, back[ours])
        front = np.append(np.array(place, dtype=np.int64), -1)
        numbered = {
            label: replace(
                one,
                grid=int(front[one.grid]),
                mostly=int(front[one.mostly]),
                namesakes=frozenset(front[list(one.namesakes)].tolist()),
            )
            for label, one in found.items()
        }
        # Of several grids of one name a row means the one it lies in.
        target = [
            here if here in numbered[label].namesakes else numbered[label].grid
            for label, here in zip(labels, ours.tolist(), strict=True)
        ]
        return numbered, np.array(target, dtype=np.int64)


def located(levels: Sequence[Level], numbers: Sequence[Numbers], points: NDArray[np.float64]) -> Numbers:
    """Give the number of the grid that covers each point, -1 for none; like an answer, without evidence."""
    found = np.full(len(points), -1)
    for level, of_grid in zip(levels, numbers, strict=True):
        one = level.edition
        if len(one.locator) == 0:
            continue
        west, south, east, north = one.locator.bounds
        x, y = points.T
        near = np.flatnonzero((found < 0) & (x >= west) & (x <= east) & (y >= south) & (y <= north))
        face = one.locator.locate_many(points[near])
        owner = np.where(face >= 0, one.locator.owners[face], -1)
        grid = np.where(owner >= 0, level.up[owner], -1)
        found[near] = np.append(of_grid, -1)[grid]
    return found


def levels_of(editions: Iterable[EditionMap]) -> list[str]:
    """Name the levels that grids of editions have, coarsest first."""
    seen = {(grid.position, grid.level) for one in editions for grid in one.grids}
    return list(dict.fromkeys(level for _, level in sorted(seen)))
