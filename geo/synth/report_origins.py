"""What happens in the city, by origin: background, hot areas, recurring places, duplicates, piles, outside."""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.synth.plane import Flags, Indices, Points, to_lonlat, unit
from geo.synth.report_classes import HABITS
from geo.synth.report_places import Places
from geo.synth.report_times import Calendar, days, hours

CODES = np.array(list(HABITS))
SHARES = np.array([habit.share for habit in HABITS.values()])
SHARES = SHARES / SHARES.sum()

SHARE_HOT, SHARE_DUPLICATE, SHARE_OUTSIDE, SHARE_DEFAULT = 0.27, 0.03, 0.01, 0.012
# Recurring places per report, and how likely each further recurrence is the last one.
SHARE_PLACES, LAST_TIME = 0.016, 0.34
HOT_AREAS_AT_60K, FEWEST_HOT_AREAS = 44, 8
APART_M, TRIES = 600.0, 40
STORIES = {"persistent": 0.45, "new": 0.2, "fading": 0.2, "night": 0.15}
ON_THEME = 0.78
NIGHT_CODES = ("street_vending", "noise")
# Cases take a gamma of these hours to be closed; the same thing comes back after a gamma of these days.
CLOSED_AFTER_H, BACK_AFTER_D = (2.0, 14.0), (2.2, 3.4)
LAST_MOMENT = 1e-3


class HotArea(NamedTuple):
    """A planted hot area: place (EPSG:4490), radius, story, main category, first day and day after the last.

    The story is ``persistent``, ``new`` (begins in the middle of the period), ``fading`` (ends there) or
    ``night`` (evening hours only).
    """

    lon: float
    lat: float
    radius_m: float
    story: str
    category: str
    first_day: int
    last_day: int
    reports: int


@dataclass(frozen=True, slots=True)
class Incidents:
    """What happens, n of them: place in metres, day of the period with its fraction, when it is closed, truth.

    `anchor` is the road or yard it belongs to, -1 for none; `must_close` marks those whose closure matters.
    """

    origin: NDArray[np.str_]
    category: NDArray[np.str_]
    xy: Points
    day: Points
    closed: Points
    must_close: Flags
    anchor: Indices
    hot: Indices
    place: Indices
    occurrence: Indices

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True)
class Scene:
    """What every origin draws from: chance, places, days."""

    rng: np.random.Generator
    places: Places
    calendar: Calendar

    def categories(self, count: int) -> NDArray[np.str_]:
        """Draw categories by their shares."""
        return self.rng.choice(CODES, count, p=SHARES)

    def moments(
        self, category: NDArray[np.str_], first: Indices, last: Indices, night: Flags | None = None
    ) -> Points:
        """Draw days with the hour as fraction."""
        night = np.zeros(len(category), bool) if night is None else night
        day = days(self.rng, category, first, last, self.calendar)
        return day + hours(self.rng, category, night) / 24

    def any_moments(self, category: NDArray[np.str_]) -> Points:
        """Draw moments of the whole period."""
        whole = np.full(len(category), len(self.calendar))
        return self.moments(category, np.zeros_like(whole), whole)

    def delays(self, count: int) -> Points:
        """Draw days until closure."""
        return self.rng.gamma(*CLOSED_AFTER_H, count) / 24


def _incidents(
    scene: Scene,
    origin: str,
    category: NDArray[np.str_],
    xy: Points,
    day: Points,
    *,
    closed: Points | None = None,
    anchor: Indices | None = None,
    hot: Indices | None = None,
    place: Indices | None = None,
    occurrence: int = 0,
) -> Incidents:
    count = len(category)
    none = np.full(count, -1)
    return Incidents(
        origin=np.full(count, origin),
        category=category,
        xy=xy,
        day=day,
        closed=day + scene.delays(count) if closed is None else closed,
        must_close=np.full(count, closed is not None),
        anchor=none if anchor is None else anchor,
        hot=none if hot is None else hot,
        place=none if place is None else place,
        occurrence=np.full(count, occurrence),
    )


def incidents_of(
    scene: Scene, count: int, hull: shapely.Polygon
) -> tuple[list[Incidents], tuple[HotArea, ...]]:
    """Let things happen, `count` of them; background fills up what the planted patterns leave."""
    hot, hot_areas = _hot(scene, count)
    parts = [
        hot,
        *_recurrences(scene, round(SHARE_PLACES * count)),
        _default_pile(scene, round(SHARE_DEFAULT * count)),
        _outside(scene, round(SHARE_OUTSIDE * count), hull),
    ]
    doubled = round(SHARE_DUPLICATE * count)
    background = _background(scene, count - doubled - sum(map(len, parts)))
    parts += [background, _duplicates(scene, background, doubled)]
    return parts, hot_areas


def joined(parts: list[Incidents]) -> Incidents:
    """All incidents in the order of time."""
    columns = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Incidents)}
    order = np.argsort(columns["day"], kind="stable")
    return Incidents(**{name: column[order] for name, column in columns.items()})


def _background(scene: Scene, count: int) -> Incidents:
    category = scene.categories(count)
    xy, anchor = scene.places.draw(scene.rng, category)
    return _incidents(scene, "background", category, xy, scene.any_moments(category), anchor=anchor)


