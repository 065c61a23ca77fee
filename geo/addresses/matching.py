"""How well what somebody asks for fits a place that is listed: equal in meaning, or how near."""

from collections.abc import Sequence
from dataclasses import dataclass

from geo.addresses.reading import Number, Part, Reading

LEFT_OUT, OTHER_KIND, OTHER_DIGITS, OTHER_WORD, WITH_KIND = 0.97, 0.85, 0.85, 0.98, 0.9
SWAPPED = 0.6  # all characters are there: less of a mistake than one that is wrong
DEEPER, TAIL, OTHER_NUMBER = 0.93, 0.98, 0.6
REGION_UNKNOWN, OTHER_REGION, VAGUE = 0.97, 0.65, 0.9
IN_REGION = 0.6  # of a doubt stays where the region is right
LEAST_ALIKE = 0.3  # below that names are nothing alike
LONGEST_COMPARED = 80  # letters; longer ones are alike only where one holds the other
LONGEST_NUMBER = 9  # figures of a number that is ordered by; more are none of a house


@dataclass(frozen=True, slots=True)
class Match:
    """How a place fits a question.

    Attributes
    ----------
    score
        From 0 to 1, for ordering.
    is_exact
        Everything that is asked for is said by the place; nothing was taken for something like it.
    numbers
        How many numbers of the question the place has too: the more, the closer to what is meant.
    key
        Which of the place's texts fits best.
    unmatched
        Numbers of the question that the place does not have, such as unit and room.
    """

    score: float
    is_exact: bool
    numbers: int
    key: int
    unmatched: tuple[Number, ...] = ()


NONE = Match(0.0, False, 0, 0)


def match(
    asked: Reading, keys: Sequence[Reading], regions: frozenset[str], left_out: frozenset[str]
) -> Match:
    """Compare a question with a place.

    Parameters
    ----------
    asked
        The question.
    keys
        Readings of the place's name, aliases and address.
    regions
        Where the place lies.
    left_out
        Kinds that may be left out.

    Returns
    -------
    match
        The best: each part of the question is compared with every part of every key.
    """
    weights = [len(part.core) for part in asked.parts]
    found = [_best(part, keys, regions, left_out) for part in asked.parts]
    score = sum(one.score * weight for one, weight in zip(found, weights, strict=True)) / sum(weights)
    conflict = any(not names & regions for names in asked.regions)
    if asked.regions and not regions:
        score, conflict = score * REGION_UNKNOWN, False
    elif conflict:
        score *= OTHER_REGION
    elif asked.regions and score > 0:
        score = 1 - (1 - score) * IN_REGION
    if asked.is_vague:
        score *= VAGUE
    best = max(found, key=lambda one: one.score)
    return Match(
        score,
        all(one.is_exact for one in found) and not conflict and not asked.is_vague,
        sum(one.numbers for one in found),
        best.key,
        tuple(number for one in found for number in one.unmatched),
    )


def _best(part: Part, keys: Sequence[Reading], regions: frozenset[str], left_out: frozenset[str]) -> Match:
    best = NONE
    for place, key in enumerate(keys):
        for other in key.parts:
            one = _compare(part, other, place, regions, left_out)
            if (one.is_exact, one.score) > (best.is_exact, best.score):
                best = one
    return best


def _compare(asked: Part, listed: Part, key: int, regions: frozenset[str], left_out: frozenset[str]) -> Match:
    name, is_same = _name(asked, listed, left_out)
    if name < LEFT_OUT and regions:
        name = max(name, *(_alike(asked.core, region + listed.core) for region in regions))
    if name < LEAST_ALIKE:
        return NONE
    factor, fits, shared, tail = _numbers(asked, listed)
    return Match(name * factor, is_same and fits, shared, key, tail)


