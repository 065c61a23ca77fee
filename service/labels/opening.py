"""What a page shows of a history: its columns with guesses before the check, the rows behind a figure after it."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from geo.candidates import candidates
from geo.errors import GeoError
from service.assignment.in_force import InForce
from service.assignment.maps import EditionMap
from service.city import queries as city
from service.errors import ServiceError
from service.grids.uploads import known_ground
from service.labels import editions, guesses, wording
from service.labels.auditing import fitting
from service.labels.keeping import Folder, State
from service.labels.positions import Choices, sort_out
from service.labels.table import Table, read_table
from service.labels.wording import say

SAMPLE_ROWS, SAMPLES = 8, 3
TRIED_ROWS, CLEAR_LEAD = 1000, 0.05
LONGEST_VALUE = 80
MOST_POINTS = 20_000
ENDS = 0.01  # of the coordinates, which may be anything


def of_table(session: Session, table: Table, source: InForce) -> dict[str, Any]:
    """Give columns with samples, the first rows, which columns are likely what, candidates for the system."""
    maps = _maps(session, source)
    grids = [grid for one in maps for grid in one.grids]
    codes, names = {one.code for one in grids}, {one.name for one in grids}
    guessed = guesses.of_table(table, codes, names)
    return {
        "rows": len(table),
        "encoding": table.encoding,
        "columns": [_column(name, values) for name, values in table.columns.items()],
        "sample": [
            [table.columns[name][row][:LONGEST_VALUE] for name in table.names]
            for row in range(min(SAMPLE_ROWS, len(table)))
        ],
        "guesses": guessed,
        "crs_candidates": _fitting(_systems(session, table, guessed), table, guessed, maps),
    }


def _maps(session: Session, source: InForce) -> list[EditionMap]:
    try:
        return editions.known(session, source, None).now()
    except ServiceError:
        return []


def _fitting(
    systems: list[dict[str, Any]], table: Table, guessed: dict[str, str | None], maps: list[EditionMap]
) -> list[dict[str, Any]]:
    """Say of each system how many labels of some rows would agree in it: the surest evidence there is."""
    known = [guessed[field] for field in ("lon", "lat", "label")]
    if not maps or None in known:
        return systems
    step = max(1, len(table) // TRIED_ROWS)
    some = Table(
        table.names, {name: table.columns[name][::step] for name in known if name}, table.lines[::step],
        frozenset(), table.encoding,
    )  # fmt: skip
    lon, lat, label = (name or "" for name in known)
    tried = [one for one in systems if one["fits"]]
    readings = [sort_out(some, Choices(lon, lat, label, one["key"]), "UTC")[0] for one in tried]
    for one, rows, agreeing in zip(tried, readings, fitting(maps, readings), strict=True):
        one["agreement"] = agreeing / max(1, len(rows))
    shares = sorted((one.get("agreement", 0.0) for one in systems), reverse=True)
    for one in systems:
        one["is_likeliest"] = (
            one.get("agreement", 0.0) == shares[0] > max(shares[1:], default=0.0) + CLEAR_LEAD
        )
    return sorted(systems, key=lambda one: (not one["fits"], -one.get("agreement", 0.0)))


def _column(name: str, values: list[str]) -> dict[str, Any]:
    filled = [one for one in values if one]
    different = dict.fromkeys(one[:LONGEST_VALUE] for one in filled)
    return {
        "name": name, "empty": len(values) - len(filled), "different": len(different),
        "samples": list(different)[:SAMPLES],
    }  # fmt: skip


def _systems(session: Session, table: Table, guessed: dict[str, str | None]) -> list[dict[str, Any]]:
    box = _box(table, guessed)
    named = city.profile(session).crs_choices
    if box is None:
        box = (0.0, 0.0, 0.0, 0.0)
    try:
        return [msgspec.to_builtins(one) for one in candidates(box, named, known_ground(session))]
    except GeoError:
        return []


def _box(table: Table, guessed: dict[str, str | None]) -> tuple[float, float, float, float] | None:
    """Give where most coordinates lie, without the few that are wrong."""
    ends = []
    for field in ("lon", "lat"):
        numbers = sorted(_numbers(table.columns.get(guessed[field] or "", [])))
        if not numbers:
            return None
        cut = int(len(numbers) * ENDS)
        ends.append((numbers[cut], numbers[-1 - cut]))
    (west, east), (south, north) = ends
    return west, south, east, north


def _numbers(values: list[str]) -> Iterator[float]:
    for one in values:
        try:
            number = float(one)
        except ValueError:
            continue
        if abs(number) < 1e9 and number != 0:
            yield number


def rows(folder: Folder, state: State, wanted: dict[str, Any], locale: str) -> dict[str, Any]:
    """List the rows that a figure counts, a page of them, with the row as it is in the file."""
    known = folder.rows()
    begin, end = wanted["offset"], wanted["offset"] + wanted["limit"]
    table = read_table(folder.table, encoding=state.choices.get("encoding"))

    def own(row: int) -> list[str]:
        return [table.columns[name][row][:LONGEST_VALUE] for name in table.names]

    if wanted["unusable"] is not None:
        many = known["unusable"].get(wanted["unusable"], [])
        listed = [{"line": line, "cells": own(row)} for row, line in many[begin:end]]
        return {"count": len(many), "columns": table.names, "rows": listed}
    places = [place for place in range(len(known["row"])) if _holds(known, place, wanted)]
    listed = [
        {**_row(known, place, locale), "cells": own(known["row"][place])} for place in places[begin:end]
    ]
    return {"count": len(places), "columns": table.names, "rows": listed}


def _holds(known: dict[str, Any], at: int, wanted: dict[str, Any]) -> bool:
    for field in ("agree", "flagged"):
        if wanted[field] != "any" and known[field][at] != (wanted[field] == "yes"):
            return False
    for field in ("reason", "band", "label", "code"):
        if wanted[field] is not None and known[field][at] != wanted[field]:
            return False
    if (
        wanted["column"] is not None
        and known["kinds"].get(wanted["column"], {at: None})[at] != wanted["value"]
    ):
        return False
    return not wanted["reread"] or known["label"][at] not in (known["code"][at], known["name"][at])


def _row(known: dict[str, Any], at: int, locale: str) -> dict[str, Any]:
    fields = (
        "line", "label", "lon", "lat", "code", "name", "label_code", "label_name", "status", "border_m", "label_m",
        "agree", "flagged", "band", "reason", "edition",
    )  # fmt: skip
    reason = known["reason"][at]
    return {
        **{name: known[name][at] for name in fields},
        "reason_name": say(reason, locale) if reason else "",
        "why": wording.why(known, at, locale),
    }


def points(known: dict[str, Any]) -> dict[str, Any]:
    """Give the rows that differ as points for a map; evenly thinned where there are too many to draw."""
    places = [place for place, agrees in enumerate(known["agree"]) if not agrees]
    step = max(1, -(-len(places) // MOST_POINTS))
    return {
        "type": "FeatureCollection",
        "drawn_share": 1 / step,
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [known["lon"][at], known["lat"][at]]},
                "properties": {
                    name: known[name][at]
                    for name in ("line", "label", "code", "name", "reason", "border_m", "label_m")
                },
            }
            for at in places[::step]
        ],
    }
