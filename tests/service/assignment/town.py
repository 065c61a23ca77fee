"""A town of two communities, and persons who may decide in it."""

from datetime import timedelta

import pytest

from service import audit, clock
from service.grids import publishing, queries
from service.people import actions as people
from tests.service.grids.maps import EAST, bring, communities

SPOT = {"lon": 118.8095, "lat": 31.905, "crs": "wgs84", "radius_m": 30}
BY = {"by": audit.OPERATOR}


@pytest.fixture
def edition(session, tmp_path, monkeypatch):
    """Two communities whose border runs at 118.81, in force at once."""
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    bring(session, communities(tmp_path), base="empty")
    plan = queries.get_plan(session, "P", lock=True)
    publishing.waive(session, plan, ["all"], reason="test", **BY, at=clock.now())
    made = publishing.publish(session, plan, **BY, at=clock.now())
    session.flush()
    return made[0]


@pytest.fixture
def bearer(session):
    """Make tokens with scopes, for the city or one district."""

    def made(*scopes, district=None):
        name = f"{district}-{'-'.join(scopes)}"
        key = people.create_token(session, name=name, scopes=scopes, district=district, at=clock.now(), **BY)
        return {"Authorization": f"Bearer {key}"}

    return made


@pytest.fixture
def boss(edition, bearer):
    return bearer("ruling_decide", "page_read", "contact_read")


def decide(client, headers, **given):
    return client.post(
        "/api/v1/rulings", json={**SPOT, "grid": EAST, "reason": "原属东社区", **given}, headers=headers
    )
