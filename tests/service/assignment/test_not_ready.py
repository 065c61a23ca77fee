"""A process that has not heard the database yet, or not lately, says so and blames nobody's question."""

from typing import Any

import pytest

from service.assignment import views
from service.assignment.in_force import InForce

QUESTION = "/api/v1/assign?lon=116&lat=32&crs=wgs84"


@pytest.mark.parametrize("more", ["", "&scheme=comprehensive", "&level=community", "&at=2026-01-01"])
def test_before_the_first_hearing_is_503(client: Any, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    monkeypatch.setattr(views, "IN_FORCE", InForce())
    answer = client.get(QUESTION + more)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), answer.json
    for kind, body in (
        ("application/json", '{"crs": "wgs84", "points": [[116, 32]]}'),
        ("text/csv", "lon,lat\n116,32\n"),
        ("application/x-ndjson", '{"lon": 116, "lat": 32}'),
        ("application/geo+json", '{"type": "FeatureCollection", "features": []}'),
    ):
        answer = client.post("/api/v1/assign?crs=wgs84" + more, data=body, content_type=kind)
        assert answer.status_code == 503, (kind, answer.json)
