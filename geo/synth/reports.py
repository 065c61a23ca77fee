"""Reports on a demo city, with planted truth: hot areas, recurrences, duplicates, and what real data spoils."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.crs import from_lonlat, parse_crs
from geo.lattice import canon_coordinates
from geo.synth.plane import Flags, Indices, Points, to_lonlat, to_metres
from geo.synth.records import City
from geo.synth.report_classes import HOTLINE, SOURCES
from geo.synth.report_origins import HotArea, Incidents, Scene, incidents_of, joined
from geo.synth.report_places import places_of
from geo.synth.report_times import calendar_of
from geo.synth.report_words import texts_of

CITY_TIME = timezone(timedelta(hours=8))
SHARE_POOR, POOR_M = 0.03, (80.0, 600.0)
SHARE_SHIFTED = 0.08
USUAL_M = (3.0, 60.0)
SHARE_CLOSED = 0.9


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports in the order of their times; arrays of shape (n,).

    Attributes
    ----------
    at
        Instants, UTC, ``datetime64[s]``.
    x, y
        Lon/lat degrees as declared in `crs`.
    crs
        ``wgs84`` or ``gcj02``.
    accuracy_m
        What the device says, NaN where it says nothing.
    category, text, source
        Code of `CATEGORIES`; what is written; who sent it.
    closed_at
        When the case was closed, NaT where it was not.
    true_lon, true_lat
        Planted truth: where it really happened, EPSG:4490.
    origin
        Planted truth: ``background``, ``hot``, ``recurrence``, ``duplicate``, ``default`` (a pile on the
        point that a system enters by itself) or ``outside`` (of all districts).
    hot
        Planted truth: index in `hot_areas`, or -1.
    place, occurrence
        Planted truth: number of the recurring place, or -1; how often it has happened there, from 1.
    hot_areas
        Planted hot areas.
    """

    at: NDArray[np.datetime64]
    x: Points
    y: Points
    crs: NDArray[np.str_]
    accuracy_m: Points
    category: NDArray[np.str_]
    text: NDArray[np.object_]
    source: NDArray[np.str_]
    closed_at: NDArray[np.datetime64]
    true_lon: Points
    true_lat: Points
    origin: NDArray[np.str_]
    hot: Indices
    place: Indices
    occurrence: Indices
    hot_areas: tuple[HotArea, ...]

    def __len__(self) -> int:
        return len(self.at)


def make_reports(
    city: City, count: int = 60_000, *, weeks: int = 12, until: datetime, seed: int | None = None
) -> Reports:
    """Make reports on a city.

    Parameters
    ----------
    city
        From `make_city`.
    count
        How many, exactly; from 100.
    weeks
        Length of the period in whole weeks, from 3.
    until
        With a time zone. The period ends at the last midnight of city time (UTC+8) up to this instant.
    seed
        Equal seeds give equal reports on equal cities; left out, the city's.

    Returns
    -------
    Reports
        With the truth that was planted, for tests: recurrences lie after the previous closure, duplicates
        before it.

    Raises
    ------
    ValueError
        Too few reports or weeks, or `until` has no time zone.
    """
    if count < 100 or weeks < 3:
        raise ValueError(f"Patterns need at least 100 reports and 3 weeks, not {count} and {weeks}.")
    if until.tzinfo is None:
        raise ValueError("Say the time zone of `until`.")
    midnight = until.astimezone(CITY_TIME).replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - timedelta(weeks=weeks)
    rng = np.random.default_rng([city.seed if seed is None else seed, 61])
    scene = Scene(rng, places_of(city), calendar_of(rng, weeks, start.weekday()))
    parts, hot_areas = incidents_of(scene, count, _hull(city))
    incidents = joined(parts)
    return _sent(scene, incidents, start, hot_areas)


def _hull(city: City) -> shapely.Polygon:
    """Convex hull of the city on the plane: what lies beyond it lies in no district."""
    outline = shapely.convex_hull(shapely.union_all([d.outline for d in city.districts]))
    return shapely.transform(outline, to_metres)


def _sent(scene: Scene, incidents: Incidents, start: datetime, hot_areas: tuple[HotArea, ...]) -> Reports:
    """Report incidents as people and devices do: displaced, some shifted, some without accuracy."""
    rng, count = scene.rng, len(incidents)
    exact = incidents.origin == "default"
    accuracy = _accuracies(rng, exact)
    displaced = incidents.xy + rng.normal(0, 0.47, (count, 2)) * np.where(exact, 0.0, accuracy)[:, None]
    # A device's error must not carry a report that is planted outside into the city.
    displaced[incidents.origin == "outside"] = incidents.xy[incidents.origin == "outside"]
    true, sent = to_lonlat(incidents.xy), to_lonlat(displaced)
    shifted = (rng.random(count) < SHARE_SHIFTED) & ~exact
    sent[shifted] = canon_coordinates(from_lonlat(sent[shifted], parse_crs("gcj02")))
    source, share = zip(*SOURCES, strict=True)
    senders = rng.choice(source, count, p=share)
    closed = np.where(incidents.must_close | (rng.random(count) < SHARE_CLOSED), incidents.closed, np.nan)
    return Reports(
        at=_instants(start, incidents.day),
        x=sent[:, 0],
        y=sent[:, 1],
        crs=np.where(shifted, "gcj02", "wgs84"),
        accuracy_m=np.where(exact, np.nan, np.round(accuracy, 1)),
        category=incidents.category,
        text=texts_of(rng, incidents, scene.places),
        source=np.where(exact, HOTLINE, senders),
        closed_at=_instants(start, closed),
        true_lon=true[:, 0],
        true_lat=true[:, 1],
        origin=incidents.origin,
        hot=incidents.hot,
        place=incidents.place,
        occurrence=incidents.occurrence,
        hot_areas=hot_areas,
    )


def _accuracies(rng: np.random.Generator, exact: Flags) -> Points:
    """Metres: mostly those of a phone in the street, a few those of a phone that lost its satellites."""
    count = len(exact)
    poor = (rng.random(count) < SHARE_POOR) & ~exact
    return np.where(poor, rng.uniform(*POOR_M, count), rng.gamma(3, 3.5, count).clip(*USUAL_M))


def _instants(start: datetime, day: Points) -> NDArray[np.datetime64]:
    """Days after the start as UTC instants; NaN becomes NaT."""
    base = np.datetime64(start.astimezone(UTC).replace(tzinfo=None), "s")
    out = base + np.floor(np.nan_to_num(day) * 86_400).astype("timedelta64[s]")
    out[np.isnan(day)] = np.datetime64("NaT")
    return out
