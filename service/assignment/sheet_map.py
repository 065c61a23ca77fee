"""The map of a sheet as SVG: who answers here, who is next to it, the point, how exact it is, how far the border.

Only presentation attributes: pages forbid inline styles, and the printed sheet knows no style sheet of pages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from uuid import UUID

import shapely

from service.assignment.sheet_ground import Frame, GridHere, Ground, Patch

LAND, PUBLIC, GAP = "#f3f2ee", "#ffffff", "#e9e9e7"
SELECTED, PLUM, INK = "#125a96", "#a0245f", "#1c232a"
BACKDROP = {
    "parks": 'fill="#dfe8d8"',
    "water": 'fill="#cbdde8"',
    "buildings": 'fill="#e0ddd6"',
    "tracks": 'fill="none" stroke="#c9c5bb" stroke-width="1"',
}
# Width and colour of border lines, from the finest level up; coarser ones look like the last.
LINES = ((0.8, "#8b93a1", 0.0), (1.6, "#5f6ca8", 4.0), (3.0, "#3d3a78", 6.5))
LABELS = ((12, "#4a525a", 400), (13, "#46518a", 700), (16, "#3d3a78", 700))
LABELS_AT_MOST = 24
SMALLEST_LABELLED_PX = 500.0
BAR_LENGTHS_M = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


Levels = list[tuple[int, dict[UUID, shapely.Geometry]]]  # from the finest: its place, the ground of its grids


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked on the ground: the answering grid, the neighbours asked about, the ruling's area."""

    grid_id: UUID | None
    accuracy_m: float | None
    has_distance: bool
    neighbours: tuple[str, ...] = ()  # codes, the likeliest first
    ruling: shapely.Polygon | None = None  # lon/lat


@dataclass(frozen=True, slots=True)
class Words:
    """The few words on the map."""

    title: str
    north: str
    metres: str
    kilometres: str


def frame_around(lon: float, lat: float, reach_m: float, height: float) -> Frame:
    """Choose a frame, so many pixels high, that shows what lies within a reach and something around it."""
    return Frame(lon, lat, min(max(1.6 * reach_m, 120.0), 2500.0), height=height)


def draw(ground: Ground, marks: Marks, words: Words) -> str:
    """Draw the map."""
    frame = ground.frame
    levels = [(position, _united(ground, position)) for position in _positions(ground)]
    parts = [
        f'<rect width="{_n(frame.width)}" height="{_n(frame.height)}" fill="#fff"/>',
        *_faces(ground.patches),
        *_backdrop(ground),
        *_borders(levels),
        *_selected(ground, marks),
        *_ruling(frame, marks),
        *_point(ground, marks),
        *_labels(ground, marks, levels),
        _scale(frame, words),
        _north(words),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(frame.width)} {_n(frame.height)}" '
        f'role="img" aria-label="{escape(words.title)}"><defs><clipPath id="map-frame">'
        f'<rect width="{_n(frame.width)}" height="{_n(frame.height)}"/></clipPath></defs>'
        f'<g clip-path="url(#map-frame)">{"".join(parts)}</g></svg>'
    )


def _faces(patches: Iterable[Patch]) -> list[str]:
    colours = {"grid": LAND, "public": PUBLIC, "gap": GAP}
    return [
        f'<path fill="{colours[kind]}" fill-rule="evenodd" d="{data}"/>'
        for kind in colours
        if (data := _path(one.shape for one in patches if one.kind == kind))
    ]


def _backdrop(ground: Ground) -> list[str]:
    return [
        f'<path {look} d="{data}"/>'
        for layer, look in BACKDROP.items()
        if (data := _path(shape for one, _, shape in ground.backdrop if one == layer))
    ]


def _positions(ground: Ground) -> list[int]:
    return sorted({one.position for one in ground.grids.values()}, reverse=True)


def _borders(levels: Levels) -> list[str]:
    """Draw the outlines of each level, the finest first, coarser ones over a white halo."""
    drawn = []
    for place, (_, shapes) in enumerate(levels):
        width, colour, halo = LINES[min(place, len(LINES) - 1)]
        data = _path(shape.boundary for shape in shapes.values())
        if halo:
            drawn.append(_line(data, "#fff", halo, ' stroke-opacity="0.8"'))
        drawn.append(_line(data, colour, width))
    return drawn


