"""wangge heatmap: the heatmap as one file that needs nothing else."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from service import runtime

day = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 3660), default=28, show_default=True, help="The last so many days."
)
@click.option("--from", "from_on", type=day, help="First day, in the city's time zone.")
@click.option("--to", "to_on", type=day, help="First day no more.")
@click.option("--category", help="Code of a category.")
@click.option("--grid", help="Code or name of a grid, or LEVEL:CODE.")
@click.option("--level", help="Level of the grids that are counted.")
@click.option(
    "--view", type=click.Choice(["now", "previous", "difference"]), default="now", show_default=True
)
@click.option(
    "--locale", type=click.Choice(["zh", "en"]), help="Language; that of the city where none is named."
)
@click.option("-o", "output", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def heatmap(
    from_on: datetime | None,
    to_on: datetime | None,
    locale: str | None,
    output: Path,
    as_json: bool,
    **asked: Any,
) -> None:
    """Draw the heatmap into one HTML file that opens without any network."""
    days = {"from_on": from_on and from_on.date(), "to_on": to_on and to_on.date()}
    with runtime.running():
        html, count = _drawn({**asked, **days}, locale)
    output.write_text(html, "utf-8")
    if as_json:
        click.echo(json.dumps({"file": str(output), "reports": count, "bytes": len(html.encode())}))
    else:
        click.echo(f"{count} reports drawn into {output}")


def _drawn(asked: dict[str, Any], locale: str | None) -> tuple[str, int]:
    from service.assignment.in_force import IN_FORCE
    from service.db import Session
    from service.supervision import heatmap as one
    from service.supervision.assets import inlined
    from service.supervision.views import render

    IN_FORCE.refresh()
    app = _pages(locale or IN_FORCE.profile.locale, IN_FORCE.profile.demo)
    with app.test_request_context(), Session() as session:
        wanted = one.resolve(session, one.HeatmapQuery(**asked), None)
        found = one.figures(session, wanted)
        return inlined(render(session, wanted, found)), found.count


def _pages(locale: str, demo: bool) -> Any:
    """Make what renders our templates, without the rest of the web application."""
    from flask import Flask
    from flask_babel import Babel

    home = Path(__file__).resolve().parents[1]
    app = Flask("service", template_folder=str(home / "templates"))
    texts = str(home / "translations")
    Babel(app, locale_selector=lambda: locale, default_translation_directories=texts)
    app.context_processor(lambda: {"locale": locale, "demo": demo})
    return app


COMMANDS = [heatmap]
