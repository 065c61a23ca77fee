"""Real pages in real Chromium against a real server, each test with a city of its own.

`live_server` is the running application on a copy of a small published city; `page` is a browser page at
the desk's and at the phone's width that fails the test on any console error or request to another host.
Don't mix with `session` or `client`: the server commits. Use `with Session.begin()`.
"""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, text
from werkzeug.serving import make_server

from service import audit, clock, create_app, db, migrate
from service.assignment import building, in_force
from service.assignment.in_force import IN_FORCE
from service.city import actions as city_actions
from service.city import profile
from service.embedded import Cluster
from service.people import actions as people_actions
from service.people.usage import USAGE
from service.settings import Settings
from tests.browser import city
from tests.conftest import make_database

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
DESK, PHONE = (1440, 900), (390, 844)
# For tests of what doesn't depend on the width; a smaller page costs less to draw without a graphics card.
at_desk = pytest.mark.parametrize("page", [(1024, 640)], ids=["desk"], indirect=True)
PASSWORD = "a long enough pass phrase 1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Server:
    """A running server: its address, and a way to make accounts."""

    url: str

    def add_person(self, name: str, role: str, district: str | None = None) -> str:
        """Make an account and give its password."""
        with db.Session.begin() as session:
            people_actions.add_person(
                session,
                name=name,
                role=role,
                district=district,
                password=PASSWORD,
                by=audit.SYSTEM,
                at=clock.now(),
            )
        return PASSWORD


@pytest.fixture(scope="session")
def city_template(cluster: Cluster) -> str:
    """Make the small city once a worker; gives the name of its database."""
    name = f"city_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    address = make_database(cluster, name)
    migrate.upgrade(address)
    before = db.Session.kw.get("bind")
    engine = db.connect(address)
    with db.Session.begin() as session:
        city_actions.found_city(session, profile.shipped("cn"), by=audit.SYSTEM, at=clock.now())
        city.load(session)
    engine.dispose()
    db.Session.configure(bind=before)
    return name


@pytest.fixture
def live_server(cluster: Cluster, city_template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Run the application on a copy of the small city, as many threads as the browser wants."""
    before = db.Session.kw.get("bind")
    engine = db.connect(_copy(cluster, city_template))
    monkeypatch.setattr(IN_FORCE, "start", lambda: None)
    monkeypatch.setattr(USAGE, "start", lambda: None)
    monkeypatch.setattr(building, "PATIENCE_S", 0.0)  # no worker runs here
    monkeypatch.setattr(in_force, "STALE_SECONDS", 60.0)  # a busy machine is not what these tests are about
    IN_FORCE.refresh()
    stop = threading.Event()
    listener = threading.Thread(target=_follow, args=(stop,))
    listener.start()
    server = make_server("127.0.0.1", 0, create_app(Settings()), threaded=True)
    server.daemon_threads = False  # closing waits for requests under way, and for their connections
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}")
    finally:
        stop.set()
        server.shutdown()
        thread.join()
        listener.join()
        server.server_close()
        engine.dispose()
        db.Session.configure(bind=before)


def _follow(stop: threading.Event) -> None:
    while not stop.wait(0.5):
        IN_FORCE.refresh()


def _copy(cluster: Cluster, template: str) -> str:
    name = f"{template}_copy"
    admin = create_engine(
        cluster.url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f'drop database if exists "{name}" with (force)'))
        connection.execute(text(f'create database "{name}" template "{template}"'))
    admin.dispose()
    return cluster.url.replace("/wangge?", f"/{name}?")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Start Debian's Chromium once a worker."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium: script/setup test installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def console_errors() -> list[str]:
    """Collect what the page complains of; a test that provokes an error takes it out."""
    return []


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(
    request: pytest.FixtureRequest, chromium: Any, live_server: Server, console_errors: list[str]
) -> Iterator[Any]:
    """Open a page in Chinese; afterwards it must have stayed quiet and on our host."""
    width, height = request.param
    context = chromium.new_context(
        base_url=live_server.url,
        viewport={"width": width, "height": height},
        locale="zh-CN",
        has_touch=width < 768,
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
    one = context.new_page()
    one.set_default_timeout(30_000)
    abroad: list[str] = []
    host = urlsplit(live_server.url).netloc
    one.on("console", lambda said: console_errors.append(said.text) if said.type == "error" else None)
    one.on("pageerror", lambda error: console_errors.append(str(error)))
    one.on("request", lambda asked: abroad.append(asked.url) if _is_abroad(asked.url, host) else None)
    yield one
    context.close()
    assert console_errors == []
    assert abroad == []


def _is_abroad(url: str, host: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob", "about") and parts.netloc != host


def log_in(page: Any, live_server: Server, role: str, district: str | None = None) -> None:
    """Let the page's person be somebody of a role."""
    password = live_server.add_person(role, role, district)
    page.goto("/login")
    page.fill("input[name=name]", role)
    page.fill("input[name=password]", password)
    page.click("main button")
    page.wait_for_url(lambda url: not url.endswith("/login"))


def stays_within_its_width(page: Any) -> bool:
    """Tell whether the page scrolls in one direction only."""
    return page.evaluate("document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth")