def _united(ground: Ground, position: int) -> dict[UUID, shapely.Geometry]:
    """Unite the patches of each grid of a level."""
    parts: dict[UUID, list[shapely.Geometry]] = {}
    for patch in ground.patches:
        if patch.grid_id is None or patch.kind == "gap":
            continue
        for one in ground.grids[patch.grid_id].chain:
            if ground.grids[one].position == position:
                parts.setdefault(one, []).append(patch.shape)
    return {one: shapely.coverage_union_all(shapes) for one, shapes in parts.items()}


def _own(ground: Ground, grid_id: UUID | None) -> shapely.Geometry | None:
    """Give the ground for which a grid itself answers, as far as the picture shows it."""
    shapes = [one.shape for one in ground.patches if one.grid_id == grid_id and grid_id is not None]
    return shapely.coverage_union_all(shapes) if shapes else None


def _selected(ground: Ground, marks: Marks) -> list[str]:
    own = _own(ground, marks.grid_id)
    if own is None:
        return []
    data = _path([own])
    return [
        f'<path fill="{SELECTED}" fill-opacity="0.14" fill-rule="evenodd" d="{data}"/>',
        _line(data, SELECTED, 2.6),
    ]


def _ruling(frame: Frame, marks: Marks) -> list[str]:
    if marks.ruling is None:
        return []
    data = _path(frame.drawn([marks.ruling]))
    return [
        f'<path fill="{PLUM}" fill-opacity="0.08" stroke="{PLUM}" stroke-width="1.6" '
        f'stroke-dasharray="6 3" d="{data}"/>'
    ]


def _point(ground: Ground, marks: Marks) -> list[str]:
    frame = ground.frame
    x, y = frame.width / 2, frame.height / 2
    drawn = []
    if marks.accuracy_m:
        radius = marks.accuracy_m * frame.pixels_per_m
        drawn.append(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{SELECTED}" fill-opacity="0.1" '
            f'stroke="{SELECTED}" stroke-width="1.2" stroke-dasharray="3 3"/>'
        )
    own = _own(ground, marks.grid_id)
    if marks.has_distance and own is not None:
        end = shapely.shortest_line(shapely.Point(x, y), own.boundary)
        drawn.append(_line(_path([end]), INK, 1.6))
    drawn.append(
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="5.5" fill="{SELECTED}" stroke="#fff" stroke-width="2.2"/>'
    )
    return drawn


def _labels(ground: Ground, marks: Marks, levels: Levels) -> list[str]:
    """Write names where they fit: the answering grid, coarse grids, likely neighbours, then the largest."""
    frame = ground.frame
    view = shapely.box(4, 4, frame.width - 4, frame.height - 4)
    middle = shapely.Point(frame.width / 2, frame.height / 2).buffer(11)
    taken = [middle.envelope, shapely.box(frame.width - 175, frame.height - 36, frame.width, frame.height)]
    taken.append(shapely.box(frame.width - 40, 0, frame.width, 52))
    drawn: list[str] = []
    for grid, shape, depth in _worth_naming(ground, marks, levels, view):
        if len(drawn) >= LABELS_AT_MOST:
            break
        size, colour, weight = LABELS[min(depth, len(LABELS) - 1)]
        if grid.id == marks.grid_id:
            size, colour, weight = 14, "#0c4474", 700
        box = _place(shape, _width(grid.name, size), size * 1.25, view, taken)
        if box is not None:
            taken.append(box)
            drawn.append(_text(grid.name, box, size, colour, weight))
    return drawn


def _worth_naming(
    ground: Ground, marks: Marks, levels: Levels, view: shapely.Polygon
) -> list[tuple[GridHere, shapely.Geometry, int]]:
    likely = {code: place for place, code in enumerate(marks.neighbours)}
    found = []
    for depth, (_, shapes) in enumerate(levels):
        for grid_id, whole in shapes.items():
            grid, shape = ground.grids[grid_id], shapely.intersection(whole, view)
            is_marked = grid_id == marks.grid_id or grid.code in likely
            if shape.area < SMALLEST_LABELLED_PX and not is_marked:
                continue
            rank = (grid_id != marks.grid_id, likely.get(grid.code, 99), -depth, -shape.area, grid.code)
            found.append((rank, grid, shape, depth))
    found.sort(key=lambda one: one[0])
    return [(grid, shape, depth) for _, grid, shape, depth in found]


