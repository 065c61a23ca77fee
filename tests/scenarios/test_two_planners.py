"""Two districts with planners of their own: force dates that cross, and a neighbour with a dirty map."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from service import audit, clock
from service.assignment.in_force import IN_FORCE
from service.city import actions as city_actions
from service.city import queries as city
from service.db import database_now
from service.errors import Conflict
from service.grids import publishing, queries
from tests.service.grids import maps

WEST_DISTRICT, EAST_DISTRICT = "990101", "990102"
SHANGHAI = ZoneInfo("Asia/Shanghai")
# Each district is a strip of its own; its border between two communities moves with each edition.
STRIP = {WEST_DISTRICT: 118.80, EAST_DISTRICT: 118.84}


@pytest.fixture
def planners(session: Session, client: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, audit.Actor]:
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    for code, name in ((WEST_DISTRICT, "西区"), (EAST_DISTRICT, "东区")):
        city_actions.add_district(session, code=code, name=name, by=audit.SYSTEM, at=clock.now())
    return dict.fromkeys((WEST_DISTRICT, EAST_DISTRICT), audit.OPERATOR)


def draw(
    session: Session, folder: Path, district: str, name: str, share: float, *, overlap: float = 0.0
) -> None:
    """Make a plan of a district: its western community takes `share` of the strip."""
    west = STRIP[district]
    border = west + 0.04 * share
    shapes = [
        (f"{district}001001", f"{name}西", maps.box(west, border + overlap)),
        (f"{district}001002", f"{name}东", maps.box(border, west + 0.04)),
    ]
    path = maps.write(folder / f"{name}.geojson", shapes)
    maps.bring(session, path, plan=name, district=district, crs="wgs84")


def publish(session: Session, name: str, on: date | None = None) -> None:
    plan = queries.get_plan(session, name, lock=True)
    publishing.publish(session, plan, from_on=on, by=audit.OPERATOR, at=clock.now())
    session.flush()


def today(session: Session) -> date:
    return database_now(session).astimezone(SHANGHAI).date()


def pair_at(client: Any, moment: datetime) -> tuple[tuple[int, str], ...]:
    """Which edition answers in each strip at a moment, and with which half at its middle."""
    IN_FORCE.refresh()
    found = []
    for west in STRIP.values():
        given = {"lon": west + 0.02, "lat": 31.905, "crs": "wgs84", "at": moment.isoformat()}
        answer = client.get("/api/v1/assign", query_string=given).json
        found.append((answer["edition"]["number"], answer["grid"]["name"][-1]))
    return tuple(found)


def midnight(day: date, *, hours: float = 0.0) -> datetime:
    return datetime.combine(day, time(), SHANGHAI) + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("first", "first_day", "second", "second_day"),
    [
        (WEST_DISTRICT, 9, EAST_DISTRICT, 3),
        (EAST_DISTRICT, 9, WEST_DISTRICT, 3),
        (WEST_DISTRICT, 3, EAST_DISTRICT, 9),
        (WEST_DISTRICT, 5, EAST_DISTRICT, 5),
    ],
)
def test_crossing_force_dates_revert_nobody(
    session: Session,
    client: Any,
    planners: Any,
    tmp_path: Path,
    first: str,
    first_day: int,
    second: str,
    second_day: int,
) -> None:
    for district in STRIP:
        draw(session, tmp_path, district, f"旧{district}", 0.25)
        publish(session, f"旧{district}")
    now = midnight(today(session), hours=36)
    # Both plans are begun before either is published: each sees the other's old map.
    for district in STRIP:
        draw(session, tmp_path, district, f"新{district}", 0.75)
    day = {first: today(session) + timedelta(first_day), second: today(session) + timedelta(second_day)}
    publish(session, f"新{first}", day[first])
    publish(session, f"新{second}", day[second])
    moments = [now, *(midnight(one, hours=h) for one in sorted(day.values()) for h in (-0.001, 0, 0.001, 20))]
    for moment in moments:
        expected = tuple((2, "西") if moment >= midnight(day[one]) else (1, "东") for one in STRIP)
        assert pair_at(client, moment) == expected, moment
    # The past stays as it was once both have taken force.
    assert pair_at(client, midnight(max(day.values()), hours=100)) == ((2, "西"), (2, "西"))


def test_only_the_own_district_has_to_wait(
    session: Session, client: Any, planners: Any, tmp_path: Path
) -> None:
    for district in STRIP:
        draw(session, tmp_path, district, f"旧{district}", 0.25)
        publish(session, f"旧{district}")
    draw(session, tmp_path, WEST_DISTRICT, "later", 0.75)
    publish(session, "later", today(session) + timedelta(9))
    # Both districts in one plan: the western one has an edition waiting, so neither gets a new one.
    draw(session, tmp_path, EAST_DISTRICT, "both", 0.75)
    draw(session, tmp_path, WEST_DISTRICT, "both", 0.6)
    with pytest.raises(Conflict, match="waits to take force"), session.begin_nested():
        publish(session, "both", today(session) + timedelta(3))
    draw(session, tmp_path, EAST_DISTRICT, "sooner", 0.75)
    publish(session, "sooner", today(session) + timedelta(3))
    assert pair_at(client, midnight(today(session) + timedelta(4))) == ((1, "东"), (2, "西"))


def test_a_roll_back_next_door_leaves_what_waits(
    session: Session, client: Any, planners: Any, tmp_path: Path
) -> None:
    for share, round_name in ((0.25, "一"), (0.75, "二")):
        for district in STRIP:
            if (district, round_name) != (WEST_DISTRICT, "二"):
                draw(session, tmp_path, district, round_name + district, share)
                publish(session, round_name + district)
    draw(session, tmp_path, WEST_DISTRICT, "later", 0.75)
    publish(session, "later", today(session) + timedelta(9))
    east = city.get_district(session, EAST_DISTRICT)
    publishing.rollback(session, east, 1, by=audit.OPERATOR, at=clock.now())
    assert pair_at(client, midnight(today(session), hours=36)) == ((1, "东"), (3, "东"))
    assert pair_at(client, midnight(today(session) + timedelta(9))) == ((2, "西"), (3, "东"))


def test_dirty_data_does_not_block_the_neighbour(
    session: Session, client: Any, planners: Any, tmp_path: Path
) -> None:
    draw(session, tmp_path, WEST_DISTRICT, "dirty", 0.25, overlap=0.001)
    draw(session, tmp_path, EAST_DISTRICT, "clean", 0.75)
    with pytest.raises(Conflict, match="overlap 1"):
        publish(session, "dirty")
    publish(session, "clean")
    IN_FORCE.refresh()
    given = {"lon": STRIP[EAST_DISTRICT] + 0.02, "lat": 31.905, "crs": "wgs84"}
    assert client.get("/api/v1/assign", query_string=given).json["grid"]["name"] == "clean西"
    draw(session, tmp_path, WEST_DISTRICT, "dirty", 0.25)  # mended and imported again
    publish(session, "dirty")
