"""Requests made from our own OpenAPI document: whatever is sent, the answer is never a 500."""

import contextlib

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from service import audit, clock
from service.assignment import in_force
from service.people import actions
from service.people.permissions import Permission


def test_no_request_breaks_the_service(app, session, monkeypatch):
    """Each operation gets requests that fit its schema and requests that don't, with every permission."""
    monkeypatch.setattr(in_force, "STALE_SECONDS", 600.0)  # nobody listens to the database here
    key = actions.create_token(
        session, name="all", scopes=tuple(Permission), by=audit.OPERATOR, at=clock.now()
    )
    session.flush()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    tried = []
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            tried += send_to(operation, mode, {"Authorization": f"Bearer {key}"})
    # "Not ready" is what /readyz is for; everywhere else it would be a fault.
    broken = [one for one in tried if one[0] >= 500 and "/readyz" not in one[1]]
    assert broken == []
    assert len({operation for _, operation in tried}) >= 20


def send_to(operation, mode, headers):
    answers = []

    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        answer = case.call(headers=headers)
        answers.append(
            (answer.status_code, f"{case.method} {operation.path} {case.query} {case.body!r}"[:300])
        )

    # An operation that takes nothing has nothing that could be wrong.
    with contextlib.suppress(schemathesis.errors.SchemathesisError, Unsatisfiable):
        send()
    return answers
