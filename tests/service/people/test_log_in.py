"""Log-in: lockout, one refusal for all, the cookie, cross-site requests, where it goes next."""

from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service import audit, clock
from service.people import actions, passwords
from service.people.guards import COOKIE
from service.people.keys import csrf_token
from service.people.models import LoginSession, Person
from service.people.views import _local
from tests.service.people.conftest import PASSWORD


def verbs(session: Session) -> list[str]:
    return list(session.scalars(select(audit.AuditEvent.verb).order_by(audit.AuditEvent.id)))


def test_five_wrong_passwords_lock_for_a_quarter_of_an_hour(session, planner):
    at = clock.now()

    def tries(password: str, minutes: float = 0) -> str | None:
        return actions.log_in(session, name="PLANNER ", password=password, at=at + timedelta(minutes=minutes))

    assert [tries("wrong") for _ in range(4)] == [None] * 4
    assert tries(PASSWORD) is not None  # a right one clears the count
    assert [tries("wrong") for _ in range(5)] == [None] * 5
    assert tries(PASSWORD) is None
    assert tries(PASSWORD, minutes=14.9) is None
    assert tries(PASSWORD, minutes=15.1) is not None
    session.flush()
    seen = verbs(session)
    assert (seen.count("refused log-in of"), seen.count("locked"), seen.count("logged in")) == (8, 1, 2)


def test_no_refusal_tells_which_names_exist(session, planner, client, monkeypatch):
    compared = []
    real = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda *both: compared.append(both) or real(*both))
    actions.add_person(
        session, name="gone", role="leader", district=None, password=PASSWORD, by=audit.SYSTEM, at=clock.now()
    )
    session.execute(update(Person).where(Person.name == "gone").values(is_active=False))
    answers = []
    for name, times in (("nobody", 7), ("planner", 7), ("gone", 1)):
        answers += [client.post("/login", data={"name": name, "password": PASSWORD + "?"})] * times
    answers += [client.post("/login", data={"name": "gone", "password": PASSWORD})]
    assert {one.status_code for one in answers} == {401}
    assert len({one.data for one in answers}) == 1
    assert len(compared) == 4  # the costly comparison is never skipped


def test_a_locked_account_answers_as_an_unknown_one(session, planner, client):
    locked = [client.post("/login", data={"name": "planner", "password": "wrong"}) for _ in range(6)][-1]
    unknown = client.post("/login", data={"name": "nobody", "password": "wrong"})
    assert (locked.status_code, locked.data) == (unknown.status_code, unknown.data)
    assert client.post("/login", data={"name": "planner", "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize("name", ["a\0", "", "é" * 5000, "'; drop table person --", "‮"])
def test_hostile_names_are_refused_like_others(planner, client, name):
    assert client.post("/login", data={"name": name, "password": "x\0" * 5000}).status_code == 401


def test_the_cookie_is_shut_and_only_its_hash_is_kept(session, planner, client):
    answer = client.post(
        "/login", data={"name": "planner", "password": PASSWORD}, base_url="https://localhost"
    )
    flags = answer.headers["Set-Cookie"]
    assert all(flag in flags for flag in ("HttpOnly", "SameSite=Lax", "Secure"))
    key = flags.split(";")[0].removeprefix(f"{COOKIE}=")
    kept = session.scalars(select(LoginSession.key_hash)).one()
    assert key.encode() not in kept
    assert len(kept) == 32


def test_a_session_ends_by_time_by_log_out_and_with_the_account(session, browser):
    assert browser.get("/api/v1/plans").status_code == 200
    session.execute(update(Person).values(is_active=False))
    assert browser.get("/api/v1/plans").status_code == 401
    session.execute(update(Person).values(is_active=True))
    key = browser.get_cookie(COOKIE).value
    session.execute(update(LoginSession).values(expires_at=clock.now() - timedelta(seconds=1)))
    assert browser.get("/api/v1/plans").status_code == 401
    session.execute(update(LoginSession).values(expires_at=clock.now() + timedelta(hours=1)))
    assert browser.post("/logout", data={"csrf_token": csrf_token(key)}).status_code == 302
    browser.set_cookie(COOKIE, key)  # whoever copied it gets nowhere either
    assert browser.get("/api/v1/plans").status_code == 401


@pytest.mark.parametrize("given", ["", "0" * 64, "é", "\0", "x" * 10_000])
def test_a_browser_needs_the_csrf_token(browser, given):
    assert browser.post("/logout", data={"csrf_token": given}).status_code == 403
    assert browser.post("/api/v1/plans", json={"name": "P"}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://behind.a.proxy"}, 201),
        ({"Origin": "http://localhost"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost.elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_the_csrf_token_does_not_help_another_site(browser, headers, status):
    token = csrf_token(browser.get_cookie(COOKIE).value)
    answer = browser.post("/api/v1/plans", json={"name": "P"}, headers={"X-CSRF-Token": token, **headers})
    assert answer.status_code == status


def test_one_may_log_in_again_but_not_from_another_site(browser):
    form = {"name": "planner", "password": PASSWORD}
    assert browser.post("/login", data=form).status_code == 302
    assert (
        browser.post("/login", data=form, headers={"Origin": "http://elsewhere.example"}).status_code == 403
    )


@pytest.mark.parametrize(
    "target",
    ["//evil.example/x", "/\t/evil.example", "/\r/evil.example", "/\n/evil.example", "/\\evil.example",
     "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "evil", " //evil.example",
     "/a\\..\\/b", "/\x7f/evil.example", "/\0/evil.example"],
)  # fmt: skip
def test_log_in_goes_only_to_pages_of_ours(planner, client, target):
    form = {"name": "planner", "password": PASSWORD, "next": target}
    answer = client.post("/login", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("target", ["/map", "/plans?name=甲&x=1#y", "/sub/path/"])
def test_log_in_goes_on_to_the_page_one_came_for(app: Any, target: str):
    with app.test_request_context():
        assert _local(target) == target
        assert urlsplit(urljoin("http://localhost/login", target)).netloc == "localhost"
