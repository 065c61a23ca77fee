"""wangge backup, restore, doctor."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from service import clock, db, runtime
from service.db import Session
from service.settings import Settings
from service.upkeep import backup as backups
from service.upkeep import doctor as examination


@click.command()
@click.option("-o", "target", required=True, type=click.Path(path_type=Path), help="The tar to write.")
def backup(target: Path) -> None:
    """Write everything the installation keeps into one file; the service may run meanwhile."""
    settings = Settings()
    with runtime.database(settings) as url:
        backups.write(url, settings.data, target, at=clock.now())
    click.echo(f"{target}: {target.stat().st_size} bytes")


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(source: Path) -> None:
    """Bring a backup into an installation that was never used."""
    settings = Settings()
    with runtime.database(settings) as url:
        about = backups.read(url, settings.data, source)
    click.echo(f"Restored the backup of {about['made_at']}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Ask whether the installation is well; ends with 1 where it is not."""
    settings = Settings()
    with runtime.database(settings) as url:
        engine = db.connect(url)
        with Session() as session:
            answers = list(examination.examine(session, settings))
        engine.dispose()
    if as_json:
        click.echo(json.dumps([asdict(one) for one in answers], ensure_ascii=False))
    else:
        for one in answers:
            click.echo(f"{'ok ' if one.is_well else 'BAD'}  {one.question}: {one.found}")
    context.exit(0 if all(one.is_well for one in answers) else 1)


COMMANDS = [backup, restore, doctor]
