"""An answer as a plain dictionary, put together anew for each position: slow, obvious, and no fragment in sight."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import numpy as np

from geo.confidence import shares
from geo.crs import Crs, to_lonlat
from service.assignment.answers import ACCURACY_LIMIT_M
from service.assignment.locating import Hit, locate
from service.assignment.maps import EditionMap, GridRow
from service.assignment.question import Question
from service.assignment.rulings import Ruling
from service.assignment.wording import sentence


def plain_answer(
    in_force: Any,
    question: Question,
    crs: Crs,
    declared: tuple[float, float],
    accuracy_m: float | None = None,
    ruling: Ruling | None = None,
) -> dict[str, Any]:
    """Answer one position; `ruling` is the one that decides there."""
    maps = in_force.maps_at(question.scheme_id, question.moment)
    points = to_lonlat(np.array([declared]), crs)
    lon, lat = points[0].tolist()
    [hit] = locate(maps, points, in_force.profile.tolerance_m)
    one, grid = hit.map if hit.status != "outside" else None, hit.grid
    decided = None
    if ruling is not None:
        decided = next(((m, row) for m in maps for row in m.grids if row.id == ruling.grid_id), None)
    answering, row = decided or (one, grid)
    confidence, others = sure(maps, hit, lon, lat, accuracy_m)
    chain = chain_of(answering, row)
    said = (
        chain if question.level not in [step["level"] for step in chain[1:]] else cut(chain, question.level)
    )
    answer: dict[str, Any] = {
        "status": hit.status,
        "grid": None if row is None else named(row),
        "chain": with_leaders(in_force, said) if question.contacts else said,
        "distance_to_border_m": None if one is None else round(hit.distance_m or 0.0, 3),
        "confidence": confidence,
        "alternates": others,
        "ruling": told(ruling, grid, question) if decided and ruling else None,
        "position": {"lon": lon, "lat": lat, "crs": in_force.profile.geographic_crs},
        "declared": {"lon": declared[0], "lat": declared[1], "crs": crs.key},
        "why": why(in_force, question, hit, grid, row, chain, ruling if decided else None),
        "warnings": [],
        "edition": None if answering is None else edition_of(answering),
        "answered_at": question.answered_at.isoformat(),
    }
    asked = {
        "accuracy_m": accuracy_m,
        "as_of": instant(question.answered_at),
        "at": instant(question.moment),
        "crs": crs.key,
        "lat": declared[1],
        "lon": declared[0],
        "scheme": in_force.scheme_code(question.scheme_id),
        "tolerance_m": in_force.profile.tolerance_m,
    }
    answer["evidence"] = evidence_of(question, asked, answer, chain)
    return answer


def named(row: GridRow) -> dict[str, str]:
    return {"id": str(row.id), "code": row.code, "name": row.name, "level": row.level}


def edition_of(one: EditionMap) -> dict[str, Any]:
    key = one.key
    return {
        "district": key.district_code,
        "number": key.number,
        "in_force_from": key.in_force_from.isoformat(),
    }


def chain_of(one: EditionMap | None, row: GridRow | None) -> list[dict[str, Any]]:
    if one is None:
        return []
    district = {"level": "district", "code": one.key.district_code, "name": one.key.district_name}
    return [district, *(named(one.grids[step]) for step in (row.chain if row else ()))]


def cut(chain: list[dict[str, Any]], level: str | None) -> list[dict[str, Any]]:
    return chain[: [step["level"] for step in chain].index(level) + 1]


def with_leaders(in_force: Any, chain: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "leader": in_force.leader(one["id"])} if "id" in one else one for one in chain]


def sure(
    maps: list[EditionMap], hit: Hit, lon: float, lat: float, accuracy_m: float | None
) -> tuple[float | None, list[dict[str, Any]]]:
    if hit.status == "outside":
        alternates = [] if hit.map is None else [other(hit.map, hit.owner, None, hit.distance_m or 0.0)]
        return (0.0 if accuracy_m else None), alternates
    if not accuracy_m:
        return None, []
    confidence, others = 0.0, []
    for one in maps:
        for share in shares(one.locator, lon, lat, min(accuracy_m, ACCURACY_LIMIT_M)):
            if one is hit.map and share.owner == hit.owner and share.owner >= 0:
                confidence = share.share
            elif share.owner >= 0:
                others.append(other(one, share.owner, round(share.share, 4), share.distance_m))
    others.sort(key=lambda one: (-one["share"], one["distance_m"], one["code"]))
    return round(confidence, 4), others


def other(one: EditionMap, owner: int, share: float | None, distance_m: float) -> dict[str, Any]:
    row = one.grids[owner] if owner >= 0 else None
    names = {name: row and getattr(row, name) for name in ("code", "name", "level")}
    return {**names, "share": share, "distance_m": round(distance_m, 3)}


def told(ruling: Ruling, instead_of: GridRow | None, question: Question) -> dict[str, Any]:
    public = {
        "id": str(ruling.id),
        "decided_on": ruling.decided_on.isoformat(),
        "instead_of": None if instead_of is None else named(instead_of),
    }
    return public | ({"decided_by": ruling.decided_by, "reason": ruling.reason} if question.contacts else {})


def why(
    in_force: Any,
    question: Question,
    hit: Hit,
    grid: GridRow | None,
    answering: GridRow | None,
    chain: list[dict[str, Any]],
    ruling: Ruling | None,
) -> str:
    key = "gap-nobody" if hit.status == "gap" and grid is None else hit.status
    words = sentence(key, question.locale, grid=grid.name if grid else "", distance=hit.distance_m or 0.0)
    if ruling is not None and answering is not None:
        words += sentence("ruling", question.locale, day=ruling.decided_on.isoformat(), grid=answering.name)
    if question.contacts and answering is not None and in_force.leader(answering.id) is None:
        above = [one for one in chain[1:-1] if in_force.leader(one["id"])]
        if above:
            words += sentence("vacant", question.locale, grid=answering.name, parent=above[-1]["name"])
    return words


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def evidence_of(
    question: Question, asked: dict[str, Any], answer: dict[str, Any], chain: list[dict[str, Any]]
) -> dict[str, str]:
    """The core as whoever recomputes it writes it: sorted keys, no blanks; and the link."""
    grid, edition = answer["grid"], answer["edition"]
    result = {
        "alternates": [
            {name: one[name] for name in ("code", "level", "share", "distance_m")}
            for one in answer["alternates"]
        ],
        "chain": [[one["level"], one["code"]] for one in chain],
        "confidence": answer["confidence"],
        "distance_to_border_m": answer["distance_to_border_m"],
        "edition": edition and [edition["district"], edition["number"]],
        "grid": grid and {name: grid[name] for name in ("code", "id", "level")},
        "ruling": answer["ruling"] and answer["ruling"]["id"],
        "status": answer["status"],
    }
    core = json.dumps(
        {"format": 1, "question": asked, "result": result},
        sort_keys=True, separators=(",", ":"), ensure_ascii=False,
    )  # fmt: skip
    checksum = sha256(core.encode()).hexdigest()
    at = "" if asked["at"] == asked["as_of"] else f"&at={asked['at']}"
    accuracy = "" if asked["accuracy_m"] is None else f"&accuracy_m={asked['accuracy_m']}"
    link = (
        f"{question.root}/evidence?crs={quote(asked['crs'], safe='')}&scheme={asked['scheme']}"
        f"&lon={asked['lon']}&lat={asked['lat']}{accuracy}{at}&as_of={asked['as_of']}&checksum={checksum}"
    )
    return {"href": link, "checksum": checksum}
