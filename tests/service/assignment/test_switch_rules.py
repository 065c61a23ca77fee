"""The database's clock, what counts at a moment, and which maps give way: plain rules without a database."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.locator import Locator
from service.assignment.contents import Contents
from service.assignment.database_clock import DatabaseClock
from service.assignment.in_force import InForce
from service.assignment.kept import KeptMaps
from service.assignment.maps import EditionKey, EditionMap
from service.assignment.saved import Attached
from service.assignment.timeline import Timeline
from service.errors import NotReady

NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
STALE = 3.0


class Count:
    """A count of seconds that the test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_the_clock_goes_on_between_two_answers_and_falls_silent_after_three_seconds() -> None:
    count = Count()
    clock = DatabaseClock(count)
    with pytest.raises(NotReady):
        clock.now(STALE)
    clock.hear(NOON, asked=1000.0, heard=1000.0)
    count.at += 2.5
    assert clock.now(STALE) == later(2.5)
    count.at += 1
    with pytest.raises(NotReady, match="three seconds"):
        clock.now(STALE)
    clock.hear(later(3.6), asked=1003.6, heard=1003.6)
    count.at = 1003.6
    assert clock.now(STALE) == later(3.6)


def test_an_answer_counts_from_when_it_was_asked_for() -> None:
    count = Count()
    clock = DatabaseClock(count)
    count.at = 1002.9
    clock.hear(NOON, asked=1000.0, heard=1002.9)
    clock.now(STALE)
    count.at = 1003.1
    with pytest.raises(NotReady):
        clock.now(STALE)


@given(st.lists(st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)), min_size=2, max_size=30))
def test_the_estimate_stays_within_the_journey_and_does_not_tremble(
    journeys: list[tuple[float, float]],
) -> None:
    """Whatever the journeys take, the estimate is off by no more than the quickest, and never runs backwards."""
    count = Count()
    clock, told = DatabaseClock(count), []
    for there, back in journeys:
        asked = count.at
        clock.hear(NOON + timedelta(seconds=asked + there - 1000), asked=asked, heard=asked + there + back)
        count.at = asked + there + back
        told.append(clock.now(STALE))
        off = abs((told[-1] - NOON).total_seconds() - (count.at - 1000))
        assert off <= there + back + 1e-5
        assert (told[-1] - NOON).total_seconds() <= count.at - 1000 + 1e-5, "ahead of the database"
        count.at += 1
    assert told == sorted(told)


def test_a_database_whose_clock_is_set_is_followed() -> None:
    count = Count()
    clock = DatabaseClock(count)
    clock.hear(NOON, asked=1000.0, heard=1000.01)
    count.at = 1001.0
    clock.hear(later(31), asked=1001.0, heard=1001.01)
    assert abs(clock.now(STALE) - later(31)) < timedelta(seconds=0.02)


def edition(district: int, number: int, seconds: float, scheme: int = 1) -> EditionKey:
    return EditionKey(district, f"{district:03}", "x", number, scheme, uuid4(), later(seconds))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(0, 20)), unique=True, max_size=30),
    st.integers(-2, 22),
)
def test_what_counts_is_the_newest_of_each_district_until_the_next_change(
    given_editions: list[tuple[int, int, int]], at: int
) -> None:
    editions = [edition(district, n, s, scheme) for n, (district, scheme, s) in enumerate(given_editions)]
    timeline = Timeline(editions)
    for scheme in (1, 2):
        mine = [one for one in editions if one.scheme_id == scheme]
        found = timeline.at(scheme, later(at))
        newest: dict[str, EditionKey] = {}
        for one in sorted(mine, key=lambda one: one.in_force_from):
            if one.in_force_from <= later(at):
                newest[one.district_code] = one
        assert found.keys == tuple(newest[code] for code in sorted(newest))
        assert found.counts(later(at))
        for moment in range(-2, 23):
            same = timeline.at(scheme, later(moment)).keys == found.keys
            assert same or not found.counts(later(moment))
    standing = {key for scheme in (1, 2) for key in timeline.at(scheme, later(at)).keys}
    assert set(timeline.needed(later(at))) == standing | {
        one for one in editions if one.in_force_from > later(at)
    }


def attached(size: int) -> Attached:
    return Attached(SimpleNamespace(), size, 1)  # type: ignore[arg-type]


