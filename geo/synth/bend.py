"""The last step: put vertices every few metres and bend the flat plan, the same on both sides of a border.

The bend is one function of position, so two faces that share a segment get the same numbers from its two
ends: shared borders stay shared without any overlay on dense geometry.
"""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from geo.synth.frame import Frame
from geo.synth.plane import Flags, Indices, Points, Shapes, smooth, to_lonlat

LEFT_TO_CHANCE_M = 0.20
CHUNK = 20_000


class Noise:
    """Periodic value noise with quintic easing, in [-1, 1]."""

    SIZE = 512

    def __init__(self, rng: np.random.Generator) -> None:
        self.table = rng.uniform(-1, 1, (self.SIZE, self.SIZE))

    def __call__(self, xy: Points, wavelength: float) -> Points:
        p = xy / wavelength
        corner = np.floor(p).astype(np.int64)
        t = p - corner
        t = t * t * t * (t * (t * 6 - 15) + 10)
        x0, y0 = (corner % self.SIZE).T
        x1, y1 = ((corner + 1) % self.SIZE).T
        low = self.table[y0, x0] + (self.table[y0, x1] - self.table[y0, x0]) * t[:, 0]
        high = self.table[y1, x0] + (self.table[y1, x1] - self.table[y1, x0]) * t[:, 0]
        return low + (high - low) * t[:, 1]


class Bend:
    """One displacement of the plane. Its slopes stay below 1, so the plane never folds.

    Long waves go everywhere, short ones through the old town, stronger ones through the country; beside the
    rail the ground is calm.
    """

    # wavelength m, amplitude m
    EVERYWHERE = ((4200.0, 130.0), (1500.0, 24.0))
    OLD = ((170.0, 7.0), (70.0, 1.8))
    RURAL = ((950.0, 60.0), (270.0, 14.0), (80.0, 2.6))

    def __init__(self, rng: np.random.Generator, frame: Frame) -> None:
        self.noise = [(Noise(rng), Noise(rng)) for _ in range(7)]
        reach = float(np.abs(shapely.bounds(frame.rim)).max()) + 600
        self.pixel = max(60.0, reach / 400)
        self.origin = -reach - self.pixel
        axis = self.origin + self.pixel * np.arange(int(2 * reach / self.pixel) + 3)
        x, y = np.meshgrid(axis, axis)
        far = ndimage.distance_transform_edt(~shapely.contains_xy(frame.town, x, y)) * self.pixel
        rail = cKDTree(shapely.get_coordinates(shapely.segmentize(frame.rail, self.pixel)))
        to_rail = rail.query(np.column_stack([x.ravel(), y.ravel()]))[0].reshape(x.shape)
        calm = smooth((to_rail - 120) / 380)
        self.rural = smooth(far / 500) * calm
        self.old = smooth((frame.old_half * 1.15 - np.maximum(abs(x), abs(y))) / 200) * calm

    def _at(self, mask: Points, xy: Points) -> Points:
        p = (xy - self.origin) / self.pixel
        return ndimage.map_coordinates(mask, [p[:, 1], p[:, 0]], order=1, mode="nearest")

    def __call__(self, xy: Points) -> Points:
        """Metres of the flat plan, shape (n, 2), to metres of the bent one."""
        out = xy.copy()
        old, rural = self._at(self.old, xy), self._at(self.rural, xy)
        waves = [(wave, None) for wave in self.EVERYWHERE]
        waves += [(wave, old) for wave in self.OLD] + [(wave, rural) for wave in self.RURAL]
        for ((wavelength, amplitude), weight), (east, north) in zip(waves, self.noise, strict=True):
            here = slice(None) if weight is None else np.flatnonzero(weight > 0)
            size = amplitude if weight is None else amplitude * weight[here]
            out[here, 0] += size * east(xy[here], wavelength)
            out[here, 1] += size * north(xy[here] + 7919.0, wavelength)
        return out

    def spacing(self, xy: Points) -> Points:
        """Distance between vertices wanted at each place, metres."""
        return 9.6 - 4.4 * self._at(self.old, xy) + 9.0 * self._at(self.rural, xy)

    def polygons(self, polygons: Shapes) -> Shapes:
        """Bend polygons of the plan: refined, in lon/lat on the lattice, shells counter-clockwise."""
        parts = [_refined(polygons[k : k + CHUNK], self) for k in range(0, len(polygons), CHUNK)]
        return shapely.orient_polygons(np.concatenate([np.zeros(0, dtype=object), *parts]))

    def shapes(self, geometries: Shapes, *, finest: float = 14.0) -> Shapes:
        """Bend lines or polygons that share no border with others: segments at most `finest` metres long."""
        return shapely.transform(shapely.segmentize(geometries, finest), lambda xy: to_lonlat(self(xy)))


def _refined(polygons: Shapes, bend: Bend) -> Shapes:
    _, xy, (rings, parts) = shapely.to_ragged_array(polygons)
    start = _segment_starts(len(xy), rings)
    reverse, low, high = _directed(xy[start], xy[start + 1])
    length = np.hypot(*(high - low).T)
    count = np.maximum(1, np.ceil(length / bend.spacing((low + high) / 2) - 0.3)).astype(np.int64)
    lonlat = to_lonlat(bend(_points_along(low, high, reverse, count)))
    ring_of = np.searchsorted(rings, start, side="right") - 1
    begin = np.concatenate([[0], np.cumsum(np.bincount(ring_of, count, len(rings) - 1).astype(np.int64))])
    lonlat = np.insert(lonlat, begin[1:], lonlat[begin[:-1]], axis=0)
    return shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, lonlat, (begin + np.arange(len(begin)), parts)
    )


def _segment_starts(count: int, rings: NDArray[np.int64]) -> Indices:
    starts = np.ones(count, dtype=bool)
    starts[rings[1:] - 1] = False
    return np.flatnonzero(starts)


def _directed(p: Points, q: Points) -> tuple[Flags, Points, Points]:
    """Segments from their lower to their higher end, so that both sides of a border do the same sums."""
    reverse = (p[:, 0] > q[:, 0]) | ((p[:, 0] == q[:, 0]) & (p[:, 1] > q[:, 1]))
    return reverse, np.where(reverse[:, None], q, p), np.where(reverse[:, None], p, q)


def _points_along(low: Points, high: Points, reverse: Flags, count: Indices) -> Points:
    """Start of every segment and the points between, in ring order; the points between tremble a little."""
    segment = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(segment)) - (np.cumsum(count) - count)[segment]
    step = np.where(reverse[segment], count[segment] - step, step)
    xy = low[segment] + (high - low)[segment] * (step / count[segment])[:, None]
    at_high = step == count[segment]
    xy[at_high] = high[segment[at_high]]
    between = np.flatnonzero((step > 0) & ~at_high)
    xy[between] += LEFT_TO_CHANCE_M * np.column_stack([_tremble(xy[between], salt) for salt in (1, 2)])
    return xy


def _tremble(xy: Points, salt: int) -> Points:
    """Chance that depends on the place alone, in [-0.5, 0.5): equal places get equal numbers."""
    q = np.round(xy * 1000).astype(np.int64).astype(np.uint64)
    mixed = q[:, 0] * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= (q[:, 1] + np.uint64(salt)) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(11)).astype(float) / 2.0**53 - 0.5