def _duplicates(scene: Scene, background: Incidents, count: int) -> Incidents:
    """Two people report one problem: a second time before it is closed."""
    rng = scene.rng
    pick = rng.choice(len(background), count, replace=False)
    first, closed = background.day[pick], background.closed[pick]
    late = np.minimum(closed, len(scene.calendar) - LAST_MOMENT)
    day = first + (late - first) * rng.uniform(0.02, 0.9, count)
    xy = background.xy[pick] + rng.normal(0, 6, (count, 2))
    anchor = background.anchor[pick]
    return _incidents(scene, "duplicate", background.category[pick], xy, day, closed=closed, anchor=anchor)


def _hot(scene: Scene, count: int) -> tuple[Incidents, tuple[HotArea, ...]]:
    """Hot areas at places that would be hot, apart from each other, each with its story."""
    rng, period = scene.rng, len(scene.calendar)
    areas = max(FEWEST_HOT_AREAS, round(HOT_AREAS_AT_60K * np.sqrt(count / 60_000)))
    story = rng.choice(list(STORIES), areas, p=list(STORIES.values()))
    story[: len(STORIES)] = list(STORIES)
    night = story == "night"
    theme = np.where(night, rng.choice(NIGHT_CODES, areas, p=[0.8, 0.2]), scene.categories(areas))
    spot, radius = _spots(scene, theme), rng.uniform(35, 110, areas)
    first = np.where(story == "new", rng.integers(period * 5 // 14, period * 3 // 4, areas), 0)
    last = np.where(story == "fading", rng.integers(period * 2 // 7, period * 9 // 14, areas), period)
    rate = rng.lognormal(0, 0.45, areas) * (last - first)
    size = rng.multinomial(round(SHARE_HOT * count), rate / rate.sum())
    area = np.repeat(np.arange(areas), size)
    on_theme = rng.random(len(area)) < ON_THEME
    category = np.where(on_theme, theme[area], scene.categories(len(area)))
    xy = spot[area] + rng.normal(0, 0.6, (len(area), 2)) * radius[area][:, None]
    day = scene.moments(category, first[area], last[area], night[area])
    columns = (radius, story, theme, first, last, size)
    rows = zip(*to_lonlat(spot).T.tolist(), *(column.tolist() for column in columns), strict=True)
    return _incidents(scene, "hot", category, xy, day, hot=area), tuple(HotArea(*row) for row in rows)


def _spots(scene: Scene, theme: NDArray[np.str_]) -> Points:
    spots = np.empty((len(theme), 2))
    for k in range(len(theme)):
        for _ in range(TRIES):
            spots[k] = scene.places.draw(scene.rng, theme[k : k + 1])[0][0]
            if k == 0 or np.hypot(*(spots[:k] - spots[k]).T).min() > APART_M:
                break
    return spots


def _recurrences(scene: Scene, places: int) -> list[Incidents]:
    """Places where the same thing comes back: every time after the closure of the time before."""
    rng, period = scene.rng, len(scene.calendar)
    category = scene.categories(places)
    xy, anchor = scene.places.draw(rng, category)
    wanted = 2 + rng.geometric(LAST_TIME, places).clip(1, 9)
    place, closed, parts = np.arange(places), np.zeros(places), []
    for occurrence in range(1, int(wanted.max()) + 1):
        place = place[wanted[place] >= occurrence]
        gap = (
            rng.gamma(*BACK_AFTER_D, len(place))
            if occurrence > 1
            else rng.uniform(0, period * 0.45, len(place))
        )
        hour = hours(rng, category[place], np.zeros(len(place), bool)) / 24
        day = np.floor(closed[place] + gap) + hour
        day = np.where(day > closed[place], day, day + 1)
        live = day < period
        place, day = place[live], day[live]
        closed[place] = day + scene.delays(len(place))
        near = xy[place] + rng.normal(0, 4, (len(place), 2))
        parts.append(
            _incidents(
                scene, "recurrence", category[place], near, day, closed=closed[place],
                anchor=anchor[place], place=place, occurrence=occurrence,
            )
        )  # fmt: skip
    return parts


def _default_pile(scene: Scene, count: int) -> Incidents:
    """Reports without a position, which a system puts on its own office."""
    category = scene.categories(count)
    office = np.flatnonzero(scene.places.use == "office")
    desk = scene.places.inner[office[0] if len(office) else 0]
    return _incidents(scene, "default", category, np.tile(desk, (count, 1)), scene.any_moments(category))


def _outside(scene: Scene, count: int, hull: shapely.Polygon) -> Incidents:
    """Reports from beyond the hull of the city."""
    rng = scene.rng
    category = scene.categories(count)
    middle = shapely.get_coordinates(hull.centroid)[0]
    corner = shapely.get_coordinates(hull)
    farthest = np.hypot(*(corner - middle).T).max()
    xy = (
        middle
        + unit(rng.uniform(0, 2 * np.pi, count)) * (farthest + 250 + rng.exponential(2500, count))[:, None]
    )
    return _incidents(scene, "outside", category, xy, scene.any_moments(category))
