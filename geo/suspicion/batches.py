"""Doubts about a batch of positions, each with its rows and figures, for a person to decide.

Nothing is corrected here. Two readings of a batch are compared row by row on the same rows (McNemar's test), a
place counting once however many rows it has: so one default point can't outvote a city.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.crs import WGS84, Crs, parse_crs, to_lonlat, usable
from geo.suspicion.margin import SIGMAS, Flags, Margin
from geo.suspicion.piles import distinct, piles

Points = NDArray[np.float64]
Ask = Callable[[Points], Flags]

LEAST_ROWS, LEAST_SHARE = 10, 0.01  # fewer coarse or outside rows are chance or news, not a doubt
LEAST_GAIN, MISFIT_LEFT = 0.01, 0.6  # without labels: what a better reading must bring, as for maps
COARSE_DEGREES = (1e-1, 1e-2, 1e-3)  # 11 km, 1.1 km, 110 m
COARSE_METRES = (10_000.0, 1_000.0, 100.0)
EXACT = 1e-6  # of a step: how close to a round number a double can be written


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """One doubt about a batch.

    Attributes
    ----------
    kind
        ``axes-swapped``, ``other-system``, ``default-point``, ``low-precision``, ``outside`` or ``other-edition``.
    detail_members
        The figures, plain values only: what a sentence about it needs.
    rows
        The rows concerned, ascending: for ``other-system`` all that were read.
    share
        Their share of all rows.
    """

    kind: str
    detail_members: dict[str, Any] = field(default_factory=dict)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    share: float = 0.0


def batch_doubts(points: ArrayLike, *, declared: Crs, covers: Ask, agree: Ask | None = None) -> list[Doubt]:
    """Ask whether a batch of positions looks like what it is said to be.

    Parameters
    ----------
    points
        As sent, x and y in `declared`, shape (n, 2); NaN and places that are not on earth are left out.
    declared
        The system that the sender names.
    covers
        Tells which places, canonical lon/lat (n, 2), lie on the city's ground; shape (n,). Always asked for all
        rows in their order; rows that have no place are asked at (0, 0) and their answer is ignored.
    agree
        Tells at which places the city's answer is the label of the row; None without labels.

    Returns
    -------
    doubts
        In this order, each at most once but ``default-point``:

        - ``axes-swapped``: rows that lie outside, and on the city's ground once x and y are exchanged.
        - ``other-system``: read as `system` the batch fits better. With labels, clearly more of them agree and
          not clearly fewer rows lie on the ground; without, clearly more rows do, and at least two fifths of
          what is outside comes inside. Members: `system`, `inside`, `inside_then`, `agreed`, `agreed_then`
          (rows, the last two None without labels), `lost`, `gained` (places), `sigmas`.
        - ``default-point``: a pile as `piles` finds it. Members: `lon`, `lat`, `expected`, `exact`.
        - ``low-precision``: rows with both coordinates on round numbers, default points aside. Members: `step`, in
          units of `declared`, the coarsest that holds at least half of what is on round numbers at all.
        - ``outside``: rows that are outside and not explained by exchanged axes.
    """
    sent = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    batch = _Batch.of(sent, declared, covers)
    swapped = _swapped(batch, declared, covers)
    default = _default_points(batch, declared)
    outside = np.flatnonzero(batch.known & ~batch.inside)
    return [
        *swapped,
        *_other_system(batch, declared, covers, agree),
        *default,
        *_coarse(batch, declared, _rows_of(default)),
        *_if_many("outside", np.setdiff1d(outside, _rows_of(swapped)), batch),
    ]


@dataclass(frozen=True, slots=True)
class _Batch:
    """The rows as sent and as declared; `known` tells which are places on earth, `place` numbers the places."""

    sent: Points
    lonlat: Points
    known: Flags
    inside: Flags
    place: NDArray[np.int64]

    @classmethod
    def of(cls, sent: Points, declared: Crs, covers: Ask) -> "_Batch":
        lonlat, known = _read(sent, declared)
        return cls(sent, lonlat, known, covers(lonlat) & known, distinct(lonlat)[1])


def _read(sent: Points, crs: Crs) -> tuple[Points, Flags]:
    """Give canonical places and which of them there are; (0, 0) where there is none."""
    finite = np.isfinite(sent).all(axis=1)
    with np.errstate(invalid="ignore"):
        lonlat = to_lonlat(np.where(finite[:, None], sent, 0.0), crs)
        known = finite & usable(lonlat)
    return np.where(known[:, None], lonlat, 0.0), known


def _doubt(kind: str, rows: NDArray[np.int64], batch: _Batch, **members: Any) -> Doubt:
    return Doubt(kind, members, rows, len(rows) / len(batch.sent))


def _rows_of(doubts: list[Doubt]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, dtype=np.int64), *(one.rows for one in doubts)])


def _if_many(kind: str, rows: NDArray[np.int64], batch: _Batch, **members: Any) -> list[Doubt]:
    is_many = len(rows) >= max(LEAST_ROWS, LEAST_SHARE * len(batch.sent))
    return [_doubt(kind, rows, batch, **members)] if is_many else []


def _swapped(batch: _Batch, declared: Crs, covers: Ask) -> list[Doubt]:
    lonlat, known = _read(batch.sent[:, ::-1], declared)
    rows = np.flatnonzero(~batch.inside & known & covers(lonlat))
    return [_doubt("axes-swapped", rows, batch)] if len(rows) else []


def _other_system(batch: _Batch, declared: Crs, covers: Ask, agree: Ask | None) -> list[Doubt]:
    agreed = None if agree is None else agree(batch.lonlat) & batch.known
    best: tuple[Margin, Doubt] | None = None
    for crs, numbers in _readings(batch, declared):
        lonlat, known = _read(numbers, crs)
        if (lonlat == batch.lonlat).all():
            continue  # the shift is not applied here
        inside = covers(lonlat) & known
        ground = Margin.between(batch.inside, inside, batch.place)
        labels = None
        if agree is not None and agreed is not None:
            labels = Margin.between(agreed, agree(lonlat) & known, batch.place)
        margin = labels or ground
        if _fits_better(ground, labels, len(batch.sent)) and (best is None or margin.after > best[0].after):
            best = margin, _other(crs, ground, labels, batch)
    return [] if best is None else [best[1]]


def _readings(batch: _Batch, declared: Crs) -> list[tuple[Crs, Points]]:
    """Give what else the numbers may be: the Chinese web systems, or unshifted where one of them is declared."""
    is_web = declared.kind in ("gcj02", "bd09")
    others = [parse_crs(key) for key in ("gcj02", "bd09") if key != declared.kind]
    numbers = batch.sent if is_web else batch.lonlat
    return [(crs, numbers) for crs in ([WGS84, *others] if is_web else others)]


def _fits_better(ground: Margin, labels: Margin | None, n_rows: int) -> bool:
    if labels is not None:
        return (
            labels.is_clear
            and labels.after - labels.before >= LEAST_GAIN * n_rows
            and ground.sigmas > -SIGMAS
        )
    left, right = n_rows - ground.before, n_rows - ground.after
    return ground.is_clear and left - right >= LEAST_GAIN * n_rows and right <= MISFIT_LEFT * left


def _other(crs: Crs, ground: Margin, labels: Margin | None, batch: _Batch) -> Doubt:
    deciding = labels or ground
    return _doubt(
        "other-system",
        np.flatnonzero(batch.known),
        batch,
        system=crs.key,
        inside=ground.before,
        inside_then=ground.after,
        agreed=None if labels is None else labels.before,
        agreed_then=None if labels is None else labels.after,
        lost=deciding.lost,
        gained=deciding.gained,
        sigmas=round(deciding.sigmas, 1),
    )


def _default_points(batch: _Batch, declared: Crs) -> list[Doubt]:
    """Find piles in the numbers as sent where these are degrees, else in the places they stand for."""
    numbers = batch.lonlat if declared.kind == "projected" else batch.sent
    known = np.flatnonzero(batch.known)
    return [
        _doubt(
            "default-point", known[one.rows], batch,
            lon=one.lon, lat=one.lat, expected=round(one.expected, 2), exact=one.exact,
        )
        for one in piles(numbers[known])
    ]  # fmt: skip


def _coarse(batch: _Batch, declared: Crs, explained: NDArray[np.int64]) -> list[Doubt]:
    steps = COARSE_METRES if declared.kind == "projected" else COARSE_DEGREES
    rows = [np.setdiff1d(_on_steps(batch, step), explained) for step in steps]
    # A hundredth of what is on round numbers is on ten times rounder ones by chance.
    for step, some in zip(steps, rows, strict=True):
        if len(some) >= len(rows[-1]) / 2:
            return _if_many("low-precision", some, batch, step=step)
    return []


def _on_steps(batch: _Batch, step: float) -> NDArray[np.int64]:
    steps = np.where(batch.known[:, None], batch.sent, np.nan) / step
    return np.flatnonzero((np.abs(steps - np.round(steps)) < EXACT).all(axis=1))
