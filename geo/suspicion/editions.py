"""A history whose labels fit another edition of the map better than the one that answered."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.locator.intake import checked_points
from geo.suspicion.batches import Doubt
from geo.suspicion.margin import Flags, Margin
from geo.suspicion.piles import distinct

LEAST_GAIN = 0.005  # of all rows


def edition_doubt(points: ArrayLike, agree: Mapping[str, Flags], *, used: str) -> Doubt | None:
    """Name the edition that a history's labels fit better.

    Parameters
    ----------
    points
        Canonical lon/lat of the rows, shape (n, 2): rows of one place count as one witness.
    agree
        For each edition, by any name: at which rows its answer is the label, shape (n,).
    used
        The edition that answered.

    Returns
    -------
    doubt
        Of kind ``other-edition`` with the rows that only the other edition answers as labelled. Members:
        `used`, `edition`, `agreed`, `agreed_then` (rows), `lost`, `gained` (places), `sigmas`. None where no
        edition is better by more than chance (5 sigmas of McNemar's test) and by half a percent of the rows.
        Of several the one with which most rows agree; of equals the first given.
    """
    place = distinct(checked_points(points))[1]
    now = np.asarray(agree[used], dtype=np.bool_)
    best: tuple[Margin, str, NDArray[np.bool_]] | None = None
    for name, answers in agree.items():
        then = np.asarray(answers, dtype=np.bool_)
        margin = Margin.between(now, then, place)
        if not margin.is_clear or margin.after - margin.before < LEAST_GAIN * len(now):
            continue
        if best is None or margin.after > best[0].after:
            best = margin, name, then & ~now
    if best is None:
        return None
    margin, name, gained = best
    members = {
        "used": used, "edition": name, "agreed": margin.before, "agreed_then": margin.after,
        "lost": margin.lost, "gained": margin.gained, "sigmas": round(margin.sigmas, 1),
    }  # fmt: skip
    rows = np.flatnonzero(gained)
    return Doubt("other-edition", members, rows, len(rows) / len(now))
