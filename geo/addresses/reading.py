"""What an address says: the regions it begins with, then parts, each a name with its numbers."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from geo.addresses.numerals import digits
from geo.addresses.rules import Rules, any_of

LONGEST = 200
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−－~～", "-"))
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_HAN_NOISE = re.compile(r"[^\w&#-]|_")
_WORD_NOISE = re.compile(r"[^\w,&#/-]|_")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of an address; `kind` is empty where the address does not say it (3-2-501)."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """A name with its numbers: 文昌路123号, 锦绣小区3栋2单元.

    `core` is the name without the word for its kind, where enough of it is left; `is_road` says that houses
    are numbered along it, so that the first number is a place of its own.
    """

    stem: str
    core: str
    kind: str
    is_road: bool
    numbers: tuple[Number, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """An address as read. Each entry of `regions` lists the regions one name may mean."""

    regions: tuple[frozenset[str], ...]
    parts: tuple[Part, ...]
    is_vague: bool = False


class Regions:
    """Names of regions, to be recognised at the beginning of an address, also without their last word."""

    def __init__(self, names: Iterable[str], rules: Rules) -> None:
        """Take the names as they are written, in any order."""
        self._whole: dict[str, frozenset[str]] = {}
        self._bare: dict[str, frozenset[str]] = {}
        for name in names:
            written = clean(name, rules)
            self._add(self._whole, written, name)
            ending = next((one for one in rules.regions if written.endswith(one)), "")
            if ending and len(written) - len(ending) >= 2:
                self._add(self._bare, written.removesuffix(ending), name)
        self._longest = max(map(len, [*self._whole, *self._bare]), default=0)

    @staticmethod
    def _add(forms: dict[str, frozenset[str]], form: str, name: str) -> None:
        if len(form) >= 2:
            forms[form] = forms.get(form, frozenset()) | {name}

    def at_start(self, text: str) -> tuple[int, frozenset[str], bool]:
        """Give length and names of the longest region a text begins with, and whether it is written whole."""
        for length in range(min(self._longest, len(text)), 1, -1):
            form = text[:length]
            if form in self._whole:
                return length, self._whole[form], True
            if form in self._bare:
                return length, self._bare[form], False
        return 0, frozenset(), False


NOWHERE = frozenset[str]()


def clean(text: str, rules: Rules) -> str:
    """Write a text the one way: half width, lower case, digits, without blanks or ornaments.

    Parameters
    ----------
    text
        As people write it.
    rules
        Of the language.

    Returns
    -------
    text
        Of a Chinese address without any blank; of others with single blanks, parts kept apart by commas.
    """
    text = unicodedata.normalize("NFKC", text[:LONGEST]).casefold().translate(_DASHES)
    if rules.is_han:
        text = _between_pattern(rules).sub("&", text.translate(rules.characters))
        return digits(_HAN_NOISE.sub("", text))
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    listed = _WORD_NOISE.sub(" ", text.replace("'", "").replace("’", "").replace(",", " , ")).split()
    return " ".join(rules.words.get(word, word) for word in listed)


def read(text: str, rules: Rules, regions: Regions | None = None) -> list[Reading]:
    """Read an address.

    Parameters
    ----------
    text
        As people write it.
    rules
        Of the language.
    regions
        The regions it may begin with.

    Returns
    -------
    readings
        Ways to read it: with the regions taken off its beginning, and whole where that may be a name too.
        None has no parts; an address that says nothing has no reading.
    """
    written = clean(text, rules)
    if rules.is_han:
        ways = _ways(written, rules, regions)
        readings = [_read_han(rest, found, rules) for rest, found in ways]
    else:
        readings = [_read_words(written, rules, regions)]
    return [one for one in readings if one.parts]


def _ways(text: str, rules: Rules, regions: Regions | None) -> list[tuple[str, tuple[frozenset[str], ...]]]:
    ways: list[tuple[str, tuple[frozenset[str], ...]]] = []
    found: tuple[frozenset[str], ...] = ()
    while regions is not None:
        length, names, is_whole = regions.at_start(text)
        rest = text[length:]
        if length == 0 or not _may_stand_alone(rest, rules, is_whole):
            break
        if not is_whole:
            ways.append((text, found))  # it may be the beginning of a name
        text, found = rest, (*found, names)
    return [(text, found), *ways]


def _may_stand_alone(rest: str, rules: Rules, is_whole: bool) -> bool:
    """Tell whether something is named after a region was taken off."""
    if not rest or _number_pattern(rules).match(rest):
        return False
    bare = next((ending for ending, _ in rules.suffixes if rest.startswith(ending)), None)
    return bare is None or (is_whole and len(rest) > len(bare) and rest[len(bare)] not in "0123456789")


@cache
def _between_pattern(rules: Rules) -> re.Pattern[str]:
    return re.compile(any_of(rules.between))


@cache
def _number_pattern(rules: Rules) -> re.Pattern[str]:
    strict = rules.only_before_numbers
    free = any_of(set(rules.number_kinds) - strict)
    bound = rf"{any_of(strict)}(?=$|[\d甲乙丙丁附#-]|[a-z]{any_of(strict)})" if strict else "(?!)"
    value = r"[甲乙丙丁附]?\d+[a-z]?(?:-\d+[a-z]?)*"
    return re.compile(rf"第?(?:({value}|[a-z])({free}|{bound})|-?({value})$)")


@cache
def _crossing_pattern(rules: Rules) -> re.Pattern[str] | None:
    if not rules.crossing:
        return None
    road = "(.{1,10}?" + any_of(ending for ending, kind in rules.suffixes if kind in rules.roads) + ")"
    after = any_of(rules.crossing)
    return re.compile(rf"{road}(?:(?:&|和(?=[^路街道巷]{{2}}))?{road}{after}|&{road}(?:{after})?)")


def _read_han(text: str, regions: tuple[frozenset[str], ...], rules: Rules) -> Reading:
    text, is_vague = _take_vague(text, rules)
    pattern = _crossing_pattern(rules)
    crossing = pattern.fullmatch(text) if pattern else None
    if crossing:
        streets = "&".join(sorted(one for one in crossing.groups() if one))
        return Reading(regions, (Part(streets, streets, "crossing", False),), is_vague)
    parts: list[Part] = []
    numbers: list[Number] = []
    stem, end = "", 0
    for found in _number_pattern(rules).finditer(text):
        between = text[end : found.start()].strip("-&")
        if between:
            parts += _part(stem, numbers, rules)
            stem, numbers = between, []
        numbers += _numbers(*found.groups(), rules)
        end = found.end()
    rest = text[end:].strip("-&#")
    if rest:
        parts += _part(stem, numbers, rules)
        stem, numbers = rest, []
    return Reading(regions, (*parts, *_part(stem, numbers, rules)), is_vague)


def _take_vague(text: str, rules: Rules) -> tuple[str, bool]:
    if not text.endswith(rules.vague):
        return text, False
    for word in rules.vague:
        if text.endswith(word) and len(text) > len(word) + 1:
            return text.removesuffix(word), True
    return text, False


def _numbers(value: str | None, word: str | None, bare: str | None, rules: Rules) -> list[Number]:
    if value is not None and word is not None:
        return [Number(rules.number_kinds[word], value)]
    return [Number("", one) for one in (bare or "").split("-")]


def _part(stem: str, numbers: list[Number], rules: Rules) -> list[Part]:
    if not stem:
        return []
    core, kind = _core(stem, rules)
    return [Part(stem, core, kind, kind in rules.roads, tuple(numbers))]


def _core(stem: str, rules: Rules) -> tuple[str, str]:
    """Take the words for its kind off a name, as long as two characters stay: 王庄村村委会 → 王庄."""
    core, kind = stem, ""
    while True:
        found = next(
            ((ending, one) for ending, one in rules.suffixes if core.endswith(ending) and kind in ("", one)),
            None,
        )
        if found is None:
            return core, kind
        kind = found[1]
        left = core.removesuffix(found[0]).strip()
        if len(left) < 2:
            return core, kind
        core = left


def _read_words(text: str, rules: Rules, regions: Regions | None) -> Reading:
    found: list[frozenset[str]] = []
    parts: list[Part] = []
    is_vague = False
    for piece in text.split(","):
        words = piece.split()
        length, names, _ = regions.at_start(" ".join(words)) if regions and words else (0, NOWHERE, False)
        if parts and length and length == len(" ".join(words)):
            found.append(names)
            continue
        stem: list[str] = []
        numbers: list[Number] = []
        kind = ""
        for word in words:
            if word[0].isdigit() and not _ORDINAL.fullmatch(word):
                numbers.append(Number(kind or "house", word))
                kind = ""
            elif word in rules.number_kinds:
                kind = rules.number_kinds[word]
            elif word in rules.vague:
                is_vague = True
            elif word not in ("&", "#", "-", "/"):
                stem.append(word)
        parts += _part(" ".join(stem), numbers, rules)
        if not stem and numbers and parts:  # a room or building, written behind a comma
            last = parts.pop()
            parts.append(Part(last.stem, last.core, last.kind, last.is_road, (*last.numbers, *numbers)))
    return Reading(tuple(found), tuple(parts), is_vague)
