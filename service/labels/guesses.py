"""What the columns of a history are likely to be: by how they are called, then by what is in them."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from service.labels.spelling import normalised
from service.labels.table import Table

# The first pattern that finds a column decides, so the surest come first.
NAMED = {
    "lon": (r"^(lon|lng|long|longitude|经度|x坐标|x)$", r"lon|lng|经度|东经|^x|_x$|坐标x|easting"),
    "lat": (r"^(lat|latitude|纬度|y坐标|y)$", r"lat|纬度|北纬|^y|_y$|坐标y|northing"),
    "time": (r"时间|日期|time|date|opened|created|_at$|_on$",),
}
SEEN = 500  # rows by which the content of a column is judged
TIMES = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y%m%d")


def of_table(table: Table, codes: Collection[str], names: Collection[str]) -> dict[str, str | None]:
    """Guess the columns of longitude, latitude, label and time; None where nothing speaks for one."""
    found: dict[str, str | None] = {}
    for field in ("lon", "lat"):
        found[field] = _called(table, field, set(found.values()), lambda one: _share(one, _is_number) > 0.5)
    taken = set(found.values())
    found["label"] = _label(
        table, taken, {normalised(one) for one in codes}, {normalised(one) for one in names}
    )
    found["time"] = _called(table, "time", taken | {found["label"]}, lambda one: _share(one, _is_time) > 0.8)
    return found


def _called(
    table: Table, field: str, taken: set[str | None], fits: Callable[[list[str]], bool]
) -> str | None:
    for pattern in NAMED[field]:
        for name in table.names:
            called = name not in taken and re.search(pattern, name.strip(), re.IGNORECASE)
            if called and fits(table.columns[name]):
                return name
    return None


def _label(table: Table, taken: set[str | None], codes: set[str], names: set[str]) -> str | None:
    """Give the column whose values are most often codes or names of grids."""
    best, most = None, 0.2
    for name in table.names:
        if name in taken:
            continue
        values = [normalised(one) for one in _some(table.columns[name])]
        if not values:
            continue
        share = max(sum(one in known for one in values) / len(values) for known in (codes, names))
        if share > most:
            best, most = name, share
    if best is None:
        called = re.compile(
            r"网格|责任|社区|街道|属地|辖区|grid|district|board|ward|precinct|area", re.IGNORECASE
        )
        return next((one for one in table.names if one not in taken and called.search(one)), None)
    return best


def _some(values: Sequence[str]) -> list[str]:
    filled = [one for one in values if one]
    return filled[:: max(1, len(filled) // SEEN)]


def _share(values: Sequence[str], fits: Callable[[str], bool]) -> float:
    some = _some(values)
    return sum(map(fits, some)) / len(some) if some else 0.0


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_time(value: str) -> bool:
    return read_time(value) is not None


def read_time(value: str) -> datetime | None:
    """Read a time as histories write them; None where it is none."""
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    for form in TIMES:
        try:
            return datetime.strptime(value, form)  # noqa: DTZ007 - the zone is added by the caller
        except ValueError:
            continue
    return None
