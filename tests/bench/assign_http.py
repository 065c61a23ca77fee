"""assign-http: a look-up with the whole answer against the yardstick hello on one server, and against peers.

In turns, so that what else the machine does falls on all of them. The peers answer less: the PostGIS endpoint
three levels by code and name, tipg one yard's properties.
"""

import argparse
import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from geo.formats import read_table
from tests.bench import peer_servers, postgis
from tests.bench.cities import bring_into_force, write_city
from tests.bench.ground import skewed_points
from tests.bench.load import Load, latencies, run
from tests.bench.record import keep
from tests.scenarios.installation import installed

SECONDS, CONNECTIONS, PROBES = 2.0, 8, 2
WORKERS, THREADS = 2, 8  # as the service serves by default
HELLO, ASSIGN, SURE, QUERY, TIPG = "hello", "assign", "assign with accuracy", "PostGIS endpoint", "tipg"


@dataclass(frozen=True)
class Case:
    """What is asked of whom."""

    port: int
    targets: list[str]


def cases_of(points: list[list[float]], port: int, endpoint: int, tipg: int) -> dict[str, Case]:
    """Ask everybody about the same points."""
    plain = [f"/api/v1/assign?lon={lon!r}&lat={lat!r}&crs=cgcs2000" for lon, lat in points]
    items = "/collections/public.yard/items?f=json&geom-column=none&limit=1&filter-lang=cql2-text&filter="
    return {
        HELLO: Case(port, ["/api/v1/hello"] * len(points)),
        ASSIGN: Case(port, plain),
        SURE: Case(port, [f"{one}&accuracy_m=15" for one in plain]),
        QUERY: Case(endpoint, [f"/assign?lon={lon!r}&lat={lat!r}" for lon, lat in points]),
        TIPG: Case(tipg, [items + quote(f"S_INTERSECTS(geom,POINT({x!r} {y!r}))") for x, y in points]),
    }


def measure(
    cases: dict[str, Case], rounds: int
) -> tuple[dict[str, list[Load]], dict[str, list[list[float]]]]:
    """Ask in turns: first for as many answers as can be had, then for how long one answer takes."""
    loads: dict[str, list[Load]] = {name: [] for name in cases}
    waits: dict[str, list[list[float]]] = {name: [] for name in cases}
    for one in cases.values():
        run(one.port, one.targets, connections=CONNECTIONS, seconds=1.0)  # warm
    for _ in range(rounds):
        for name, one in cases.items():
            loads[name].append(run(one.port, one.targets, connections=CONNECTIONS, seconds=SECONDS))
            waits[name].append(latencies(one.port, one.targets, connections=PROBES, seconds=SECONDS))
    return loads, waits


def report(loads: dict[str, list[Load]], waits: dict[str, list[list[float]]]) -> None:
    """Print and keep."""
    cases = {name: ([one.per_second for one in runs], "requests/s") for name, runs in loads.items()}
    for name, runs in loads.items():
        busy = [100 * one.sender_s / one.seconds for one in runs]
        cases[f"{name}: sender's processor"] = (busy, "% of a core")
    late = {n: [1000 * float(np.percentile(one, 99)) for one in runs] for n, runs in waits.items()}
    cases |= {f"{name}: slowest hundredth": (values, "ms") for name, values in late.items()}
    rate = {name: [one.per_second for one in runs] for name, runs in loads.items()}
    pairs = [(ASSIGN, HELLO), (SURE, HELLO), (SURE, ASSIGN), (ASSIGN, QUERY), (ASSIGN, TIPG)]
    ratios = {f"{a}/{b}": [x / y for x, y in zip(rate[a], rate[b], strict=True)] for a, b in pairs}
    ratios["slowest hundredth, assign/hello"] = [
        a / b for a, b in zip(late[ASSIGN], late[HELLO], strict=True)
    ]
    keep("assign-http", cases, ratios)


def main() -> None:
    """Bring a city into force, serve it, serve the peers beside it, ask."""
    words = argparse.ArgumentParser()
    words.add_argument("--yards", type=int, default=3000)
    words.add_argument("--rounds", type=int, default=9)
    given = words.parse_args()
    with contextlib.ExitStack() as stack:
        files = write_city(Path(stack.enter_context(tempfile.TemporaryDirectory())), given.yards)
        service = stack.enter_context(installed())
        bring_into_force(service, files, "bench")
        service.start()
        stack.callback(service.stop)
        address = stack.enter_context(postgis.database())
        peer_servers.load_levels(address, files)
        endpoint = stack.enter_context(peer_servers.endpoint(address, WORKERS, THREADS))
        tipg = stack.enter_context(peer_servers.tipg(address, WORKERS))
        points = skewed_points(read_table(files["yard"]).geometries, 4000).tolist()
        report(*measure(cases_of(points, service.port, endpoint, tipg), given.rounds))


if __name__ == "__main__":
    main()
