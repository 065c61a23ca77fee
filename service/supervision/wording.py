"""The words of the heatmap, in the reader's language: for the page, the map, the tables and the file."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import get_locale
from flask_babel import gettext as _

from service.assignment.in_force import IN_FORCE
from service.supervision.heatmap import Figures, Heatmap
from service.supervision.periods import Window
from service.supervision.tally import GridCount


def unit() -> str:
    """Name the unit of density."""
    return _("reports/km²/week")


def level_name(level: str) -> str:
    """Name a level as the city profile does."""
    for scheme in IN_FORCE.profile.schemes:
        for one in scheme.levels:
            if one.code == level:
                return _of(one.name, level)
    return level


def category_name(code: str) -> str:
    """Name a category as the city profile does."""
    return next((_of(one.name, code) for one in IN_FORCE.profile.categories if one.code == code), code)


def _of(names: dict[str, str], otherwise: str) -> str:
    return names.get(str(get_locale())) or next(iter(names.values()), otherwise)


def local(moment: datetime) -> datetime:
    """Give a moment in the city's time zone."""
    return moment.astimezone(ZoneInfo(IN_FORCE.profile.time_zone))


def period(window: Window) -> str:
    """Say a period: its days where it consists of whole ones, else its first and last minute."""
    start, end = local(window.start), local(window.end)
    if (start.hour, start.minute, end.hour, end.minute) == (0, 0, 0, 0):
        last = end.date() - timedelta(days=1)
        return f"{start:%Y-%m-%d}" if last == start.date() else f"{start:%Y-%m-%d} – {last:%Y-%m-%d}"
    return f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}"


def shown_window(asked: Heatmap) -> Window:
    """Give the period that the map shows."""
    return asked.window.previous if asked.view == "previous" else asked.window


def filter_text(asked: Heatmap) -> str:
    """Say which reports count."""
    category = category_name(asked.category) if asked.category else _("all categories")
    place = f"{asked.grid.name} ({asked.grid.code})" if asked.grid else _("all grids")
    return f"{category} · {place}"


def change(one: GridCount) -> str:
    """Say whether a grid has more or fewer reports than before, where that can be said."""
    return {
        "more": "▲ " + _("clearly more"),
        "less": "▼ " + _("clearly fewer"),
        "no-clear-change": _("no clear change"),
        "too-few": _("too few to say"),
        "no-baseline": _("no reports from before"),
    }[one.change]


def header(asked: Heatmap) -> list[str]:
    """Name the columns of the table."""
    return [
        "#",
        _("Code"),
        level_name(asked.level),
        _("Part of"),
        _("Reports"),
        _("Reports before"),
        _("Area, km²"),
        unit(),
        _("Change"),
    ]


def row(rank: int, one: GridCount) -> list[Any]:
    """Give one line of the table."""
    area = None if one.area_km2 is None else round(one.area_km2, 4)
    rate = None if one.per_km2_week is None else round(one.per_km2_week, 2)
    return [rank, one.code, one.name, one.parent_name, one.count, one.before, area, rate, change(one)]


def notes(asked: Heatmap, found: Figures) -> list[tuple[str, Any]]:
    """Say what the figures are about."""
    return [
        (_("City"), _of(IN_FORCE.profile.name, "")),
        (_("Period"), period(asked.window)),
        (_("Period before"), period(asked.window.previous)),
        (_("Filter"), filter_text(asked)),
        (_("Reports"), found.count),
        (_("Reports before"), found.before),
        (_("Unit"), unit()),
        (_("Time zone"), IN_FORCE.profile.time_zone),
        (_("As of"), f"{local(asked.as_of):%Y-%m-%d %H:%M}"),
    ]
