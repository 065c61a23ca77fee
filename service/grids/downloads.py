"""Comparisons as files to take along."""

import json
from collections.abc import Sequence
from urllib.parse import quote

from flask import Response

from service.grids import comparing
from service.grids.comparing import Change
from service.http import json_response


def comparison(listed: Sequence[tuple[str, Sequence[Change]]], form: str, name: str) -> Response:
    """Answer with changes by district as JSON, CSV or GeoJSON."""
    if form == "csv":
        return _attached(Response(comparing.as_csv(listed), mimetype="text/csv"), f"{name}.csv")
    if form == "geojson":
        content = json.dumps(comparing.as_features(listed), ensure_ascii=False)
        return _attached(Response(content, mimetype="application/geo+json"), f"{name}.geojson")
    rows = [
        {"district": district, **row} for district, changes in listed for row in comparing.as_rows(changes)
    ]
    return json_response({"changes": rows})


def _attached(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return response
