"""wangge demo."""

import time
from datetime import datetime

import click

from geo.synth import City, make_city
from service import audit, clock, runtime
from service.assignment.in_force import IN_FORCE
from service.db import Session, database_now
from service.demo import accounts, files, loading, places, reports, state
from service.owner import give
from service.settings import Settings


@click.command()
@click.option("--yards", default=3000, show_default=True, type=click.IntRange(300, 300_000))
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0))
@click.option("--reports", "count", default=reports.COUNT, show_default=True, type=click.IntRange(100))
def demo(yards: int, seed: int, count: int) -> None:
    """Make an installation without maps a fictional city; what is loaded already stays."""
    with runtime.running() as settings:
        with Session() as session:
            made = state.made_with(session)
        if made is not None:
            seed, yards = made["seed"], made["yards"]
        city = make_city(seed=seed, yards=yards, progress=_tell)
        if made is None:
            _load_map(city, yards, settings)
        _load_places(settings)
        _load_reports(city, count)
        for line in accounts.lines(accounts.read(settings.demo_folder)):
            click.echo(line)


def _load_map(city: City, yards: int, settings: Settings) -> None:
    folder = settings.demo_folder
    files.write(city, folder)
    largest = files.largest_district(city)
    codes = sorted((one.code for one in city.districts), key=lambda code: code != largest)
    with Session.begin() as session:
        loading.make_room(session, by=audit.OPERATOR, at=clock.now())
        editions = loading.load_map(session, city, yards=yards, by=audit.OPERATOR, at=clock.now(), tell=_tell)
        in_force_from = editions[0].in_force_from
        given = accounts.create(session, districts=codes, by=audit.OPERATOR, at=clock.now())
        accounts.keep(given, folder)
    for one in (folder, *folder.iterdir()):
        give(one, settings.data)
    while _database_clock() < in_force_from:
        time.sleep(0.2)


def _load_places(settings: Settings) -> None:
    path = settings.demo_folder / files.PLACES
    with Session.begin() as session:
        if places.are_there(session) or not path.exists():
            return
        _tell("places", 0.0)
        IN_FORCE.refresh()
        done = places.load(session, path, by=audit.OPERATOR, at=clock.now())
    click.echo(f"{done} places taken")


def _load_reports(city: City, count: int) -> None:
    with Session.begin() as session:
        if state.has_reports(session):
            return
        _tell("reports", 0.0)
        IN_FORCE.refresh()
        done = reports.load(session, city, count=count, by=audit.OPERATOR, at=clock.now())
    click.echo(f"{done} reports filed")


def _database_clock() -> datetime:
    with Session() as session:
        return database_now(session)


def _tell(stage: str, share: float) -> None:
    click.echo(f"Demo city: {stage} ({share:.0%})")


COMMANDS = [demo]
