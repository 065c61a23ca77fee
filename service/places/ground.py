"""Whose ground a place lies on, by the maps in force."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.assignment.in_force import IN_FORCE
from service.assignment.locating import locate
from service.assignment.maps import GridRow
from service.errors import NotReady
from service.places.models import NOWHERE


@dataclass(frozen=True, slots=True)
class Ground:
    """Where one position lies; `regions` names the district and the coarser grids there."""

    district_id: int = NOWHERE
    district: str = ""
    regions: tuple[str, ...] = ()
    grid: GridRow | None = None


def lies_on(points: NDArray[np.float64]) -> list[Ground]:
    """Tell for each canonical position (n, 2) whose ground it is. May raise NotReady."""
    return survey(points)[0]


def survey(points: NDArray[np.float64]) -> tuple[list[Ground], bool]:
    """Tell whose ground positions (n, 2) are, and whether any map is in force. May raise NotReady."""
    IN_FORCE.hear()
    scheme_id = IN_FORCE.scheme_id(None)
    if scheme_id is None:
        raise NotReady("The city has no scheme of grids yet: start the service once.")
    maps = IN_FORCE.maps_at(scheme_id, IN_FORCE.now())
    finest = len(IN_FORCE.levels[scheme_id]) - 1
    grounds = []
    for hit in locate(maps, points, IN_FORCE.profile.tolerance_m):
        if hit.map is None or hit.status == "outside":
            grounds.append(Ground())
            continue
        grid, key = hit.grid, hit.map.key
        above = [hit.map.grids[one] for one in grid.chain] if grid else []
        names = (key.district_name, *(one.name for one in above if one.position < finest))
        grounds.append(Ground(key.district_id, key.district_code, names, grid))
    return grounds, bool(maps)
