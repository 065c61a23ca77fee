"""Bring the database to the newest schema."""

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def configuration(url: str) -> "Config":
    """Give Alembic's configuration for a database."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations that are missing."""
    if revision == "head" and current_revision(url) == wanted_revision():
        return  # the usual case at every start and command, without loading Alembic
    from alembic import command

    command.upgrade(configuration(url), revision)


def wanted_revision() -> str:
    """Give the revision this version of the service needs."""
    return (FOLDER / "CURRENT_HEAD").read_text().strip()


def current_revision(url: str) -> str | None:
    """Give the revision a database has, None where it is new."""
    with psycopg.connect(url) as connection:
        if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("select version_num from alembic_version").fetchone()
        return row[0] if row else None
