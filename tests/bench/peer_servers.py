"""Other servers over the same yards: a PostGIS endpoint of one's own, and tipg, which is OGC API over PostGIS."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg

from geo.formats import read_table
from tests.bench.postgis import SRID
from tests.scenarios.installation import ROOT

START_SECONDS = 60


def load_levels(address: str, files: Mapping[str, Path]) -> None:
    """Store every level with its codes, names and parents, indexed as anybody would."""
    import shapely

    with psycopg.connect(address, autocommit=True) as connection:
        for level, path in files.items():
            table = read_table(path)
            connection.execute(
                f'create table {level} (code text collate "C" primary key, name text, parent text, '
                f"geom geometry(geometry, {SRID}))"
            )
            shapes = shapely.to_wkb(shapely.set_srid(table.geometries, SRID), hex=True, include_srid=True)
            rows = zip(*(table.columns[one] for one in ("code", "name", "above")), shapes, strict=True)
            with connection.cursor().copy(f"copy {level} from stdin") as copy:
                for row in rows:
                    copy.write_row(row)
            connection.execute(f"create index on {level} using gist (geom)")
            connection.execute(f"vacuum analyze {level}")


@contextlib.contextmanager
def endpoint(address: str, workers: int, threads: int) -> Iterator[int]:
    """Serve a PostGIS endpoint as we serve ours; gives its port."""
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "tests.bench.postgis_app:app"]
    command += ["--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads)]
    with _served([*command, "--no-ws", "--log-level", "error"], port, "/hello", BENCH_DATABASE=address):
        yield port


@contextlib.contextmanager
def tipg(address: str, workers: int) -> Iterator[int]:
    """Serve tipg; gives its port."""
    port, folder = _free_port(), dict(part.split("=") for part in urlsplit(address).query.split("&"))["host"]
    parts = urlsplit(address)
    told = {
        "DATABASE_URL": f"postgresql://{parts.username}@{quote(folder, safe='')}{parts.path}",
        "TIPG_DB_SCHEMAS": '["public"]',
        "TIPG_DB_ONLY_SPATIAL_TABLES": "true",
        "TIPG_CATALOG_TTL": "36000",
        "TIPG_DB_SPATIAL_EXTENT": "FALSE",
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "uvicorn", "tipg.main:app", "--port", str(port)]
    command += ["--workers", str(workers), "--log-level", "error", "--no-access-log"]
    with _served(command, port, "/healthz", **told):
        yield port


@contextlib.contextmanager
def _served(command: list[str], port: int, path: str, **environment: str) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, start_new_session=True)
    try:
        _wait(process, port, path)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _wait(process: subprocess.Popen, port: int, path: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"the peer does not start: {process.args}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
