"""Places as answers show them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from geo.addresses import Number
from service.assignment.in_force import IN_FORCE
from service.places import ground, queries
from service.places.finding import Candidate


def candidates(session: Session, found: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Show candidates, each with the grid that answers for it now."""
    points = np.array([one.spot for one in found], dtype=np.float64).reshape(-1, 2)
    lists = queries.list_names(session, [one.list_id for one in found])
    return [candidate(one, lies, lists) for one, lies in zip(found, ground.lies_on(points), strict=True)]


def candidate(one: Candidate, lies: ground.Ground, lists: Mapping[int, str]) -> dict[str, Any]:
    """Show one candidate."""
    grid = lies.grid
    return {
        **place(one, lists),
        "score": round(one.match.score, 3),
        "regions": list(lies.regions),
        "grid": None if grid is None else {"code": grid.code, "name": grid.name, "level": grid.level},
        "distance_m": None if one.distance_m is None else round(one.distance_m, 1),
    }


def place(one: Candidate, lists: Mapping[int, str]) -> dict[str, Any]:
    """Show what a place is, what of it was matched, and what of the question it does not say."""
    return {
        "id": str(one.id),
        "kind": one.kind,
        "name": one.name,
        "aliases": list(one.aliases),
        "address": one.address,
        "position": {"lon": one.lon, "lat": one.lat, "crs": IN_FORCE.profile.geographic_crs},
        "matched": {"field": one.matched_field, "text": one.matched_text},
        "exact": one.match.is_exact,
        "not_in_list": [number(each) for each in one.match.unmatched],
        "list": {"name": lists.get(one.list_id, ""), "edition": one.list_edition},
    }


def number(one: Number) -> dict[str, str]:
    """Show a number of an address; its kind is empty where it is not said."""
    return {"kind": one.kind, "value": one.value}
