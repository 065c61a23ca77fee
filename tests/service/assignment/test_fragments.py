"""Answers joined from fragments are, to the byte, the JSON of a dictionary made in the plain way; one as many."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.confidence import shares
from geo.crs import from_lonlat, parse_crs, to_lonlat
from service.assignment import answers, fragments
from service.assignment.answers import CLEAR, answer_many, answer_one
from service.assignment.question import Question
from tests.oracles.plain_answers import plain_answer
from tests.service.assignment.maps_of_squares import LEVELS, NOW, STEP, in_force_with, two_districts

LATER = datetime(2026, 3, 2, 8, 30, 0, 120_000, tzinfo=UTC)
MAPS = {"apart": two_districts(), "overlapping": two_districts(overlap=0.5)}
NAN = float("nan")
# In squares from the south-west corner: open ground, borders, corners, gaps, the rim, near and far outside.
SPOTS = {
    "inside a yard": (0.5, 0.25), "public ground": (0.5, 1.5), "gap of a community": (1.5, 1.5),
    "gap of nobody": (3.5, 1.5), "on a border": (1.0, 0.5), "on a corner": (1.0, 1.0), "on the rim": (2.5, 0.0),
    "between districts": (4.0, 0.5), "where districts overlap": (3.75, 0.5), "near outside": (0.5, -0.1),
    "nearest a gap of nobody": (3.5, 2.1), "far outside": (20.0, -15.0),
}  # fmt: skip
PLACES = st.one_of(
    st.sampled_from(sorted(SPOTS.values())),
    st.tuples(st.floats(-1, 10), st.floats(-1, 3)),
    st.tuples(st.integers(-1, 9).map(float), st.floats(-1, 3)),
)


def at(spot: tuple[float, float]) -> tuple[float, float]:
    return 116 + spot[0] * STEP, 32 + spot[1] * STEP


def question(**more: Any) -> Question:
    given = {"scheme_id": 1, "moment": LATER, "answered_at": LATER, "locale": "zh", "contacts": False}
    return Question(**{**given, **more})


def told_alike(in_force: Any, asked: Question, crs: str, table: list[tuple[float, float, float]]) -> None:
    """Plain, alone, and all in one batch."""
    declared, accuracies = np.array([one[:2] for one in table]), np.array([one[2] for one in table])
    points = to_lonlat(declared, parse_crs(crs))
    many = answer_many(in_force, asked, parse_crs(crs), declared, points, accuracies)
    for (x, y, accuracy_m), among in zip(table, many, strict=True):
        one = answer_one(in_force, asked, parse_crs(crs), (x, y), accuracy_m)
        stated = None if accuracy_m != accuracy_m else accuracy_m
        plain = plain_answer(in_force, asked, parse_crs(crs), (x, y), stated)
        plain["warnings"] = msgspec.json.decode(one)["warnings"]  # their own test is below
        assert one == msgspec.json.encode(plain)
        assert among == one


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("maps", sorted(MAPS))
@pytest.mark.parametrize("spot", sorted(SPOTS))
def test_every_status_in_both_languages(spot: str, maps: str, locale: str) -> None:
    in_force = in_force_with(MAPS[maps])
    table = [(*at(SPOTS[spot]), accuracy) for accuracy in (NAN, 5.0, 60.0)]
    told_alike(in_force, question(locale=locale), "wgs84", table)


def test_every_status_is_among_the_spots() -> None:
    in_force = in_force_with(MAPS["apart"])
    told = [answer_one(in_force, question(), parse_crs("wgs84"), at(one), NAN) for one in SPOTS.values()]
    found = {msgspec.json.decode(one)["status"] for one in told}
    assert found == {"inside", "border", "nearest", "gap", "outside"}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(PLACES, st.sampled_from([NAN, 0.0, 0.5, 15.0, 3000.0])), min_size=1, max_size=6),
    st.sampled_from(sorted(MAPS)), st.sampled_from(["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4547"]),
    st.sampled_from([None, *LEVELS]), st.booleans(), st.sampled_from(["", "/grids"]),
)  # fmt: skip
def test_whatever_is_asked(
    spots: list[tuple[tuple[float, float], float]],
    maps: str,
    crs: str,
    level: str | None,
    contacts: bool,
    root: str,
) -> None:
    in_force = in_force_with(MAPS[maps])
    people = {UUID(int=10_000): {"name": "甲", "post": "leader", "phone": "1"}}
    in_force.leader = lambda grid: people.get(UUID(str(grid)))
    asked = question(level=level, contacts=contacts, root=root, moment=LATER - timedelta(days=1))
    declared = from_lonlat(np.array([at(spot) for spot, _ in spots]), parse_crs(crs)).tolist()
    told_alike(in_force, asked, crs, [(x, y, a) for (x, y), (_, a) in zip(declared, spots, strict=True)])


def test_leaders_are_those_of_the_moment() -> None:
    in_force, posts = in_force_with(MAPS["apart"]), {}
    in_force.leader = lambda grid: posts.get(str(grid))
    asked, wgs84, spot = question(contacts=True), parse_crs("wgs84"), at(SPOTS["inside a yard"])
    before = msgspec.json.decode(answer_one(in_force, asked, wgs84, spot, NAN))
    assert [one.get("leader") for one in before["chain"]] == [None] * 4
    posts[before["chain"][1]["id"]] = {"name": "乙", "post": "leader", "phone": "2"}
    after = msgspec.json.decode(answer_one(in_force, asked, wgs84, spot, NAN))
    assert after["chain"][1]["leader"]["name"] == "乙"
    assert "代管" in after["why"]
    assert after["evidence"] == before["evidence"]
    anonymous = msgspec.json.decode(answer_one(in_force, question(), wgs84, spot, NAN))
    assert "leader" not in anonymous["chain"][1]
    assert anonymous["evidence"] == before["evidence"]


def test_a_rollback_shows_its_own_edition() -> None:
    """The same content under another number shares nothing that was written of the other one."""
    first = MAPS["apart"][0]
    again = replace(first, key=replace(first.key, number=9))
    for one in (first, again):
        told_alike(in_force_with([one]), question(), "wgs84", [(*at(SPOTS["inside a yard"]), NAN)])


def test_no_maps_at_all() -> None:
    told_alike(in_force_with([]), question(), "wgs84", [(116.0, 32.0, NAN)])


def test_few_places_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "PLACES_KEPT", 3)
    in_force = in_force_with(two_districts())
    told_alike(in_force, question(), "wgs84", [(*at(spot), 60.0) for spot in SPOTS.values()])
    assert all(len(one.places) <= 8 for one in in_force.maps_at(1, LATER))


@pytest.mark.parametrize("spot", sorted(SPOTS))
@pytest.mark.parametrize("contacts", [False, True])
def test_a_ruling_decides_and_geometry_stays(
    monkeypatch: pytest.MonkeyPatch, spot: str, contacts: bool
) -> None:
    in_force = in_force_with(MAPS["apart"])
    grid = MAPS["apart"][1].grids[2]
    decided = SimpleNamespace(
        id=UUID(int=7), grid_id=grid.id, decided_on=date(2026, 2, 1), decided_by="甲", reason="门朝东"
    )
    rulings = SimpleNamespace(
        at_point=lambda *asked: decided,
        at_points=lambda scheme, points, at, as_of: dict.fromkeys(range(len(points)), decided),
    )
    monkeypatch.setattr(answers, "RULINGS", rulings)
    wgs84, place = parse_crs("wgs84"), np.array([at(SPOTS[spot])])
    asked = question(contacts=contacts)
    one = answer_one(in_force, asked, wgs84, tuple(place[0].tolist()), 15.0)
    plain = plain_answer(in_force, asked, wgs84, tuple(place[0].tolist()), 15.0, decided)
    told = msgspec.json.decode(one)
    assert one == msgspec.json.encode({**plain, "warnings": told["warnings"]})
    assert answer_many(in_force, asked, wgs84, place, place, np.array([15.0])) == [one]
    assert (told["grid"]["code"], told["ruling"]["id"]) == (grid.code, str(UUID(int=7)))


def test_a_ruling_for_a_grid_that_is_gone_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = SimpleNamespace(id=UUID(int=7), grid_id=UUID(int=1), decided_on=date(2026, 2, 1))
    monkeypatch.setattr(answers, "RULINGS", SimpleNamespace(at_point=lambda *asked: gone))
    in_force, wgs84, spot = in_force_with(MAPS["apart"]), parse_crs("wgs84"), at(SPOTS["inside a yard"])
    one = answer_one(in_force, question(), wgs84, spot, NAN)
    assert one == msgspec.json.encode(plain_answer(in_force, question(), wgs84, spot))


def test_another_reading_is_named_in_a_warning() -> None:
    in_force, wgs84 = in_force_with(MAPS["apart"]), parse_crs("wgs84")
    shifted = tuple(from_lonlat(np.array([at((1.5, 0.5))]), parse_crs("gcj02"))[0].tolist())
    [warning] = msgspec.json.decode(answer_one(in_force, question(), wgs84, shifted, NAN))["warnings"]
    assert (warning["type"], warning["crs"]) == ("/problems/coordinates-suspect", "gcj02")


@settings(max_examples=100, deadline=None)
@given(st.tuples(st.floats(-1, 9), st.floats(-1, 3)), st.floats(0.5, 40))
def test_far_from_every_border_nothing_need_be_weighed(spot: tuple[float, float], accuracy_m: float) -> None:
    """What is told without asking for shares is what they say."""
    for one in MAPS["apart"]:
        face, _, metres = one.locator.look_up(*at(spot))
        if face >= 0 and one.locator.owner_of(face) >= 0 and metres > CLEAR * accuracy_m:
            [share] = [each for each in shares(one.locator, *at(spot), accuracy_m) if each.owner >= 0]
            assert (share.owner, round(share.share, 4)) == (one.locator.owner_of(face), 1.0)


def test_now_is_written_as_the_answer_and_the_link_have_it() -> None:
    asked = question(moment=NOW, answered_at=LATER)
    told = msgspec.json.decode(
        answer_one(in_force_with(MAPS["apart"]), asked, parse_crs("wgs84"), (116, 32), 5.0)
    )
    assert told["answered_at"] == "2026-03-02T08:30:00.120000+00:00"
    assert "&at=2026-03-01T00:00:00Z&as_of=2026-03-02T08:30:00.120000Z&" in told["evidence"]["href"]
