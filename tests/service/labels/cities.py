"""Editions made in memory, and a stand-in for what the database knows of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

import numpy as np
import shapely

from geo.locator import Locator
from service.assignment.maps import EditionKey, EditionMap, GridRow

SPACE = UUID(int=7)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def edition(
    shapes: dict[str, shapely.Geometry],
    *,
    names: dict[str, str] | None = None,
    parents: dict[str, str] | None = None,
    levels: tuple[str, ...] = ("community",),
    number: int = 1,
    district: str = "990101",
) -> EditionMap:
    """Make an edition of one or two levels; with two, `parents` gives the code above each shape's."""
    above = sorted(set((parents or {}).values()))
    grids = [
        GridRow(uuid5(SPACE, code), code, (names or {}).get(code, f"街道{code}"), levels[0], 0, (place,))
        for place, code in enumerate(above)
    ]
    owners, faces = [], []
    for code in sorted(shapes):
        up = grids[above.index(parents[code])].chain if parents else ()
        place = len(grids)
        name = (names or {}).get(code, f"社区{code}")
        grids.append(GridRow(uuid5(SPACE, code), code, name, levels[-1], len(levels) - 1, (*up, place)))
        for part in shapely.get_parts(shapes[code]):
            faces.append(part)
            owners.append(place)
    key = EditionKey(
        int(district[-2:]), district, f"区{district}", number, 1, uuid4(),
        FIRST + timedelta(days=100 * (number - 1)),
    )  # fmt: skip
    return EditionMap(
        key,
        tuple(grids),
        ("grid",) * len(faces),
        tuple((False, -1, grids[owner].code, grids[owner].id) for owner in owners),
        Locator.build(np.array(faces, dtype=object), np.array(owners)),
    )


@dataclass
class InMemory:
    """What `service.labels.editions.Editions` tells, for editions made by hand, oldest first by district."""

    listed: dict[int, list[EditionMap]]

    def __init__(self, *editions: EditionMap) -> None:
        self.listed = {}
        for one in editions:
            self.listed.setdefault(one.key.district_id, []).append(one)

    @property
    def current(self) -> dict[int, EditionMap]:
        return {place: several[-1] for place, several in self.listed.items()}

    def now(self) -> list[EditionMap]:
        return list(self.current.values())

    def changes(self) -> list[float]:
        return sorted({one.key.in_force_from.timestamp() for s in self.listed.values() for one in s[1:]})

    def at(self, epoch: float) -> list[EditionMap]:
        return [
            ([one for one in several if one.key.in_force_from.timestamp() <= epoch] or several[:1])[-1]
            for several in self.listed.values()
        ]

    def others(self, district_id: int) -> list[EditionMap]:
        return self.listed[district_id][-2::-1]


def squares(
    columns: int, rows: int, *, west=116.0, south=32.0, step=0.01, first=1, moved=0.0
) -> dict[str, shapely.Polygon]:
    """Cut a rectangle into squares; codes run from 001. `moved` shifts the inner vertical borders, degrees."""
    found = {}
    for row in range(rows):
        for column in range(columns):
            left = west + column * step + (moved if column else 0.0)
            right = west + (column + 1) * step + (moved if column < columns - 1 else 0.0)
            code = f"{first + row * columns + column:03d}"
            found[code] = shapely.box(left, south + row * step, right, south + (row + 1) * step)
    return found
