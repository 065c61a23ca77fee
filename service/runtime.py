"""What every entry point needs first: settings, a running database, the newest schema, a city."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from service import audit, clock, db, migrate
from service.city import actions, profile, queries
from service.embedded import Cluster
from service.settings import Settings

_log = structlog.get_logger("runtime")


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Give the database's address; the private cluster runs as long as the block does."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    cluster = Cluster(settings.data)
    cluster.hold()
    try:
        yield cluster.url
    finally:
        cluster.release()


@contextmanager
def running(settings: Settings | None = None) -> Iterator[Settings]:
    """Run a block with the database up, migrated, founded and connected; gives the settings."""
    settings = settings or Settings()
    with database(settings) as url:
        prepare(url, settings)
        engine = db.connect(url)
        try:
            yield settings
        finally:
            engine.dispose()


def prepare(url: str, settings: Settings, *, demo: bool = False) -> None:
    """Bring a database to the newest schema and make it a city; a demo city where it is none yet and one is wanted."""
    migrate.upgrade(url)
    engine = db.connect(url)
    with db.Session.begin() as session:
        if not queries.is_founded(session):
            wanted = _first_profile(settings, demo=demo)
            actions.found_city(session, wanted, by=audit.OPERATOR, at=clock.now())
    engine.dispose()


def _first_profile(settings: Settings, *, demo: bool) -> profile.Profile:
    wanted = profile.shipped(settings.profile)
    if not demo:
        return wanted
    if not wanted.can_be_demo:
        _log.warning("no demo city: it does not have the levels of this profile", profile=settings.profile)
        return wanted
    return wanted.as_demo()
