"""The polygons of the faces; those of a saved index are made from their WKB when somebody needs them."""

from threading import Lock

import numpy as np
import shapely
from numpy.typing import NDArray

UNSAFE_LOOK_UPS = 3  # after so many a prepared polygon has its index; see `ready`
FACES_AT_ONCE = 10_000  # bounds the memory of one step

Integers = NDArray[np.int64]
Objects = NDArray[np.object_]


class Polygons:
    """Faces in order of precedence; safe to share between threads.

    Attributes
    ----------
    boxes
        West, south, east, north of each face in degrees, shape (n, 4).
    """

    def __init__(self, boxes: NDArray[np.float64], made: Objects, wkb: memoryview, starts: Integers) -> None:
        self.boxes = boxes
        self._made, self._wkb, self._starts = made, wkb, starts
        self._all_made = len(wkb) == 0
        self._ready = np.zeros(len(made), dtype=np.bool_)
        self._tree: shapely.STRtree | None = None
        self._making, self._planting = Lock(), Lock()

    @classmethod
    def of(cls, faces: Objects) -> "Polygons":
        """Take polygons that are there."""
        return cls(shapely.bounds(faces).reshape(-1, 4), faces, memoryview(b""), np.empty(0, dtype=np.int64))

    @classmethod
    def stored(cls, boxes: NDArray[np.float64], wkb: memoryview, starts: Integers) -> "Polygons":
        """Take polygons as WKB, one after the other; face i lies in ``wkb[starts[i]:starts[i + 1]]``."""
        return cls(boxes, np.full(len(boxes), None), wkb, starts)

    def __len__(self) -> int:
        return len(self._made)

    @property
    def tree(self) -> shapely.STRtree:
        """The faces by their boxes, planted at its first use."""
        if self._tree is None:
            with self._planting:
                if self._tree is None:
                    # A diagonal has the box of its face, and is the smallest thing that has.
                    tree = shapely.STRtree(shapely.linestrings(self.boxes.reshape(-1, 2, 2)))
                    tree.query(shapely.Point(0, 0))  # built at its first look-up: here, in one thread
                    self._tree = tree
        return self._tree

    def everything(self) -> Objects:
        """Give all polygons; read-only."""
        if not self._all_made:
            with self._making:
                self._make(np.arange(len(self)))
                self._all_made = True
        view = self._made.view()
        view.flags.writeable = False
        return view

    def take(self, faces: Integers) -> Objects:
        """Give some polygons."""
        if not self._all_made:
            with self._making:
                self._make(faces)
        return self._made[faces]

    def ready(self, faces: Integers) -> Objects:
        """Give some polygons, prepared for look-ups.

        GEOS builds the inner index of a prepared polygon during an early look-up (3.14: the second), without
        a lock (libgeos issue 825), while shapely lets other threads run: a crash if two of them meet there.
        So the first look-ups happen here, one thread at a time.
        """
        if not self._ready[faces].all():
            with self._making:
                fresh = np.unique(faces[~self._ready[faces]])
                self._make(fresh)
                polygons = self._made[fresh]
                shapely.prepare(polygons)
                x, y = shapely.get_coordinates(shapely.get_point(shapely.get_exterior_ring(polygons), 0)).T
                for _ in range(UNSAFE_LOOK_UPS):
                    shapely.intersects_xy(polygons, x, y)
                self._ready[fresh] = True
        return self._made[faces]

    def as_wkb(self) -> tuple[NDArray[np.uint8], Integers]:
        """Give all polygons as `stored` takes them."""
        if len(self._wkb):
            return np.frombuffer(self._wkb, dtype=np.uint8), self._starts
        joined, lengths = bytearray(), [0]
        for begin in range(0, len(self), FACES_AT_ONCE):
            some = shapely.to_wkb(self._made[begin : begin + FACES_AT_ONCE])
            lengths += [len(one) for one in some]
            joined += b"".join(some)
        return np.frombuffer(joined, dtype=np.uint8), np.cumsum(lengths)

    def _make(self, faces: Integers) -> None:
        """Read those polygons that nobody has read yet; the caller holds the lock."""
        missing = faces[np.equal(self._made[faces], None)]
        if len(missing):
            begins, ends = self._starts[missing].tolist(), self._starts[missing + 1].tolist()
            some = [bytes(self._wkb[begin:end]) for begin, end in zip(begins, ends, strict=True)]
            self._made[missing] = shapely.from_wkb(some)
