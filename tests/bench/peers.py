"""Other people's engines in their best forms. Each gives for every point the lowest yard that covers it, else -1.

Each maker builds an engine over polygons once and gives a function of points. All of them run on one thread.
"""

from collections.abc import Callable
from importlib import resources

import numpy as np
import shapely
from numpy.typing import NDArray

Polygons = NDArray[np.object_]
Points = NDArray[np.float64]
Engine = Callable[[Points], NDArray[np.int64]]


def lowest(number: int, point: NDArray[np.integer], yard: NDArray[np.integer]) -> NDArray[np.int64]:
    """Give each point the lowest of its yards."""
    found = np.full(number, np.iinfo(np.int64).max)
    np.minimum.at(found, point, yard)
    found[found == np.iinfo(np.int64).max] = -1
    return found


def _exactly(polygons: Polygons, points: Points, point: NDArray, yard: NDArray) -> NDArray[np.int64]:
    """Keep the pairs that GEOS confirms, yard by yard, which prepared polygons like best."""
    order = np.argsort(yard, kind="stable")
    point, yard = point[order], yard[order]
    hit = shapely.intersects_xy(polygons[yard], points[point, 0], points[point, 1])
    return lowest(len(points), point[hit], yard[hit])


def strtree_intersects(polygons: Polygons) -> Engine:
    """Shapely as its documentation shows it."""
    tree = shapely.STRtree(polygons)
    tree.query(shapely.box(0, 0, 1, 1))  # the tree is built at its first use
    return lambda points: lowest(len(points), *tree.query(shapely.points(points), predicate="intersects"))


def strtree_prepared(polygons: Polygons) -> Engine:
    """Shapely's tree for boxes, then prepared polygons over plain coordinates."""
    tree = shapely.STRtree(polygons)
    shapely.prepare(polygons)

    def run(points: Points) -> NDArray[np.int64]:
        return _exactly(polygons, points, *tree.query(shapely.points(points)))

    return run


def strtree_of_points(polygons: Polygons) -> Engine:
    """Shapely the other way round: a tree over the points, asked by prepared polygons."""
    shapely.prepare(polygons)

    def run(points: Points) -> NDArray[np.int64]:
        yard, point = shapely.STRtree(shapely.points(points)).query(polygons, predicate="intersects")
        return lowest(len(points), point, yard)

    return run


def geopandas_sjoin(polygons: Polygons) -> Engine:
    """GeoPandas as its documentation shows it."""
    import geopandas

    frame = geopandas.GeoDataFrame({"yard": np.arange(len(polygons))}, geometry=polygons, crs=4490)
    frame.sindex.query(shapely.box(0, 0, 1, 1))

    def run(points: Points) -> NDArray[np.int64]:
        asked = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(*points.T), crs=4490)
        joined = geopandas.sjoin(asked, frame, predicate="intersects", how="inner")
        return lowest(len(points), joined.index.to_numpy(), joined["yard"].to_numpy())

    return run


def geoindex_join(polygons: Polygons) -> Engine:
    """geoindex-rs: a packed tree over each side, joined; then prepared polygons."""
    import pyarrow
    from geoindex_rs import rtree

    def tree(*sides: NDArray[np.float64]) -> object:
        builder = rtree.RTreeBuilder(num_items=len(sides[0]))
        builder.add(*(np.ascontiguousarray(one) for one in sides))
        return builder.finish()

    boxes = tree(*shapely.bounds(polygons).T)
    shapely.prepare(polygons)

    def run(points: Points) -> NDArray[np.int64]:
        x, y = points.T
        pairs = pyarrow.record_batch(rtree.tree_join(boxes, tree(x, y, x, y)))
        yard, point = (np.asarray(pairs.column(number)).astype(np.int64) for number in (0, 1))
        return _exactly(polygons, points, point, yard)

    return run


def hexagons(resolution: int) -> Callable[[Polygons], Engine]:
    """H3: hexagons wholly inside one yard answer at once, the others by prepared polygons."""

    def build(polygons: Polygons) -> Engine:
        from h3ronpy import ContainmentMode

        inner, inner_yard = _cover(polygons, resolution, ContainmentMode.ContainsBoundary)
        outer, outer_yard = _cover(polygons, resolution, ContainmentMode.Covers)
        shapely.prepare(polygons)

        def run(points: Points) -> NDArray[np.int64]:
            cell = _hexagon_of(points, resolution)
            at = np.searchsorted(inner, cell).clip(0, max(len(inner) - 1, 0))
            sure = inner[at] == cell if len(inner) else np.zeros(len(cell), dtype=bool)
            found = np.where(sure, inner_yard[at] if len(inner) else -1, -1).astype(np.int64)
            open_points = np.flatnonzero(~sure)
            first = np.searchsorted(outer, cell[open_points], "left")
            count = np.searchsorted(outer, cell[open_points], "right") - first
            end = np.cumsum(count)
            place = np.arange(end[-1] if len(end) else 0) + np.repeat(first - (end - count), count)
            exact = _exactly(polygons, points, np.repeat(open_points, count), outer_yard[place])
            found[open_points] = exact[open_points]
            return found

        return run

    return build


