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
SHORTEST_CORE, LEAST_ENDINGS, ENDING_SHARE = 2, 3, 0.05
SHORTEST_PART, LONGEST_READ = 3, 40
MOST_LABELS = 20_000  # more different ones are no names of grids, and looking into each takes a millisecond
NUMBER = re.compile(r"\d+")
DECIMALS = re.compile(r"(?<=\d)\.0+$")
APART = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a label means: a grid (its place in the list, -1 for none), how we know, what its rows say.

    `how` is ``exact``, ``spelling``, ``part``, ``association``, ``pattern`` or ``none``; `mostly` is the grid that
    most of its rows lie in (-1 for none), `share` how many of its rows lie in `grid`. `contrary`: nearly all of
    its rows lie in one other grid, so that the code was probably given anew. `namesakes`: all grids that the label
    may mean by its letters, where several are called alike.
    """

    label: str
    grid: int
    how: str
    rows: int
    share: float
    mostly: int
    contrary: bool = False
    namesakes: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Grid:
    """Code and name of a grid that labels may mean."""

    code: str
    name: str


def normalised(text: str) -> str:
    """Tidy a spelling: width, case, blanks, punctuation, decimals of spreadsheets, leading zeros."""
    plain = DECIMALS.sub("", unicodedata.normalize("NFKC", text).casefold().strip())
    return NUMBER.sub(lambda found: found[0].lstrip("0") or "0", APART.sub("", plain))


def meanings(labels: Sequence[str], words: "Vocabulary", ours: NDArray[np.int64]) -> dict[str, Meaning]:
    """Find what each label means.

    Parameters
    ----------
    labels
        The label of each row, not empty.
    words
        Of the grids that labels may mean.
    ours
        The grid that we say each row lies in, -1 for none.
    """
    lies: dict[str, Counter[int]] = defaultdict(Counter)
    for label, grid in zip(labels, ours.tolist(), strict=True):
        lies[label][grid] += 1
    is_free_text = len(lies) > MOST_LABELS
    by_letters = {label: words.find(label, within=not is_free_text) for label in lies}
    found = {label: (_best(known, lies[label]), how) for label, (known, how) in by_letters.items()}
    claimed: Counter[int] = Counter()
    for label, (grid, _) in found.items():
        claimed[grid] += lies[label].total()
    base = _base(lies)
    for label, (grid, _) in found.items():
        if grid < 0:
            found[label] = _associated(lies[label], claimed, base)
    taught = [
        (label, words.grids[grid].code) for label, (grid, how) in found.items() if how == "association"
    ]  # fmt: skip
    rule = _Composition.learnt(taught)
    for label, (grid, _) in found.items():
        place = words.by_code.get(rule.code(label) or "", -1) if grid < 0 else -1
        if place >= 0:
            found[label] = (place, "pattern")
    return {label: _meaning(label, *found[label], lies[label], by_letters[label][0]) for label in found}


class Vocabulary:
    """Codes and names of grids by their spelling; names also without what many of them end in (社区, 街道, ward)."""

    def __init__(self, grids: Sequence[Grid]) -> None:
        self.grids = grids
        self.by_code = {one.code: place for place, one in reversed(list(enumerate(grids)))}
        self.raw: dict[str, set[int]] = defaultdict(set)
        self.tidy: dict[str, set[int]] = defaultdict(set)
        self.core: dict[str, set[int]] = defaultdict(set)
        for place, one in enumerate(grids):
            for text in (one.code, one.name):
                self.raw[text].add(place)
                self.tidy[normalised(text)].add(place)
        self.tidy.pop("", None)
        self.longest = max(map(len, self.tidy), default=0) + 2  # zeros before figures
        self.endings = _endings([normalised(one.name) for one in grids])
        for place, one in enumerate(grids):
            self.core[self._without_ending(normalised(one.name))].add(place)

    def find(self, label: str, *, within: bool) -> tuple[set[int], str]:
        """Give all grids that a label may mean by its letters, and how it was read."""
        tidy = normalised(label)
        core = self._without_ending(tidy)
        for known, how in (
            (self.raw.get(label), "exact"),
            (self.tidy.get(tidy), "spelling"),
            (self.core.get(core) if len(core) >= SHORTEST_CORE and not core.isdigit() else None, "part"),
        ):
            if known:
                return set(known), how
        known = self._within(unicodedata.normalize("NFKC", label).casefold()) if within else set()
        return known, "part" if known else "none"

    def _without_ending(self, name: str) -> str:
        for one in self.endings:
            if name.endswith(one) and len(name) - len(one) >= SHORTEST_CORE:
                return name[: -len(one)]
        return name

    def _within(self, label: str) -> set[int]:
        """Give the grids of the longest code or name that stands in a label; figures only where they stand alone."""
        text = APART.sub(" ", label)[:LONGEST_READ]
        for length in range(min(len(text) - 1, self.longest), SHORTEST_PART - 1, -1):
            known: set[int] = set()
            for begin in range(len(text) - length + 1):
                piece = text[begin : begin + length]
                if piece[0] != " " and piece[-1] != " " and not _cuts_a_figure(text, begin, begin + length):
                    known |= self.tidy.get(normalised(piece), set())
            if known:
                return known
        return set()


def _cuts_a_figure(text: str, begin: int, end: int) -> bool:
    return any(
        0 < at < len(text) and text[at - 1].isascii() and text[at].isascii()
        and text[at - 1].isalnum() and text[at].isalnum()
        for at in (begin, end)
    )  # fmt: skip


def _endings(names: Sequence[str]) -> list[str]:
    """Find what names of grids end in: shared by a good part of them, the longest first."""
    least = max(LEAST_ENDINGS, ENDING_SHARE * len(names))
    counts = Counter(
        name[-length:] for name in set(names) for length in range(1, 9) if len(name) - length >= SHORTEST_CORE
    )
    found = [
        one for one, count in counts.items() if count >= least and not any(letter.isdigit() for letter in one)
    ]
    # Of 区 and 社区 the longer one, where nearly all that end in the one end in the other.
    kept = [
        one for one in found
        if not any(other != one and other.endswith(one) and counts[other] >= 0.9 * counts[one] for other in found)
    ]  # fmt: skip
    return sorted(kept, key=lambda one: (-len(one), one))


def _best(known: set[int], lies: Mapping[int, int]) -> int:
    """Of grids of one name take the one that most rows lie in; -1 where none is known."""
    return max(sorted(known), key=lambda place: lies.get(place, 0), default=-1)


def _base(lies: Mapping[str, Counter[int]]) -> dict[int, float]:
    whole: Counter[int] = Counter()
    for one in lies.values():
        whole.update(one)
    rows = whole.total()
    return {grid: count / rows for grid, count in whole.items()}


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


def _meaning(label: str, grid: int, how: str, lies: Counter[int], namesakes: set[int]) -> Meaning:
    mostly, count = _mostly(lies)
    rows = lies.total()
    share = lies.get(grid, 0) / rows if grid >= 0 else 0.0
    contrary = (
        grid >= 0 and mostly != grid and rows >= CONTRARY_ROWS
        and count / rows >= CONTRARY_SHARE and share <= CONTRARY_OWN
    )  # fmt: skip
    several = frozenset(namesakes) if len(namesakes) > 1 else frozenset()
    return Meaning(label, grid, how, rows, share, mostly, contrary and mostly not in several, several)


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
