"""Who lives where and who answers: codes 6+3+3+3, names, households, people, posts, departments."""

from dataclasses import dataclass, field

import numpy as np
import shapely

from geo.synth.backdrop import RoadNet
from geo.synth.classes import DEDICATED, HOMES_PER_HA
from geo.synth.drawing import Drawing
from geo.synth.ground import YARD
from geo.synth.naming import DISTRICTS, OLD_TOWN, Names
from geo.synth.plane import Indices, Points, dissolve
from geo.synth.records import LEVELS, DemoDistrict, DemoGap, DemoGrid, DemoPost, Department

PEOPLE_PER_YARD = 300.0
# Nobody lives on more than this of a very large yard.
LARGEST_LIVED_IN_M2 = 45_000
NAMED_AFTER = ("main", "second", "collector", "local", "lane", "oldstreet", "oldmain", "ring")
REASONS = {"river": "河流水域", "lake": "湖泊水域", "closed": "封闭管理单位,不划入网格"}
MEMBERS = {"subdistrict": 1, "community": 2, "yard": 0}
DEPARTMENTS = (
    ("综合行政执法局", ("street_vending", "advert", "shed", "noise")),
    ("城市管理局环卫中心", ("litter", "dirty_road", "green")),
    ("公安分局交警大队", ("parking",)),
    ("住房和城乡建设局", ("manhole", "light")),
    ("水务局", ("water",)),
    ("卫生健康委员会", ("pest",)),
)


@dataclass(slots=True)
class Register:
    """Districts, grids by level, gaps; codes of the communities by number."""

    districts: list[DemoDistrict] = field(default_factory=list)
    layers: dict[str, list[DemoGrid]] = field(default_factory=lambda: {level: [] for level in LEVELS})
    gaps: list[DemoGap] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Codes:
    """Codes and names of the upper levels, by number."""

    district: list[str]
    sub: list[str]
    sub_name: list[str]
    community: list[str]
    community_name: list[str]


def enter(drawing: Drawing, roads: RoadNet, names: Names) -> Register:
    """Enter everything that is drawn, from the districts down to the yards."""
    households, people = _people(drawing, names.rng)
    codes = _codes(drawing, names)
    register = Register()
    _enter_yards(register, drawing, codes, _yard_names(drawing, roads, codes, names), households, people)
    _enter_upper(register, drawing, codes, households, people)
    register.gaps = [
        _gap(drawing.bent[k], codes.community[drawing.community[k]], use)
        for k, use in enumerate(drawing.plots.use.tolist())
        if drawing.plots.kind[k] != YARD
    ]
    for level in LEVELS:
        register.layers[level].sort(key=lambda grid: grid.code)
    return register


def _gap(geometry: shapely.Polygon, parent: str, use: str) -> DemoGap:
    return DemoGap(geometry, parent, parent[:6], use, REASONS[use])


