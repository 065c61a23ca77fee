"""wangge import, check, publish, rollback, editions, diff."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from service import audit, clock, runtime
from service.city import queries as city
from service.db import Session, database_now
from service.grids import checking, comparing, posts, publishing, queries, wire
from service.grids.importing import Request, import_file
from service.grids.models import PlanFinding

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--plan", required=True, help="Name of the plan; a new one is made.")
@click.option("--level", required=True, help="Level of the features.")
@click.option("--code-field", required=True)
@click.option("--name-field", required=True)
@click.option("--parent-field")
@click.option("--crs", help="wgs84, cgcs2000, gcj02, bd09, EPSG:n or PROJ; wins over what the file says.")
@click.option("--encoding")
@click.option("--layer")
@click.option("--scheme")
@click.option("--district", help="Code of the district.")
@click.option("--base", type=click.Choice(["current", "empty"]), default="current", show_default=True)
@click.option("--dry-run", is_flag=True, help="Report, change nothing.")
@as_json
def import_(file: Path, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Import FILE as one level of a plan and print the findings."""
    wanted = Request(path=file, **options)
    with runtime.running(), Session() as session:
        done = import_file(session, wanted, by=audit.OPERATOR, at=clock.now())
        report = {
            "plan": done.plan.name,
            "features": done.features,
            "source": done.source,
            "dry_run": dry_run,
            "findings": [wire.finding(one) for one in done.findings],
        }
        session.rollback() if dry_run else session.commit()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    click.echo(f"{done.features} features read as {done.source['crs']}, encoding {done.source['encoding']}")
    _print(done.findings)


@click.command()
@click.argument("plan")
@as_json
@click.pass_context
def check(context: click.Context, plan: str, as_json: bool) -> None:
    """Print what was found in PLAN; ends with 1 where an error is not waived."""
    with runtime.running(), Session.begin() as session:
        found = queries.get_plan(session, plan)
        findings = checking.recheck(session, found)
        left = publishing.blocking(findings, queries.list_waivers(session, found.id))
        shown = [wire.finding(one) for one in findings]
    if as_json:
        click.echo(json.dumps({"findings": shown, "blocking": len(left)}, ensure_ascii=False))
    else:
        _print(findings)
    context.exit(1 if left else 0)


@click.command()
@click.argument("plan")
@click.option(
    "--from", "from_on", type=click.DateTime(["%Y-%m-%d"]), help="Date of force, midnight in the city."
)
@click.option("--waive", "rules", multiple=True, help="Rule to publish with in spite of it, or all.")
@click.option("--reason", default="", help="Why that is right.")
@as_json
def publish(plan: str, from_on: datetime | None, rules: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Submit, approve and publish PLAN as the operator of this machine; returns when it is in force."""
    with runtime.running():
        with Session.begin() as session:
            found = queries.get_plan(session, plan, lock=True)
            publishing.waive(session, found, rules, reason=reason, by=audit.OPERATOR, at=clock.now())
            day = from_on.date() if from_on else None
            editions = publishing.publish(session, found, from_on=day, by=audit.OPERATOR, at=clock.now())
            shown = [wire.edition(session, one) for one in editions]
        if from_on is None:
            _wait(editions[0].in_force_from)
    _echo(shown, as_json)


@click.command()
@click.argument("district")
@click.argument("edition", type=int)
@as_json
def rollback(district: str, edition: int, as_json: bool) -> None:
    """Publish the content of an old EDITION of DISTRICT as a new one."""
    with runtime.running():
        with Session.begin() as session:
            place = city.get_district(session, district)
            made = publishing.rollback(session, place, edition, by=audit.OPERATOR, at=clock.now())
            shown = wire.edition(session, made)
        _wait(made.in_force_from)
    _echo([shown], as_json)


@click.command()
@as_json
def editions(as_json: bool) -> None:
    """List the editions of all districts."""
    with runtime.running(), Session.begin() as session:
        shown = [wire.edition(session, one) for one in queries.list_editions(session)]
    _echo(shown, as_json)


@click.command()
@click.argument("a", type=int)
@click.argument("b", type=int)
@click.option("--district", help="Code of the district.")
@as_json
def diff(a: int, b: int, district: str | None, as_json: bool) -> None:
    """Compare edition A with edition B."""
    with runtime.running(), Session.begin() as session:
        changes = comparing.editions(session, city.the_district(session, district), a, b)
    _echo(comparing.as_rows(changes), as_json)


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--district", help="Code of the district.")
@click.option("--scheme")
def roster(file: Path, district: str | None, scheme: str | None) -> None:
    """Take leaders, phones, households and people from FILE.xlsx: all rows or none."""
    with runtime.running(), Session.begin() as session:
        place = city.the_district(session, district)
        rows = posts.import_roster(
            session, file, district=place, scheme=scheme, by=audit.OPERATOR, at=clock.now()
        )
    click.echo(f"{rows} rows taken")


def _wait(in_force_from: datetime) -> None:
    """Wait until an edition counts, by the clock that decides it."""
    import time

    with Session() as session:
        left = (in_force_from - database_now(session)).total_seconds()
    time.sleep(max(0.0, left))


def _echo(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo("  ".join(f"{name}={value}" for name, value in row.items() if value is not None))


def _print(findings: Sequence[PlanFinding]) -> None:
    for one in findings:
        click.echo(f"{one.severity:8}{one.rule:18}{one.area_m2:14.2f} m²  {one.detail}")
    counts = Counter(one.severity for one in findings)
    click.echo(f"{counts['error']} errors, {counts['warning']} warnings, {counts['info']} notes", err=True)


COMMANDS = [import_, check, publish, rollback, editions, diff, roster]