def _place(
    shape: shapely.Geometry,
    width: float,
    height: float,
    view: shapely.Polygon,
    taken: Sequence[shapely.Polygon],
) -> shapely.Polygon | None:
    """Find room for a name: the roomiest spot of its ground, or a little beside that."""
    parts = [one for one in shapely.get_parts(shape) if one.geom_type == "Polygon" and one.area > 1]
    if not parts:
        return None
    largest = max(parts, key=lambda one: one.area)
    x, y = shapely.maximum_inscribed_circle(largest, tolerance=2.0).coords[0]
    for up in (0.0, 18.0, -18.0, 34.0, -34.0, 50.0, -50.0):
        box = shapely.box(x - width / 2, y + up - height / 2, x + width / 2, y + up + height / 2)
        is_here = view.contains(box) and largest.intersects(shapely.Point(x, y + up))
        if is_here and not any(box.intersects(one) for one in taken):
            return box
    return None


def _text(name: str, box: shapely.Polygon, size: float, colour: str, weight: int) -> str:
    x, y = box.centroid.x, box.centroid.y + size * 0.36
    common = f'x="{_n(x)}" y="{_n(y)}" text-anchor="middle" font-size="{size}" font-weight="{weight}"'
    said = escape(name)
    return (
        f'<text {common} fill="#fff" stroke="#fff" stroke-width="3" stroke-linejoin="round" '
        f'aria-hidden="true">{said}</text><text {common} fill="{colour}">{said}</text>'
    )


def _width(name: str, size: float) -> float:
    return sum(size if ord(one) > 0x2E80 else size * 0.58 for one in name) + 4


def _scale(frame: Frame, words: Words) -> str:
    length = max(one for one in BAR_LENGTHS_M if one == 5 or one * frame.pixels_per_m <= 150)
    pixels = length * frame.pixels_per_m
    said = f"{length} {words.metres}" if length < 1000 else f"{length // 1000} {words.kilometres}"
    x, y = frame.width - 16 - pixels, frame.height - 12
    return (
        f'<rect x="{_n(x - 8)}" y="{_n(y - 22)}" width="{_n(pixels + 16)}" height="28" fill="#fff" '
        f'fill-opacity="0.8"/><path fill="none" stroke="{INK}" stroke-width="1.5" '
        f'd="M{_n(x)} {_n(y - 5)}V{_n(y)}H{_n(x + pixels)}V{_n(y - 5)}"/>'
        f'<text x="{_n(x + pixels / 2)}" y="{_n(y - 7)}" text-anchor="middle" font-size="11" '
        f'fill="{INK}">{escape(said)}</text>'
    )


def _north(words: Words) -> str:
    return (
        f'<g transform="translate(656 12)"><path fill="{INK}" d="M0 0L7 22L0 17L-7 22Z"/>'
        f'<text x="0" y="35" text-anchor="middle" font-size="11" fill="{INK}">{escape(words.north)}</text></g>'
    )


def _line(data: str, colour: str, width: float, more: str = "") -> str:
    return f'<path fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"{more} d="{data}"/>'


def _path(shapes: Iterable[shapely.Geometry]) -> str:
    """Write polygons and lines as path data, a tenth of a pixel fine."""
    pieces = []
    for shape in shapes:
        for part in _simple(shape):
            for ring in [part] if part.geom_type != "Polygon" else [part.exterior, *part.interiors]:
                points = [f"{_n(x)} {_n(y)}" for x, y in ring.coords]
                closes = part.geom_type == "Polygon"
                pieces.append(f"M{'L'.join(points[:-1] if closes else points)}{'Z' if closes else ''}")
    return "".join(pieces)


def _simple(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """List the polygons and lines of a geometry, however it is nested."""
    if shape.is_empty or shape.geom_type == "Point":
        return []
    if shape.geom_type in ("Polygon", "LineString", "LinearRing"):
        return [shape]
    return [one for part in shapely.get_parts(shape) for one in _simple(part)]


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
