"""The wangge command: thin, one sub-command a deed; each feature brings its own in `commands.py`."""

import importlib
import sys
from pathlib import Path

import click

from geo.errors import GeoError
from service.errors import ServiceError

# Which feature brings a command: only that one is loaded to run it.
FEATURE_OF = {
    "assign": "assignment",
    "audit": "labels",
    "backup": "upkeep",
    "check": "grids",
    "demo": "demo",
    "diff": "grids",
    "doctor": "upkeep",
    "editions": "grids",
    "heatmap": "supervision",
    "import": "grids",
    "places": "places",
    "publish": "grids",
    "reports": "cases",
    "restore": "upkeep",
    "rollback": "grids",
    "roster": "grids",
    "token": "people",
    "user": "people",
}


# Which features take part in what another one's command does.
TAKE_PART = dict.fromkeys(("publish", "rollback"), ("service.assignment.building",))


class Commands(click.Group):
    """Loads a feature when one of its commands is named; prints our errors as sentences and ends with 1."""

    def list_commands(self, context: click.Context) -> list[str]:
        """List every command."""
        return sorted({*super().list_commands(context), *FEATURE_OF})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Find a command by name."""
        if name not in FEATURE_OF:
            return super().get_command(context, name)
        found = importlib.import_module(f"service.{FEATURE_OF[name]}.commands").COMMANDS
        for other in TAKE_PART.get(name, ()):
            importlib.import_module(other)
        return next((one for one in found if one.name == name), None)

    def invoke(self, context: click.Context) -> object:
        """Run the sub-command."""
        try:
            return super().invoke(context)
        except (ServiceError, GeoError) as error:
            click.echo(error.detail, err=True)
            sys.exit(1)


@click.group(cls=Commands)
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

    _load_tasks()
    with runtime.database(Settings()) as url:
        engine = db.connect(url)
        asyncio.run(jobs.work(url))
        engine.dispose()


def _load_tasks() -> None:
    """Import the jobs of every feature that has some, so that the worker knows them."""
    for path in sorted(Path(__file__).parent.glob("*/tasks.py")):
        importlib.import_module(f"service.{path.parent.name}.tasks")


if __name__ == "__main__":
    main()
