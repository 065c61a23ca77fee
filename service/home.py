"""What the start page shows of today: counted at each look, and only what the person may see."""

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.assignment.in_force import IN_FORCE
from service.assignment.maps import EditionMap
from service.grids import access, queries
from service.people.guards import principal
from service.people.permissions import Permission

WEEK = timedelta(days=7)
HOTTEST = 3

REPORTS = text("""
    select count(*) filter (where happened_at > :week) as this_week,
        count(*) filter (where happened_at <= :week) as week_before
    from report where happened_at > :fortnight and happened_at <= :now
""")
HOT = text("""
    select grid_id, count(*) filter (where happened_at > :week) as this_week,
        count(*) filter (where happened_at <= :week) as week_before
    from report where happened_at > :fortnight and happened_at <= :now and grid_id is not null
    group by grid_id having count(*) filter (where happened_at > :week) > 0
    order by 2 desc, 3, grid_id limit :limit
""")


def today(session: Session) -> dict[str, Any]:
    """Count what is in force and what was reported; name the hottest grids and the plans in work."""
    scheme_id, now = IN_FORCE.scheme_id(None), IN_FORCE.now()
    maps = [] if scheme_id is None else IN_FORCE.maps_at(scheme_id, now)
    shown: dict[str, Any] = {"now": now, "grids": _grids(maps), "plans": []}
    since = {"now": now, "week": now - WEEK, "fortnight": now - 2 * WEEK}
    if principal().may(Permission.HEATMAP_READ):
        shown["reports"] = session.execute(REPORTS, since).one()
        names = {grid.id: _chain(one, grid) for one in maps for grid in one.grids}
        hot = session.execute(HOT, {**since, "limit": HOTTEST})
        shown["hottest"] = [(names[row.grid_id], row) for row in hot if row.grid_id in names]
    if principal().may(Permission.PLAN_READ):
        plans = access.only_seen(session, queries.list_plans(session))
        shown["plans"] = [one for one in plans if one.state != "published"][:5]
    return shown


def _grids(maps: list[EditionMap]) -> dict[str, Any]:
    levels: Counter[str] = Counter()
    vacant = 0
    for one in maps:
        for grid in one.grids:
            levels[grid.level] += 1
            vacant += IN_FORCE.leader(grid.id) is None
    return {
        "levels": levels,
        "count": sum(levels.values()),
        "vacant": vacant,
        "editions": [one.key for one in maps],
    }


def _chain(one: EditionMap, grid: Any) -> list[str]:
    return [one.grids[number].name for number in grid.chain]
