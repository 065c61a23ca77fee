"""The check of a history: each row's label against our answer, and what speaks for why they differ."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geo.crs import parse_crs, to_lonlat
from geo.suspicion import Doubt, batch_doubts, edition_doubt
from service.assignment.maps import EditionMap
from service.errors import Conflict, Invalid
from service.labels import kinds
from service.labels.editions import Editions
from service.labels.grounds import Level, answers, level_of, named_by_us, up_of
from service.labels.positions import Choices, Usable, sort_out
from service.labels.reasons import BORDER_M, Evidence, reasons
from service.labels.register import Numbers, Register, levels_of, located
from service.labels.spelling import Meaning
from service.labels.table import Table

Tell = Callable[[str, float], None]
LEVEL_ROWS = 20_000  # by which the level of the labels is told
LETTERS_DECIDE, LETTERS_ALIKE = 0.5, 0.95
WEIGHT = {"exact": 1.0, "spelling": 1.0, "part": 0.5}


@dataclass
class Audit:
    """What came out; arrays run over the usable rows, `target` and `ours` are numbers of `register.grids`."""

    choices: Choices
    level: str
    levels: list[str]
    register: Register
    rows: Usable
    unusable: dict[str, list[int]]
    count: int
    ours: Numbers
    target: Numbers
    status: NDArray[np.str_]
    border_m: NDArray[np.float64]
    label_m: NDArray[np.float64]
    agree: NDArray[np.bool_]
    as_written: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    reason: NDArray[np.str_]
    evidence: Evidence
    meanings: dict[str, Meaning]
    kinds: list[kinds.Kind]
    editions: list[EditionMap]
    edition_of: Numbers
    edition_doubts: list[Doubt] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    reread: NDArray[np.bool_] | None = None  # rows that agree in the system that fits better

    @property
    def disagree(self) -> NDArray[np.bool_]:
        """Tell which rows' labels are not our answer."""
        return ~self.agree


@dataclass(frozen=True, slots=True)
class _Span:
    """Rows that one set of editions answers."""

    rows: NDArray[np.int64]
    levels: list[Level]
    numbers: list[Numbers]


def audit(
    table: Table,
    choices: Choices,
    editions: Editions,
    *,
    tolerance_m: float,
    time_zone: str,
    district_ids: frozenset[int] | None = None,
    tell: Tell = lambda stage, share: None,
) -> Audit:
    """Check a history. May raise Invalid, UnknownCrs, Conflict.

    Parameters
    ----------
    district_ids
        Districts that are asked about; rows that others answer are left out. None for all.
    tell
        Is told the stage and how much is done.
    """
    rows, unusable = sort_out(table, choices, time_zone)
    if len(rows) == 0:
        raise Invalid(
            "No row has both a label and a position that can be read: look at the chosen columns.",
            unusable={reason: len(several) for reason, several in unusable.items()},
        )
    tell("maps", 0.1)
    maps = _maps(editions, rows, choices)
    known = levels_of(one for several, _ in maps for one in several)
    level = _level(choices.level, known, maps, rows)
    register = Register(level)
    spans = [_span(register, several, level, where) for several, where in maps]
    tell("answers", 0.3)
    ours, status, border_m, edition_of, asked = _answered(spans, register, len(rows), rows, tolerance_m)
    if district_ids is not None:
        elsewhere = np.array(
            [one >= 0 and register.districts[one] not in district_ids for one in ours.tolist()]
        )
        if elsewhere.any():
            return _without(elsewhere, table, choices, editions, tolerance_m, time_zone, tell)
    tell("labels", 0.6)
    others = _others(editions, choices)
    for one in others:
        register.numbers(one)
    meanings, target = register.read(rows.labels, ours)
    agree = (target == ours) & (target >= 0)
    found = Audit(
        choices=choices, level=level, levels=known, register=register, rows=rows, unusable=unusable,
        count=len(table), ours=ours, target=target, status=status, border_m=border_m,
        label_m=_label_distances(spans, target, ~agree, rows), agree=agree,
        as_written=_as_written(register, rows.labels, ours), flagged=np.zeros(len(rows), dtype=np.bool_),
        reason=np.full(len(rows), "", dtype="U16"), evidence=Evidence(), meanings=meanings,
        kinds=[], editions=asked, edition_of=edition_of,
    )  # fmt: skip
    tell("reasons", 0.75)
    found.flagged = _flagged(found, spans)
    found.doubts = _batch_doubts(found, spans)
    fits, found.edition_doubts = _editions_asked(found, others)
    found.reason, found.evidence = reasons(found, fits)
    found.kinds = _kinds(found, table)
    return found