def _people(drawing: Drawing, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Households and people of every plot; 300 people a yard over the whole city."""
    plots = drawing.plots
    area = shapely.area(plots.shape)
    low, high = np.array([HOMES_PER_HA.get(use, (0, 0)) for use in plots.use.tolist()], float).T
    homes = rng.uniform(low, high) * np.minimum(area, LARGEST_LIVED_IN_M2) / 1e4 * (plots.kind == YARD)
    size = rng.normal(2.7, 0.18, len(area)).clip(2.2, 3.4)
    wanted = PEOPLE_PER_YARD * (plots.kind == YARD).sum()
    households = np.round(homes * wanted / max((homes * size).sum(), 1)).astype(int)
    return households, np.round(households * size).astype(int)


def _codes(drawing: Drawing, names: Names) -> _Codes:
    of_sub, of_district = drawing.subdistrict, drawing.district
    communities = drawing.communities
    count = np.bincount(of_sub)
    urban = np.bincount(of_sub, communities.urban) > count / 2
    spot = np.column_stack([np.bincount(of_sub, communities.spot[:, k]) / count for k in (0, 1)])
    oldest = int(np.argmax(np.bincount(of_sub, communities.old)))
    district = [f"9901{k + 1:02d}" for k in range(int(of_district.max()) + 1)]
    sub = _numbered(district, of_district, urban, spot)
    ends = [("街道" if town else "镇" if names.rng.random() < 0.65 else "乡") for town in urban]
    sub_name = [names.fresh("sub", lambda end=end: names.stem() + end) for end in ends]
    sub_name[oldest] = OLD_TOWN
    community = _numbered(sub, of_sub, communities.urban, communities.spot)
    community_name = [
        names.fresh(s, lambda: names.stem() + "社区") if town else names.village(s)
        for s, town in zip(of_sub.tolist(), communities.urban, strict=True)
    ]
    return _Codes(district, sub, sub_name, community, community_name)


def _numbered(parents: list[str], parent: Indices, urban: Points, spot: Points) -> list[str]:
    """Codes with three digits more: in each parent town first, then from north to south."""
    codes, next_number = [""] * len(parent), dict.fromkeys(parents, 0)
    for k in np.lexsort((-spot[:, 1], ~urban)).tolist():
        code = parents[parent[k]]
        next_number[code] += 1
        codes[k] = f"{code}{next_number[code]:03d}"
    return codes


def _yard_names(drawing: Drawing, roads: RoadNet, codes: _Codes, names: Names) -> list[str]:
    plots = drawing.plots
    usable = np.isin(roads.kind, NAMED_AFTER) & (roads.name != "")
    tree = shapely.STRtree(roads.line[usable])
    near = tree.query_nearest(shapely.point_on_surface(plots.shape), all_matches=False)[1]
    road = roads.name[usable][near]
    return [
        names.yard(c, use, name, codes.community_name[c]) if kind == YARD else ""
        for c, use, name, kind in zip(
            drawing.community.tolist(), plots.use.tolist(), road.tolist(), plots.kind.tolist(), strict=True
        )
    ]


def _enter_yards(
    register: Register,
    drawing: Drawing,
    codes: _Codes,
    yard_names: list[str],
    households: Indices,
    people: Indices,
) -> None:
    number = dict.fromkeys(codes.community, 0)
    for k in np.flatnonzero(drawing.plots.kind == YARD).tolist():
        parent = codes.community[drawing.community[k]]
        number[parent] += 1
        use = str(drawing.plots.use[k])
        register.layers["yard"].append(
            DemoGrid(
                level="yard",
                code=f"{parent}{number[parent]:03d}",
                name=yard_names[k],
                parent=parent,
                district=parent[:6],
                kind="dedicated" if use in DEDICATED else "comprehensive",
                use=use,
                households=int(households[k]),
                people=int(people[k]),
                geometry=drawing.bent[k],
            )
        )


def _enter_upper(
    register: Register, drawing: Drawing, codes: _Codes, households: Indices, people: Indices
) -> None:
    of_sub, of_district = drawing.subdistrict, drawing.district
    outlines = drawing.outlines
    subdistricts = shapely.orient_polygons(dissolve(outlines, of_sub, len(codes.sub)))
    districts = shapely.orient_polygons(dissolve(subdistricts, of_district, len(codes.district)))
    for k, outline in enumerate(districts):
        register.districts.append(DemoDistrict(codes.district[k], *DISTRICTS[k % len(DISTRICTS)], outline))
    homes, heads = (
        np.bincount(drawing.community, n, len(outlines)).astype(int) for n in (households, people)
    )
    levels = (
        ("community", codes.community, codes.community_name, outlines, np.arange(len(outlines))),
        ("subdistrict", codes.sub, codes.sub_name, subdistricts, of_sub),
    )
    for level, code, name, geometry, owner in levels:
        level_homes, level_heads = (np.bincount(owner, n).astype(int).tolist() for n in (homes, heads))
        for k, outline in enumerate(geometry):
            register.layers[level].append(
                DemoGrid(
                    level=level,
                    code=code[k],
                    name=name[k],
                    parent=code[k][:-3],
                    district=code[k][:6],
                    kind="comprehensive",
                    use="",
                    households=level_homes[k],
                    people=level_heads[k],
                    geometry=outline,
                )
            )


def appoint(register: Register, names: Names) -> list[DemoPost]:
    """Appoint a leader for every grid, and members for sub-districts and communities."""
    return [
        DemoPost(level, grid.code, names.person(), names.phone(), kind)
        for level in LEVELS
        for grid in register.layers[level]
        for kind in ("leader", *["member"] * MEMBERS[level])
    ]


def departments(districts: list[DemoDistrict]) -> list[Department]:
    """Name the departments of every district and what each handles."""
    return [
        Department(d.code, d.name + name, categories) for d in districts for name, categories in DEPARTMENTS
    ]
