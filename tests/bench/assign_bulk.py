"""assign-bulk: points to yards, ours and every peer in its best form, in turns on one core, all agreeing."""

import argparse
import contextlib
import sys
from collections.abc import Iterator

import numpy as np
import psycopg
from numpy.typing import NDArray

from geo.locator import Locator
from tests.bench import postgis
from tests.bench.ground import skewed_points, yards
from tests.bench.index_cost import cost_of_index
from tests.bench.peers import PEERS, Engine
from tests.bench.record import keep
from tests.bench.turns import in_turns, on_one_core, timed

OURS, PLAIN = "wangge locator", "shapely STRtree, intersects"


def ours(polygons: NDArray[np.object_]) -> Engine:
    """Our own, as an edition's worker has it."""
    return Locator.build(polygons, np.arange(len(polygons))).locate_many


@contextlib.contextmanager
def engines(
    polygons: NDArray[np.object_], cores: set[int]
) -> Iterator[tuple[dict[str, Engine], dict[str, float]]]:
    """Build every engine; also gives the seconds it took to build each."""
    found, seconds = {}, {}
    for name, make in {OURS: ours, **PEERS}.items():
        seconds[name], found[name] = timed(lambda make=make: make(polygons.copy()))
        _say(f"{name}: built in {seconds[name]:.2f} s")
    with postgis.database() as address, psycopg.connect(address) as connection:
        seconds["PostGIS join"], _ = timed(lambda: postgis.load_yards(connection, polygons))
        found["PostGIS join"] = postgis.join(address, cores, index_points=False)
        found["PostGIS join, points indexed"] = postgis.join(address, cores, index_points=True)
        yield found, seconds


def check(found: dict[str, Engine], points: NDArray[np.float64]) -> None:
    """Let every engine answer once; all must agree point by point. May raise AssertionError."""
    wanted = found[PLAIN](points)
    for name, engine in found.items():
        wrong = int(np.count_nonzero(engine(points) != wanted))
        _say(f"{name}: {wrong} of {len(points)} answers differ")
        assert wrong == 0, name


def main() -> None:
    """Measure points a second, the cost of our index, and how we stand to the best peer."""
    words = argparse.ArgumentParser()
    words.add_argument("--yards", type=int, default=60_000)
    words.add_argument("--points", type=int, default=1_000_000)
    words.add_argument("--rounds", type=int, default=5)
    given = words.parse_args()
    polygons = yards(given.yards)
    points = skewed_points(polygons, given.points)
    costs = cost_of_index(given.yards)
    cores = on_one_core()
    with engines(polygons, cores) as (found, built):
        check(found, points)
        seconds = in_turns({name: lambda e=engine: e(points) for name, engine in found.items()}, given.rounds)
    cases = {n: ([len(points) / s / 1e6 for s in runs], "Mpoints/s") for n, runs in seconds.items()}
    cases |= {f"{name}: build": ([s], "s") for name, s in built.items()}
    keep("assign-bulk", cases | costs, _ratios(seconds))


def _ratios(seconds: dict[str, list[float]]) -> dict[str, list[float]]:
    peers = {name: runs for name, runs in seconds.items() if name != OURS}
    best = min(peers, key=lambda name: float(np.median(peers[name])))
    rivals = {PLAIN: PLAIN, f"best peer ({best})": best}
    return {
        f"{OURS} / {name}": [b / a for a, b in zip(seconds[OURS], seconds[rival], strict=True)]
        for name, rival in rivals.items()
    }


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")


if __name__ == "__main__":
    main()
