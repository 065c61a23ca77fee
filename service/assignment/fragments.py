"""Answers as JSON, joined from fragments that were encoded before.

This is the one way an answer is written, alone, in a batch or as a line: whatever stays the same for a grid of
an edition is encoded at its first answer and kept with the map (`Place`), whatever stays the same for a request
once a request (`Writer`). An answer then is some numbers and one join. Whoever needs columns reads them back
from it. Persons are never kept: leaders are written as they are known at the moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from service.assignment import evidence
from service.assignment.in_force import InForce
from service.assignment.maps import EditionMap, GridRow
from service.assignment.question import Question
from service.assignment.rulings import Ruling
from service.assignment.wording import halves, sentence

NULL = b"null"
PLACES_KEPT = 1 << 16  # a map; about 1 kB each
encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Place:
    """One grid of an edition as fragments; ground without a grid has none of its own, only its district.

    `chain` has one fragment a level, the district first; `rows` are the grids after it, coarsest first.
    `core` are grid, chain and edition as the evidence has them. `reasons` keeps the sentences by status and
    language, as what comes before and after the distance.
    """

    row: GridRow | None
    rows: tuple[GridRow, ...]
    grid: bytes
    chain: tuple[bytes, ...]
    edition: bytes
    alternate: bytes
    bare: tuple[bytes, bytes]
    core: tuple[bytes, bytes, bytes]
    reasons: dict[tuple[str, str], tuple[bytes, bytes | None]] = field(default_factory=dict)

    def reason(self, status: str, locale: str) -> tuple[bytes, bytes | None]:
        """Give the sentence for a status, as what comes before and after the distance; None: it tells none."""
        found = self.reasons.get((status, locale))
        if found is None:
            key = "gap-nobody" if status == "gap" and self.row is None else status
            before, after = halves(key, locale, grid="" if self.row is None else self.row.name)
            found = self.reasons[status, locale] = (_inner(before), None if after is None else _inner(after))
        return found


NOWHERE = Place(
    None, (), NULL, (), NULL, b'{"code":null,"name":null,"level":null', (NULL, NULL), (NULL, b"[]", NULL)
)


def place_of(one: EditionMap, number: int) -> Place:
    """Give the fragments of a grid by its number in the map, -1 for ground without one."""
    found = one.places.get(number)
    if found is None:
        if len(one.places) >= PLACES_KEPT:
            one.places.clear()
        found = one.places[number] = _encoded(one, number)
    return found


def place_with_id(one: EditionMap, grid_id: UUID) -> Place | None:
    """Give the fragments of a grid by its id, None where the edition does not have it."""
    found: Place | None = one.places.get(grid_id)
    if found is None and grid_id not in one.places:
        number = next((number for number, row in enumerate(one.grids) if row.id == grid_id), None)
        found = None if number is None else place_of(one, number)
        one.places[grid_id] = found  # another thread may clear them at any time
    return found


def _encoded(one: EditionMap, number: int) -> Place:
    key, row = one.key, one.grids[number] if number >= 0 else None
    if row is None:
        chain: tuple[bytes, ...] = (_district(one),)
    elif len(row.chain) > 1:  # parents' fragments are shared with all grids under them
        chain = (*place_of(one, row.chain[-2]).chain, _named(row))
    else:
        chain = (*place_of(one, -1).chain, _named(row))
    rows = tuple(one.grids[step] for step in row.chain) if row else ()
    edition = {
        "district": key.district_code,
        "number": key.number,
        "in_force_from": key.in_force_from.isoformat(),
    }
    core = (
        encode(row and {"code": row.code, "id": str(row.id), "level": row.level}),
        encode([["district", key.district_code], *([step.level, step.code] for step in rows)]),
        encode([key.district_code, key.number]),
    )
    if row is None:
        return Place(row, rows, NULL, chain, encode(edition), NOWHERE.alternate, NOWHERE.bare, core)
    alternate = encode({"code": row.code, "name": row.name, "level": row.level})[:-1]
    bare = (encode(row.code), encode(row.level))
    return Place(row, rows, chain[-1], chain, encode(edition), alternate, bare, core)


def _named(row: GridRow) -> bytes:
    return encode({"id": str(row.id), "code": row.code, "name": row.name, "level": row.level})


def _district(one: EditionMap) -> bytes:
    return encode({"level": "district", "code": one.key.district_code, "name": one.key.district_name})


def _inner(text: str) -> bytes:
    """Write a text as a part of a JSON string."""
    return encode(text)[1:-1]


class Other(NamedTuple):
    """Who else could be meant: the grid, its share of the accuracy circle, the metres to its ground."""

    place: Place
    share: float | None
    distance_m: float


@dataclass(slots=True)
class Found:
    """What was found for one position; numbers are JSON already.

    `x` and `y` are as declared; `place` is the grid that answers, `ground` the one whose ground it is: another
    where a ruling decided; `metres` is the distance as it was measured, for the sentence.
    """

    status: str
    place: Place
    ground: Place
    ruling: Ruling | None
    x: bytes
    y: bytes
    accuracy_m: bytes
    lon: bytes
    lat: bytes
    distance_m: bytes
    metres: float
    confidence: bytes
    others: Sequence[Other]
    warnings: Sequence[dict[str, Any]]


@lru_cache(maxsize=256)
def _ends(position_crs: str, declared_crs: str) -> tuple[bytes, bytes]:
    """Write how the two positions of an answer end."""
    return b',"crs":' + encode(position_crs), b',"crs":' + encode(declared_crs)


class Writer:
    """Writes the answers to one question."""

    __slots__ = ("_answered_at", "_asked", "_ends", "_is_plain", "_leader", "_question")

    def __init__(self, in_force: InForce, question: Question, crs: str) -> None:
        profile = in_force.profile
        self._leader, self._question = in_force.leader, question
        self._is_plain = question.level is None and not question.contacts
        self._asked = evidence.asked(
            crs,
            in_force.scheme_code(question.scheme_id),
            profile.tolerance_m,
            question.moment,
            question.answered_at,
            question.root,
        )
        self._ends = _ends(profile.geographic_crs, crs)
        self._answered_at = b'"%b+00:00"' % self._asked.as_of[:-1]

    def answer(self, found: Found) -> bytes:
        """Write one answer."""
        place, ground, decided, others = found.place, found.ground, found.ruling, found.others
        position_crs, declared_crs = self._ends
        ruling, by_ruling = (NULL, b"") if decided is None else self._ruling(decided, place, ground)
        core = self.core(found) if others or decided else evidence.core(self._asked, found, place.core)
        checksum = evidence.checksum(core)
        chain, vacancy = (b",".join(place.chain), b"") if self._is_plain else self._chain(place)
        before, after = ground.reason(found.status, self._question.locale)
        return b"".join(
            (
                b'{"status":', encode(found.status), b',"grid":', place.grid, b',"chain":[', chain,
                b'],"distance_to_border_m":', found.distance_m, b',"confidence":', found.confidence,
                b',"alternates":', _alternates(others) if others else b"[]", b',"ruling":', ruling,
                b',"position":{"lon":', found.lon, b',"lat":', found.lat, position_crs,
                b'},"declared":{"lon":', found.x, b',"lat":', found.y, declared_crs, b'},"why":"',
                before, b"" if after is None else b"%.1f%b" % (found.metres, after), by_ruling, vacancy,
                b'","warnings":', encode(found.warnings) if found.warnings else b"[]",
                b',"edition":', place.edition, b',"answered_at":', self._answered_at,
                b',"evidence":{"href":"', evidence.href(self._asked, found, checksum),
                b'","checksum":"', checksum, b'"}}',
            )
        )  # fmt: skip

    def core(self, found: Found) -> bytes:
        """Give the reproducible core of an answer."""
        others = b"[%b]" % b",".join(map(_bare, found.others))
        ruling = NULL if found.ruling is None else encode(str(found.ruling.id))
        return evidence.core(self._asked, found, found.place.core, others, ruling)

    def _chain(self, place: Place) -> tuple[bytes, bytes]:
        """Write the levels down to the one asked for, and what is to be said of a vacant post."""
        chain, level, vacancy = place.chain, self._question.level, b""
        if self._question.contacts and place.rows:
            leaders = [self._leader(row.id) for row in place.rows]
            chain = (chain[0], *map(_led, chain[1:], leaders))
            vacancy = self._vacancy(place.rows, leaders)
        if level is not None:
            levels = [row.level for row in place.rows]
            chain = chain[: levels.index(level) + 2] if level in levels else chain
        return b",".join(chain), vacancy

    def _vacancy(self, rows: Sequence[GridRow], leaders: Sequence[dict[str, str] | None]) -> bytes:
        """Say who stands in where the answering grid has no leader."""
        above = [row.name for row, leader in zip(rows[:-1], leaders[:-1], strict=True) if leader]
        if leaders[-1] or not above:
            return b""
        return _inner(sentence("vacant", self._question.locale, grid=rows[-1].name, parent=above[-1]))

    def _ruling(self, decided: Ruling, place: Place, ground: Place) -> tuple[bytes, bytes]:
        """Write the ruling, with the grid that would have answered without it, and what is to be said of it."""
        day = decided.decided_on.isoformat()
        told = b'{"id":%b,"decided_on":%b,"instead_of":%b' % (
            encode(str(decided.id)),
            encode(day),
            ground.grid,
        )
        if self._question.contacts:
            told += b',"decided_by":%b,"reason":%b' % (encode(decided.decided_by), encode(decided.reason))
        told += b"}"
        name = place.row.name if place.row else ""
        return told, _inner(sentence("ruling", self._question.locale, grid=name, day=day))


def _led(step: bytes, leader: dict[str, str] | None) -> bytes:
    return b'%b,"leader":%b}' % (step[:-1], encode(leader))


def _alternates(others: Sequence[Other]) -> bytes:
    told = [
        b'%b,"share":%b,"distance_m":%b}' % (one.place.alternate, encode(one.share), encode(one.distance_m))
        for one in others
    ]
    return b"[%b]" % b",".join(told)


def _bare(one: Other) -> bytes:
    code, level = one.place.bare
    return b'{"code":%b,"distance_m":%b,"level":%b,"share":%b}' % (
        code, encode(one.distance_m), level, encode(one.share),
    )  # fmt: skip
