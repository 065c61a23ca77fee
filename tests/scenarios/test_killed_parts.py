"""Every part of a running service is killed in turn under load: what was acknowledged stays, and all comes back."""

import contextlib
import http.client
import json
import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import shapely
from sqlalchemy import create_engine, text

from tests.scenarios.installation import Installation, installed, write_map

FIGURES = logging.getLogger("figures")
WEST, EAST = ("990101001", "西街道"), ("990101002", "东街道")
SCOPES = ("report_send", "plan_read", "plan_edit")
BACK_SECONDS = 60


@dataclass
class Heard:
    """What the callers saw."""

    look_ups: Counter[object] = field(default_factory=Counter)
    wrong: list[Any] = field(default_factory=list)
    good_at: list[float] = field(default_factory=list)
    reports: Counter[object] = field(default_factory=Counter)
    acknowledged: dict[str, str] = field(default_factory=dict)
    filed_at: list[float] = field(default_factory=list)


def write_streets(folder: Path) -> Path:
    return write_map(
        folder / "streets.geojson",
        [
            ({"code": code, "name": name}, shapely.box(west, 32.0, west + 0.001, 32.001))
            for (code, name), west in ((WEST, 116.0), (EAST, 116.001))
        ],
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Installation, str]]:
    """A service on its private cluster, with a map in force and a token."""
    with installed() as one:
        path = write_streets(tmp_path)
        words = ("--level", "subdistrict", "--code-field", "code", "--name-field", "name")
        one.told("import", path, "--plan", "p", "--base", "empty", *words)
        one.told("publish", "p")
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        key = one.told("token", "create", "load", *scopes).strip()
        one.start()
        yield one, key


def look_up(service: Installation, heard: Heard, ended: threading.Event) -> None:
    """Ask for both streets in turn until the end."""
    number = 0
    while not ended.is_set():
        number += 1
        (code, _), lon = ((WEST, 116.0005), (EAST, 116.0015))[number % 2]
        query = urlencode({"lon": lon, "lat": 32.0005, "crs": "wgs84"})
        try:
            status, body = service.ask("GET", f"/api/v1/assign?{query}")
        except (OSError, http.client.HTTPException) as error:
            heard.look_ups[type(error).__name__] += 1
            time.sleep(0.05)
            continue
        heard.look_ups[status] += 1
        if status == 200:
            heard.good_at.append(time.monotonic())
            if json.loads(body)["grid"]["code"] != code:
                heard.wrong.append(body)
        elif status != 503:
            heard.wrong.append((status, body))
        time.sleep(0.01)


def report(service: Installation, key: str, heard: Heard, ended: threading.Event) -> None:
    """File reports, each under a key of its own that is sent again until it is acknowledged."""
    while not ended.is_set():
        name = uuid4().hex
        body = json.dumps(
            {
                "happened_at": "2026-03-01T08:00:00+08:00",
                "category": "noise",
                "text": name,
                "lon": 116.0005,
                "lat": 32.0005,
                "crs": "wgs84",
            }
        )
        headers = {
            "Authorization": f"Bearer {key}",
            "Idempotency_Key": name,
            "Content_Type": "application/json",
        }
        while not ended.is_set():
            try:
                status, answer = service.ask("POST", "/api/v1/reports", body, **headers)
            except (OSError, http.client.HTTPException) as error:
                heard.reports[type(error).__name__] += 1
                time.sleep(0.05)
                continue
            heard.reports[status] += 1
            if status == 201:
                heard.acknowledged[name] = json.loads(answer)["id"]
                heard.filed_at.append(time.monotonic())
                break
            if status != 503:
                heard.wrong.append((status, answer))
            time.sleep(0.05)


