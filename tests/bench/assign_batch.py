"""assign-batch: 1,000 positions in one request in several forms, against one PostGIS query for each position.

Same data, same cluster, in turns. The queries are spared HTTP, JSON and the distance in metres: they go over one
connection, prepared, and measure to the border in degrees; they give three levels by code and name.
"""

import argparse
import contextlib
import http.client
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa

from geo.formats import read_table
from tests.bench import peer_servers, postgis
from tests.bench.cities import bring_into_force, write_city
from tests.bench.ground import skewed_points
from tests.bench.record import keep
from tests.bench.turns import in_turns
from tests.scenarios.installation import Installation, installed

BATCH = 1000
LEVELS = 4  # with the district
ARROW = "application/vnd.apache.arrow.stream"
ONE_BY_ONE = "one query a point"
FIND = """
    select y.code, y.name, c.code, c.name, s.code, s.name, st_distance(st_boundary(y.geom), p.geom)
    from (select st_setsrid(st_makepoint(%s, %s), 4326) as geom) p, yard y
    join community c on c.code = y.parent join subdistrict s on s.code = c.parent
    where st_intersects(y.geom, p.geom) order by y.code limit 1
"""


class Batch:
    """Asks the service about all points at once, on a connection that stays open."""

    def __init__(self, port: int, points: list[list[float]]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._points = points

    def _post(self, kind: str, body: bytes) -> bytes:
        self._connection.request("POST", "/api/v1/assign?crs=cgcs2000", body, {"Content-Type": kind})
        answer = self._connection.getresponse()
        raw = answer.read()
        if answer.status != 200:
            raise RuntimeError(raw[:300])
        return raw

    def json(self) -> list[str | None]:
        """Whole answers: chain, distance, reason, evidence."""
        body = json.dumps({"points": self._points}).encode()
        found = json.loads(self._post("application/json", body))["results"]
        return [
            _yard(one["status"], one["chain"][-1]["code"] if len(one["chain"]) == LEVELS else "")
            for one in found
        ]

    def csv(self) -> list[str | None]:
        """The flat columns as text."""
        body = "lon,lat\n" + "".join(f"{x!r},{y!r}\n" for x, y in self._points)
        lines = self._post("text/csv", body.encode()).decode().splitlines()
        head = lines[0].split(",")
        code, status = head.index("yard_code"), head.index("grid_status")
        return [_yard(row[status], row[code]) for row in (line.split(",") for line in lines[1:])]

    def arrow(self) -> list[str | None]:
        """The flat columns as they are."""
        lon, lat = np.array(self._points).T
        out = io.BytesIO()
        table = pa.table({"lon": lon, "lat": lat})
        with pa.ipc.new_stream(out, table.schema) as writer:
            writer.write_table(table)
        found = pa.ipc.open_stream(self._post(ARROW, out.getvalue())).read_all()
        return [
            _yard(*one)
            for one in zip(*(found[n].to_pylist() for n in ("grid_status", "yard_code")), strict=True)
        ]


def _yard(status: str, code: str | None) -> str | None:
    """Give the yard that covers a point, as the query does."""
    return code if code and status in ("inside", "border") else None


def one_by_one(address: str, points: list[list[float]]) -> Callable[[], list[str | None]]:
    """Ask the database once for each point."""
    connection = psycopg.connect(address, autocommit=True, prepare_threshold=0)

    def run() -> list[str | None]:
        found = (connection.execute(FIND, point).fetchone() for point in points)
        return [row[0] if row else None for row in found]

    return run


def measure(service: Installation, address: str, points: list[list[float]], rounds: int) -> None:
    """Check that all agree, then ask in turns, print and keep."""
    batch = Batch(service.port, points)
    runs = {
        "JSON": batch.json,
        "CSV": batch.csv,
        "Arrow": batch.arrow,
        ONE_BY_ONE: one_by_one(address, points),
    }
    said = {name: run() for name, run in runs.items()}
    differing = {
        n: sum(a != b for a, b in zip(one, said[ONE_BY_ONE], strict=True)) for n, one in said.items()
    }
    if max(differing.values()) > 0:
        raise RuntimeError(f"not all agree: {differing}")
    seconds = in_turns(runs, rounds)
    cases = {name: ([1000 * one for one in took], "ms a batch of 1,000") for name, took in seconds.items()}
    slow = seconds.pop(ONE_BY_ONE)
    ratios = {
        f"{ONE_BY_ONE}/{name}": [a / b for a, b in zip(slow, took, strict=True)]
        for name, took in seconds.items()
    }
    keep("assign-batch", cases, ratios)


def main() -> None:
    """Bring a city into force, put the same levels into a database beside it, ask both."""
    words = argparse.ArgumentParser()
    words.add_argument("--yards", type=int, default=3000)
    words.add_argument("--rounds", type=int, default=9)
    given = words.parse_args()
    with contextlib.ExitStack() as stack:
        files = write_city(Path(stack.enter_context(tempfile.TemporaryDirectory())), given.yards)
        address = stack.enter_context(postgis.database())
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("create database served")
        service = stack.enter_context(installed(address.replace("/bench?", "/served?")))
        bring_into_force(service, files, "bench")
        service.start()
        stack.callback(service.stop)
        peer_servers.load_levels(address, files)
        yards = read_table(files["yard"]).geometries
        measure(service, address, skewed_points(yards, BATCH).tolist(), given.rounds)


if __name__ == "__main__":
    main()
