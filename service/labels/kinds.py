"""Which columns of a table tell rows that disagree from rows that agree, found without being named.

Each value of each column of few values is put to an exact test (hypergeometric: were the disagreements dealt out at
random, how often would this value get so many?), corrected for the number of values tried (Bonferroni). Columns
that pass are ranked by the information they give. Columns that only repeat the label are left out: they would
explain anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.01  # of being wrong once in a hundred clean files
LEAST_DISAGREE = 3  # of one value: below that it is an anecdote
MOST_VALUES = 60
LEAST_REPEATED = 0.5  # columns whose values mostly occur once are no kinds
REPEATS_LABEL = 0.95
SHOWN_VALUES = 12


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a column: its rows, how many of them disagree, the 95 % interval, p corrected."""

    value: str
    rows: int
    disagree: int
    low: float
    high: float
    p: float
    stands_out: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A column that explains disagreement: p of its strongest value, bits of information, its values.

    `along` names the best column where this one explains nothing once that one is known.
    """

    column: str
    p: float
    bits: float
    values: tuple[Value, ...]
    along: str | None = None


def explaining(
    columns: Mapping[str, Sequence[str]],
    disagree: NDArray[np.bool_],
    labels: Sequence[str],
    named: Sequence[str] = (),
) -> list[Kind]:
    """Find the columns that explain disagreement, best first; those that were named come in any case, first."""
    tried = [one for name, values in columns.items() if (one := _coded(name, values, labels, name in named))]
    attempts = sum(len(words) for _, words, _ in tried)
    found = [_kind(name, words, codes, disagree, attempts) for name, words, codes in tried]
    kept = [one for one in found if one.p < LEVEL or one.column in named]
    kept.sort(key=lambda one: (one.column not in named, -one.bits))
    coded = {name: (words, codes) for name, words, codes in tried}
    best = max(kept, key=lambda one: one.bits, default=None)
    return [_beside(one, best, coded, disagree, attempts) for one in kept]


def _beside(
    one: Kind,
    best: Kind | None,
    coded: Mapping[str, tuple[list[str], NDArray[np.int64]]],
    disagree: NDArray[np.bool_],
    attempts: int,
) -> Kind:
    """Ask whether a value still stands out among rows alike in the best column (test of Mantel and Haenszel)."""
    if best is None or one is best or one.p >= LEVEL:
        return one
    words, codes = coded[one.column]
    strongest = codes == words.index(min(one.values, key=lambda value: value.p).value)
    stratum = coded[best.column][1]
    n, bad, mine = (np.bincount(stratum, weights=w).astype(float) for w in (None, disagree, strongest))
    observed = float((disagree & strongest).sum())
    expected = bad * mine / n.clip(1)
    spread = bad * (n - bad) * mine * (n - mine) / (n * n * (n - 1)).clip(1)
    gap = max(0.0, abs(observed - expected.sum()) - 0.5)
    left = stats.chi2.sf(gap * gap / max(spread.sum(), 1e-12), 1) * attempts
    return one if left < LEVEL else replace(one, along=best.column)


def _coded(
    name: str, values: Sequence[str], labels: Sequence[str], is_named: bool
) -> tuple[str, list[str], NDArray[np.int64]] | None:
    words, codes = _numbered(values)
    if len(words) < 2:
        return None
    counts = np.bincount(codes)
    singles = counts[counts == 1].sum()
    if not is_named and (singles > (1 - LEAST_REPEATED) * len(values) or _repeats(codes, labels)):
        return None
    if len(words) > MOST_VALUES:
        if not is_named and counts[np.argsort(-counts)[:MOST_VALUES]].sum() < 0.8 * len(values):
            return None
        order = np.argsort(-counts, kind="stable")
        place = np.full(len(words), MOST_VALUES)
        place[order[:MOST_VALUES]] = np.arange(MOST_VALUES)
        return name, [*(words[one] for one in order[:MOST_VALUES].tolist()), "…"], place[codes]
    return name, words, codes


def _numbered(values: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Give the different values in order, and the place of each row's.

    Not by arrays of texts: those are as wide as the longest, and one long description took gigabytes.
    """
    words = sorted(set(values))
    place = {word: number for number, word in enumerate(words)}
    return words, np.fromiter((place[one] for one in values), np.int64, len(values))


def _repeats(codes: NDArray[np.int64], labels: Sequence[str]) -> bool:
    """Tell whether a column follows from the label (Goodman and Kruskal's lambda)."""
    _, label = _numbered(labels)
    often = np.bincount(label)[label] >= 5
    if often.sum() < 0.5 * len(codes):
        often[:] = True
    pairs, counts = np.unique(np.stack([label[often], codes[often]]), axis=1, return_counts=True)
    best = np.zeros(label.max() + 1)
    np.maximum.at(best, pairs[0], counts)
    mode = np.bincount(codes[often]).max()
    whole = int(often.sum())
    return whole > mode and (best.sum() - mode) / (whole - mode) >= REPEATS_LABEL


def _kind(
    name: str, words: list[str], codes: NDArray[np.int64], disagree: NDArray[np.bool_], attempts: int
) -> Kind:
    rows = np.bincount(codes, minlength=len(words))
    wrong = np.bincount(codes[disagree], minlength=len(words))
    whole, bad = len(codes), int(disagree.sum())
    p = np.minimum(1.0, stats.hypergeom.sf(wrong - 1, whole, bad, rows) * attempts)
    p[wrong < LEAST_DISAGREE] = 1.0
    low, high = interval(wrong, rows)
    order = sorted(
        range(len(words)), key=lambda one: (p[one] >= LEVEL, -wrong[one] / max(1, rows[one]), words[one])
    )
    values = tuple(
        Value(
            words[one],
            int(rows[one]),
            int(wrong[one]),
            float(low[one]),
            float(high[one]),
            float(p[one]),
            bool(p[one] < LEVEL),
        )
        for one in order[:SHOWN_VALUES]
    )
    return Kind(name, float(p.min()), _bits(rows, wrong), values)


def _bits(rows: NDArray[np.int64], wrong: NDArray[np.int64]) -> float:
    """Give the mutual information of value and disagreement in bits a row, less what chance gives (Miller, Madow)."""
    table = np.stack([wrong, rows - wrong]).astype(float)
    whole = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / whole
    there = table > 0
    gained = float((table[there] / whole * np.log2(table[there] / expected[there])).sum())
    return float(max(0.0, gained - (len(rows) - 1) / (2 * whole * np.log(2))))


def interval(
    hits: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the 95 % interval of shares (Wilson), 0 and 1 where there is no row."""
    z = 1.959964
    n = np.maximum(rows, 1)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return np.where(rows > 0, np.maximum(0, middle - half), 0.0), np.where(
        rows > 0, np.minimum(1, middle + half), 1.0
    )
