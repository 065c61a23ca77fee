"""A made-up gazetteer with real names of 2023 (Henan's communities), and what people type when they mean a place.

Communities keep their names, streets and districts. Estates, houses and crossings are invented from names of
other provinces. Positions mean nothing.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.places.intake import NewPlace
from tests.shared_data import shared

COMMUNITIES, ESTATES, ROADS = "41", "42", "43"
ENDINGS = ("社区居民委员会", "社区居委会", "居民委员会", "村民委员会", "居委会", "村委会")
ESTATE_ENDS = ("小区", "花园", "家园", "苑", "新城", "小区", "嘉园")
ROAD_ENDS = ("路", "街", "大道", "路", "巷")
Words = NDArray[np.str_]
FIGURES = "零一二三四五六七八九"


@dataclass(frozen=True)
class Listed:
    """A place of the gazetteer: `stem` is what of its name no rule leaves out."""

    place: NewPlace
    stem: str
    street: str
    district: str
    road: str = ""
    number: int = 0
    other: str = ""


def make(size: int, seed: int = 7) -> list[Listed]:
    """Make a gazetteer: half communities, a quarter estates, the rest houses and crossings."""
    rng = np.random.default_rng(seed)
    rows = _villages()
    streets = _names("streets.csv")
    areas = _names("areas.csv")
    own = [row for row in rows if row["code"].startswith(COMMUNITIES)]
    stems = {one: np.array(_stems(rows, one)) for one in (ESTATES, ROADS)}
    roads = np.array(
        [stem + str(rng.choice(ROAD_ENDS)) for stem in rng.choice(stems[ROADS], size // 25, replace=False)]
    )
    half = min(size // 2, len(own))
    made: list[Listed] = []
    for number, at in enumerate(rng.choice(len(own), half, replace=False).tolist()):
        row = own[at]
        made.append(_community(number, row["name"], streets[row["streetCode"]], areas[row["code"][:6]], rng))
    while len(made) < size:
        beside = made[int(rng.integers(half))]
        kind = rng.random()
        deed = _estate if kind < 0.55 else _house if kind < 0.95 else _crossing
        made.append(deed(len(made), beside, stems[ESTATES], roads, rng))
    return made


def _villages() -> list[dict[str, str]]:
    with gzip.open(shared("cn_admin_codes_2023", "villages.csv.gz"), "rt", encoding="utf-8") as lines:
        wanted = (COMMUNITIES, ESTATES, ROADS)
        return [row for row in csv.DictReader(lines) if row["code"][:2] in wanted]


def _names(file: str) -> dict[str, str]:
    with shared("cn_admin_codes_2023", file).open(encoding="utf-8") as lines:
        return {row["code"]: row["name"] for row in csv.DictReader(lines)}


def _stems(rows: list[dict[str, str]], province: str) -> list[str]:
    named = (stem_of(row["name"]) for row in rows if row["code"].startswith(province))
    return sorted({one for one in named if 2 <= len(one) <= 4 and not one.endswith(("路", "街", "村"))})


def stem_of(name: str) -> str:
    """Take the words for a community off a name."""
    bare = next((name.removesuffix(one) for one in ENDINGS if name.endswith(one)), name)
    for word in ("社区", "村"):
        if len(bare.removesuffix(word)) >= 2:
            bare = bare.removesuffix(word)
    return bare


def _spot(rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.uniform(112, 116)), float(rng.uniform(32, 36))


def _community(row: int, name: str, street: str, district: str, rng: np.random.Generator) -> Listed:
    place = NewPlace(row, name, (), "", "community", (district, street), *_spot(rng))
    return Listed(place, stem_of(name), street, district)


def _estate(row: int, beside: Listed, stems: Words, roads: Words, rng: np.random.Generator) -> Listed:
    stem, road, number = str(rng.choice(stems)), str(rng.choice(roads)), int(rng.integers(1, 400))
    name = stem + str(rng.choice(ESTATE_ENDS)) + ("二期" if rng.random() < 0.1 else "")
    alias = str(rng.choice(stems)) + str(rng.choice(("厂家属院", "公司宿舍", "局家属院")))
    regions = (beside.district, beside.street)
    place = NewPlace(row, name, (alias,), f"{road}{number}号", "estate", regions, *_spot(rng))
    return Listed(place, name.removesuffix("小区"), *regions[::-1], road, number, alias)


def _house(row: int, beside: Listed, stems: Words, roads: Words, rng: np.random.Generator) -> Listed:
    road, number = str(rng.choice(roads)), int(rng.integers(1, 400))
    regions = (beside.district, beside.street)
    place = NewPlace(row, f"{road}{number}号", (), "", "house", regions, *_spot(rng))
    return Listed(place, road, *regions[::-1], road, number)


def _crossing(row: int, beside: Listed, stems: Words, roads: Words, rng: np.random.Generator) -> Listed:
    one, other = (str(road) for road in rng.choice(roads, 2, replace=False))
    regions = (beside.district, beside.street)
    place = NewPlace(row, f"{one}与{other}交叉口", (), "", "crossing", regions, *_spot(rng))
    return Listed(place, one, *regions[::-1], one, 0, other)


class Typist:
    """Types what people type when they mean a place."""

    def __init__(self, gazetteer: list[Listed], seed: int = 11) -> None:
        self.rng = np.random.default_rng(seed)
        self.counts = Counter(one.place.name for one in gazetteer) + Counter(one.stem for one in gazetteer)
        self.characters = np.array(
            sorted({char for one in gazetteer for char in one.stem if not char.isascii()})
        )

    def all_of(self, one: Listed) -> Iterator[tuple[str, str]]:
        """Give (kind of variant, text) for every way in which this place may be typed."""
        for kind, deed in VARIANTS.items():
            text = deed(self, one)
            if text is None:
                continue
            where = self._where(one)
            if kind in MISTAKES and not where and len(one.stem) < 4:
                yield f"{kind}, in a short name alone", text
                where = one.street
            yield kind, where + text

    def _where(self, one: Listed) -> str:
        """Say where the place is, as people do where its name alone does not tell."""
        alone = self.counts[one.place.name] < 2 and self.counts[one.stem] < 2 + (one.stem == one.place.name)
        chance = self.rng.random()
        if alone and not one.number and chance < 0.5:
            return ""
        return one.street if chance < 0.8 else one.district + one.street

    def wrong(self, text: str) -> str | None:
        """Type one character wrong, not a figure."""
        at = self._letter(text)
        return None if at is None else text[:at] + str(self.rng.choice(self.characters)) + text[at + 1 :]

    def missing(self, text: str) -> str | None:
        """Leave one character out, of at least three."""
        at = self._letter(text)
        return None if at is None or len(text) < 3 else text[:at] + text[at + 1 :]

    def extra(self, text: str) -> str | None:
        """Type one character too many."""
        at = int(self.rng.integers(len(text) + 1))
        return text[:at] + str(self.rng.choice(self.characters)) + text[at:]

    def swapped(self, text: str) -> str | None:
        """Type two neighbours the wrong way round."""
        at = int(self.rng.integers(max(1, len(text) - 1)))
        turned = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        return turned if turned != text else None

    def _letter(self, text: str) -> int | None:
        letters = [at for at, char in enumerate(text) if char not in FIGURES and not char.isdigit()]
        return letters[int(self.rng.integers(len(letters)))] if letters else None


def chinese(number: int) -> str:
    """Write 1 … 999 in Chinese characters."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = FIGURES[hundreds] + "百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else FIGURES[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (FIGURES[ones] if ones else "")


def _tail(one: Listed) -> str:
    """Give what stands behind the name: the number of a house, nothing else."""
    return f"{one.number}号" if one.place.kind == "house" else ""


def _rest(one: Listed) -> str:
    """Give what of the name stands behind its stem."""
    return one.place.name.removeprefix(one.stem)


def _mistaken(deed: Callable[[Typist, str], str | None]) -> Callable[[Typist, Listed], str | None]:
    def typed(typist: Typist, one: Listed) -> str | None:
        if one.place.kind == "crossing":
            return None
        made = deed(typist, one.stem)
        # A mistake that makes the name of another place is no mistake that anybody could see.
        return None if made is None or typist.counts[made] else made + (_tail(one) or _short(one))

    return typed


def _short(one: Listed) -> str:
    """Give the word for its kind as people say it: 社区 for 社区居民委员会."""
    rest = _rest(one)
    for official, said in (("社区", "社区"), ("居", "社区"), ("村", "村")):
        if rest.startswith(official):
            return said
    return rest


def _figures(typist: Typist, one: Listed) -> str | None:
    if one.place.kind == "house":
        return f"{one.road}{chinese(one.number)}号"
    turned = one.place.name.translate(str.maketrans("一二三四五六七八九", "123456789"))
    return turned if turned != one.place.name and "十" not in turned else None


def _within(form: str) -> Callable[[Typist, Listed], str | None]:
    def typed(typist: Typist, one: Listed) -> str | None:
        b, u, r = (int(typist.rng.integers(1, most)) for most in (30, 6, 1200))
        tail = form.format(b=b, u=u, r=r, bc=chinese(b))
        return one.place.name + tail if one.place.kind == "estate" else None

    return typed


def _wide(typist: Typist, one: Listed) -> str:
    wide = "".join(chr(ord(char) + 0xFEE0) if char.isascii() else char for char in one.place.name)
    return wide[:2] + "　" + wide[2:]


def _only(kind: str, deed: Callable[[Typist, Listed], str]) -> Callable[[Typist, Listed], str | None]:
    return lambda typist, one: deed(typist, one) if one.place.kind == kind else None


def _said(typist: Typist, one: Listed) -> str | None:
    return None if one.place.kind == "crossing" else one.stem + (_tail(one) or _short(one))


VARIANTS: dict[str, Callable[[Typist, Listed], str | None]] = {
    "as listed": lambda typist, one: one.place.name,
    "as people say it": _said,
    "word for the kind left out": _only("community", lambda typist, one: one.stem),
    "figures the other way": _figures,
    "full width and blanks": _wide,
    "3号楼2单元501室": _within("{b}号楼{u}单元{r}室"),
    "三栋2-501": _within("{bc}栋{u}-{r}"),
    "3-2-501": _within("{b}-{u}-{r}"),
    "name with its address": _only("estate", lambda typist, one: f"{one.road}{one.number}号{one.place.name}"),
    "house with a unit": _only(
        "house", lambda typist, one: f"{one.place.name}{typist.rng.integers(1, 9)}单元"
    ),
    "alias": _only("estate", lambda typist, one: one.other),
    "crossing the other way": _only("crossing", lambda typist, one: f"{one.other}{one.road}路口"),
    "one character wrong": _mistaken(Typist.wrong),
    "one character missing": _mistaken(Typist.missing),
    "one character too many": _mistaken(Typist.extra),
    "two characters swapped": _mistaken(Typist.swapped),
}
MISTAKES = (
    "one character wrong",
    "one character missing",
    "one character too many",
    "two characters swapped",
)
HOPELESS = ", in a short name alone"
