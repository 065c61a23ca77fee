"""assign-http: a look-up with the whole answer against the yardstick hello, in turns on one server."""

import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.bench.cities import bring_into_force, write_city
from tests.bench.load import Load, run
from tests.bench.record import keep
from tests.oracles.coverages import awkward_points
from tests.scenarios.installation import Installation, installed

YARDS, ROUNDS, SECONDS, CONNECTIONS = 3000, 9, 2.0, 8


def targets(files: dict[str, Path]) -> list[str]:
    """Look-ups all over the city: corners, borders and open ground, each with an accuracy or without."""
    from geo.formats import read_table

    yards = read_table(files["yard"]).geometries
    points = np.random.default_rng(3).permutation(awkward_points(yards, np.random.default_rng(1), 400))
    return [f"/api/v1/assign?lon={lon!r}&lat={lat!r}&crs=wgs84" for lon, lat in points.tolist()]


def measure(service: Installation, look_ups: list[str]) -> dict[str, list[Load]]:
    """Ask in turns, so that what else the machine does falls on all of them."""
    kinds = {
        "hello": ["/api/v1/hello"] * len(look_ups),
        "assign": look_ups,
        "assign with accuracy": [f"{one}&accuracy_m=15" for one in look_ups],
    }
    found: dict[str, list[Load]] = {kind: [] for kind in kinds}
    for asked in kinds.values():
        run(service.port, asked, connections=CONNECTIONS, seconds=1.0)  # warm
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS):
        for kind, asked in kinds.items():
            found[kind].append(run(service.port, asked, connections=CONNECTIONS, seconds=SECONDS))
    return found


def main() -> None:
    """Bring a city into force, serve it, ask."""
    with tempfile.TemporaryDirectory() as folder, installed() as service:
        files = write_city(Path(folder), YARDS)
        bring_into_force(service, files, "bench")
        service.start()
        found = measure(service, targets(files))
    cases = {kind: ([one.per_second for one in loads], "requests/s") for kind, loads in found.items()}
    for kind, loads in found.items():
        cases[f"{kind}: sender's processor"] = (
            [100 * one.sender_s / one.seconds for one in loads],
            "% of a core",
        )
    ratios = {
        f"{kind}/hello": [a.per_second / h.per_second for a, h in zip(loads, found["hello"], strict=True)]
        for kind, loads in found.items()
        if kind != "hello"
    }
    keep("assign-http", cases, ratios)


if __name__ == "__main__":
    main()
