"""wangge reports: files of reports in."""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from service import audit, clock, runtime
from service.assignment.batch import chunks
from service.cases import actions
from service.cases.intake import Fault, Unread, sorted_out
from service.city import queries as city
from service.db import Session
from service.errors import Conflict, Invalid

FIELDS = ("happened_at", "category", "text", "lon", "lat", "crs", "accuracy_m", "source")
NEEDED = ("happened_at", "category", "lon", "lat")
FAULTS_LISTED = 1000  # bounds the memory of a file in which every row is wrong


@click.group()
def reports() -> None:
    """Reports: what somebody sent."""


def _column(name: str) -> Any:
    option = f"--{name.replace('_', '-')}-field"
    return click.option(option, f"{name}_field", default=name, show_default=True, help=f"Column of {name}.")


@reports.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_column("happened_at")
@_column("category")
@_column("text")
@_column("lon")
@_column("lat")
@_column("crs")
@_column("accuracy_m")
@_column("source")
@click.option("--crs", help="Coordinate system of rows that name none: wgs84, gcj02, bd09, EPSG:n or PROJ.")
@click.option("--source", default="file", show_default=True, help="Who sent the rows that name nobody.")
@click.option("--encoding", default="utf-8-sig", show_default=True, help="Encoding, for example gb18030.")
@click.option("--again", is_flag=True, help="File the reports although this very file was imported before.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_(
    file: Path, crs: str | None, source: str, encoding: str, again: bool, as_json: bool, **columns: str
) -> None:
    """File the reports in FILE (CSV). Rows with errors are listed and left out, all others are filed.

    A time without offset is the city's. Nothing is filed where the file can't be read to its end.
    """
    names = {name: columns[f"{name}_field"] for name in FIELDS}
    filed, failed, row, listed = 0, 0, 2, list[Fault]()
    with runtime.running(), Session.begin() as session:
        at, profile = clock.now(), city.profile(session)
        if not again:
            _refuse_repeated(session, file, at)
        for chunk in chunks(_records(file, encoding, names, source)):
            good, bad = sorted_out(chunk, profile=profile, crs=crs, at=at, first=row)
            row += len(chunk)
            filed += len(actions.file_reports(session, good, by=audit.OPERATOR, at=at))
            failed += len({one.row for one in bad})
            listed += bad[: FAULTS_LISTED - len(listed)]
    _tell(filed, failed, listed, as_json)


def _refuse_repeated(session: Any, file: Path, at: Any) -> None:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").digest()
    key = f"file {digest.hex()}"
    if actions.claim(session, key=key, body_hash=digest, by=audit.OPERATOR, at=at) is not None:
        raise Conflict(f"{file.name} was imported before; --again files its reports once more.")


def _records(
    file: Path, encoding: str, names: dict[str, str], source: str
) -> Iterator[dict[str, Any] | Unread]:
    try:
        with file.open(encoding=encoding, newline="") as lines:
            table = csv.DictReader(lines, strict=True)
            present = _present(table, names)
            for row in table:
                if row.pop(None, None) is not None:  # type: ignore[call-overload]
                    yield Unread("the row has more cells than the header")
                    continue
                yield {"source": source, **{name: row[column] for name, column in present if row[column]}}
    except (UnicodeDecodeError, LookupError) as error:
        raise Invalid(f"The file can't be read as {encoding}: {error}. Name another --encoding.") from error
    except csv.Error as error:
        raise Invalid(f"The CSV can't be split into rows: {error}.") from error


def _present(table: csv.DictReader, names: dict[str, str]) -> list[tuple[str, str]]:
    found = list(table.fieldnames or ())
    missing = [names[name] for name in NEEDED if names[name] not in found]
    if missing:
        raise Invalid(f"The file has no column {', '.join(missing)}. It has: {', '.join(found)}.")
    return [(name, column) for name, column in names.items() if column in found]


def _tell(filed: int, failed: int, listed: list[Fault], as_json: bool) -> None:
    if as_json:
        rows = [{**asdict(one)} for one in listed]
        click.echo(json.dumps({"filed": filed, "failed": failed, "errors": rows}, ensure_ascii=False))
    else:
        click.echo(f"{filed} reports filed")
        for one in listed:
            click.echo(f"row {one.row}: {one.field + ': ' if one.field else ''}{one.detail}", err=True)
    if failed:
        click.echo(f"{failed} rows could not be filed", err=True)


COMMANDS = [reports]
