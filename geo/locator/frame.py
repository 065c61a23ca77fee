"""Where the cells of a raster lie."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_HEIGHT = 1e-5  # degrees: far above what rounding can do
MOST_ALONG = 30_000  # cells along a side
SIDE = 4  # a divided cell has SIDE rows of SIDE cells

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """South-west corner, size of a cell in degrees, columns and rows."""

    west: float
    south: float
    width: float
    height: float
    columns: int
    rows: int

    @classmethod
    def over(cls, low: Floats, high: Floats, cells: int) -> "Frame":
        """Lay about so many cells over a box, about as wide as high on the ground, with an empty rim."""
        middle = np.radians((low[1] + high[1]) / 2)
        squeeze = max(float(np.cos(middle)), 1e-3)
        span = np.maximum(high - low, 1e-7)
        height = float(np.sqrt(span[0] * squeeze * span[1] / cells))
        height = max(height, LEAST_HEIGHT, float(span[1]) / MOST_ALONG, float(span[0]) * squeeze / MOST_ALONG)
        width = height / squeeze
        columns, rows = (int(n) + 4 for n in span / (width, height))
        return cls(float(low[0]) - 1.5 * width, float(low[1]) - 1.5 * height, width, height, columns, rows)

    def divided(self) -> "Frame":
        """Give the frame whose cells are those of a divided cell."""
        columns, rows = self.columns * SIDE, self.rows * SIDE
        return Frame(self.west, self.south, self.width / SIDE, self.height / SIDE, columns, rows)

    def along(self, points: Floats) -> Floats:
        """Express places in cells from the corner; the last axis is lon, lat."""
        return (points - (self.west, self.south)) / (self.width, self.height)

    def middles(self, column: NDArray[np.int64], row: NDArray[np.int64]) -> Floats:
        """Give the middles of cells, lon/lat degrees."""
        return np.column_stack(
            [self.west + (column + 0.5) * self.width, self.south + (row + 0.5) * self.height]
        )
