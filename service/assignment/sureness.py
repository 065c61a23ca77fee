"""How sure many answers are and who else could be meant, as columns; the figures of a single look-up."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geo.confidence import shares_many
from service.assignment.answers import ACCURACY_LIMIT_M, CLEAR
from service.assignment.atlas import NOBODY, Atlas
from service.assignment.located import GAP, INSIDE, OUTSIDE, Located
from service.assignment.maps import EditionMap

SHARE_DIGITS = 4
CIRCLES_AT_ONCE = 1 << 14  # of USUAL_M; wider ones touch more ground each and are taken fewer at once
USUAL_M = 50.0


@dataclass(frozen=True, slots=True)
class Sureness:
    """Confidence of each answer (NaN: not asked for) and its alternates as ``code:share;…``."""

    confidence: NDArray[np.float64]
    alternates: pa.Array


@dataclass(frozen=True, slots=True)
class _Others:
    """Grids that could be meant too: whose row, which grid, share (NaN: none said), metres."""

    row: NDArray[np.int64]
    grid: NDArray[np.int64]
    share: NDArray[np.float64]
    distance_m: NDArray[np.float64]


def sureness(
    atlas: Atlas,
    located: Located,
    grid: NDArray[np.int64],
    points: NDArray[np.float64],
    accuracy_m: NDArray[np.float64],
) -> Sureness:
    """Tell the confidence of each answer and its alternates; far outside that is the nearest grid."""
    radius = np.minimum(accuracy_m, ACCURACY_LIMIT_M)
    confidence = np.where(radius > 0, 0.0, np.nan)
    outside = located.status == OUTSIDE
    nearest = np.flatnonzero(outside & (located.map >= 0))
    metres = millimetres(located.distance_m[nearest])
    parts = [_Others(nearest, grid[nearest], np.full(len(nearest), np.nan), metres)]
    answering = np.where(outside, NOBODY, grid)
    calm = (located.status == INSIDE) | (located.status == GAP)
    with np.errstate(invalid="ignore"):
        clear = calm & (grid >= 0) & (radius > 0) & (located.distance_m > CLEAR * radius)
    confidence[clear] = 1.0  # the error can't reach beyond the ground of the grid that answers
    for number, one in enumerate(atlas.maps):
        doubtful = ~(clear & (located.map == number))
        parts += [
            _shares(atlas, number, some, answering, points, radius, confidence)
            for some in _circles(one, points, radius, doubtful)
        ]
    others = _Others(*(np.concatenate([getattr(one, name) for one in parts]) for name in _Others.__slots__))
    replaced = outside[others.row] & (located.map[others.row] >= 0) & ~np.isnan(others.share)
    kept = np.flatnonzero(~replaced)
    return Sureness(confidence, _written(atlas, others, kept, len(points)))


def _circles(
    one: EditionMap,
    points: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    doubtful: NDArray[np.bool_],
) -> Iterator[NDArray[np.int64]]:
    """Cut the positions whose circle may reach a map into runs of bounded work."""
    if len(one.locator) == 0:
        return
    west, south, east, north = one.locator.bounds
    reach = radius_m * 4 / 111_000
    wide = reach / np.maximum(0.05, np.cos(np.radians(points[:, 1])))
    x, y = points[:, 0], points[:, 1]
    with np.errstate(invalid="ignore"):
        near = (west - wide <= x) & (x <= east + wide) & (south - reach <= y) & (y <= north + reach)
    rows = np.flatnonzero(near & doubtful & (radius_m > 0))
    rows = rows[np.argsort(radius_m[rows], kind="stable")]
    wide_m = np.maximum(radius_m[rows], USUAL_M)
    run = np.floor(np.cumsum((wide_m / USUAL_M) ** 2) / CIRCLES_AT_ONCE)
    for some in np.split(rows, np.flatnonzero(np.diff(run)) + 1):
        if len(some):
            yield np.sort(some)


def _shares(
    atlas: Atlas,
    number: int,
    rows: NDArray[np.int64],
    answering: NDArray[np.int64],
    points: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    confidence: NDArray[np.float64],
) -> _Others:
    """Ask one map for the shares in some circles; what belongs to the answering grid is its confidence."""
    found = shares_many(atlas.maps[number].locator, points[rows], radius_m[rows])
    row = np.repeat(rows, np.diff(found.first))
    owned = found.owner >= 0
    row, share, metres = row[owned], found.share[owned], found.distance_m[owned]
    grid = found.owner[owned] + atlas.first[number]
    own = grid == answering[row]
    confidence[row[own]] = rounded(share[own], SHARE_DIGITS)
    return _Others(row[~own], grid[~own], rounded(share[~own], SHARE_DIGITS), millimetres(metres[~own]))


def _written(atlas: Atlas, others: _Others, kept: NDArray[np.int64], n: int) -> pa.Array:
    """Write the alternates of each row, the likeliest first, then the nearest, then by code."""
    if len(kept) == 0:
        return pa.array(np.full(n, "", dtype=object), pa.string())
    row, grid, share, metres = (getattr(others, name)[kept] for name in _Others.__slots__)
    rank = np.full(len(grid), NOBODY)
    named = np.flatnonzero(grid >= 0)
    rank[named] = atlas.rank(grid[named])
    order = np.lexsort((rank, metres, -np.nan_to_num(share), row))
    row, grid, share = row[order], grid[order], share[order]
    codes = pc.fill_null(atlas.codes.take(pa.array(grid, mask=grid < 0)), "")
    texts = pc.binary_join_element_wise(codes, number_texts(share), ":")
    offsets = np.searchsorted(row, np.arange(n + 1)).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), texts), ";")


def millimetres(metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to millimetres, as `rounded_m` does."""
    return np.rint(metres * 1000) / 1000


def rounded(values: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """Round as Python does, exactly to the nearest decimal, not as NumPy, which scales first."""
    scale = 10.0**digits
    with np.errstate(invalid="ignore"):
        scaled = values * scale
        steps = np.rint(scaled)
        # Only near the middle between two steps can the scaling have led to the other one.
        doubtful = np.flatnonzero(np.abs(np.abs(scaled - steps) - 0.5) < 1e-12 + 1e-15 * np.abs(scaled))
    out = steps / scale
    for row in doubtful.tolist():
        out[row] = round(float(values[row]), digits)
    return out


def number_texts(values: NDArray[np.float64]) -> pa.Array:
    """Write rounded numbers as Python does, the empty text for NaN."""
    texts = pc.cast(pa.array(values), pa.string())
    whole = pa.array((np.abs(values) < 1e15) & (values == np.rint(values)))
    texts = pc.if_else(whole, pc.binary_join_element_wise(texts, ".0", ""), texts)
    return pc.if_else(pa.array(np.isnan(values)), "", texts)
