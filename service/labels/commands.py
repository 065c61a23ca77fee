"""wangge audit: a city's own history against our answers."""

import json
from pathlib import Path
from typing import Any

import click

from service import runtime
from service.assignment.in_force import IN_FORCE
from service.db import Session
from service.errors import Invalid
from service.labels import editions, sheets, summary, telling, wording
from service.labels.auditing import audit as check
from service.labels.positions import Choices
from service.labels.table import read_table


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--label", required=True, help="Column with the code or name of the grid that handled the row.")
@click.option("--lon", required=True, help="Column of the longitude or easting.")
@click.option("--lat", required=True, help="Column of the latitude or northing.")
@click.option("--crs", required=True, help="wgs84, cgcs2000, gcj02, bd09, EPSG:n or a PROJ string.")
@click.option("--level", help="Level of the labels; found by itself where it is not given.")
@click.option(
    "--kind", "kinds", multiple=True, help="Column to tell apart by, also where it explains nothing."
)
@click.option("--time", help="Column of the time: each row is answered by the edition of its day.")
@click.option("--scheme", help="Scheme, the first where none is named.")
@click.option("--encoding", help="Encoding of a CSV, for example gb18030.")
@click.option(
    "-o", "output", type=click.Path(dir_okay=False, path_type=Path), help="Workbook to write (.xlsx)."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def audit(file: Path, output: Path | None, as_json: bool, kinds: tuple[str, ...], **chosen: Any) -> None:
    """Hold the labels of FILE (CSV, .gz of one, or XLSX) against our answers and say why they differ."""
    choices = Choices(kinds=kinds, **chosen)
    if output is not None and output.suffix.lower() != ".xlsx":
        raise Invalid("The report is a workbook: name it with -o NAME.xlsx.")
    table = read_table(file, encoding=choices.encoding)
    with runtime.running():
        IN_FORCE.refresh()
        with Session() as session:
            against = editions.known(session, IN_FORCE, choices.scheme)
        profile = IN_FORCE.profile
        found = check(table, choices, against, tolerance_m=profile.tolerance_m, time_zone=profile.time_zone)
    figures = summary.summary(found, table, file.name)
    if output is not None:
        output.write_bytes(sheets.book(figures, summary.rows(found, table), table, profile.locale))
    if as_json:
        click.echo(
            json.dumps({**figures, "verdict": wording.verdict(figures, profile.locale)}, ensure_ascii=False)
        )
    else:
        click.echo("\n".join(telling.lines(figures, profile.locale)))


COMMANDS = [audit]
