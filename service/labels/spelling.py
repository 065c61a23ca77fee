"""Which grid a label means: letter for letter, after tidying its spelling, or by where its rows lie.

Cities write the same grid as ``207``, ``0207``, ``07 BRONX`` or ``城关街道（第７网格）``. Labels that equal no code or
name are read by the strongest association: the grid that most of their rows lie in. What was learnt that way
about words and figures (``BRONX`` + ``07`` is ``207``) then serves labels too rare to learn from.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_ROWS, LEAST_SHARE = 3, 0.6
CLAIMED_ROWS, CLAIMED_SHARE = 5, 0.9  # where another label names the grid already
LEAST_TEACHERS, AGREED = 3, 0.9
CONTRARY_ROWS, CONTRARY_SHARE, CONTRARY_OWN = 10, 0.8, 0.1
NUMBER = re.compile(r"\d+")
DECIMALS = re.compile(r"(?<=\d)\.0+$")
APART = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a label means: a grid (its place in the list, -1 for none), how we know, what its rows say.

    `how` is ``exact``, ``spelling``, ``part``, ``association``, ``pattern`` or ``none``; `mostly` is the grid that
    most of its rows lie in (-1 for none), `share` how many of its rows lie in `grid`. `contrary`: nearly all of
    its rows lie in one other grid, so that the code was probably given anew.
    """

    label: str
    grid: int
    how: str
    rows: int
    share: float
    mostly: int
    contrary: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """Code and name of a grid that labels may mean."""

    code: str
    name: str


def normalised(text: str) -> str:
    """Tidy a spelling: width, case, blanks, punctuation, decimals of spreadsheets, leading zeros."""
    plain = DECIMALS.sub("", unicodedata.normalize("NFKC", text).casefold().strip())
    return NUMBER.sub(lambda found: found[0].lstrip("0") or "0", APART.sub("", plain))


def meanings(labels: Sequence[str], grids: Sequence[Grid], ours: NDArray[np.int64]) -> dict[str, Meaning]:
    """Find what each label means.

    Parameters
    ----------
    labels
        The label of each row, not empty.
    grids
        What labels may mean.
    ours
        The grid that we say each row lies in, -1 for none.
    """
    lies: dict[str, Counter[int]] = defaultdict(Counter)
    for label, grid in zip(labels, ours.tolist(), strict=True):
        lies[label][grid] += 1
    words = _Vocabulary(grids)
    found = {label: _direct(label, words, at) for label, at in lies.items()}
    claimed: Counter[int] = Counter()
    for label, (grid, _) in found.items():
        claimed[grid] += lies[label].total()
    base = _base(lies)
    for label, (grid, _) in found.items():
        if grid < 0:
            found[label] = _associated(lies[label], claimed, base)
    rule = _Composition.learnt(
        [(label, grids[grid].code) for label, (grid, how) in found.items() if how == "association"]
    )
    for label, (grid, _) in found.items():
        place = words.by_code.get(rule.code(label) or "", -1) if grid < 0 else -1
        if place >= 0:
            found[label] = (place, "pattern")
    return {label: _meaning(label, *found[label], lies[label]) for label in found}


class _Vocabulary:
    """Codes and names of grids by their spelling."""

    def __init__(self, grids: Sequence[Grid]) -> None:
        self.by_code = {one.code: place for place, one in reversed(list(enumerate(grids)))}
        self.raw: dict[str, set[int]] = defaultdict(set)
        self.tidy: dict[str, set[int]] = defaultdict(set)
        for place, one in enumerate(grids):
            for text in (one.code, one.name):
                self.raw[text].add(place)
                self.tidy[normalised(text)].add(place)
        self.tidy.pop("", None)


def _direct(label: str, words: _Vocabulary, lies: Mapping[int, int]) -> tuple[int, str]:
    for how, known in (("exact", words.raw.get(label)), ("spelling", words.tidy.get(normalised(label)))):
        if known:
            return _best(known, lies), how
    parts = [one for one in APART.split(unicodedata.normalize("NFKC", label)) if one]
    if len(parts) > 1:
        known = {place for one in parts if len(one) > 2 for place in words.tidy.get(normalised(one), ())}
        if len(known) == 1:
            return known.pop(), "part"
    return -1, "none"


def _best(known: set[int], lies: Mapping[int, int]) -> int:
    """Of grids of one name take the one that most rows lie in."""
    return max(sorted(known), key=lambda place: lies.get(place, 0))


def _base(lies: Mapping[str, Counter[int]]) -> dict[int, float]:
    whole = sum((one for one in lies.values()), Counter[int]())
    return {grid: count / max(1, whole.total()) for grid, count in whole.items()}


def _associated(lies: Counter[int], claimed: Mapping[int, int], base: Mapping[int, float]) -> tuple[int, str]:
    grid, count = _mostly(lies)
    share = count / lies.total()
    known = grid >= 0 and count >= LEAST_ROWS and share >= LEAST_SHARE and share >= min(0.95, 3 * base[grid])
    if known and claimed.get(grid, 0) >= lies.total():
        known = count >= CLAIMED_ROWS and share >= CLAIMED_SHARE
    return (grid, "association") if known else (-1, "none")


def _mostly(lies: Counter[int]) -> tuple[int, int]:
    return max(
        ((grid, count) for grid, count in lies.items() if grid >= 0),
        key=lambda one: (one[1], -one[0]),
        default=(-1, 0),
    )


def _meaning(label: str, grid: int, how: str, lies: Counter[int]) -> Meaning:
    mostly, count = _mostly(lies)
    rows = lies.total()
    share = lies.get(grid, 0) / rows if grid >= 0 else 0.0
    contrary = (
        grid >= 0 and mostly != grid and rows >= CONTRARY_ROWS
        and count / rows >= CONTRARY_SHARE and share <= CONTRARY_OWN
    )  # fmt: skip
    return Meaning(label, grid, how, rows, share, mostly, contrary)


class _Composition:
    """How labels of a word and a figure become codes: what stands before the figure, by word."""

    def __init__(self, before: Mapping[str, tuple[str, int]]) -> None:
        self._before = before

    @classmethod
    def learnt(cls, pairs: Sequence[tuple[str, str]]) -> "_Composition":
        """Learn from labels whose codes are known; a word needs several teachers that agree."""
        votes: dict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
        for label, code in pairs:
            split = _split(label)
            if split is None:
                continue
            word, figure = split
            for width in range(len(figure), len(code) + 1):
                if code.endswith(figure.zfill(width)):
                    votes[word][code[: len(code) - width], width] += 1
        before = {}
        for word, counted in votes.items():
            # Of 207 both 2|07 and 20|7 are readings; only the right one holds for 10 and 12 as well.
            (prefix, width), count = max(counted.items(), key=lambda one: (one[1], one[0][1]))
            teachers = sum(1 for label, _ in pairs if (_split(label) or ("",))[0] == word)
            if count >= LEAST_TEACHERS and count >= AGREED * teachers:
                before[word] = (prefix, width)
        return cls(before)

    def code(self, label: str) -> str | None:
        """Give the code that a label would have."""
        split = _split(label)
        known = self._before.get(split[0]) if split else None
        return known[0] + split[1].zfill(known[1]) if split and known else None


def _split(label: str) -> tuple[str, str] | None:
    """Give the word and the one figure (without leading zeros) of a label; None where it has not exactly one."""
    plain = unicodedata.normalize("NFKC", label).casefold()
    figures = NUMBER.findall(plain)
    if len(figures) != 1:
        return None
    return APART.sub("", NUMBER.sub("", plain)), figures[0].lstrip("0") or "0"
