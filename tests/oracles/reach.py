"""Who is near a point, by way of every border within reach: slow and plain, to judge faster ways by."""

import numpy as np

from geo.locator import Locator
from geo.locator.edges import Scaled
from geo.locator.intake import checked_point


def owners_within(locator: Locator, lon: float, lat: float, radius_m: float) -> list[tuple[int, float]]:
    """List (owner, metres to its ground) within a radius: nearest first, at equal distance by precedence.

    Ground that covers the point is 0.0 away, so the owner that answers comes first. Ground without a grid is
    not listed.
    """
    point, grounds = checked_point(lon, lat), locator.grounds
    _, ground = locator.grounds_near(point, np.array([radius_m], dtype=np.float64))
    ground = ground[grounds.owners[ground] >= 0]
    rank = dict(zip(ground.tolist(), grounds.first_face[ground].tolist(), strict=True))
    for face in reversed(locator.covering(lon, lat)):
        rank[int(grounds.of_face[face])] = face
    pair = np.zeros(len(ground), dtype=np.int64)
    metres = grounds.borders.distances(Scaled.of(point), pair, ground)
    metres[locator.covers(point, pair, ground)] = 0.0
    reached = sorted((d, rank[g], g) for d, g in zip(metres.tolist(), ground.tolist(), strict=True))
    return [(int(grounds.owners[g]), d) for d, _, g in reached if d <= radius_m]
