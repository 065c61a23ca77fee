"""Rulings in memory: what persons decided on site, asked before the geometry has the last word."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision: this grid answers in this area."""

    id: UUID
    scheme_id: int
    grid_id: UUID
    decided_on: date


class Rulings:
    """All rulings this process knows."""

    def __len__(self) -> int:
        return 0

    def at_point(self, scheme_id: int, lon: float, lat: float, moment: datetime) -> Ruling | None:
        """Give the ruling that decides at a point."""
        return None

    def at_points(self, scheme_id: int, points: NDArray[np.float64], moment: datetime) -> dict[int, Ruling]:
        """Give the rulings that decide at points, (n, 2) lon/lat, by the row of the point."""
        return {}


RULINGS = Rulings()