def _hexagon_of(points: Points, resolution: int) -> NDArray[np.uint64]:
    import pyarrow
    from h3ronpy.vector import coordinates_to_cells

    size = np.full(len(points), resolution, dtype=np.uint8)
    cells = coordinates_to_cells(np.ascontiguousarray(points[:, 1]), np.ascontiguousarray(points[:, 0]), size)
    return np.asarray(pyarrow.array(cells)).astype(np.uint64)


def _cover(polygons: Polygons, resolution: int, mode: object) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    import pyarrow
    from h3ronpy.vector import wkb_to_cells

    wkb = pyarrow.array(shapely.to_wkb(polygons), pyarrow.binary())
    lists = pyarrow.array(wkb_to_cells(wkb, resolution, containment_mode=mode))
    yard = np.repeat(np.arange(len(polygons)), np.diff(np.asarray(lists.offsets)))
    cell = np.asarray(lists.values).astype(np.uint64)
    order = np.argsort(cell, kind="stable")
    return cell[order], yard[order]


def duckdb_join(polygons: Polygons) -> Engine:
    """DuckDB with its spatial functions."""
    import duckdb
    import pyarrow

    connection = duckdb.connect(config={"threads": 1, "allow_unsigned_extensions": "true"})
    extension = next(resources.files("duckdb_extension_spatial").glob("**/spatial.duckdb_extension"))
    connection.execute(f"load '{extension}'")
    table = pyarrow.table({"yard": np.arange(len(polygons)), "wkb": _wkb(polygons)})
    connection.register("given", table)
    connection.execute("create table yards as select yard, st_geomfromwkb(wkb) as shape from given")

    def run(points: Points) -> NDArray[np.int64]:
        connection.register("asked", _asked(points))
        rows = connection.execute(
            "select point, yard from (select point, st_point(x, y) as place from asked) "
            "join yards on st_intersects(shape, place)"
        ).fetchnumpy()
        return lowest(len(points), rows["point"], rows["yard"])

    return run


def sedona_join(polygons: Polygons) -> Engine:
    """SedonaDB."""
    import pyarrow
    import sedonadb

    session = sedonadb.connect()
    session.sql("set datafusion.execution.target_partitions = 1").execute()
    table = pyarrow.table({"yard": np.arange(len(polygons)), "wkb": _wkb(polygons)})
    session.create_data_frame(table).to_view("given")
    session.sql("select yard, ST_GeomFromWKB(wkb) as shape from given").to_memtable().to_view("yards")

    def run(points: Points) -> NDArray[np.int64]:
        session.create_data_frame(_asked(points)).to_view("asked", overwrite=True)
        joined = session.sql(
            "select a.point, y.yard from (select point, ST_Point(x, y) as place from asked) a "
            "join yards y on ST_Intersects(y.shape, a.place)"
        )
        rows = pyarrow.table(joined)  # through Arrow's own interface: no geometry, so no types of its own
        return lowest(len(points), rows["point"].to_numpy(), rows["yard"].to_numpy())

    return run


def _wkb(polygons: Polygons) -> object:
    import pyarrow

    return pyarrow.array(shapely.to_wkb(polygons), pyarrow.binary())


def _asked(points: Points) -> object:
    import pyarrow

    x, y = (np.ascontiguousarray(one) for one in points.T)
    return pyarrow.table({"point": np.arange(len(points)), "x": x, "y": y})


PEERS: dict[str, Callable[[Polygons], Engine]] = {
    "shapely STRtree, intersects": strtree_intersects,
    "shapely STRtree, prepared": strtree_prepared,
    "shapely STRtree of points": strtree_of_points,
    "geopandas sjoin": geopandas_sjoin,
    "geoindex-rs join, prepared": geoindex_join,
    "H3 resolution 10, prepared": hexagons(10),
    "H3 resolution 11, prepared": hexagons(11),
    "DuckDB spatial join": duckdb_join,
    "SedonaDB join": sedona_join,
}
