"""PostGIS as a peer: a private cluster with the same yards in it, and the best ways to ask it."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from service.embedded import Cluster
from tests.bench.peers import Engine, lowest
from tests.conftest import make_database

HEAD, TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
SRID = 4326  # what peers take for granted; the same numbers as EPSG:4490
POINT_ROW = [
    ("n", ">i2"),
    ("a", ">i4"),
    ("point", ">i4"),
    ("b", ">i4"),
    ("order", "u1"),
    ("kind", "<u4"),
    ("srid", "<i4"),
    ("x", "<f8"),
    ("y", "<f8"),
]
PAIR_ROW = [("n", ">i2"), ("a", ">i4"), ("point", ">i4"), ("b", ">i4"), ("yard", ">i4")]


@contextlib.contextmanager
def database() -> Iterator[str]:
    """Give the address of an empty database with PostGIS, on a cluster that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as outer:
        Path(outer).chmod(0o755)
        cluster = Cluster(
            Path(outer) / "data",
            options="-c shared_buffers=1GB -c work_mem=256MB -c jit=off -c max_parallel_workers_per_gather=0",
        )
        cluster.hold()
        try:
            address = make_database(cluster, "bench")
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute("create extension if not exists postgis")
            yield address
        finally:
            cluster.release()


def load_yards(connection: psycopg.Connection, polygons: NDArray[np.object_]) -> None:
    """Store the yards with a GiST index, as anybody would."""
    connection.execute(f"create table yard (id int primary key, geom geometry(polygon, {SRID}))")
    shapes = shapely.to_wkb(shapely.set_srid(polygons, SRID), hex=True, include_srid=True)
    with connection.cursor().copy("copy yard from stdin") as copy:
        for number, shape in enumerate(shapes):
            copy.write_row((number, shape))
    connection.execute("create index on yard using gist (geom)")
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze yard")


def join(address: str, cores: set[int], *, index_points: bool) -> Engine:
    """Copy points in, join, copy pairs out; with an index on the points too where asked."""
    connection = psycopg.connect(address, autocommit=True)
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.sched_setaffinity(connection.info.backend_pid, cores)  # one core, like everybody else

    def run(points: NDArray[np.float64]) -> NDArray[np.int64]:
        connection.execute("drop table if exists asked")
        connection.execute(f"create unlogged table asked (point int, geom geometry(point, {SRID}))")
        with connection.cursor().copy("copy asked from stdin (format binary)") as copy:
            copy.write(_binary(points))
        if index_points:
            connection.execute("create index on asked using gist (geom)")
        connection.execute("analyze asked")
        return _pairs(connection, len(points))

    return run


def _binary(points: NDArray[np.float64]) -> bytes:
    """Write the rows as COPY takes them in its binary form: number, point as EWKB."""
    rows = np.zeros(len(points), dtype=POINT_ROW)
    rows["n"], rows["a"], rows["point"], rows["b"] = 2, 4, np.arange(len(points)), 25
    rows["order"], rows["kind"], rows["srid"] = 1, 0x20000001, SRID
    rows["x"], rows["y"] = points.T
    return HEAD + rows.tobytes() + TAIL


def _pairs(connection: psycopg.Connection, number: int) -> NDArray[np.int64]:
    query = "select a.point, y.id from asked a join yard y on st_intersects(y.geom, a.geom)"
    with connection.cursor().copy(f"copy ({query}) to stdout (format binary)") as copy:
        whole = b"".join(copy)
    rows = np.frombuffer(whole[len(HEAD) : -len(TAIL)], dtype=PAIR_ROW)
    return lowest(number, rows["point"].astype(np.int64), rows["yard"].astype(np.int64))
