"""Quotas of tokens and the log of what they asked."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from service import audit, clock
from service.errors import QuotaSpent
from service.people import actions, tasks
from service.people.models import ApiRequest, ApiToken, ApiUsage
from service.people.usage import USAGE, Line, Usage

NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_counted_yet():
    USAGE.__init__()


def token(session, name="sender", **more):
    key = actions.create_token(session, name=name, scopes=(), by=audit.SYSTEM, at=clock.now(), **more)
    found = session.scalar(select(ApiToken.id).where(ApiToken.name == name))
    return {"Authorization": f"Bearer {key}"}, str(found)


def test_a_quota_refuses_what_is_beyond_it_until_the_minute_is_over():
    usage, who = Usage(), str(uuid4())
    assert [usage.admit(who, 3, NOON) for _ in range(3)] == [2, 1, 0]
    with pytest.raises(QuotaSpent) as refused:
        usage.admit(who, 3, NOON)
    assert refused.value.members["retry_after"] == 31
    assert usage.admit(str(uuid4()), 3, NOON) == 2
    assert usage.admit(who, 3, NOON + timedelta(seconds=30)) == 2
    assert usage.admit(who, None, NOON) is None


def test_processes_learn_of_each_other_when_they_write(session):
    _, who = token(session)
    one, other = Usage(), Usage()
    for _ in range(6):
        one.admit(who, 10, NOON)
    for _ in range(4):
        other.admit(who, 10, NOON)
    one.write(), other.write()
    with pytest.raises(QuotaSpent):
        other.admit(who, 10, NOON)
    assert session.scalar(select(ApiUsage.requests).where(ApiUsage.token_id == who)) == 10


def test_what_comes_while_we_write_is_kept(session, monkeypatch):
    _, who = token(session)
    usage = Usage()
    line = Line(who, NOON, "r", "GET", "/x\0y", "q=\ud800", 200, 1.0)
    usage.admit(who, None, NOON), usage.note(line)
    forget = usage._forget

    def meanwhile(*given):
        usage.admit(who, None, NOON), usage.note(line)
        forget(*given)

    monkeypatch.setattr(usage, "_forget", meanwhile)
    usage.write()
    monkeypatch.undo()
    usage.write(), usage.write()
    assert session.scalar(select(ApiUsage.requests).where(ApiUsage.token_id == who)) == 2
    assert session.scalar(select(func.count()).select_from(ApiRequest).where(ApiRequest.token_id == who)) == 2


def test_over_http_a_spent_quota_is_429_and_every_request_is_in_the_log(client, session):
    given, _ = token(session, per_minute=2)
    first = client.get("/api/v1/hello?x=1", headers={**given, "X-Request-Id": "mine-1"})
    assert first.status_code == 200
    assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("2", "1")
    assert client.get("/api/v1/nowhere", headers=given).status_code == 404
    spent = client.get("/api/v1/hello", headers={**given, "Accept-Language": "zh"})
    assert (spent.status_code, spent.json["type"]) == (429, "/problems/quota-spent")
    assert 1 <= int(spent.headers["Retry-After"]) <= 61
    assert "每分钟可请求 2 次" in spent.json["detail"]
    assert "RateLimit-Limit" not in client.get("/api/v1/hello").headers
    USAGE.write()
    reader, _ = token(session, "security")
    assert client.get("/api/v1/requests", headers=reader).json == {"requests": []}
    session.query(ApiToken).filter_by(name="sender").update({"per_minute": None})
    from service.people import guards

    guards._tokens.clear()
    log = client.get("/api/v1/requests", headers=given).json["requests"]
    assert [(one["path"], one["status"]) for one in log] == [
        ("/api/v1/hello", 429),
        ("/api/v1/nowhere", 404),
        ("/api/v1/hello", 200),
    ]
    assert (log[2]["query"], log[2]["request_id"]) == ("x=1", "mine-1")


def test_the_log_is_searched_and_paged(client, session):
    given, who = token(session)
    now = clock.now()
    for number in range(5):
        status = 200 if number % 2 else 422
        USAGE.note(
            Line(who, now - timedelta(seconds=number), f"r{number}", "GET", "/a", "lon=1", status, 1.0)
        )
    USAGE.write()

    def asked(query):
        return [
            one["request_id"]
            for one in client.get(f"/api/v1/requests?{query}", headers=given).json["requests"]
        ]

    assert asked("status=422") == asked("status=4") == ["r0", "r2", "r4"]
    assert asked("q=r3") == ["r3"]
    assert asked("q=%25") == []
    since = (now - timedelta(seconds=1.5)).isoformat().replace("+", "%2B")
    assert asked(f"since={since}") == ["r0", "r1"]
    pages, href = [], "/api/v1/requests?limit=2"
    while href:
        answer = client.get(href, headers=given).json
        pages.append([one["request_id"] for one in answer["requests"]])
        href = answer["links"][0]["href"] if "links" in answer else None
    assert pages == [["r0", "r1"], ["r2", "r3"], ["r4"]]
    for bad in ("since=2026-03-01T00:00:00", "cursor=x", "status=9999", "limit=0"):
        assert client.get(f"/api/v1/requests?{bad}", headers=given).status_code == 422, bad


def test_strangers_do_not_see_the_log(client):
    assert client.get("/api/v1/requests").status_code == 403


def test_old_lines_are_swept(session):
    _, who = token(session)
    now = clock.now()
    for days in (1, 29, 31):
        at = now - timedelta(days=days)
        USAGE.admit(who, None, at)
        USAGE.note(Line(who, at, str(days), "GET", "/", "", 200, 1.0))
    USAGE.write()
    assert tasks.sweep(30) == 1
    kept = session.scalars(select(ApiRequest.request_id).order_by(ApiRequest.at)).all()
    assert kept == ["29", "1"]


def test_a_line_that_cannot_be_stored_does_not_block_what_follows(session, monkeypatch):
    usage = Usage()
    usage.admit(str(uuid4()), None, NOON)  # of no token the database knows
    rounds = iter([None, None])

    def next_round(_):
        if next(rounds, "over") == "over":
            raise InterruptedError

    monkeypatch.setattr("service.people.usage.time.sleep", next_round)
    with pytest.raises(InterruptedError):
        usage._repeat()
    _, who = token(session)
    usage.admit(who, None, NOON)
    usage.write()
    assert session.scalar(select(ApiUsage.requests).where(ApiUsage.token_id == who)) == 1
