"""The maps of all districts of one question as tables: what to write for each grid, looked up by its number."""

from collections.abc import Sequence
from functools import cached_property
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from service.assignment.contents import Contents, Texts
from service.assignment.fragments import encode
from service.assignment.maps import EditionMap

NOBODY = -1


class Atlas:
    """Numbers the grids of several maps one after the other; `level` cuts the chains as it does in an answer."""

    def __init__(self, maps: Sequence[EditionMap], levels: Sequence[str], level: str | None = None) -> None:
        self.maps, self.levels, self._cut = tuple(maps), tuple(levels), level
        self._contents: list[Contents] = [one.grids.contents for one in maps]  # type: ignore[attr-defined]
        counts = [len(one.parent) for one in self._contents]
        self.first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.gaps = [_are(one, one.face_kind, "gap") for one in self._contents]
        self._with_id: dict[UUID, tuple[int, int] | None] = {}

    def __len__(self) -> int:
        return int(self.first[-1])

    @cached_property
    def codes(self) -> pa.Array:
        """Code of each grid."""
        return _joined([one.code for one in self._contents])

    @cached_property
    def names(self) -> pa.Array:
        """Name of each grid."""
        return _joined([one.name for one in self._contents])

    @cached_property
    def level_names(self) -> tuple[pa.Array, NDArray[np.int32]]:
        """Name the levels that occur, and give the place of each grid's in them."""
        words = list(dict.fromkeys(word for one in self._contents for word in one.vocabulary))
        columns = [
            np.array([words.index(word) for word in one.vocabulary])[one.level] for one in self._contents
        ]
        return pa.array(words, pa.string()), np.concatenate([np.empty(0, np.int32), *columns]).astype(
            np.int32
        )

    @cached_property
    def editions(self) -> pa.Array:
        """Edition of each map, as it is written."""
        return pa.array([f"{one.key.district_code}/{one.key.number}" for one in self.maps], pa.string())

    def rank(self, grids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the order in which equally likely alternates are told; equal code and level are equal."""
        used, place = np.unique(grids, return_inverse=True)
        words, level = self.level_names
        codes = self.codes.take(pa.array(used)).to_pylist()
        levels = words.take(pa.array(level[used])).to_pylist()
        # A written code is the beginning of no other, so both in one compare as the pair does.
        keys = np.array([encode(a) + encode(b) for a, b in zip(codes, levels, strict=True)], dtype=object)
        return np.unique(keys, return_inverse=True)[1].astype(np.int64)[place]

    def with_id(self, grid_id: UUID) -> tuple[int, int] | None:
        """Give number of grid and place of map of an id, in the first map that has it."""
        if grid_id not in self._with_id:
            wanted = np.frombuffer(grid_id.bytes, dtype=np.uint8)
            places = [np.flatnonzero((one.grid_id == wanted).all(axis=1)) for one in self._contents]
            found = [(int(self.first[n] + one[0]), n) for n, one in enumerate(places) if len(one)]
            self._with_id[grid_id] = found[0] if found else None
        return self._with_id[grid_id]

    @cached_property
    def chains(self) -> dict[str, tuple[pa.Array, NDArray[np.int32]]]:
        """For each level: the codes of its grids, and for each grid the place of its own (NOBODY: none)."""
        place = {level: np.full(len(self), NOBODY, dtype=np.int64) for level in self.levels}
        for first, one in zip(self.first.tolist(), self._contents, strict=False):
            for above in _chains(one, self._cut):
                grid = np.flatnonzero(above >= 0)
                for level in {*self.levels} - {"district"}:
                    mine = grid[_are(one, one.level[above[grid]], level)]
                    place[level][first + mine] = first + above[mine]
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


def _are(one: Contents, places: NDArray[np.uint16], word: str) -> NDArray[np.bool_]:
    return np.array([other == word for other in one.vocabulary], dtype=np.bool_)[places]


def _joined(columns: list[Texts]) -> pa.Array:
    arrays = [
        pa.StringArray.from_buffers(
            len(one.begins) - 1, pa.py_buffer(np.ascontiguousarray(one.begins)), pa.py_buffer(one.encoded)
        )
        for one in columns
    ]
    return pa.concat_arrays([pa.array([], pa.string()), *arrays])


def _chains(one: Contents, cut: str | None) -> list[NDArray[np.int64]]:
    """Give for each grid its topmost parent, the next one, … and itself, NOBODY where a chain has fewer.

    Of a chain that has the level `cut` nothing below it is given.
    """
    parent = one.parent.astype(np.int64)
    steps = [np.arange(len(parent))]
    while (steps[-1] >= 0).any():
        steps.append(np.where(steps[-1] >= 0, parent[steps[-1]], NOBODY))
    below = np.zeros(len(parent), dtype=np.bool_)
    kept = []
    for above in reversed(steps[:-1]):
        kept.append(np.where(below, NOBODY, above))
        if cut is not None:
            below |= (above >= 0) & _are(one, one.level[above], cut)
    return kept


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
