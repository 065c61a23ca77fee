"""How a language writes addresses, as data: words for kinds of places, numbers, streets and regions."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SHIPPED = ("zh", "plain")


@dataclass(frozen=True, slots=True)
class Rules:
    """One way of writing addresses.

    Attributes
    ----------
    is_han
        Written without spaces, character by character; otherwise in words.
    characters, words
        What is written in their place: variant characters, abbreviations.
    number_kinds
        Word beside a number → kind (``house building unit room lane floor group row``).
    only_before_numbers
        Of these words, those that stand in names too (五楼村): they end the address or another number follows.
    suffixes
        Endings of names with their kind, the longest first.
    roads
        Kinds along which houses are numbered.
    may_be_left_out
        Kinds that people leave out without meaning another place.
    regions
        Endings of names of regions, which people leave out.
    vague
        Words that say a place is only near what is named.
    crossing, between
        Words after and between the two streets of a crossing.
    """

    is_han: bool
    characters: dict[int, str]
    words: dict[str, str]
    number_kinds: dict[str, str]
    only_before_numbers: frozenset[str]
    suffixes: tuple[tuple[str, str], ...]
    roads: frozenset[str]
    may_be_left_out: frozenset[str]
    regions: tuple[str, ...]
    vague: tuple[str, ...]
    crossing: tuple[str, ...]
    between: tuple[str, ...]

    def __hash__(self) -> int:
        return id(self)


@cache
def rules(name: str) -> Rules:
    """Give the rules of a name.

    Parameters
    ----------
    name
        ``zh`` for Chinese, ``plain`` for addresses in words; anything else counts as ``plain``.

    Returns
    -------
    rules
        The same object for the same name.
    """
    known = name if name in SHIPPED else "plain"
    given: dict[str, Any] = json.loads((FOLDER / f"{known}.json").read_text("utf-8"))
    kinds: dict[str, list[str]] = given.get("kinds") or {road: [road] for road in given["roads"]}
    endings = [(ending, kind) for kind, listed in kinds.items() for ending in listed]
    return Rules(
        is_han=given["script"] == "han",
        characters=str.maketrans(given.get("characters", {})),
        words=given.get("words", {}),
        number_kinds=given["number_kinds"],
        only_before_numbers=frozenset(given.get("only_before_numbers", ())),
        suffixes=tuple(sorted(endings, key=lambda pair: -len(pair[0]))),
        roads=frozenset(given["roads"]),
        may_be_left_out=frozenset(given["may_be_left_out"]),
        regions=longest_first(given.get("regions", ())),
        vague=longest_first(given["vague"]),
        crossing=longest_first(given["crossing"]),
        between=longest_first(given["between"]),
    )


def longest_first(words: Iterable[str]) -> tuple[str, ...]:
    """Order words so that a longer one is tried before its own beginning."""
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def any_of(words: Iterable[str]) -> str:
    """Write a pattern that matches any of the words, the longest first."""
    return "(?:" + "|".join(re.escape(word) for word in longest_first(words)) + ")"
