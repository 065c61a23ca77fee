"""What every entry point needs first: settings, a running database, the newest schema, a city."""

from collections.abc import Iterator
from contextlib import contextmanager

from service import audit, clock, db, migrate
from service.city import actions, profile
from service.embedded import Cluster
from service.settings import Settings


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
    wanted = profile.shipped(settings.profile)
    with db.Session.begin() as session:
        actions.found_city(session, wanted.as_demo() if demo else wanted, by=audit.OPERATOR, at=clock.now())
    engine.dispose()
