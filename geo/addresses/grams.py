"""Pieces of names by which a database finds them again in spite of mistakes."""

from collections.abc import Iterable

from geo.addresses.reading import Reading
from geo.addresses.rules import Rules

WHOLE = "="
NUMBERED = "#"
BEGIN = "^"
WITHIN = "|"
MIXED = "~"  # the characters of a short name in any order
LONGEST_MIXED = 5
HEAVY = 6.0


def grams(reading: Reading, rules: Rules, regions: Iterable[str]) -> dict[str, float]:
    """Cut a reading into pieces.

    Parameters
    ----------
    reading
        Of a place's text, or of a question.
    rules
        Of the language.
    regions
        Where it lies: a region with one character is a piece too, so that a short name with a mistake in
        it is found.

    Returns
    -------
    pieces
        Each with its weight. ``=name`` and ``=name#number`` are whole names, the others overlap.
    """
    found: dict[str, float] = {}
    for part in reading.parts:
        for name in {part.stem, part.core}:
            found[WHOLE + name] = HEAVY
            if part.numbers:
                found[f"{WHOLE}{name}{NUMBERED}{part.numbers[0].value}"] = HEAVY
        pieces = _of_characters(part.core, regions) if rules.is_han else _of_words(part.core)
        for piece in pieces:
            found.setdefault(piece, 1.0)
    return found


def _of_characters(core: str, regions: Iterable[str]) -> list[str]:
    pairs = [core[i : i + 2] for i in range(len(core) - 1)]
    around = [f"{core[i]}_{core[i + 2]}" for i in range(len(core) - 2)]
    placed = [f"{region}{WITHIN}{char}" for region in regions for char in dict.fromkeys(core)]
    mixed = [MIXED + "".join(sorted(core))] if 2 <= len(core) <= LONGEST_MIXED else []
    return [BEGIN + core[0], *pairs, *around, *placed, *mixed]


def _of_words(core: str) -> list[str]:
    return [
        padded[i : i + 3]
        for word in core.split()
        for padded in (f" {word} ",)
        for i in range(len(padded) - 2)
    ]
