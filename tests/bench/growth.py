"""growth: what a look-up costs as a city grows from 1,000 to 300,000 yards, alone and in bulk."""

import argparse
import time

import numpy as np
import shapely

from geo.locator import Locator
from tests.bench.ground import skewed_points, yards
from tests.bench.peers import strtree_intersects
from tests.bench.record import keep
from tests.bench.turns import in_turns, on_one_core

POINTS, ALONE = 500_000, 5000


def alone(locator: Locator, points: list[list[float]]) -> None:
    """Look points up one by one."""
    for lon, lat in points:
        locator.locate(lon, lat)


def measure(sizes: list[int], rounds: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Microseconds a point of every size, in turns; and what each index took to build."""
    runs, built = {}, {}
    for size in sizes:
        polygons = yards(size)
        points = skewed_points(polygons, POINTS)
        few = points[:ALONE].tolist()
        begun = time.perf_counter()
        locator = Locator.build(polygons, np.arange(len(polygons)))
        built[f"{size:,} yards: build"] = time.perf_counter() - begun
        tree = strtree_intersects(shapely.from_wkb(shapely.to_wkb(polygons)))
        runs[f"{size:,} yards: bulk"] = lambda p=points, us=locator: us.locate_many(p)
        runs[f"{size:,} yards: alone"] = lambda p=few, us=locator: alone(us, p)
        runs[f"{size:,} yards: shapely STRtree, intersects"] = lambda p=points[:100_000], t=tree: t(p)
    numbers = {"bulk": POINTS, "alone": ALONE, "shapely STRtree, intersects": 100_000}
    seconds = in_turns(runs, rounds)
    return {
        name: [1e6 * one / numbers[name.split(": ", 1)[1]] for one in taken]
        for name, taken in seconds.items()
    }, built


def main() -> None:
    """Measure every size in one run."""
    words = argparse.ArgumentParser()
    words.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 60_000, 300_000])
    words.add_argument("--rounds", type=int, default=5)
    given = words.parse_args()
    on_one_core()
    micro, built = measure(given.sizes, given.rounds)
    small, large = f"{min(given.sizes):,} yards", f"{max(given.sizes):,} yards"
    ratios = {
        f"{large} / {small}: {kind}": [
            a / b for a, b in zip(micro[f"{large}: {kind}"], micro[f"{small}: {kind}"], strict=True)
        ]
        for kind in ("bulk", "alone", "shapely STRtree, intersects")
    }
    cases = {name: (values, "µs a point") for name, values in micro.items()}
    keep("growth", cases | {name: ([value], "s") for name, value in built.items()}, ratios)


if __name__ == "__main__":
    main()