def _without(
    elsewhere: NDArray[np.bool_], table: Table, choices: Choices, editions: Editions,
    tolerance_m: float, time_zone: str, tell: Tell,
) -> Audit:  # fmt: skip
    """Check again without rows of other districts, which then explain and count nothing."""
    rows, _ = sort_out(table, choices, time_zone)
    gone = set(rows.row[elsewhere].tolist())
    kept = [row for row in range(len(table)) if row not in gone]
    if len(gone) == len(rows):
        raise Conflict("No row lies in a district of yours.")
    columns = {name: [values[row] for row in kept] for name, values in table.columns.items()}
    too_long = frozenset(place for place, row in enumerate(kept) if row in table.too_long)
    smaller = Table(table.names, columns, [table.lines[row] for row in kept], too_long, table.encoding)
    found = audit(smaller, choices, editions, tolerance_m=tolerance_m, time_zone=time_zone, tell=tell)
    back = np.array(kept)
    found.rows = Usable(
        back[found.rows.row], found.rows.labels, found.rows.raw, found.rows.points, found.rows.moments
    )
    found.unusable = {reason: back[several].tolist() for reason, several in found.unusable.items()}
    found.unusable["other-district"] = sorted(gone)
    found.count = len(table)
    return found


def _maps(
    editions: Editions, rows: Usable, choices: Choices
) -> list[tuple[list[EditionMap], NDArray[np.int64]]]:
    everything = np.arange(len(rows))
    if choices.time is None:
        return [(editions.now(), everything)]
    changes = editions.changes()
    span = np.searchsorted(changes, rows.moments, side="right")
    moments = [-np.inf, *changes]
    return [(editions.at(moments[one]), everything[span == one]) for one in np.unique(span).tolist()]


def fitting(maps: list[EditionMap], readings: Sequence[Usable]) -> list[int]:
    """Give how many rows of each reading of a table would agree, by the level that its labels fit best."""
    asked = _likely(maps, levels_of(maps), max(readings, key=len, default=None))
    return [max((one.agreeing(rows) for one in asked), default=0) for rows in readings]


