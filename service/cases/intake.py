"""What may be sent as a report: read from JSON or a table, checked, each fault named by its field."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, ValidationInfo, model_validator

from geo.crs import parse_crs, to_lonlat, usable
from geo.errors import UnknownCrs
from service.city.profile import Profile

LONGEST_TEXT = 10_000
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(minutes=5)  # clocks of phones run ahead; what is later has not happened
OTHER_TIMES = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d")  # as spreadsheets write them


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report on its way in: x, y as declared in `crs`, lon, lat or easting, northing."""

    happened_at: datetime
    category: str
    text: str
    source: str
    x: float
    y: float
    crs: str
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one report: its place in the list, the field, a sentence."""

    row: int
    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A row of a table that could not be split into fields."""

    why: str


def _time(value: Any, info: ValidationInfo) -> datetime:
    if isinstance(value, datetime):
        read = value
    elif isinstance(value, str):
        read = _read_time(value.strip())
    else:
        raise ValueError("write the time as text, such as 2026-03-01T08:00:00+08:00")
    if read.tzinfo is None:
        read = read.replace(tzinfo=(info.context or {}).get("zone", UTC))
    try:
        return read.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is out of range") from error


def _read_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        for form in OTHER_TIMES:
            try:
                return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added by the caller
            except ValueError:
                continue
    raise ValueError(f"{text[:40]!r} is not a time such as 2026-03-01T08:00:00+08:00 or 2026-03-01 08:00")


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is not a number")
    return value


def _plain(value: str) -> str:
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("holds a character that can't be stored")
    return value


Time = Annotated[datetime, BeforeValidator(_time)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]


class ReportBody(BaseModel):
    """One report as it is sent. A time without offset is the city's; category is a code or a name."""

    happened_at: Time
    category: str = Field(min_length=1, max_length=100)
    lon: Number
    lat: Number
    crs: str | None = Field(None, max_length=10_000)
    accuracy_m: Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)] | None = None
    text: str = Field("", max_length=LONGEST_TEXT)
    source: str = Field("api", min_length=1, max_length=40)

    @model_validator(mode="after")
    def _texts_can_be_stored(self) -> Self:
        for name in ("category", "text", "source"):
            _plain(getattr(self, name))
        return self


def read(record: Any, row: int, *, profile: Profile, crs: str | None) -> NewReport | list[Fault]:
    """Read one report; `crs` counts where the report names none. Gives the report or its faults."""
    if isinstance(record, Unread):
        return [Fault(row, "", record.why)]
    try:
        body = ReportBody.model_validate(record, context={"zone": ZoneInfo(profile.time_zone)})
    except ValidationError as found:
        listed = found.errors(include_url=False, include_input=False, include_context=False)
        return [Fault(row, _field(one["loc"]), one["msg"].removeprefix("Value error, ")) for one in listed]
    declared = body.crs or crs
    if not declared:
        choices = ", ".join(profile.crs_choices)
        return [Fault(row, "crs", f"say the coordinate system: {choices} or EPSG:n")]
    return NewReport(
        body.happened_at,
        category_code(profile, body.category),
        body.text,
        body.source,
        body.lon,
        body.lat,
        declared,
        body.accuracy_m,
    )


def _field(loc: tuple[int | str, ...]) -> str:
    return str(loc[0]) if loc else ""


def category_code(profile: Profile, given: str) -> str:
    """Give the code of a category named by its code or by its name in any language; else what was given."""
    wanted = given.strip()
    for one in profile.categories:
        if wanted == one.code or wanted in one.name.values():
            return one.code
    return wanted


def faults(
    reports: Sequence[NewReport], points: NDArray[np.float64], profile: Profile, at: datetime
) -> list[Fault]:
    """List what is wrong with reports whose canonical positions are `points`, one fault a report."""
    known = {one.code for one in profile.categories}
    on_earth = usable(points).tolist() if len(points) else []
    found: list[Fault] = []
    for row, (one, is_on_earth) in enumerate(zip(reports, on_earth, strict=True)):
        if known and one.category not in known:
            found.append(
                Fault(row, "category", f"unknown category {one.category[:40]!r}: {', '.join(sorted(known))}")
            )
        elif one.happened_at > at + CLOCK_SKEW:
            found.append(Fault(row, "happened_at", f"{one.happened_at.isoformat()} is in the future"))
        elif one.happened_at < EARLIEST:
            found.append(Fault(row, "happened_at", f"{one.happened_at.isoformat()} is before 1970"))
        elif one.accuracy_m is not None and not 0 <= one.accuracy_m < math.inf:
            found.append(Fault(row, "accuracy_m", "is not a length in metres"))
        elif not is_on_earth:
            found.append(Fault(row, "lon", _nowhere(one)))
    return found


def _nowhere(one: NewReport) -> str:
    try:
        parse_crs(one.crs)
    except UnknownCrs as error:
        return error.detail
    return f"({one.x:.10g}, {one.y:.10g}) in {one.crs} is not a place on earth; coordinates are lon, lat"


def positions(reports: Sequence[NewReport]) -> NDArray[np.float64]:
    """Give canonical lon/lat of each report, shape (n, 2); NaN where its system is unknown."""
    raw = np.array([(one.x, one.y) for one in reports], dtype=np.float64).reshape(-1, 2)
    points = np.full_like(raw, np.nan)
    declared = np.array([one.crs for one in reports], dtype=object)
    for text in set(declared.tolist()):
        try:
            crs = parse_crs(text)
        except UnknownCrs:
            continue
        rows = np.flatnonzero((declared == text) & np.isfinite(raw).all(axis=1))
        with np.errstate(invalid="ignore"):
            points[rows] = to_lonlat(raw[rows], crs)
    return points


def sorted_out(
    records: Iterable[Any], *, profile: Profile, crs: str | None, at: datetime, first: int = 0
) -> tuple[list[NewReport], list[Fault]]:
    """Read records into good reports and faults, numbered from `first`; a bad one hides no other."""
    good: list[tuple[int, NewReport]] = []
    bad: list[Fault] = []
    for row, record in enumerate(records, first):
        one = read(record, row, profile=profile, crs=crs)
        if isinstance(one, NewReport):
            good.append((row, one))
        else:
            bad += one
    reports = [one for _, one in good]
    later = faults(reports, positions(reports), profile, at)
    wrong = {one.row for one in later}
    bad += [Fault(good[one.row][0], one.field, one.detail) for one in later]
    return [one for row, one in enumerate(reports) if row not in wrong], sorted(bad, key=lambda one: one.row)
