"""wangge user and wangge token."""

import json
import sys
from datetime import datetime

import click

from service import audit, clock, runtime
from service.db import Session
from service.people import actions, queries, token_queries
from service.people.permissions import ROLES, Permission


@click.group()
def user() -> None:
    """Accounts of persons."""


@user.command("add")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(list(ROLES)))
@click.option(
    "--district", help="Code of the district the role holds in; the whole city where none is named."
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; else one is printed."
)
def add(name: str, role: str, district: str | None, password_stdin: bool) -> None:
    """Add an account with a role."""
    given = sys.stdin.readline().rstrip("\n") if password_stdin else None
    with runtime.running(), Session.begin() as session:
        password = actions.add_person(
            session,
            name=name,
            role=role,
            district=district,
            password=given,
            by=audit.OPERATOR,
            at=clock.now(),
        )
    if given is None:
        click.echo(password)


@click.group()
def token() -> None:
    """Tokens of systems."""


@token.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([str(one) for one in Permission]),
    help="What it may do beyond anonymous look-ups; repeatable.",
)
@click.option("--crs", help="Coordinate system this system always sends.")
@click.option(
    "--district", help="Code of the district its scopes hold in; the whole city where none is named."
)
@click.option(
    "--expires", type=click.DateTime(["%Y-%m-%d"]), help="First day, in the city, on which it is refused."
)
@click.option(
    "--per-minute", type=click.IntRange(1), help="Most requests a minute; no limit where none is named."
)
def create(
    name: str,
    scopes: tuple[str, ...],
    crs: str | None,
    district: str | None,
    expires: datetime | None,
    per_minute: int | None,
) -> None:
    """Make a token; it is printed once."""
    with runtime.running(), Session.begin() as session:
        key = actions.create_token(
            session,
            name=name,
            scopes=scopes,
            crs=crs,
            district=district,
            expires_at=queries.midnight(session, expires.date()) if expires else None,
            per_minute=per_minute,
            by=audit.OPERATOR,
            at=clock.now(),
        )
    click.echo(key)


@token.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Refuse all tokens of this name from now on (running workers: after five seconds)."""
    with runtime.running(), Session.begin() as session:
        count = actions.revoke_token(session, name=name, by=audit.OPERATOR, at=clock.now())
    click.echo(f"{count} revoked")


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_tokens(as_json: bool) -> None:
    """List all tokens with their scopes, quota and what they asked in the last day."""
    with runtime.running(), Session() as session:
        rows = token_queries.tokens(session, at=clock.now())
    if as_json:
        click.echo(json.dumps({"tokens": [token_queries.as_json(one) for one in rows]}, ensure_ascii=False))
        return
    for one in rows:
        quota = f"{one.per_minute}/min" if one.per_minute else "no quota"
        state = "revoked" if one.revoked_at else "living"
        click.echo(f"{one.name}\t{state}\t{quota}\t{one.day_requests} in a day\t{' '.join(one.scopes)}")


COMMANDS = [user, token]
