"""Bring the database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def configuration(url: str) -> Config:
    """Give Alembic's configuration for a database."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations that are missing."""
    command.upgrade(configuration(url), revision)


def wanted_revision() -> str:
    """Give the revision this version of the service needs."""
    return (FOLDER / "CURRENT_HEAD").read_text().strip()
