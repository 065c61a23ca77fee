"""A private cluster for the tests; one migrated template database, a copy for each worker."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session as OrmSession

from service import audit, clock, create_app, db, migrate
from service.assignment import building, in_force
from service.assignment.in_force import IN_FORCE
from service.city import actions as city_actions
from service.city import profile
from service.embedded import Cluster
from service.people.usage import USAGE
from service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the tests a data folder of their own: the indexes of their maps are saved there."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("data")
        patch.setenv("WANGGE_DATA", str(folder))
        yield folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Hold the test cluster while tests run. Nothing in it must survive, so it need not reach the disk."""
    folder = Path("/var/lib/wangge-test") if os.geteuid() == 0 else ROOT / "var" / "test"
    one = Cluster(folder, options="-c fsync=off -c full_page_writes=off -c synchronous_commit=off")
    one.hold()
    yield one
    one.release()


def make_database(cluster: Cluster, name: str) -> str:
    """Make an empty database, or make it anew, and give its address."""
    admin = create_engine(
        cluster.url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f'drop database if exists "{name}" with (force)'))
        connection.execute(text(f'create database "{name}"'))
    admin.dispose()
    return cluster.url.replace("/wangge?", f"/{name}?")


@pytest.fixture(scope="session")
def url(cluster: Cluster) -> str:
    """Give a database of this worker with the newest schema and the Chinese default city."""
    address = make_database(cluster, f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    migrate.upgrade(address)
    engine = db.connect(address)
    with db.Session.begin() as session:
        city_actions.found_city(session, profile.shipped("cn"), by=audit.SYSTEM, at=clock.now())
    engine.dispose()
    return address


@pytest.fixture(scope="session")
def engine(url: str) -> Iterator[Engine]:
    """Connect the session maker to the worker's database."""
    one = db.connect(url)
    yield one
    one.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[OrmSession]:
    """Give a session whose work, also that of `with Session.begin()`, is rolled back at the end."""
    with engine.connect() as connection:
        outer = connection.begin()
        db.Session.configure(bind=connection, join_transaction_mode="create_savepoint")
        with db.Session() as one:
            yield one
        outer.rollback()
        db.Session.configure(bind=engine)


@pytest.fixture
def app(session: OrmSession, monkeypatch: pytest.MonkeyPatch) -> object:
    """Build the application on the session's connection; the maps are refreshed by the test, not by time."""
    monkeypatch.setattr(IN_FORCE, "start", lambda: None)
    monkeypatch.setattr(USAGE, "start", lambda: None)
    monkeypatch.setattr(building, "PATIENCE_S", 0.0)  # no worker runs here
    monkeypatch.setattr(in_force, "STALE_SECONDS", 60.0)  # a busy machine is not what most tests are about
    one = create_app(Settings())
    one.testing = False
    IN_FORCE.refresh()
    return one


@pytest.fixture
def client(app: object) -> object:
    """Give a test client."""
    return app.test_client()  # type: ignore[attr-defined]