def processes() -> dict[int, tuple[int, str]]:
    """Parent and command line of every process."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
            found[int(folder.name)] = (int(parent), words)
    return found


def children(of: int, word: str) -> list[int]:
    return sorted(pid for pid, (parent, words) in processes().items() if parent == of and word in words)


def web(service: Installation) -> int:
    return children(service.server.pid, "granian")[0]


def web_worker(service: Installation) -> int:
    return children(web(service), "")[-1]


def job_worker(service: Installation) -> int:
    return children(service.server.pid, "service.cli worker")[0]


def postgres(service: Installation) -> int:
    return int((service.folder / "postgres" / "postmaster.pid").read_text().split()[0])


def kill(service: Installation, find: Callable[[Installation], int], heard: Heard) -> tuple[float, float]:
    """Kill a part; gives the longest silence of look-ups and of reports from then until all is well again."""
    at = time.monotonic()
    os.kill(find(service), signal.SIGKILL)
    time.sleep(3)
    deadline = at + BACK_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException, IndexError, ValueError):
            if service.ask("GET", "/readyz")[0] == 200 and find(service) > 0:
                break
        time.sleep(0.2)
    else:
        raise AssertionError(f"{find.__name__} did not come back")
    time.sleep(2)
    return longest_silence(heard.good_at, at), longest_silence(heard.filed_at, at)


def longest_silence(moments: list[float], since: float) -> float:
    times = [since, *(one for one in list(moments) if one >= since), time.monotonic()]
    return max(later - earlier for earlier, later in pairwise(times))


def start_import(service: Installation, key: str, path: Path) -> str:
    """Upload a map and have it imported in the background; gives its address."""
    headers = {"Authorization": f"Bearer {key}"}
    made = service.ask("POST", "/api/v1/plans", '{"name": "job"}', Content_Type="application/json", **headers)
    assert made[0] == 201, made
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="streets.geojson"\r\n\r\n'
        + path.read_bytes()
        + b"\r\n--edge--\r\n"
    )
    form = {"Content_Type": "multipart/form-data; boundary=edge", **headers}
    status, answer = service.ask("POST", "/api/v1/plans/job/imports", body, **form)
    assert status == 201, answer
    address = f"/api/v1/plans/job/imports/{json.loads(answer)['id']}"
    options = {"level": "subdistrict", "code_field": "code", "name_field": "name", "background": True}
    status, answer = service.ask(
        "POST", address, json.dumps(options), Content_Type="application/json", **headers
    )
    assert status == 202, answer
    return address


def state_of(service: Installation, key: str, address: str) -> str:
    status, answer = service.ask("GET", address, Authorization=f"Bearer {key}")
    assert status == 200, answer
    return json.loads(answer)["state"]


def stored(service: Installation) -> dict[str, list[str]]:
    """The reports the database holds, by the key they were sent under."""
    engine = create_engine(f"postgresql+psycopg://wangge@/wangge?host={service.folder / 'socket'}")
    found: dict[str, list[str]] = {}
    with engine.connect() as connection:
        for row in connection.execute(text("select text, id from report")):
            found.setdefault(row.text, []).append(str(row.id))
    engine.dispose()
    return found


@pytest.mark.long
def test_killed_in_turn_under_load(running: tuple[Installation, str], tmp_path: Path) -> None:
    service, key = running
    heard, ended = Heard(), threading.Event()
    callers = [threading.Thread(target=look_up, args=(service, heard, ended)) for _ in range(2)]
    callers += [threading.Thread(target=report, args=(service, key, heard, ended)) for _ in range(2)]
    for one in callers:
        one.start()
    try:
        time.sleep(3)
        address = ""
        for find in (web_worker, job_worker, postgres, web) * 2:
            if find is job_worker and not address:
                address = start_import(service, key, write_streets(tmp_path))
            silent = kill(service, find, heard)
            FIGURES.info("killed %s: look-ups silent for %.1f s, reports for %.1f s", find.__name__, *silent)
        deadline = time.monotonic() + 180
        while state_of(service, key, address) != "done" and time.monotonic() < deadline:
            time.sleep(1)
        assert state_of(service, key, address) == "done"
    finally:
        ended.set()
        for one in callers:
            one.join()
    FIGURES.info("look-ups %s; reports %s", dict(heard.look_ups), dict(heard.reports))
    assert heard.wrong == []
    assert_all_kept(service, heard)
    os.kill(service.server.pid, signal.SIGKILL)  # the supervisor itself; the cluster outlives it
    service.server.wait()
    begun = time.monotonic()
    service.start()
    FIGURES.info("started again %.1f s after the supervisor was killed", time.monotonic() - begun)
    assert_all_kept(service, heard)
    begun = time.monotonic()
    service.stop()
    FIGURES.info("stopped in %.1f s", time.monotonic() - begun)
    assert not (service.folder / "postgres" / "postmaster.pid").exists()


def assert_all_kept(service: Installation, heard: Heard) -> None:
    """Each acknowledged report is there, once, under the id that was told."""
    kept = stored(service)
    assert len(heard.acknowledged) > 50
    assert {name: kept.get(name) for name in heard.acknowledged} == {
        name: [one] for name, one in heard.acknowledged.items()
    }
    assert all(len(ids) == 1 for ids in kept.values())
