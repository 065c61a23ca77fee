"""assign-single: one look-up in process, ours and what others do, in turns."""

import argparse
import time
from collections.abc import Callable

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from geo.locator import Locator
from tests.bench import postgis
from tests.bench.ground import skewed_points, yards
from tests.bench.record import keep
from tests.bench.turns import on_one_core

OURS, PREPARED = "wangge locator", "PostGIS, prepared query"
BLOCK = 100  # points that one engine answers before the next has its turn
Look = Callable[[float, float], int]
FIND = "select id from yard where st_intersects(geom, st_setsrid(st_makepoint(%s, %s), 4326)) order by id limit 1"


def tree_intersects(polygons: NDArray[np.object_]) -> Look:
    """Shapely as its documentation shows it."""
    tree = shapely.STRtree(polygons)

    def look(lon: float, lat: float) -> int:
        found = tree.query(shapely.Point(lon, lat), predicate="intersects")
        return int(found.min()) if len(found) else -1

    return look


def tree_prepared(polygons: NDArray[np.object_]) -> Look:
    """Boxes from Shapely's tree, then prepared polygons."""
    tree = shapely.STRtree(polygons)
    shapely.prepare(polygons)

    def look(lon: float, lat: float) -> int:
        near = tree.query(shapely.Point(lon, lat))
        found = near[shapely.intersects_xy(polygons[near], lon, lat)]
        return int(found.min()) if len(found) else -1

    return look


def by_query(connection: psycopg.Connection) -> Look:
    """One query on an open connection."""
    cursor = connection.cursor(binary=True)

    def look(lon: float, lat: float) -> int:
        row = cursor.execute(FIND, (lon, lat)).fetchone()
        return -1 if row is None else row[0]

    return look


def in_blocks(looks: dict[str, Look], points: list[list[float]]) -> dict[str, list[int]]:
    """Nanoseconds of each look-up, a block of points an engine in turn, as a busy process would have them.

    All must agree at every point. May raise AssertionError.
    """
    taken: dict[str, list[int]] = {name: [] for name in looks}
    for begin in range(0, len(points), BLOCK):
        block = points[begin : begin + BLOCK]
        answers = [_timed(look, block, taken[name]) for name, look in looks.items()]
        assert all(one == answers[0] for one in answers), block
    return taken


def _timed(look: Look, block: list[list[float]], taken: list[int]) -> list[int]:
    answers = []
    for lon, lat in block:
        begun = time.perf_counter_ns()
        answer = look(lon, lat)
        taken.append(time.perf_counter_ns() - begun)
        answers.append(answer)
    return answers


def main() -> None:
    """Measure in rounds, so that minimum and maximum say how steady the medians are."""
    words = argparse.ArgumentParser()
    words.add_argument("--yards", type=int, default=60_000)
    words.add_argument("--points", type=int, default=2000)
    words.add_argument("--rounds", type=int, default=7)
    given = words.parse_args()
    polygons = yards(given.yards)
    points = skewed_points(polygons, given.points).tolist()
    on_one_core()
    with postgis.database() as address:
        with psycopg.connect(address) as connection:
            postgis.load_yards(connection, polygons)
        prepared = psycopg.connect(address, autocommit=True, prepare_threshold=0)
        plain = psycopg.connect(address, autocommit=True, prepare_threshold=None)
        looks: dict[str, Look] = {
            OURS: Locator.build(polygons, np.arange(len(polygons))).locate,
            "shapely STRtree, intersects": tree_intersects(polygons.copy()),
            "shapely STRtree, prepared": tree_prepared(polygons.copy()),
            PREPARED: by_query(prepared),
            "PostGIS, query not prepared": by_query(plain),
        }
        in_blocks(looks, points)  # warm
        rounds = [in_blocks(looks, points) for _ in range(given.rounds)]
        prepared.close(), plain.close()
    medians = {name: [float(np.median(one[name])) / 1000 for one in rounds] for name in looks}
    late = {name: [float(np.percentile(one[name], 99)) / 1000 for one in rounds] for name in looks}
    cases = {name: (values, "µs, median") for name, values in medians.items()}
    cases |= {f"{name}: slowest hundredth": (values, "µs") for name, values in late.items()}
    ratios = {
        f"{OURS} / {name}": [b / a for a, b in zip(medians[OURS], values, strict=True)]
        for name, values in medians.items()
        if name != OURS
    }
    keep("assign-single", cases, ratios)


if __name__ == "__main__":
    main()