def _name(asked: Part, listed: Part, left_out: frozenset[str]) -> tuple[float, bool]:
    if asked.stem == listed.stem or (asked.core == listed.core and asked.kind == listed.kind):
        return 1.0, True
    if asked.core == listed.core and "" not in (asked.kind, listed.kind):
        return OTHER_KIND, False
    if asked.core == listed.core or asked.stem == listed.core or asked.core == listed.stem:
        kind = listed.kind if asked.stem in (listed.core, asked.core) else asked.kind
        return LEFT_OUT, kind in left_out
    whole = _alike(asked.stem, listed.stem) if asked.core == asked.stem else 0.0
    alike = max(_alike(asked.core, listed.core), WITH_KIND * whole)
    return alike * (1.0 if asked.kind == listed.kind else OTHER_WORD), False


def _alike(a: str, b: str) -> float:
    shorter, longer = sorted((a, b), key=len)
    # What can't reach LEAST_ALIKE is not worked out: a mistake is at least what one text has more than the other.
    is_hopeless = len(shorter) < LEAST_ALIKE * len(longer) or len(longer) > LONGEST_COMPARED
    score = 0.0 if is_hopeless else 1.0 - distance(a, b, SWAPPED) / len(longer)
    begins = b.startswith(a)
    if begins or (len(shorter) >= 2 and shorter in longer):
        score = max(score, (0.6 if begins else 0.5) + 0.35 * len(shorter) / len(longer))
    if sorted(filter(str.isdigit, a)) != sorted(filter(str.isdigit, b)):
        score *= OTHER_DIGITS
    return score


def _numbers(asked: Part, listed: Part) -> tuple[float, bool, int, tuple[Number, ...]]:
    """Compare the numbers in their order: factor, whether they fit, how many are shared, what is left."""
    shared = 0
    for number in listed.numbers:
        if shared == len(asked.numbers):
            return DEEPER, False, shared, ()
        if not _same(asked.numbers[shared], number, listed.is_road and shared == 0):
            near = _nearness(asked.numbers[shared], number) if shared == 0 else 1.0
            return OTHER_NUMBER + 0.2 * near, False, shared, asked.numbers[shared:]
        shared += 1
    tail = asked.numbers[shared:]
    if not tail:
        return 1.0, True, shared, ()
    # A house number on a road is a place of its own; a building, unit or room lies in what is listed.
    fits = shared > 0 or not (asked.is_road or listed.is_road)
    return (TAIL if fits else DEEPER * OTHER_NUMBER), fits, shared, tail


def _same(a: Number, b: Number, on_road: bool) -> bool:
    if a.value != b.value:
        return False
    if a.kind == b.kind or "" in (a.kind, b.kind):
        return True
    return not on_road and {a.kind, b.kind} == {"house", "building"}


def _nearness(a: Number, b: Number) -> float:
    one, other = _leading(a.value), _leading(b.value)
    return 0.0 if one is None or other is None else 1.0 / (1.0 + abs(one - other) / 4)


def _leading(value: str) -> int | None:
    figures = value.lstrip("甲乙丙丁附").split("-")[0].rstrip("abcdefghijklmnopqrstuvwxyz")
    return int(figures) if figures.isdecimal() and len(figures) <= LONGEST_NUMBER else None


def main_number(part: Part) -> int | None:
    """Give the first number of a part, for ordering.

    Parameters
    ----------
    part
        Of an address.

    Returns
    -------
    number
        None where it has none, or one that does not begin with figures, or has more of them than any house.
    """
    return _leading(part.numbers[0].value) if part.numbers else None


def distance(a: str, b: str, swapped: float = 1.0) -> float:
    """Count the single mistakes between two texts.

    Parameters
    ----------
    a, b
        Texts.
    swapped
        What two neighbours the wrong way round count.

    Returns
    -------
    mistakes
        Characters wrong, missing, too many, or two neighbours swapped (optimal string alignment).
    """
    before: list[float] = []
    above: list[float] = []
    row: list[float] = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        before, above, row = above, row, [i] + [0] * len(b)
        for j, right in enumerate(b, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                best = min(best, before[j - 2] + swapped)
            row[j] = best
    return row[-1]
