"""wangge assign: files in, the same files with the responsible grid beside each row out."""

import csv
import json
from typing import Any

import click

from geo.crs import parse_crs
from service import runtime
from service.assignment.answers import Question
from service.assignment.batch import answer_rows, chunks, fields, flat, read_record
from service.assignment.in_force import IN_FORCE
from service.assignment.views import moment
from service.errors import Invalid


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--lon", "x", required=True, help="Column of the longitude or easting.")
@click.option("--lat", "y", required=True, help="Column of the latitude or northing.")
@click.option("--crs", required=True, help="wgs84, cgcs2000, gcj02, bd09, EPSG:n or a PROJ string.")
@click.option("--accuracy", help="Column of the accuracy, or metres for all rows.")
@click.option("--at", help="Answer by the editions in force at this date or time.")
@click.option("--scheme", help="Scheme, the first where none is named.")
@click.option("--format", "form", type=click.Choice(["csv", "ndjson"]), default="csv", show_default=True)
@click.option("-o", "output", type=click.File("w", encoding="utf-8", lazy=False), default="-")
def assign(
    file: Any,
    x: str,
    y: str,
    crs: str,
    accuracy: str | None,
    at: str | None,
    scheme: str | None,
    form: str,
    output: Any,
) -> None:
    """Append the responsible grid to each row of FILE (CSV, or - for standard input)."""
    declared = parse_crs(crs)
    with runtime.running():
        IN_FORCE.refresh()
        scheme_id = IN_FORCE.scheme_id(scheme)
        if scheme_id is None:
            raise Invalid(f"There is no scheme {scheme!r}.")
        profile = IN_FORCE.profile
        answered_at = IN_FORCE.now()
        when = moment(at, profile.time_zone) or answered_at
        question = Question(scheme_id, when, answered_at, profile.locale, contacts=False)
        levels = IN_FORCE.levels[scheme_id]
        table = csv.DictReader(file)
        names = _checked_names(table, x, y, levels)
        write = _writer(form, output, [*names, *fields(levels)])
        failed = 0
        for chunk in chunks(table):
            rows = [read_record(one, x, y, _accuracy(one, accuracy)) for one in chunk]
            for source, result in zip(chunk, answer_rows(IN_FORCE, question, rows, declared), strict=True):
                failed += "error" in result
                write({**source, **flat(result, levels)})
    if failed:
        click.echo(f"{failed} rows could not be answered: see grid_error", err=True)


def _accuracy(row: dict[str, Any], accuracy: str | None) -> Any:
    if accuracy is None:
        return None
    return row.get(accuracy, accuracy)


def _checked_names(table: csv.DictReader, x: str, y: str, levels: tuple[str, ...]) -> list[str]:
    names = list(table.fieldnames or ())
    for wanted in (x, y):
        if wanted not in names:
            raise Invalid(f"The file has no column {wanted!r}. It has: {', '.join(names)}.")
    clash = sorted(set(names) & set(fields(levels)))
    if clash:
        raise Invalid(f"The file already has {', '.join(clash)}: rename them first.")
    return names


def _writer(form: str, output: Any, names: list[str]) -> Any:
    if form == "csv":
        writer = csv.DictWriter(output, names, lineterminator="\n")
        writer.writeheader()
        return writer.writerow
    return lambda row: output.write(json.dumps(row, ensure_ascii=False) + "\n")


COMMANDS = [assign]
