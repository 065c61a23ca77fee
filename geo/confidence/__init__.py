"""How sure an answer is, given how exact the position is: the share of each owner in the GPS error.

Model
-----
The true place is distributed around the reported one by a circular normal law: the prior over ground is flat,
so no place is likelier because more reports come from there. The reported accuracy is taken as the radius
that holds the true place with 68 % probability, as Android defines it (`Location.getAccuracy()`: "the
estimated horizontal accuracy radius in meters … at the 68th percentile confidence level"; iOS's
`horizontalAccuracy` is used alike). The W3C Geolocation specification asks browsers for 95 % instead, but
browsers hand on what the platform reports; whoever knows better passes `quantile=0.95`. The radius of a
circular normal is Rayleigh distributed, hence sigma = accuracy / sqrt(-2 ln(1 - quantile)): accuracy / 1.5096
at 68 %, accuracy / 2.4477 at 95 %.

What is stated comes true to about a point in a hundred where true places are anywhere alike (errors of 5 to 50 m,
tests/geo/test_confidence_calibration.py). Where they are not, it can't: places inside buildings, off the border,
come true more often than stated, and a yard beside a street is stated too high for reports from that street.

Method
------
No sampling. The mass of the law over a polygon is a sum over its edges: the triangle between the point and an
edge at perpendicular distance h holds Δθ/2π - [T(h/σ, tan φ)] taken between the edge's ends, where T is
Owen's function (Owen 1956, Tables for computing bivariate normal probabilities, Ann. Math. Statist. 27) and
φ the angle from the perpendicular. The angles of a whole ring sum to the part of a full turn that the ground
takes around the point (1 inside, 0 outside, a half on a straight border), known without computing them, so
only edges within REACH sigmas matter. Over a coverage these come from the cells of the raster (`cells`), each edge
once for both its sides; on a border, or where faces overlap, from the outline of each ground (`outlines`).
"""

from math import inf, isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.confidence.cells import cells_of
from geo.confidence.law import ANDROID, ANDROID_QUANTILE, FINEST_M, Law
from geo.confidence.outlines import shares_by_outlines
from geo.confidence.table import Columns, Share, Shares
from geo.errors import MalformedAccuracy
from geo.locator import Locator
from geo.locator.intake import checked_point, checked_points

__all__ = ["ANDROID_QUANTILE", "Share", "Shares", "shares", "shares_many"]

POINTS_AT_ONCE = 1 << 14  # bounds the memory of one step


def shares(
    locator: Locator, lon: float, lat: float, accuracy_m: float, quantile: float = ANDROID_QUANTILE
) -> list[Share]:
    """Tell whose ground a reported position may truly be on.

    Parameters
    ----------
    locator
        The faces in force.
    lon, lat
        The reported position, degrees.
    accuracy_m
        Radius that holds the true place with probability `quantile`, metres; 0 and NaN mean "not known".
    quantile
        Between 0 and 1.

    Returns
    -------
    shares
        Largest share first, then nearest, then by precedence; empty where the accuracy is not known. Every
        owner is listed whose ground lies within `accuracy_m`, or whose share rounds to 0.01 or more; owner
        -1 stands for all ground without a grid, gaps and the outside. Shares are good to about 1e-5.

    Raises
    ------
    MalformedPoints
        Not finite numbers.
    MalformedAccuracy
        Negative or infinite accuracy, or an impossible quantile.

    Notes
    -----
    The model and its sources are at the top of this file.
    """
    if 0 < accuracy_m < inf and isfinite(lon) and isfinite(lat):
        cells = cells_of(locator)
        if cells is not None:
            law = ANDROID if quantile == ANDROID_QUANTILE else Law.of(quantile)
            told = cells.one(lon, lat, locator.locate(lon, lat), max(accuracy_m, FINEST_M), law)
            if told is not None:
                return told
    return shares_many(locator, checked_point(lon, lat), [accuracy_m], quantile)[0]


def shares_many(
    locator: Locator, points: ArrayLike, accuracy_m: ArrayLike, quantile: float = ANDROID_QUANTILE
) -> Shares:
    """Tell for many reported positions whose ground each may truly be on; bit for bit as `shares` does.

    Parameters
    ----------
    locator
        The faces in force.
    points
        lon/lat degrees, shape (n, 2).
    accuracy_m
        Metres, shape (n,) or one for all; 0 and NaN mean "not known".
    quantile
        Between 0 and 1.

    Returns
    -------
    shares

    Raises
    ------
    MalformedPoints
        Not finite pairs of numbers.
    MalformedAccuracy
        Negative or infinite accuracy, not one for each point, or an impossible quantile.
    """
    points = checked_points(points)
    accuracy = _checked_accuracy(accuracy_m, len(points))
    law = Law.of(quantile)
    known = np.flatnonzero(accuracy > 0)
    parts = [Columns.empty()]
    for begin in range(0, len(known), POINTS_AT_ONCE):
        some = known[begin : begin + POINTS_AT_ONCE]
        parts.append(_told(locator, points[some], np.maximum(accuracy[some], FINEST_M), law).of(some))
    return Columns.joined(parts).table(len(points))


def _told(locator: Locator, points: NDArray[np.float64], accuracy: NDArray[np.float64], law: Law) -> Columns:
    cells = cells_of(locator)
    if cells is None:
        return shares_by_outlines(locator, points, accuracy, law)
    told, unsure = cells.many(points, locator.locate_many(points), accuracy, law)
    if len(unsure) == 0:
        return told
    return Columns.joined(
        [told, shares_by_outlines(locator, points[unsure], accuracy[unsure], law).of(unsure)]
    )


def _checked_accuracy(accuracy_m: ArrayLike, n_points: int) -> NDArray[np.float64]:
    try:
        accuracy = np.broadcast_to(np.asarray(accuracy_m, dtype=np.float64), (n_points,))
    except (TypeError, ValueError):
        raise MalformedAccuracy("Expected one accuracy in metres for each point.") from None
    if (accuracy < 0).any() or np.isinf(accuracy).any():
        raise MalformedAccuracy("An accuracy is negative or infinite.")
    return accuracy
