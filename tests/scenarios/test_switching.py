"""Editions change under load: no error, and no answer by an edition that did not count at that moment."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import shapely
from sqlalchemy import create_engine, text

from tests.scenarios.asking import Callers, WrongClock
from tests.scenarios.installation import Installation, write_map
from tests.scenarios.test_killed_parts import children

FIGURES = logging.getLogger("figures")
LON, LAT = 116.0005, 32.0005
AGREE_S = 1.0  # between our clock and a worker's estimate of it just after its start, on a busy machine
KILL_LISTENERS = text("""
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query like 'listen %'
""")

BUILD_JOBS = text("select status::text from procrastinate_jobs where task_name = 'assignment.build_index'")


def write_edition(folder: Path, number: int, squares: int) -> Path:
    """Write a map whose codes and names tell its number; the first square is the one that is asked for."""
    rows = [
        (
            {"code": f"99010{number}{place:03}", "name": f"版{number}-{place}"},
            shapely.box(
                west := 116 + place % 40 * 0.001,
                south := 32 + place // 40 * 0.001,
                west + 0.001,
                south + 0.001,
            ),
        )
        for place in range(squares)
    ]
    return write_map(folder / f"{number}.geojson", rows)


def publish(service: Installation, folder: Path, number: int, squares: int) -> None:
    """Import and publish an edition by the commands; returns when it is in force."""
    words = ("--level", "subdistrict", "--code-field", "code", "--name-field", "name")
    path = write_edition(folder, number, squares)
    service.told("import", path, "--plan", f"p{number}", "--base", "empty", *words)
    service.told("publish", f"p{number}")


@pytest.fixture
def clock(tmp_path_factory: pytest.TempPathFactory) -> WrongClock:
    folder = tmp_path_factory.mktemp("clock")
    for one in (folder, *folder.parents[:2]):
        one.chmod(0o755)
    return WrongClock(folder / "shift")


class Silencer:
    """Ends every connection that listens for notifications, again and again."""

    def __init__(self, service: Installation) -> None:
        url = service.environment["WANGGE_DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._silence)
        self.killed = 0

    def __enter__(self) -> "Silencer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._engine.dispose()

    def _silence(self) -> None:
        with self._engine.connect() as connection:
            while not self._ended.wait(0.2):
                self.killed += len(connection.execute(KILL_LISTENERS).all())


def editions_of(service: Installation) -> list[tuple[datetime, int]]:
    listed = json.loads(service.told("editions", "--json"))
    return sorted((datetime.fromisoformat(one["in_force_from"]), one["number"]) for one in listed)


def assert_right(callers: Callers, editions: list[tuple[datetime, int]], names: dict[int, str]) -> None:
    """Each answer is the one of the edition that counted, and its moment is the real one, whatever the clock says."""
    assert callers.failures == []
    assert {one.status for one in callers.answers} == {200}, [
        one.body for one in callers.answers if one.status != 200
    ][:3]
    for one in callers.answers:
        counted = max((moment, number) for moment, number in editions if moment <= one.answered_at)
        told = (datetime.fromisoformat(one.body["edition"]["in_force_from"]), one.body["edition"]["number"])
        assert told == counted
        assert one.body["grid"]["name"] == names[told[1]]
        assert one.asked - AGREE_S <= one.answered_at.timestamp() <= one.heard + AGREE_S


def assert_made_anew(service: Installation) -> None:
    """Delete all indexes under a running service: it goes on, and a job makes those in force again."""
    for path in (service.folder / "indexes").glob("*.index"):
        path.unlink()
    url = service.environment["WANGGE_DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert service.ask("GET", "/readyz")[0] == 200
        with engine.connect() as connection:
            states = connection.scalars(BUILD_JOBS).all()
        if states and set(states) == {"succeeded"}:
            break
        time.sleep(0.5)
    engine.dispose()
    assert states
    assert [path.suffix for path in (service.folder / "indexes").iterdir() if path.suffix != ".lock"] == [
        ".index"
    ]


def switch(
    install: Callable[..., Installation],
    clock: WrongClock,
    folder: Path,
    *,
    rate: float,
    squares: int,
    rounds: int,
) -> list[tuple[float, float]]:
    """Change editions so many times under load; gives p99 before and during each change."""
    service = install("switching", **clock.environment)
    publish(service, folder, 1, squares)
    service.start()
    names, figures = {1: "版1-0"}, []
    with Callers(service, rate, LON, LAT) as callers, Silencer(service) as silencer:
        time.sleep(2)
        for number in range(2, rounds + 2):
            begun = time.time()
            time.sleep(3)
            web = children(service.server.pid, "granian")[0]
            clock.shift(children(web, "")[number % 2])
            names[number] = f"版{number}-0"
            publish(service, folder, number, squares)
            time.sleep(2.5)  # a command that starts takes a processor, which is not what is measured
            moment = editions_of(service)[-1][0].timestamp()
            figures.append((callers.p99_ms(begun, begun + 3), callers.p99_ms(moment - 2, moment + 2)))
    assert_right(callers, editions_of(service), names)
    assert {one.body["edition"]["number"] for one in callers.answers} == set(names)
    assert silencer.killed > rounds
    FIGURES.info("%s answers at %s/s, p99 before and during: %s", len(callers.answers), rate, figures)
    assert_made_anew(service)
    return figures


def test_a_switch_under_load(install: Callable[..., Installation], clock: WrongClock, tmp_path: Path) -> None:
    switch(install, clock, tmp_path, rate=40, squares=2, rounds=1)


@pytest.mark.long
def test_an_index_cut_under_a_running_service(install: Callable[..., Installation], tmp_path: Path) -> None:
    """A worker dies that reads beyond the end; the next one does not answer from what is left, until it is whole."""
    service = install("cut")
    publish(service, tmp_path, 1, 2000)
    service.start()
    [path] = (service.folder / "indexes").glob("*.index")
    size = path.stat().st_size
    with Callers(service, 40, LON, LAT) as callers:
        time.sleep(1)
        os.truncate(path, 100)
        deadline = time.monotonic() + 120
        while path.stat().st_size != size and time.monotonic() < deadline:
            time.sleep(0.2)
        assert path.stat().st_size == size
        service.wait_ready()
        again = time.time() + 2
        time.sleep(4)
    assert {one.status for one in callers.answers} <= {200, 503}
    assert {one.body["grid"]["name"] for one in callers.answers if one.status == 200} == {"版1-0"}
    assert {one.status for one in callers.between(again, again + 60)} == {200}


@pytest.mark.long
def test_three_switches_at_500_a_second(
    install: Callable[..., Installation], clock: WrongClock, tmp_path: Path
) -> None:
    figures = switch(install, clock, tmp_path, rate=500, squares=2000, rounds=3)
    assert sorted(during / before for before, during in figures)[1] < 3
