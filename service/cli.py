"""The wangge command: thin, one sub-command a deed; each feature brings its own."""

import importlib
import sys
from types import ModuleType

import click

from geo.errors import GeoError
from service.errors import ServiceError

FEATURES = ("people", "grids", "assignment", "cases", "supervision", "demo")


class Sentences(click.Group):
    """Prints our errors as sentences and ends with status 1."""

    def invoke(self, context: click.Context) -> object:
        """Run the sub-command."""
        try:
            return super().invoke(context)
        except (ServiceError, GeoError) as error:
            click.echo(error.detail, err=True)
            sys.exit(1)


@click.group(cls=Sentences)
def main() -> None:
    """Wangge 网格: grid management for cities."""


@main.command()
def serve() -> None:
    """Run the service until it is stopped."""
    from service.supervisor import serve as run

    run()


@main.command()
def worker() -> None:
    """Run background jobs until stopped."""
    import asyncio

    from service import db, jobs, runtime
    from service.settings import Settings

    _load("tasks")
    with runtime.database(Settings()) as url:
        engine = db.connect(url)
        asyncio.run(jobs.work(url))
        engine.dispose()


def _load(name: str) -> list[ModuleType]:
    """Import a file of every feature that has it."""
    found = []
    for feature in FEATURES:
        try:
            found.append(importlib.import_module(f"service.{feature}.{name}"))
        except ModuleNotFoundError as missing:
            if missing.name != f"service.{feature}.{name}":
                raise
    return found


for _module in _load("commands"):
    for _command in _module.COMMANDS:
        main.add_command(_command)


if __name__ == "__main__":
    main()
