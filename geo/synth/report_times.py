"""When reports happen: days with their weekday and weather, hours of the day by category."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.synth.plane import Flags, Indices, Points
from geo.synth.report_classes import HABITS

# Share of reports at any hour of the day, from and to.
AT_ANY_HOUR, MORNING, EVENING = 0.18, 7.0, 22.0
NIGHT_PEAK, NIGHT_SPREAD = 20.8, 1.1
SEASON = 0.12
STORMS_PER_WEEK = 5 / 12


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of the period, shape (d,): weekends and days under the influence of heavy rain."""

    weekend: Flags
    wet: Flags

    def __len__(self) -> int:
        return len(self.weekend)

    def load(self, code: str) -> Points:
        """How busy each day is for a category."""
        habit = HABITS[code]
        load = np.where(self.weekend, habit.weekend, 1.0) * np.where(self.wet, habit.wet, 1.0)
        return load * (1 + SEASON * np.sin(np.arange(len(self)) / len(self) * 2 * np.pi))


def calendar_of(rng: np.random.Generator, weeks: int, first_weekday: int) -> Calendar:
    """Lay out the weeks, from a weekday on (0 is Monday), with storms here and there."""
    day = np.arange(weeks * 7)
    storms = rng.choice(day[:-1], max(1, round(weeks * STORMS_PER_WEEK)), replace=False)
    return Calendar((day + first_weekday) % 7 >= 5, np.isin(day, np.concatenate([storms, storms + 1])))


def days(
    rng: np.random.Generator, category: NDArray[np.str_], first: Indices, last: Indices, calendar: Calendar
) -> Indices:
    """Draw a day for each report, from `first` up to but without `last`, shape (n,)."""
    out = np.empty(len(category), dtype=np.int64)
    for code in HABITS:
        mine = np.flatnonzero(category == code)
        so_far = np.concatenate([[0.0], np.cumsum(calendar.load(code))])
        low, high = so_far[first[mine]], so_far[last[mine]]
        out[mine] = np.searchsorted(so_far, low + rng.random(len(mine)) * (high - low), side="right") - 1
    return np.clip(out, first, last - 1)


def hours(rng: np.random.Generator, category: NDArray[np.str_], night: Flags) -> Points:
    """Draw an hour of the day for each report, in [0, 24); `night` marks those of night markets."""
    out = np.empty(len(category))
    for code, habit in HABITS.items():
        mine = np.flatnonzero(category == code)
        middle, spread, weight = np.array(habit.peaks, float).T
        peak = rng.choice(len(weight), len(mine), p=weight / weight.sum())
        any_hour = rng.random(len(mine)) < AT_ANY_HOUR
        at_peak = rng.normal(middle[peak], spread[peak])
        out[mine] = np.where(any_hour, rng.uniform(MORNING, EVENING, len(mine)), at_peak)
    out[night] = rng.normal(NIGHT_PEAK, NIGHT_SPREAD, int(night.sum()))
    return out % 24
