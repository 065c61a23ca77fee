"""Reads of places: candidates for a question by their rarest pieces, lists, known regions."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from geo.addresses.grams import NUMBERED, WHOLE
from service.city import queries as city
from service.places.models import Place, PlaceList

CANDIDATES = 60
BUDGET = 2000  # rows that are looked at for one question, about
FEWEST_PIECES = 2

KNOWN = text("select gram, places from place_gram where gram = any(:grams)")
FIND = text("""
    select p.district_id, p.id, p.list_id, p.list_edition, p.kind, p.name, p.aliases, p.address, p.regions,
        st_x(p.position) as lon, st_y(p.position) as lat
    from (
        select one.district_id, one.id, sum(asked.weight) as weight,
            min(abs(one.number - cast(:number as integer))) as away
        from place one
        cross join unnest(one.grams) as own (gram)
        join unnest(cast(:grams as text[]), cast(:weights as float8[])) as asked (gram, weight)
            on asked.gram = own.gram
        where one.grams && cast(:rare as text[])
        group by one.district_id, one.id
        order by weight desc, away nulls last, one.id
        limit :most
    ) best
    join place p on p.district_id = best.district_id and p.id = best.id
    order by best.weight desc, best.away nulls last, p.id
""")


def candidates(session: Session, pieces: Mapping[str, float], number: int | None) -> Sequence[Row[Any]]:
    """Find the places that share most with a question, by the rarest of its pieces."""
    known = {row.gram: row.places for row in session.execute(KNOWN, {"grams": list(pieces)})}
    rare = _rarest(known)
    if not rare:
        return []
    most = max(known.values())
    weights = [pieces[gram] * math.log(2.0 + most / known[gram]) for gram in known]
    given = {"grams": list(known), "weights": weights, "rare": rare, "number": number, "most": CANDIDATES}
    return session.execute(FIND, given).all()


def _rarest(known: Mapping[str, int]) -> list[str]:
    """Choose the pieces to look up: whole names in any case, so that no place of the same name is missed."""
    numbered = any(gram.startswith(WHOLE) and NUMBERED in gram for gram in known)
    chosen = [gram for gram in known if gram.startswith(WHOLE) and (NUMBERED in gram or not numbered)]
    rows = sum(known[gram] for gram in chosen)
    for gram in sorted(known.keys() - set(chosen), key=lambda one: (known[one], one)):
        rows += known[gram]
        if rows > BUDGET and len(chosen) >= FEWEST_PIECES:
            break
        chosen.append(gram)
    return chosen


def region_names(session: Session) -> list[str]:
    """List the names of regions that addresses may begin with: districts, and where places lie."""
    listed = session.scalars(select(func.unnest(Place.regions)).distinct())
    return list(dict.fromkeys([*(one.name for one in city.list_districts(session)), *listed]))


def identities(session: Session, list_id: int) -> dict[str, list[tuple[float, float]]]:
    """Give where each place of a list is, by its identity."""
    found: dict[str, list[tuple[float, float]]] = {}
    wanted = select(Place.identity, func.st_x(Place.position), func.st_y(Place.position))
    for identity, lon, lat in session.execute(wanted.where(Place.list_id == list_id)):
        found.setdefault(identity, []).append((lon, lat))
    return found


def list_lists(session: Session) -> Sequence[Row[Any]]:
    """List the lists with how many places each holds."""
    return session.execute(
        select(PlaceList, func.count(Place.id).label("places"))
        .outerjoin(Place, Place.list_id == PlaceList.id)
        .group_by(PlaceList.id)
        .order_by(PlaceList.name)
    ).all()


def state(session: Session) -> tuple[Any, ...]:
    """Give what changes whenever the lists or districts do."""
    lists = session.execute(select(PlaceList.id, PlaceList.edition).order_by(PlaceList.id)).all()
    return (*map(tuple, lists), *(one.name for one in city.list_districts(session)))


def list_names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Give the names of lists."""
    wanted = select(PlaceList.id, PlaceList.name).where(PlaceList.id.in_(set(ids)))
    return {one.id: one.name for one in session.execute(wanted)}


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Give the distance of two near positions."""
    east = (a[0] - b[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return math.hypot(east, a[1] - b[1]) * 111_195.0
