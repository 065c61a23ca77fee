"""Walk every route and method: guarded or declared public; what is guarded refuses whoever may not."""

from typing import Any
from uuid import UUID

import pytest

from service import audit, clock
from service.http import LOOKUP, PUBLIC
from service.people import actions
from service.people.permissions import Permission
from service.settings import Settings

ALWAYS_OPEN = {"/healthz", "/login"}
VALUES: dict[str, Any] = {"UUIDConverter": UUID(int=0), "IntegerConverter": 0}


def walk(app: Any) -> list[tuple[str, str, object]]:
    """List method, a path and the guard of every route."""
    found = []
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        values = {name: VALUES.get(type(kind).__name__, "x") for name, kind in rule._converters.items()}
        path = adapter.build(rule.endpoint, values)
        guard = getattr(app.view_functions[rule.endpoint], "guard", None)
        found += [(method, path, guard) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return found


def test_every_route_is_guarded_or_declared_public(app):
    routes = walk(app)
    assert len(routes) > 20
    assert [
        one for one in routes if one[2] not in (PUBLIC, LOOKUP) and not isinstance(one[2], Permission)
    ] == []


def test_guarded_routes_refuse_strangers_and_tokens_without_the_scope(app, client, session):
    key = actions.create_token(session, name="t", scopes=(), by=audit.SYSTEM, at=clock.now())
    guarded = [one for one in walk(app) if isinstance(one[2], Permission)]
    assert len(guarded) > 5
    for method, path, guard in guarded:
        assert client.open(path, method=method).status_code == 401, (method, path)
        answer = client.open(path, method=method, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, answer.json["permission"]) == (403, guard), (method, path)


def test_the_setting_closes_every_look_up_to_strangers(app, client, session):
    app.config["WANGGE"] = Settings(anonymous=False)
    closed = [one for one in walk(app) if one[2] == LOOKUP]
    assert "/api/v1/assign" in [path for _, path, _ in closed]
    for method, path, _ in closed:
        assert client.open(path, method=method).status_code == 401, (method, path)
    for path in ALWAYS_OPEN:
        assert client.get(path).status_code == 200, path
    key = actions.create_token(session, name="t", scopes=(), by=audit.SYSTEM, at=clock.now())
    given = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/assign?lon=116&lat=32&crs=wgs84", headers=given).status_code == 200


@pytest.mark.parametrize("mark", [None, "anything", True])
def test_a_route_somebody_forgot_to_guard_is_shut(app, client, session, mark):
    def forgotten() -> str:
        return "secret"

    if mark is not None:
        forgotten.guard = mark
    app.add_url_rule("/api/v1/forgotten", view_func=forgotten)
    assert client.get("/api/v1/forgotten").status_code == 401
    everything = tuple(Permission)
    key = actions.create_token(session, name="t", scopes=everything, by=audit.SYSTEM, at=clock.now())
    answer = client.get("/api/v1/forgotten", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403
    assert b"secret" not in answer.data
