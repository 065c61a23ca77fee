"""A messy file, like the ones offices hand over, to try the import with: what is wrong in it is known."""

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from pyogrio import raw

from geo.crs import from_lonlat, parse_crs
from geo.synth.plane import Shapes
from geo.synth.records import City, DemoGrid

# CGCS2000, three degrees wide, about 117° E, without the number of the zone in front of the easting.
MESSY_CRS = "EPSG:4548"
STEM = "社区网格"
FIELDS = ("网格编码", "网格名称", "上级编码", "户数")
TOO_WIDE_M, HOLE_RADIUS_M = 2.5, 12.0
# Offices export centimetres.
DECIMALS = 2
DBF_DATE, DBF_LANGUAGE = slice(1, 4), 29
MADE_ON = bytes((126, 1, 1))


def messy_zip(city: City, path: Path) -> tuple[str, ...]:
    """Write the communities of one district as a zipped Shapefile that needs mending.

    Texts are GBK and nothing says so (no .cpg, no language byte); coordinates are metres of `MESSY_CRS` and
    nothing says that either (no .prj). The same city gives the same bytes.

    Parameters
    ----------
    city
        From `make_city`; the district with most communities is taken.
    path
        The ZIP to write.

    Returns
    -------
    faults
        What is wrong, in the order planted, as ``<fault> <code>``: ``no-prj``, ``no-cpg`` (without a code),
        ``overlap`` (drawn 2.5 m too wide), ``hole`` (a round piece is missing inside), ``invalid-geometry`` (crosses
        itself), ``duplicate-code`` (a second grid has it, too), ``no-name``, ``padded-code``.
    """
    grids = _largest_district(city)
    rows = [[g.code, g.name, g.parent, g.households] for g in grids]
    shapes = _projected(np.array([g.geometry for g in grids], dtype=object))
    faults = ["no-prj", "no-cpg"]
    targets = _apart(shapes, len(FAULTS))
    spare = _spare(grids, targets, targets[list(FAULTS).index("duplicate-code")])
    for (fault, spoil), k in zip(FAULTS.items(), targets, strict=True):
        faults.append(f"{fault} {grids[k].code}")
        spoil(rows, shapes, k, spare)
    _write(path, rows, shapes)
    return tuple(faults)


def _largest_district(city: City) -> list[DemoGrid]:
    by_district = {
        d.code: [g for g in city.layers["community"] if g.district == d.code] for d in city.districts
    }
    return max(by_district.values(), key=len)


def _projected(shapes: Shapes) -> Shapes:
    crs = parse_crs(MESSY_CRS)
    return shapely.transform(shapes, lambda lonlat: np.round(from_lonlat(lonlat, crs), DECIMALS))


def _apart(shapes: Shapes, wanted: int) -> list[int]:
    """Grids that do not touch each other, so that each fault can be told; others where there are too few."""
    touching = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    near = {k: set(touching[1][touching[0] == k].tolist()) for k in range(len(shapes))}
    chosen: list[int] = []
    for k in range(len(shapes)):
        if not near[k] & set(chosen):
            chosen.append(k)
    rest = [k for k in range(len(shapes)) if k not in chosen]
    return (chosen + rest)[:wanted]


def _spare(grids: list[DemoGrid], targets: list[int], twin: int) -> int:
    """A sound grid to get the code of another: under the same parent, so that the two are joined, not refused."""
    free = [k for k in range(len(grids)) if k not in targets]
    return next((k for k in free if grids[k].parent == grids[twin].parent), free[0])


Rows = list[list[str | int | None]]


def _too_wide(rows: Rows, shapes: Shapes, k: int, spare: int) -> None:
    shapes[k] = shapely.buffer(shapes[k], TOO_WIDE_M, join_style="mitre")


def _with_hole(rows: Rows, shapes: Shapes, k: int, spare: int) -> None:
    middle = shapely.point_on_surface(shapes[k])
    radius = min(HOLE_RADIUS_M, shapely.distance(middle, shapely.boundary(shapes[k])) / 2)
    shapes[k] = shapely.difference(shapes[k], shapely.buffer(middle, radius))


def _crossing_itself(rows: Rows, shapes: Shapes, k: int, spare: int) -> None:
    """Exchange two vertices of the border, the first pair that makes it cross."""
    ring = shapely.get_coordinates(shapely.get_exterior_ring(shapes[k]))
    for at in range(1, len(ring) - 3):
        crossed = ring.copy()
        crossed[[at, at + 2]] = crossed[[at + 2, at]]
        if not shapely.is_valid(shapely.polygons(crossed)):
            shapes[k] = shapely.polygons(crossed)
            return


def _same_code(rows: Rows, shapes: Shapes, k: int, spare: int) -> None:
    rows[spare][0] = rows[k][0]


def _no_name(rows: Rows, shapes: Shapes, k: int, spare: int) -> None:
    rows[k][1] = None


def _padded_code(rows: Rows, shapes: Shapes, k: int, spare: int) -> None:
    rows[k][0] = f" {rows[k][0]}"


FAULTS: dict[str, Callable[[Rows, Shapes, int, int], None]] = {
    "overlap": _too_wide,
    "hole": _with_hole,
    "invalid-geometry": _crossing_itself,
    "duplicate-code": _same_code,
    "no-name": _no_name,
    "padded-code": _padded_code,
}


def _write(path: Path, rows: Rows, shapes: Shapes) -> None:
    codes, names, parents, households = zip(*rows, strict=True)
    columns: list[NDArray[np.generic]] = [np.array(c, dtype=object) for c in (codes, names, parents)]
    columns.append(np.array(households, dtype=np.int32))
    with tempfile.TemporaryDirectory(prefix="wangge-messy-") as folder:
        shp = Path(folder) / f"{STEM}.shp"
        raw.write(
            shp, shapely.to_wkb(shapes), columns, list(FIELDS), geometry_type="Polygon", crs=MESSY_CRS,
            driver="ESRI Shapefile", encoding="GBK",
        )  # fmt: skip
        members = {suffix: shp.with_suffix(suffix).read_bytes() for suffix in (".shp", ".shx", ".dbf")}
    members[".dbf"] = _undated(members[".dbf"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix, data in members.items():
            archive.writestr(zipfile.ZipInfo(f"{STEM}{suffix}"), data, zipfile.ZIP_DEFLATED)


def _undated(dbf: bytes) -> bytes:
    """A DBF of a fixed day that does not name its language."""
    out = bytearray(dbf)
    out[DBF_DATE], out[DBF_LANGUAGE] = MADE_ON, 0
    return bytes(out)
