"""Grids and faces of one edition as columns: small, quick to save and to attach, made into rows when asked for.

A city has tens of thousands of grids, and a web process needs few of them in a minute: rows are made at their
first use and kept from then on, so that the same grid is always the same object.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Column = bytes | NDArray[Any]
Row = TypeVar("Row")
ORDER_WITHOUT_GRID = (1, "")  # after every level
VOCABULARY = "vocabulary"


@dataclass(frozen=True, slots=True)
class GridRow:
    """A grid of an edition; `chain` gives the places in `EditionMap.grids` of it and its parents, coarsest first."""

    id: UUID
    code: str
    name: str
    level: str
    position: int
    chain: tuple[int, ...]
    kind: str = "comprehensive"


class Rows(Sequence[Row], Generic[Row]):
    """A read-only sequence whose rows are made at their first use."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._made: dict[int, Row] = {}

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        """Give a row, the same object each time."""
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(self._length)))
        found = self._made.get(place)
        if found is not None:
            return found
        place = int(place)
        if not -self._length <= place < self._length:
            raise IndexError(place)
        place %= self._length
        # Two threads may make it at once: the first one's stays.
        return self._made.setdefault(place, self._make(place))

    def _make(self, place: int) -> Row:
        raise NotImplementedError


class Texts:
    """Texts one after another as UTF-8, with the place where each begins."""

    def __init__(self, encoded: Column, begins: NDArray[np.int32]) -> None:
        self.encoded, self.begins = memoryview(encoded), begins  # type: ignore[arg-type]
        self._at = memoryview(begins)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Texts":
        """Put texts one after another."""
        parts = [one.encode() for one in texts]
        begins = np.zeros(len(parts) + 1, dtype=np.int32)
        np.cumsum([len(one) for one in parts], out=begins[1:])
        return cls(b"".join(parts), begins)

    def __getitem__(self, place: int) -> str:
        return str(self.encoded[self._at[place] : self._at[place + 1]], "utf-8")


@dataclass(frozen=True, slots=True)
class Contents:
    """The columns: grids coarsest first, then by code; faces in order of precedence.

    `level`, `kind` and `face_kind` are places in `vocabulary`; `parent` is a place among the grids, -1 for none;
    ids are rows of 16 bytes.
    """

    vocabulary: tuple[str, ...]
    grid_id: NDArray[np.uint8]
    code: Texts
    name: Texts
    level: NDArray[np.uint16]
    position: NDArray[np.int16]
    kind: NDArray[np.uint16]
    parent: NDArray[np.int32]
    face_id: NDArray[np.uint8]
    face_kind: NDArray[np.uint16]

    @classmethod
    def of(cls, grids: Sequence[Any], faces: Sequence[Any]) -> "Contents":
        """Take rows of the database: grids with their parent's id, faces in order of precedence."""
        words = {one: None for row in grids for one in (row.level, row.kind)} | {
            row.kind: None for row in faces
        }
        place = {word: number for number, word in enumerate(words)}
        number_of = {row.grid_id: number for number, row in enumerate(grids)}
        parents = [-1 if row.parent_id is None else number_of[row.parent_id] for row in grids]
        return cls(
            vocabulary=tuple(words),
            grid_id=_ids(row.grid_id for row in grids),
            code=Texts.of(row.code for row in grids),
            name=Texts.of(row.name for row in grids),
            level=np.array([place[row.level] for row in grids], dtype=np.uint16),
            position=np.array([row.position for row in grids], dtype=np.int16),
            kind=np.array([place[row.kind] for row in grids], dtype=np.uint16),
            parent=np.array(parents, dtype=np.int32),
            face_id=_ids(row.id for row in faces),
            face_kind=np.array([place[row.kind] for row in faces], dtype=np.uint16),
        )

    def as_columns(self) -> dict[str, Column]:
        """Give what a file keeps."""
        kept: dict[str, Column] = {VOCABULARY: json.dumps(self.vocabulary).encode()}
        for name in self.__slots__[1:]:
            one = getattr(self, name)
            if isinstance(one, Texts):
                kept[f"{name}_text"], kept[f"{name}_begins"] = bytes(one.encoded), one.begins
            else:
                kept[name] = one
        return kept

    @classmethod
    def from_columns(cls, kept: Mapping[str, Any]) -> "Contents":
        """Take what a file kept, without copying. May raise KeyError."""
        given: dict[str, Any] = {VOCABULARY: tuple(json.loads(bytes(kept[VOCABULARY])))}
        for name in cls.__slots__[1:]:
            if name in ("code", "name"):
                given[name] = Texts(kept[f"{name}_text"], kept[f"{name}_begins"])
            else:
                given[name] = kept[name]
        return cls(**given)


class Grids(Rows[GridRow]):
    """The grids of an edition."""

    def __init__(self, of: Contents) -> None:
        super().__init__(len(of.parent))
        self._of, self._parent = of, memoryview(of.parent)

    @property
    def contents(self) -> Contents:
        """Give the columns they are made of."""
        return self._of

    def _make(self, place: int) -> GridRow:
        of, parent = self._of, self._parent[place]
        return GridRow(
            id=UUID(bytes=bytes(self._of.grid_id[place])),
            code=of.code[place],
            name=of.name[place],
            level=of.vocabulary[of.level[place]],
            position=int(of.position[place]),
            chain=(*(self[parent].chain if parent >= 0 else ()), place),
            kind=of.vocabulary[of.kind[place]],
        )


class Kinds(Rows[str]):
    """The kind of each face."""

    def __init__(self, of: Contents) -> None:
        super().__init__(len(of.face_kind))
        self._kind, self._words = memoryview(of.face_kind), of.vocabulary

    def _make(self, place: int) -> str:
        return self._words[self._kind[place]]


class Precedence(Rows[tuple[bool, int, str, UUID]]):
    """What decides between faces of several districts on a shared border; the lower one answers."""

    def __init__(self, of: Contents, owners: NDArray[np.int64]) -> None:
        super().__init__(len(of.face_kind))
        self._of, self._owners = of, owners

    def _make(self, place: int) -> tuple[bool, int, str, UUID]:
        of, owner = self._of, int(self._owners[place])
        is_gap = of.vocabulary[of.face_kind[place]] == "gap"
        order = (-int(of.position[owner]), of.code[owner]) if owner >= 0 else ORDER_WITHOUT_GRID
        return (is_gap, *order, UUID(bytes=bytes(of.face_id[place])))


def _ids(ids: Iterable[UUID]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(one.bytes for one in ids), dtype=np.uint8).reshape(-1, 16)
