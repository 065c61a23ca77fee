"""Texts of places made comparable by the city's rules, and cut into the pieces they are found by."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from geo.addresses import Reading, Regions, Rules, clean, grams, main_number, read

REGIONS_KEPT = 6


@dataclass(frozen=True, slots=True)
class Indexed:
    """What is kept beside a place so that it is found."""

    regions: tuple[str, ...]
    number: int | None
    identity: str
    grams: tuple[str, ...]


def texts_of(name: str, aliases: Iterable[str], address: str) -> list[tuple[str, str]]:
    """List what a place is called, each with the field it comes from."""
    given = [("name", name), *(("alias", one) for one in aliases), ("address", address)]
    return [(field, text) for field, text in given if text]


def index(
    rules: Rules, known: Regions, texts: list[tuple[str, str]], lies_in: Iterable[str], city: str
) -> Indexed:
    """Make what is kept beside a place; regions its texts begin with are added to those it lies in."""
    said = [
        name for _, text in texts for way in read(text, rules, known) for one in way.regions for name in one
    ]
    regions = tuple(one for one in dict.fromkeys((*lies_in, *said)) if one != city)[:REGIONS_KEPT]
    keys = [one for _, text in texts for one in keys_of(text, rules, (*regions, city))]
    pieces: dict[str, float] = {}
    for key in keys:
        pieces |= grams(key, rules, regions)
    numbers = (main_number(part) for key in keys for part in key.parts)
    name, address = texts[0][1], next((text for field, text in texts if field == "address"), "")
    return Indexed(
        regions,
        next((one for one in numbers if one is not None), None),
        f"{clean(name, rules)}\n{clean(address, rules)}",
        tuple(sorted(pieces)),
    )


@lru_cache(maxsize=50_000)
def keys_of(text: str, rules: Rules, regions: tuple[str, ...]) -> tuple[Reading, ...]:
    """Read one text of a place that lies in regions: the name after them, and the whole."""
    return tuple(read(text, rules, _regions(regions, rules)))


@lru_cache(maxsize=20_000)
def _regions(names: tuple[str, ...], rules: Rules) -> Regions:
    return Regions(names, rules)
