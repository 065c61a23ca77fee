"""wangge places: lists of addresses, estates and names in, searched."""

import json
from pathlib import Path

import click

from service import audit, clock, runtime
from service.assignment.in_force import IN_FORCE
from service.db import Session
from service.places import actions, queries, wire
from service.places.finding import find
from service.places.intake import Columns, read_file

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def places() -> None:
    """Places: the city's own lists of addresses, estates and names."""


@places.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--name-field", required=True, help="Column of the name; of the address where there is no name."
)
@click.option(
    "--alias-field", multiple=True, help="Column of other names, several with a comma between them."
)
@click.option("--address-field", help="Column of the address.")
@click.option("--region-field", multiple=True, help="Column of the district, sub-district … it lies in.")
@click.option("--kind-field", help="Column of the kind.")
@click.option("--kind", default="", help="Kind of rows that name none.")
@click.option("--lon", help="Column of the longitude or easting; not for maps.")
@click.option("--lat", help="Column of the latitude or northing; not for maps.")
@click.option("--crs", help="wgs84, cgcs2000, gcj02, bd09, EPSG:n or PROJ; wins over what the file says.")
@click.option("--encoding", help="Of a CSV that is not UTF-8, for example gb18030.")
@click.option("--layer", help="Layer of a map with several.")
@click.option("--list", "into", help="Name of the list; the file's where none is given.")
@click.option("--replace", is_flag=True, help="Forget what the list held before.")
@click.option("--skip-errors", is_flag=True, help="Take the good rows although others can't be taken.")
@click.option("--outside", is_flag=True, help="Take them although most lie outside of the city.")
@as_json
def import_(
    file: Path,
    name_field: str,
    alias_field: tuple[str, ...],
    address_field: str | None,
    region_field: tuple[str, ...],
    kind_field: str | None,
    kind: str,
    lon: str | None,
    lat: str | None,
    crs: str | None,
    encoding: str | None,
    layer: str | None,
    into: str | None,
    replace: bool,
    skip_errors: bool,
    outside: bool,
    as_json: bool,
) -> None:
    """Take the places of FILE (CSV, XLSX, GeoPackage, GeoJSON, Shapefile), all of them or none."""
    columns = Columns(name_field, alias_field, address_field, kind_field, region_field, lon, lat)
    source = read_file(file, columns, crs=crs, encoding=encoding, layer=layer)
    with runtime.running(), Session.begin() as session:
        IN_FORCE.hear()
        done = actions.import_places(
            session,
            source,
            into=into or file.stem,
            file_name=file.name,
            kind=kind,
            replace=replace,
            skip_errors=skip_errors,
            outside=outside,
            by=audit.OPERATOR,
            at=clock.now(),
        )
    _tell(done, as_json)


def _tell(done: actions.Imported, as_json: bool) -> None:
    shown = actions.as_json(done)
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        click.echo(f"{done.places} places taken into {done.into}, edition {done.edition}, read as {done.crs}")
        for one in done.rows:
            click.echo(f"row {one['row']}: {one['detail']}", err=True)
    for kind, words in (
        ("errors", "rows left out"),
        ("repeated", "repeated"),
        ("same_name", "of one name elsewhere"),
        ("outside", "outside of the city"),
    ):
        if shown[kind]:
            click.echo(f"{shown[kind]} {words}", err=True)


@places.command("find")
@click.argument("text")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 50))
@as_json
def find_(text: str, limit: int, as_json: bool) -> None:
    """List the places TEXT may mean, the likeliest first."""
    with runtime.running(), Session() as session:
        IN_FORCE.hear()
        found = find(session, text, limit=limit)
        shown = wire.candidates(session, found.candidates)
    if as_json:
        clear = None if found.clear is None else str(found.clear.id)
        click.echo(json.dumps({"q": text, "clear": clear, "places": shown}, ensure_ascii=False))
        return
    for one in shown:
        grid = one["grid"]["code"] if one["grid"] else "-"
        click.echo(f"{one['score']:.2f}  {one['name']}  {one['address']}  {grid}")


@places.command("lists")
@as_json
def lists(as_json: bool) -> None:
    """List the lists with their editions."""
    with runtime.running(), Session() as session:
        rows = [
            {
                "name": one.name,
                "edition": one.edition,
                "places": count,
                "changed_at": one.changed_at.isoformat(),
            }
            for one, count in queries.list_lists(session)
        ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo("  ".join(f"{name}={value}" for name, value in row.items()))


@places.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Forget the list NAME with its places."""
    with runtime.running(), Session.begin() as session:
        removed = actions.remove_list(session, name, by=audit.OPERATOR, at=clock.now())
    click.echo(f"{removed} places removed")


COMMANDS = [places]
