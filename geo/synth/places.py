"""A list of places of a demo city: what its yards are called, other names some have, addresses along the roads."""

import re
from collections.abc import Iterator

import numpy as np
import shapely

from geo.measure import metres_per_degree
from geo.synth.naming import EMPLOYERS
from geo.synth.records import City, DemoGrid, DemoPlace

PLOT_M = 14.0  # a house number for so many metres of road on each side
ALIASED = 0.3
KINDS = {
    "estate": "小区",
    "lane": "院落",
    "school": "学校",
    "market": "市场",
    "hospital": "医院",
    "village": "村组",
    "factory": "企业",
    "office": "单位",
}
COLUMNS = ("名称", "别名", "地址", "类型", "区县", "经度", "纬度")
_COURT = re.compile(r"(.+?)(\d+)号院")
_NO_ADDRESS = ("field", "idle")


def places_of(city: City) -> list[DemoPlace]:
    """List the yards of a city as places.

    Parameters
    ----------
    city
        From `make_city`.

    Returns
    -------
    places
        In the order of the yards' codes. No address is given out twice, but yards may be named after the same
        house; fields and building sites have none.
    """
    yards = city.layers["yard"]
    spots = shapely.point_on_surface([yard.geometry for yard in yards])
    rng = np.random.default_rng([city.seed, 61])
    taken = {found.groups() for yard in yards if (found := _COURT.fullmatch(yard.name))}
    used = {(road, int(number)) for road, number in taken}
    addresses = _addresses(city, yards, spots, used)
    aliases = _aliases(yards, rng)
    districts = {one.code: one.name for one in city.districts}
    return [
        DemoPlace(
            yard.name, alias, address, KINDS.get(yard.use, "地名"), districts[yard.district], spot.x, spot.y
        )
        for yard, alias, address, spot in zip(yards, aliases, addresses, spots, strict=True)
    ]


def place_rows(city: City) -> list[dict[str, str | float]]:
    """Give the places as rows of a spreadsheet with the keys `COLUMNS`."""
    return [dict(zip(COLUMNS, place, strict=True)) for place in places_of(city)]


def _addresses(
    city: City, yards: list[DemoGrid], spots: np.ndarray, used: set[tuple[str, int]]
) -> Iterator[str]:
    named = [road for road in city.roads if road.name and not road.name.isascii()]
    lines = np.array([road.geometry for road in named], dtype=object)
    near = shapely.STRtree(lines).query_nearest(spots, all_matches=False)[1]
    for yard, spot, at in zip(yards, spots, near.tolist(), strict=True):
        court = _COURT.fullmatch(yard.name)
        if court:
            yield yard.name.removesuffix("院")
        elif yard.use in _NO_ADDRESS:
            yield ""
        else:
            number = _number(named[at].geometry, spot)
            while (named[at].name, number) in used:
                number += 2
            used.add((named[at].name, number))
            yield f"{named[at].name}{number}号"


def _number(line: shapely.LineString, spot: shapely.Point) -> int:
    """Count along the road, even numbers on its left."""
    along = line.project(spot)
    metres = along * float(metres_per_degree(spot.y)[1])
    here, beyond = line.interpolate(along), line.interpolate(along + 1e-6)
    left = (beyond.x - here.x) * (spot.y - here.y) - (beyond.y - here.y) * (spot.x - here.x) > 0
    return 2 * int(metres / PLOT_M) + (2 if left else 1)


def _aliases(yards: list[DemoGrid], rng: np.random.Generator) -> list[str]:
    """Give some estates the name of the employer who once built them."""
    names = {yard.name for yard in yards}
    given: list[str] = []
    for yard in yards:
        alias = ""
        if yard.use == "estate" and rng.random() < ALIASED:
            employer = EMPLOYERS[int(rng.integers(len(EMPLOYERS)))]
            alias = f"{yard.name[:2]}{employer}宿舍"
        given.append(alias if alias not in names else "")
        names.add(alias)
    return given
