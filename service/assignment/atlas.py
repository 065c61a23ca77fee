"""The maps of all districts of one question as tables: what to write for each grid, looked up by its number."""

from collections.abc import Sequence
from functools import cached_property
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from service.assignment.fragments import encode
from service.assignment.maps import EditionMap, GridRow

NOBODY = -1


class Atlas:
    """Numbers the grids of several maps one after the other; `level` cuts the chains as it does in an answer."""

    def __init__(self, maps: Sequence[EditionMap], levels: Sequence[str], level: str | None = None) -> None:
        self.maps, self.levels, self._cut = tuple(maps), tuple(levels), level
        counts = [len(one.grids) for one in maps]
        self.first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.gaps = [np.array([kind == "gap" for kind in one.kinds], dtype=np.bool_) for one in maps]
        self._grids: list[GridRow] = [grid for one in maps for grid in one.grids]
        self._with_id: dict[UUID, tuple[int, int] | None] = {}

    def __len__(self) -> int:
        return len(self._grids)

    @cached_property
    def codes(self) -> pa.Array:
        """Code of each grid."""
        return pa.array([one.code for one in self._grids], pa.string())

    @cached_property
    def names(self) -> pa.Array:
        """Name of each grid."""
        return pa.array([one.name for one in self._grids], pa.string())

    @cached_property
    def level_names(self) -> tuple[pa.Array, NDArray[np.int32]]:
        """Name the levels that occur, and give the place of each grid's in them."""
        return _numbered([one.level for one in self._grids])

    @cached_property
    def editions(self) -> pa.Array:
        """Edition of each map, as it is written."""
        return pa.array([f"{one.key.district_code}/{one.key.number}" for one in self.maps], pa.string())

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """Order in which equally likely alternates are told; equal code and level are equal."""
        # A written code is the beginning of no other, so both in one compare as the pair does.
        keys = np.array([encode(one.code) + encode(one.level) for one in self._grids], dtype=object)
        return np.unique(keys, return_inverse=True)[1].astype(np.int64)

    def with_id(self, grid_id: UUID) -> tuple[int, int] | None:
        """Give number of grid and place of map of an id, in the first map that has it."""
        if grid_id not in self._with_id:
            found = next((n for n, one in enumerate(self._grids) if one.id == grid_id), None)
            map_ = None if found is None else int(np.searchsorted(self.first, found, side="right")) - 1
            self._with_id[grid_id] = None if found is None else (found, map_)
        return self._with_id[grid_id]

    @cached_property
    def chains(self) -> dict[str, tuple[pa.Array, NDArray[np.int32]]]:
        """For each level: the codes of its grids, and for each grid the place of its own (NOBODY: none)."""
        place = {level: np.full(len(self), NOBODY, dtype=np.int64) for level in self.levels}
        for first, one in zip(self.first.tolist(), self.maps, strict=False):
            for number, grid in enumerate(one.grids):
                for above in grid.chain:
                    level = one.grids[above].level
                    if level in place and level != "district":
                        place[level][first + number] = first + above
                    if level == self._cut:
                        break
        return {level: self._codes_at(column) for level, column in place.items()}

    def _codes_at(self, column: NDArray[np.int64]) -> tuple[pa.Array, NDArray[np.int32]]:
        used, local = np.unique(column, return_inverse=True)
        nobody = int(len(used) > 0 and used[0] == NOBODY)
        return self.codes.take(pa.array(used[nobody:])), (local - nobody).astype(np.int32)

    def grid_of(self, map_: NDArray[np.int32], face: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the grid of each face, NOBODY where there is no map or the face has no grid."""
        grid = np.full(len(face), NOBODY, dtype=np.int64)
        for number, one in enumerate(self.maps):
            rows = np.flatnonzero(map_ == number)
            owner = one.locator.owners[face[rows]]
            grid[rows] = np.where(owner >= 0, owner + self.first[number], NOBODY)
        return grid


def _numbered(words: list[str]) -> tuple[pa.Array, NDArray[np.int32]]:
    encoded = pa.array(words, pa.string()).dictionary_encode()
    return encoded.dictionary, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)


def _alike(one: EditionMap, other: EditionMap) -> bool:
    return one.key == other.key and one.grids is other.grids and one.locator is other.locator


_KEPT: list[tuple[tuple[object, ...], Atlas]] = []
_KEPT_AT_MOST = 8


def atlas_of(maps: Sequence[EditionMap], levels: Sequence[str], level: str | None) -> Atlas:
    """Give the atlas of some maps, made anew only where they are others than the last times."""
    for (known, *rest), atlas in _KEPT:
        same = len(known) == len(maps) and all(map(_alike, known, maps))
        if same and rest == [tuple(levels), level]:
            return atlas
    made = Atlas(maps, levels, level)
    _KEPT.insert(0, ((tuple(maps), tuple(levels), level), made))
    del _KEPT[_KEPT_AT_MOST:]
    return made
