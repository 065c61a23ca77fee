"""A text in, the places it may mean out: scored, with what was matched; clear only where one alone is meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from geo.addresses import LEFT_OUT, Match, Reading, Regions, Rules, grams, main_number, match, read, rules
from service.city import queries as city
from service.places import queries, texts

LEAST_SCORE = 0.45
ONE_SPOT_M = 20.0  # the same place in two lists
NEAR_COUNTS = 0.02
RIVAL_SCORE = 0.7
MOST_PARTS = 12  # of a question: each is compared with every part of every candidate, and no address has more


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that may be meant."""

    id: UUID
    district_id: int
    list_id: int
    list_edition: int
    kind: str
    name: str
    aliases: tuple[str, ...]
    address: str
    lon: float
    lat: float
    match: Match
    matched_field: str
    matched_text: str
    distance_m: float | None

    @property
    def spot(self) -> tuple[float, float]:
        """Give the position."""
        return self.lon, self.lat


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates, best first; `clear` is the one that is meant, where there is exactly one."""

    candidates: tuple[Candidate, ...]
    clear: Candidate | None


class _Known:
    """Regions addresses may begin with, read anew when lists or districts have changed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: tuple[Any, ...] | None = None
        self._regions: Regions | None = None

    def regions(self, session: Session, how: Rules, home: str) -> Regions:
        state = (id(session.get_bind().engine), id(how), home, *queries.state(session))
        with self._lock:
            if self._regions is None or self._state != state:
                self._regions = Regions([home, *queries.region_names(session)], how)
                self._state = state
            return self._regions


_KNOWN = _Known()


def find(session: Session, asked: str, *, limit: int = 10, near: tuple[float, float] | None = None) -> Found:
    """Find the places a text may mean, the likeliest first; `near` orders what is equally likely."""
    profile = city.profile(session)
    how, home = rules(profile.address_rules), profile.name.get(profile.locale, "")
    readings = read(asked, how, _KNOWN.regions(session, how, home))
    ways = [_at_home(one, home) for one in readings if len(one.parts) <= MOST_PARTS]
    pieces: dict[str, float] = {}
    for way in ways:
        said = sorted({name for one in way.regions for name in one})
        pieces |= {gram: max(weight, pieces.get(gram, 0.0)) for gram, weight in grams(way, how, said).items()}
    numbers = [main_number(part) for way in ways for part in way.parts]
    number = next((one for one in numbers if one is not None), None)
    rows = queries.candidates(session, pieces, number) if pieces else []
    scored = [one for one in (_scored(row, ways, how, home, near) for row in rows) if one is not None]
    scored.sort(key=lambda one: (-one.match.is_exact, -_rank(one), one.distance_m or 0.0, one.name, one.id))
    return Found(tuple(scored[:limit]), _clear(scored))


def _at_home(way: Reading, home: str) -> Reading:
    """Leave the city's own name out: every place lies in it."""
    return Reading(tuple(one for one in way.regions if home not in one), way.parts, way.is_vague)


def _scored(
    row: Any, ways: Sequence[Reading], how: Rules, home: str, near: tuple[float, float] | None
) -> Candidate | None:
    listed = texts.texts_of(row.name, row.aliases, row.address)
    keys: list[Reading] = []
    field_of: list[int] = []
    for place, (_, text) in enumerate(listed):
        read_as = texts.keys_of(text, how, (*row.regions, home))
        keys += read_as
        field_of += [place] * len(read_as)
    regions = frozenset(row.regions)
    best = max(
        (match(way, keys, regions, how.may_be_left_out) for way in ways),
        key=lambda one: (one.is_exact, one.score),
    )
    if best.score < LEAST_SCORE:
        return None
    field, text = listed[field_of[best.key]] if field_of else listed[0]
    away = None if near is None else queries.metres(near, (row.lon, row.lat))
    return Candidate(
        row.id, row.district_id, row.list_id, row.list_edition, row.kind, row.name, tuple(row.aliases),
        row.address, row.lon, row.lat, best, field, text, away,
    )  # fmt: skip


def _rank(one: Candidate) -> float:
    """Round the score, so that nearness orders what is about equally likely."""
    return (
        round(one.match.score / NEAR_COUNTS) * NEAR_COUNTS if one.distance_m is not None else one.match.score
    )


def _clear(scored: Sequence[Candidate]) -> Candidate | None:
    """Give the candidate that is meant: all that is asked for is said by it, and by no other elsewhere."""
    exact = [one for one in scored if one.match.is_exact]
    if not exact:
        return None
    closest = max(one.match.numbers for one in exact)
    meant = [one for one in exact if one.match.numbers == closest]
    best = max(one.match.score for one in meant)
    meant = [one for one in meant if one.match.score >= best - 1e-9]
    # Where a word was left out, names that go on otherwise may be meant too: 阳光 is 阳光小区 or 阳光花园.
    rivals = meant if best > LEFT_OUT else [one for one in scored if one.match.score > RIVAL_SCORE]
    if any(queries.metres(meant[0].spot, other.spot) > ONE_SPOT_M for other in rivals):
        return None
    return meant[0]
