"""What a demo city consists of, as callers see it: districts, grids, gaps, posts, and a backdrop to draw."""

from dataclasses import dataclass, field
from typing import NamedTuple

from shapely import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

LEVELS = ("subdistrict", "community", "yard")
# Lines: relief (contours), roads and rail; polygons: the others.
BACKDROP_LAYERS = ("fields", "relief", "parks", "water", "roads", "rail", "buildings")


@dataclass(frozen=True, slots=True)
class DemoDistrict:
    """A district: six-digit code from the range 99xxxx, which was never given out, names and outline."""

    code: str
    name: str
    name_en: str
    outline: Polygon | MultiPolygon


@dataclass(frozen=True, slots=True)
class DemoGrid:
    """A grid of one level.

    Attributes
    ----------
    level
        ``subdistrict``, ``community`` or ``yard``.
    code, parent, district
        Own code (9, 12 or 15 digits), the code one level up, the code of the district.
    kind
        ``comprehensive`` or ``dedicated`` (a school, a market, a factory …).
    use
        What a yard is: estate, lane, village, field, school, market …; empty on the levels above.
    geometry
        Lon/lat degrees (EPSG:4490) on the lattice, counter-clockwise.
    """

    level: str
    code: str
    name: str
    parent: str
    district: str
    kind: str
    use: str
    households: int
    people: int
    geometry: Polygon


@dataclass(frozen=True, slots=True)
class DemoGap:
    """Ground declared to belong to no grid: kind (``river``, ``lake``, ``closed``), why, and who answers."""

    geometry: Polygon
    parent: str
    district: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class DemoPost:
    """Who answers for a grid: kind ``leader`` or ``member``; the persons and numbers are invented."""

    level: str
    code: str
    holder: str
    phone: str
    kind: str


class Department(NamedTuple):
    """Who handles which categories in a district."""

    district: str
    name: str
    categories: tuple[str, ...]


class Backdrop(NamedTuple):
    """Something to draw: the layer it belongs to, class, name (often empty), lon/lat geometry."""

    layer: str
    kind: str
    name: str
    geometry: BaseGeometry


class DemoPlace(NamedTuple):
    """A place as a city's list has it: name, another name or none, address or none, kind, district, lon/lat."""

    name: str
    alias: str
    address: str
    kind: str
    district: str
    lon: float
    lat: float


class Road(NamedTuple):
    """A road as reports need it: they happen within half its width of the middle line."""

    geometry: LineString
    kind: str
    name: str
    half_width_m: float


@dataclass(slots=True)
class City:
    """A fictional city; mark it 演示数据 wherever it is shown.

    Attributes
    ----------
    seed
        Equal seeds and sizes give equal cities.
    name
        By language, ``zh`` and ``en``.
    districts
        In the order of their codes.
    layers
        Grids by level (see `LEVELS`), in the order of their codes. Yards leave public ground between them;
        the other two levels are full outlines. Every level is a clean coverage, and borders that levels
        share, they share vertex for vertex.
    gaps
        Water and a closed site; none lies in a yard.
    backdrop
        What to draw, by layer in the order of drawing: see `BACKDROP_LAYERS`.
    leaders
        Who answers: leaders of all grids, members of sub-districts and communities.
    departments
        Who handles what.
    roads
        The roads of the backdrop with their widths.
    """

    seed: int
    name: dict[str, str]
    districts: list[DemoDistrict]
    layers: dict[str, list[DemoGrid]]
    gaps: list[DemoGap]
    backdrop: list[Backdrop] = field(repr=False)
    leaders: list[DemoPost] = field(repr=False)
    departments: list[Department]
    roads: list[Road] = field(repr=False)
