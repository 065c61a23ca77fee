"""The ground and the points that every engine gets: yards of a fictional city, and positions as reports have them."""

from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.synth import make_city
from tests.bench.record import folder

SEED = 7
NEAR_BORDERS, ANYWHERE = 0.70, 0.25  # shares; the rest lies outside the city
GPS_DEGREES = 8e-5  # about 8 m
ON_VERTICES = 1 / 350  # of the points near borders


def yards(number: int) -> NDArray[np.object_]:
    """Give the yards of a fictional city, about so many; kept as WKB after the first time, which takes minutes."""
    path = folder() / f"yards-{number}-{SEED}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        city = make_city(seed=SEED, yards=number, buildings=False)
        _keep(path, shapely.to_wkb(np.array([one.geometry for one in city.layers["yard"]])))
    with np.load(path) as kept:
        whole, ends = kept["wkb"].tobytes(), kept["ends"].tolist()
    return shapely.from_wkb([whole[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)])


def _keep(path: Path, wkb: NDArray[np.object_]) -> None:
    ends = np.cumsum([len(one) for one in wkb])
    np.savez(path, wkb=np.frombuffer(b"".join(wkb), dtype=np.uint8), ends=ends)


def skewed_points(polygons: NDArray[np.object_], number: int, seed: int = SEED) -> NDArray[np.float64]:
    """Give shuffled positions: most a GPS error away from borders, of some yards far more than of others.

    Some lie exactly on vertices, a quarter anywhere in the city's box, a twentieth beyond it.
    """
    rng = np.random.default_rng(seed + 2)
    west, south, east, north = shapely.total_bounds(polygons)
    near = _near_borders(polygons, int(number * NEAR_BORDERS), rng)
    within = rng.uniform((west, south), (east, north), (int(number * ANYWHERE), 2))
    missing = number - len(near) - len(within)
    around = rng.uniform((west - 0.2, south - 0.2), (east + 0.2, north + 0.2), (8 * missing + 64, 2))
    beyond = ((around < (west, south)) | (around > (east, north))).any(axis=1)
    return rng.permutation(np.concatenate([near, within, around[beyond][:missing]]))


def _near_borders(
    polygons: NDArray[np.object_], number: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    corners, yard = shapely.get_coordinates(polygons, return_index=True)
    edges = np.flatnonzero(yard[1:] == yard[:-1])
    popularity = (
        1 / (1 + rng.permutation(len(polygons))) ** 0.6
    )  # a few yards get most, as Zipf found of words
    weights = np.cumsum(popularity[yard[edges]])
    edge = edges[np.searchsorted(weights, rng.random(number) * weights[-1])]
    along = rng.random((number, 1))
    points = corners[edge] * (1 - along) + corners[edge + 1] * along
    points += rng.normal(0, GPS_DEGREES, points.shape)
    exact = int(number * ON_VERTICES)
    points[:exact] = corners[edge[:exact]]
    return points
