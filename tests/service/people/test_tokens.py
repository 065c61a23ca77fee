"""Tokens: scopes by place, registered coordinate system, expiry, revocation; the commands that make them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from geo.errors import GeoError
from service import audit, clock, runtime
from service.cli import main
from service.errors import Invalid, NotFound
from service.people import actions, guards
from service.people import queries as people
from service.people.models import ApiToken
from service.settings import Settings

BY = {"by": audit.OPERATOR}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def run(session, monkeypatch):
    @contextmanager
    def running() -> Iterator[Settings]:
        yield Settings()

    monkeypatch.setattr(runtime, "running", running)
    return lambda *words, **more: CliRunner().invoke(main, list(words), **more)


def test_a_token_does_what_its_scopes_say_and_declares_its_crs(session, client):
    key = actions.create_token(session, name="t", scopes=("plan_read",), crs="gcj02", at=clock.now(), **BY)
    assert client.get("/api/v1/plans", headers=bearer(key)).status_code == 200
    refused = client.post("/api/v1/plans", json={"name": "P"}, headers=bearer(key))
    assert (refused.status_code, refused.json["permission"]) == (403, "plan_edit")
    assigned = client.get("/api/v1/assign?lon=116&lat=32", headers=bearer(key))
    assert assigned.json["declared"]["crs"] == "gcj02"


def test_a_token_ends_at_its_expiry(session, client, monkeypatch):
    at = clock.now()
    key = actions.create_token(session, name="t", scopes=(), expires_at=at + timedelta(hours=1), at=at, **BY)
    assert client.get("/api/v1/hello", headers=bearer(key)).status_code == 200
    guards._tokens.clear()
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(hours=1))
    assert client.get("/api/v1/hello", headers=bearer(key)).status_code == 401


def test_a_revoked_token_is_refused_after_five_seconds_at_most(session, client, monkeypatch):
    key = actions.create_token(session, name="t", scopes=(), at=clock.now(), **BY)
    assert client.get("/api/v1/hello", headers=bearer(key)).status_code == 200
    assert actions.revoke_token(session, name="t", at=clock.now(), **BY) == 1
    with pytest.raises(NotFound):
        actions.revoke_token(session, name="t", at=clock.now(), **BY)
    later = time.monotonic() + guards.TOKEN_SECONDS + 0.01
    monkeypatch.setattr(guards.time, "monotonic", lambda: later)
    assert client.get("/api/v1/hello", headers=bearer(key)).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer nonsense", "Basic dTpw", "é", "Bearer é\x01"]
)
def test_what_is_no_token_is_refused(client, header):
    assert client.get("/api/v1/hello", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"scopes": ("plan_read", "all")}, Invalid),
        ({"name": " "}, Invalid),
        ({"crs": "mars"}, GeoError),
        ({"district": "nowhere"}, NotFound),
        ({"expires_at": clock.now() - timedelta(days=1)}, Invalid),
    ],
)
def test_tokens_that_can_not_be(session, wrong, error):
    with pytest.raises(error):
        actions.create_token(session, **{"name": "t", "scopes": (), "at": clock.now(), **BY, **wrong})


def test_token_commands(session, client, run):
    made = run("token", "create", "gis", "--scope", "plan_read", "--scope", "report_send", "--crs", "bd09",
               "--expires", "2199-01-31")  # fmt: skip
    assert made.exit_code == 0, made.output
    kept = session.scalars(select(ApiToken)).one()
    assert (kept.scopes, kept.crs) == (["plan_read", "report_send"], "bd09")
    assert kept.expires_at == datetime(2199, 1, 31, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert client.get("/api/v1/plans", headers=bearer(made.stdout.strip())).status_code == 200
    assert made.stdout.strip().encode() not in kept.key_hash
    assert run("token", "revoke", "gis").exit_code == 0
    again = run("token", "revoke", "gis")
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)
    assert run("token", "create", "x", "--scope", "everything").exit_code == 2
    assert run("token", "create", "x", "--crs", "mars").exit_code == 1
    assert run("token", "create", "x", "--expires", "2001-01-01").exit_code == 1


def test_user_add(session, run):
    printed = run("user", "add", "Li.Planner", "--role", "planner")
    assert printed.exit_code == 0
    key = actions.log_in(session, name="li.planner", password=printed.stdout.strip(), at=clock.now())
    assert key is not None
    given = run("user", "add", "other", "--role", "leader", "--password-stdin", input="密码密码密码密码\n")
    assert (given.exit_code, given.output) == (0, "")
    assert actions.log_in(session, name="other", password="密码密码密码密码", at=clock.now()) is not None
    twice = run("user", "add", "OTHER", "--role", "leader")
    assert (twice.exit_code, twice.stderr) == (1, "That login name is taken.\n")
    assert run("user", "add", "short", "--role", "leader", "--password-stdin", input="\n").exit_code == 1
    assert run("user", "add", "x", "--role", "king").exit_code == 2
    assert people.find_person(session, "short") is None
