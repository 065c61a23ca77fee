"""Two clients with one idempotency key at the same moment, on connections of their own."""

import os
import threading
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

from service import audit, clock
from service.assignment.in_force import IN_FORCE
from service.cases import actions
from service.cases.intake import NewReport


@pytest.mark.parametrize("first_commits", [True, False], ids=["first commits", "first gives up"])
def test_one_key_is_answered_once_however_many_ask_at_once(engine, url, first_commits):
    """The second waits for the first, and takes the key where the first gave it up."""
    IN_FORCE.refresh()
    key = f"race-{os.getpid()}-{uuid4()}"
    session_of = sessionmaker(bind=create_engine(url.replace("postgresql://", "postgresql+psycopg://")))
    new = [NewReport(clock.now(), "litter", "", "test", 10.0, 10.0, "wgs84")]
    given = {"key": key, "body_hash": b"h", "by": audit.OPERATOR, "at": clock.now()}
    answers = {}

    def second():
        with session_of.begin() as session:
            answers["second"] = actions.file_once(session, new, **given)

    other = threading.Thread(target=second)
    with session_of() as session:
        answers["first"] = actions.file_once(session, new, **given)
        other.start()
        other.join(0.5)
        assert other.is_alive()
        session.commit() if first_commits else session.rollback()
    other.join(10)
    assert (answers["first"] == answers["second"]) is first_commits
    with session_of.begin() as session:
        kept = session.execute(
            text("delete from report where idempotency_key = :key returning id"), {"key": key}
        ).all()
        session.execute(text("delete from report_key where key = :key"), {"key": key})
    assert [one.id for one in kept] == answers["second"]
    session_of.kw["bind"].dispose()