def _likely(maps: list[EditionMap], levels: list[str], rows: Usable | None) -> list["_Asked"]:
    """Give the levels that labels may be of, finest first: those of which they are codes or names, else all.

    Letters go first, since they say the same whatever is wrong with the coordinates.
    """
    asked = [_Asked.of(level, maps) for level in reversed(levels)]
    if rows is None or len(rows) == 0:
        return asked
    known = [one.by_letters(rows) for one in asked]
    if max(known) < LETTERS_DECIDE * len(rows):
        return asked
    return [one for one, count in zip(asked, known, strict=True) if count >= LETTERS_ALIKE * max(known)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Maps at a level, to see whether labels are of it."""

    register: Register
    levels: list[Level]
    numbers: list[Numbers]

    @classmethod
    def of(cls, level: str, maps: list[EditionMap]) -> "_Asked":
        register = Register(level)
        levels = [Level(one, up_of(one, level), one.locator, {}) for one in maps]
        return cls(register, levels, [register.numbers(one) for one in maps])

    def by_letters(self, rows: Usable) -> float:
        """Count rows whose labels are codes or names of grids of the level, half where they only hold one."""
        counts = Counter(rows.labels)
        found, _ = self.register.read(list(counts), np.full(len(counts), -1))
        return sum(counts[one] * WEIGHT.get(meaning.how, 0.0) for one, meaning in found.items())

    def agreeing(self, rows: Usable) -> int:
        """Count rows that would agree if the labels were of the level, of each grid those of its commonest label.

        Where labels are finer than the level, many of them mean one grid, and only one of them counts.
        """
        ours = located(self.levels, self.numbers, rows.points)
        _, target = self.register.read(rows.labels, ours)
        agreed = (target == ours) & (target >= 0)
        counts = Counter((int(target[row]), rows.labels[row]) for row in np.flatnonzero(agreed).tolist())
        most: dict[int, int] = {}
        for (grid, _), count in counts.items():
            most[grid] = max(most.get(grid, 0), count)
        return sum(most.values())


def _level(wanted: str | None, known: list[str], maps: Sequence, rows: Usable) -> str:  # type: ignore[type-arg]
    if wanted is not None:
        if wanted not in known:
            detail = f"There is no level {wanted!r}. Known: {', '.join(known)}."
            raise Invalid(detail, errors=[{"pointer": "/level", "detail": detail}])
        return wanted
    several, where = max(maps, key=lambda one: len(one[1]))
    some = np.zeros(len(rows), dtype=np.bool_)
    some[where[:: max(1, len(where) // LEVEL_ROWS)]] = True
    sample = rows.keep(some)
    return max(_likely(several, known, sample), key=lambda one: one.agreeing(sample)).register.level


def _span(register: Register, maps: list[EditionMap], level: str, rows: NDArray[np.int64]) -> _Span:
    return _Span(rows, [level_of(one, level) for one in maps], [register.numbers(one) for one in maps])


def _answered(
    spans: list[_Span], register: Register, count: int, rows: Usable, tolerance_m: float
) -> tuple[Numbers, NDArray[np.str_], NDArray[np.float64], Numbers, list[EditionMap]]:
    ours, edition_of = np.full(count, -1), np.full(count, -1)
    status, border_m = np.full(count, "", dtype="U8"), np.full(count, np.nan)
    asked: list[EditionMap] = []
    for span in spans:
        found = answers(span.levels, rows.points[span.rows], tolerance_m)
        status[span.rows], border_m[span.rows] = found.status, found.border_m
        for place, (level, numbers) in enumerate(zip(span.levels, span.numbers, strict=True)):
            if all(one.key != level.edition.key for one in asked):
                asked.append(level.edition)
            number = next(i for i, one in enumerate(asked) if one.key == level.edition.key)
            mine = found.level == place
            ours[span.rows[mine]] = np.append(numbers, -1)[found.grid[mine]]
            edition_of[span.rows[mine]] = number
    return ours, status, border_m, edition_of, asked


def _others(editions: Editions, choices: Choices) -> list[EditionMap]:
    if choices.time is not None:
        return []  # each row has the edition of its day already
    return [one for place in editions.current for one in editions.others(place)]


def _as_written(register: Register, labels: list[str], ours: Numbers) -> NDArray[np.bool_]:
    grids = [register.grids[one] if one >= 0 else None for one in ours.tolist()]
    return np.array(
        [one is not None and label in (one.code, one.name) for label, one in zip(labels, grids, strict=True)],
        dtype=np.bool_,
    )


def _places(register: Register, span: _Span) -> dict[int, tuple[int, int]]:
    """Give where a numbered grid is: place in the span's levels, grid there."""
    return {
        number: (place, grid)
        for place, numbers in enumerate(span.numbers)
        for grid, number in enumerate(numbers.tolist())
    }


def _label_distances(
    spans: list[_Span], target: Numbers, wanted: NDArray[np.bool_], rows: Usable
) -> NDArray[np.float64]:
    """Measure from each disagreeing row to the ground of the grid that its label means."""
    metres = np.full(len(target), np.nan)
    for span in spans:
        mine = span.rows[wanted[span.rows] & (target[span.rows] >= 0)]
        for level, numbers in zip(span.levels, span.numbers, strict=True):
            back = {number: grid for grid, number in enumerate(numbers.tolist())}
            grids = np.array([back.get(one, -1) for one in target[mine].tolist()], dtype=np.int64)
            there = grids >= 0
            metres[mine[there]] = level.distances_m(rows.points[mine[there]], grids[there])
    return metres


def _flagged(found: Audit, spans: list[_Span]) -> NDArray[np.bool_]:
    """Tell which disagreements a look-up with 10 m accuracy warns of: it names the label's grid, or says ``border``.

    Of a label that means no grid nothing can be named; there it is enough that a border is as near.
    """
    unknown = found.target < 0
    flagged = found.disagree & ((found.status == "border") | (unknown & (found.border_m <= BORDER_M)))
    for span in spans:
        places = _places(found.register, span)
        mine = span.rows[(found.disagree & ~unknown & ~flagged)[span.rows]]
        mine = np.array([row for row in mine.tolist() if int(found.target[row]) in places], dtype=np.int64)
        if len(mine):
            wanted = [places[int(found.target[row])] for row in mine.tolist()]
            flagged[mine] = named_by_us(span.levels, found.rows.points[mine], wanted, BORDER_M)
    return flagged


def _batch_doubts(found: Audit, spans: list[_Span]) -> list[Doubt]:
    if found.agree.all():
        return []

    def ours(points: NDArray[np.float64]) -> Numbers:
        numbers = np.full(len(points), -1)
        for span in spans:
            numbers[span.rows] = located(span.levels, span.numbers, points[span.rows])
        return numbers

    def agree(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        # Rows of unknown labels agree by no reading; that is the same for all readings.
        return (ours(points) == found.target) & (found.target >= 0)

    declared = parse_crs(found.choices.crs)
    doubts = batch_doubts(
        found.rows.raw, declared=declared, covers=lambda points: ours(points) >= 0, agree=agree
    )
    for one in doubts:
        if one.kind == "other-system":
            numbers = found.rows.raw if declared.kind in ("gcj02", "bd09") else found.rows.points
            found.reread = agree(to_lonlat(numbers, parse_crs(one.detail_members["system"])))
    return doubts


def _editions_asked(
    found: Audit, others: list[EditionMap]
) -> tuple[list[tuple[EditionMap, NDArray[np.bool_], bool]], list[Doubt]]:
    """Ask other editions about the rows of their district, and of rows nobody answered.

    Gives each edition with the rows that it alone answers as labelled and whether it is the better one beyond
    chance, and the doubts.
    """
    fits: list[tuple[EditionMap, NDArray[np.bool_], bool]] = []
    doubts: list[Doubt] = []
    if found.agree.all():
        return fits, doubts
    district = np.array([*found.register.districts, -1])
    for place in dict.fromkeys(one.key.district_id for one in others):
        mine = np.flatnonzero((district[found.ours] == place) | (district[found.target] == place))
        agree = {"": found.agree[mine]}
        several = [one for one in others if one.key.district_id == place]
        for one in several:
            view = Level(one, up_of(one, found.level), one.locator, {})
            theirs = located([view], [found.register.numbers(one)], found.rows.points[mine])
            agree[_name(one)] = (theirs == found.target[mine]) & (theirs >= 0)
        doubt = edition_doubt(found.rows.points[mine], agree, used="") if len(mine) else None
        if doubt is not None:
            doubts.append(doubt)
        for one in several:
            only = np.zeros(len(found.rows), dtype=np.bool_)
            only[mine[agree[_name(one)] & ~agree[""]]] = True
            clear = doubt is not None and doubt.detail_members["edition"] == _name(one)
            fits.append((one, only, clear))
    return fits, doubts


def _name(one: EditionMap) -> str:
    return f"{one.key.district_code}/{one.key.number}"


def _kinds(found: Audit, table: Table) -> list[kinds.Kind]:
    chosen = found.choices
    taken = {chosen.lon, chosen.lat, chosen.label, chosen.time}
    rows = found.rows.row.tolist()
    columns = {
        name: [values[row] for row in rows] for name, values in table.columns.items() if name not in taken
    }
    return kinds.explaining(columns, found.disagree, found.rows.labels, chosen.kinds)