def test_maps_in_force_never_give_way_and_the_others_by_bytes() -> None:
    kept = KeptMaps(most_bytes=100)
    in_force = [(district, uuid4()) for district in range(100)]  # a city of a hundred districts
    kept.pin(in_force)
    for place in in_force:
        kept.put(place, attached(1000))
    old = [(district, uuid4()) for district in range(5)]
    for place in old:
        kept.put(place, attached(40))
        assert kept.loose_bytes <= 100
    assert all(kept.peek(place) for place in in_force)
    assert [kept.peek(place) is not None for place in old] == [False, False, False, True, True]
    kept.get(old[3])  # used again: the other one gives way first
    kept.put(old[0], attached(40))
    assert [kept.peek(place) is not None for place in old] == [True, False, False, True, False]
    huge = (1, uuid4())
    kept.put(huge, attached(10_000))
    assert kept.peek(huge), "what was just asked for is answered, however large"
    kept.pin(in_force[:1])
    assert len(kept) == 1


IDS = [UUID(int=number) for number in range(1, 10)]


def contents() -> tuple[Contents, list[Any], list[Any]]:
    grids = [
        SimpleNamespace(grid_id=i, code=c, name=n, level=level, position=p, parent_id=above, kind=kind)
        for i, c, n, level, p, above, kind in (
            (IDS[0], "01", "西街道", "subdistrict", 0, None, "comprehensive"),
            (IDS[1], "01001", "", "community", 1, IDS[0], "comprehensive"),
            (IDS[2], "01001002", "𠮷祥里🏫", "yard", 2, IDS[1], "dedicated"),
        )
    ]
    faces = [
        SimpleNamespace(id=IDS[5], kind="grid", owner=2),
        SimpleNamespace(id=IDS[6], kind="public", owner=1),
        SimpleNamespace(id=IDS[7], kind="gap", owner=0),
        SimpleNamespace(id=IDS[8], kind="gap", owner=-1),
    ]
    return Contents.of(grids, faces), grids, faces


def test_rows_come_back_from_columns_as_they_were() -> None:
    made, grids, faces = contents()
    kept = {
        name: memoryview(one) if isinstance(one, bytes) else one for name, one in made.as_columns().items()
    }
    squares = np.array([shapely.box(x, 0, x + 1, 1) for x in range(4)], dtype=object)
    owners = np.array([one.owner for one in faces])
    one = EditionMap.of(edition(1, 1, 0), Contents.from_columns(kept), Locator.build(squares, owners))
    assert [(row.id, row.code, row.name, row.level, row.position, row.kind) for row in one.grids] == [
        (row.grid_id, row.code, row.name, row.level, row.position, row.kind) for row in grids
    ]
    assert [row.chain for row in one.grids] == [(0,), (0, 1), (0, 1, 2)]
    assert one.grids[-1] is one.grids[2]
    assert list(one.grids[1:]) == [one.grids[1], one.grids[2]]
    assert list(one.kinds) == ["grid", "public", "gap", "gap"]
    assert list(one.precedence) == [
        (False, -2, "01001002", IDS[5]),
        (False, -1, "01001", IDS[6]),
        (True, 0, "01", IDS[7]),
        (True, 1, "", IDS[8]),
    ]
    for place in (3, -4):
        with pytest.raises(IndexError):
            one.grids[place]


def test_an_empty_map_has_empty_columns() -> None:
    made = Contents.from_columns(Contents.of([], []).as_columns())
    one = EditionMap.of(
        edition(1, 1, 0), made, Locator.build(np.array([], dtype=object), np.array([], dtype=int))
    )
    assert (len(one.grids), len(one.kinds), len(one.precedence)) == (0, 0, 0)


def test_a_map_that_fails_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (EditionKey(n, f"{n}", "x", 1, 1, uuid4(), datetime(2026, 1, 1, tzinfo=UTC)) for n in (1, 2))
    in_force, seen = InForce(), []
    monkeypatch.setattr(
        in_force, "_clock", SimpleNamespace(silence=0.0, now=lambda _: datetime(2026, 3, 1, tzinfo=UTC))
    )
    monkeypatch.setattr(in_force, "_timeline", SimpleNamespace(needed=lambda _: [one, other]))

    def look_after(key: EditionKey) -> None:
        seen.append(key)
        if key is one:
            raise ValueError("damaged in a way nobody thought of")

    monkeypatch.setattr(in_force, "_look_after", look_after)
    in_force._wake.set()
    in_force._look_after_all()
    assert seen == [one, other]
