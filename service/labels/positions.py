"""The rows of a history that can be checked, and why the others can't."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.crs import Crs, parse_crs, to_lonlat, usable
from service.errors import Invalid
from service.labels.guesses import read_time
from service.labels.table import Table

UNUSABLE = (
    "more-cells", "no-label", "no-coordinates", "not-a-number", "zero", "not-on-earth", "no-time", "other-district",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """Which columns mean what, and how they are to be read."""

    lon: str
    lat: str
    label: str
    crs: str
    level: str | None = None
    kinds: tuple[str, ...] = ()
    time: str | None = None
    scheme: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Usable:
    """Rows that can be checked: place in the table, label, raw and canonical position, moment (epoch s or NaN)."""

    row: NDArray[np.int64]
    labels: list[str]
    raw: NDArray[np.float64]
    points: NDArray[np.float64]
    moments: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.row)

    def keep(self, wanted: NDArray[np.bool_]) -> "Usable":
        """Leave out rows."""
        labels = [one for one, kept in zip(self.labels, wanted.tolist(), strict=True) if kept]
        return Usable(self.row[wanted], labels, self.raw[wanted], self.points[wanted], self.moments[wanted])


def sort_out(table: Table, choices: Choices, time_zone: str) -> tuple[Usable, dict[str, list[int]]]:
    """Give the rows that can be checked and, by reason, those that can't. May raise Invalid, UnknownCrs."""
    checked(choices, table.names)
    columns = {field: table.columns[getattr(choices, field)] for field in ("lon", "lat", "label")}
    crs = parse_crs(choices.crs)
    raw = np.full((len(table), 2), np.nan)
    reasons = np.full(len(table), "", dtype="U16")
    for place, field in enumerate(("lon", "lat")):
        for row, text in enumerate(columns[field]):
            number, wrong = _number(text)
            raw[row, place] = number
            if wrong:
                reasons[row] = wrong
    points, wrong_points = _on_earth(raw, crs)
    reasons[wrong_points & (reasons == "")] = "not-on-earth"
    reasons[(raw == 0).all(axis=1)] = "zero"
    moments = np.full(len(table), np.nan)
    if choices.time is not None:
        moments = _moments(table.columns[choices.time], ZoneInfo(time_zone))
        reasons[np.isnan(moments) & (reasons == "")] = "no-time"
    reasons[[one == "" for one in columns["label"]]] = "no-label"
    reasons[sorted(table.too_long)] = "more-cells"
    row = np.flatnonzero(reasons == "")
    labels = [columns["label"][one] for one in row.tolist()]
    bad = {one: np.flatnonzero(reasons == one).tolist() for one in UNUSABLE if (reasons == one).any()}
    return Usable(row, labels, raw[row], points[row], moments[row]), bad


def checked(choices: Choices, names: Sequence[str]) -> None:
    """Refuse columns that the table does not have and systems nobody knows. May raise Invalid, UnknownCrs."""
    fields = [(field, getattr(choices, field)) for field in ("lon", "lat", "label", "time")]
    for field, name in [*fields, *(("kinds", one) for one in choices.kinds)]:
        if name is not None and name not in names:
            detail = f"The table has no column {name[:60]!r}. It has: {', '.join(names[:60])}."
            raise Invalid(detail, errors=[{"pointer": f"/{field}", "detail": detail}])
    parse_crs(choices.crs)


def _number(text: str) -> tuple[float, str]:
    if not text:
        return np.nan, "no-coordinates"
    try:
        number = float(text)
    except ValueError:
        return np.nan, "not-a-number"
    return (number, "") if np.isfinite(number) else (np.nan, "not-a-number")


def _on_earth(raw: NDArray[np.float64], crs: Crs) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    points = np.full_like(raw, np.nan)
    there = np.isfinite(raw).all(axis=1)
    with np.errstate(invalid="ignore"):
        points[there] = to_lonlat(raw[there], crs)
    return points, there & ~usable(points)


def _moments(texts: list[str], zone: ZoneInfo) -> NDArray[np.float64]:
    read: Callable[[str], datetime | None] = read_time
    known = {text: read(text) for text in set(texts)}
    return np.array([_epoch(known[text], zone) for text in texts], dtype=np.float64)


def _epoch(moment: datetime | None, zone: ZoneInfo) -> float:
    if moment is None:
        return np.nan
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (OverflowError, ValueError):
        return np.nan
