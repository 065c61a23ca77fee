"""The city profile: everything one country or city does its own way, as data with a fixed shape."""

import json
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from service.errors import NotFound

SHIPPED = Path(__file__).parent / "profiles"


class LevelProfile(BaseModel):
    """A level: its name in each language, how its codes look, how many characters of them name the parent."""

    code: str = Field(pattern=r"^[a-z][a-z_]*$")
    name: dict[str, str]
    code_pattern: str = ""
    parent_length: int = 0


class SchemeProfile(BaseModel):
    """A scheme: an independent hierarchy of levels, coarsest first."""

    code: str = Field(pattern=r"^[a-z][a-z_]*$")
    name: dict[str, str]
    levels: list[LevelProfile] = Field(min_length=1)


class Category(BaseModel):
    """A kind of problem that is reported."""

    code: str
    name: dict[str, str]


class Profile(BaseModel):
    """One city's way of doing things."""

    model_config = ConfigDict(frozen=True)

    name: dict[str, str]
    locale: str
    time_zone: str
    geographic_crs: str
    district_name: dict[str, str]
    first_district: dict[str, str] | None
    crs_choices: list[str]
    tolerance_m: float = Field(ge=0, le=1000)
    schemes: list[SchemeProfile] = Field(min_length=1)
    categories: list[Category] = []
    demo: bool = False
    addresses: str | None = None

    @property
    def address_rules(self) -> str:
        """Name the rules by which addresses are read (see `geo.addresses`): the locale's where none is named."""
        return self.addresses or self.locale.split("-")[0].split("_")[0]

    @property
    def can_be_demo(self) -> bool:
        """Tell whether the demo city fits: it has as many levels as the profile's first scheme."""
        from geo.synth import LEVELS  # loads much, and is asked once in a city's life

        return len(self.schemes[0].levels) == len(LEVELS)

    def as_demo(self) -> Self:
        """Give this profile for a demo city, which brings its own districts and categories."""
        from geo.synth import CATEGORIES

        known = {one.code for one in self.categories}
        added = [
            Category(code=one.code, name={"zh": one.zh, "en": one.en})
            for one in CATEGORIES
            if one.code not in known
        ]
        return self.model_copy(
            update={"demo": True, "first_district": None, "categories": [*self.categories, *added]}
        )


def shipped(name: str) -> Profile:
    """Read a profile that comes with Wangge, or one from a file. May raise NotFound."""
    path = SHIPPED / f"{name}.json"
    if not path.exists():
        path = Path(name)
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in SHIPPED.glob("*.json")))
        raise NotFound(f"There is no city profile {name!r}. Known: {known}, or the path of a JSON file.")
    return Profile.model_validate(json.loads(path.read_text("utf-8")))
