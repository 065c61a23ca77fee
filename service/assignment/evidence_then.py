"""An answer computed again: by the editions, rulings and rules of then, as they were known at a moment."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.crs import Crs
from service.assignment import evidence
from service.assignment.answers import find_one
from service.assignment.fragments import Writer
from service.assignment.in_force import InForce
from service.assignment.maps import EditionMap
from service.assignment.question import Question
from service.assignment.rulings import Ruling
from service.city.profile import Profile

# Editions that were announced by then; of those in force by then, all were.
ANNOUNCED = text("""
    select distinct on (e.district_id) d.code, e.number from edition e join district d on d.id = e.district_id
    where e.scheme_id = :scheme_id and e.in_force_from <= :at and e.published_at <= :as_of
    order by e.district_id, e.in_force_from desc
""")
PROFILE = text("select body from city_profile where at <= :as_of order by id desc limit 1")
LEADER = text("""
    select p.holder as name, p.kind as post, p.phone from post p
    where p.grid_id = :grid_id and p.kind = 'leader' and p.from_on <= :day and (p.to_on is null or p.to_on > :day)
    order by p.from_on desc limit 1
""")


class Then:
    """What `answer_one` asks of the editions in force, as of a moment; persons as of the moment asked about."""

    def __init__(self, in_force: InForce, session: Session, question: Question) -> None:
        self._in_force, self._session, self._question = in_force, session, question
        body = session.scalar(PROFILE, {"as_of": question.answered_at})
        self.profile = in_force.profile if body is None else Profile.model_validate(body)
        self._day = question.moment.astimezone(ZoneInfo(self.profile.time_zone)).date()

    def maps_at(self, scheme_id: int, moment: datetime) -> list[EditionMap]:
        """Give the map of each district at a moment, as far as its edition was announced."""
        if moment <= self._question.answered_at:
            return self._in_force.maps_at(scheme_id, moment)
        asked = {"scheme_id": scheme_id, "at": moment, "as_of": self._question.answered_at}
        found = [
            self._in_force.edition(row.code, row.number) for row in self._session.execute(ANNOUNCED, asked)
        ]
        return sorted((one for one in found if one is not None), key=lambda one: one.key.district_code)

    def scheme_code(self, scheme_id: int) -> str:
        """Give the code of a scheme."""
        return self._in_force.scheme_code(scheme_id)

    def leader(self, grid_id: UUID) -> dict[str, str] | None:
        """Give who led a grid on the day asked about."""
        row = self._session.execute(LEADER, {"grid_id": grid_id, "day": self._day}).first()
        return None if row is None else dict(row._mapping)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """An answer computed again, its core and that core's checksum, and what it rests on."""

    answer: bytes
    core: bytes
    checksum: str
    ruling: Ruling | None
    snapshots: tuple[tuple[int, UUID], ...]


def recompute(
    in_force: InForce,
    session: Session,
    question: Question,
    crs: Crs,
    declared: tuple[float, float],
    accuracy_m: float,
) -> Recomputed:
    """Compute an answer as of `question.answered_at`; accuracy NaN where none was stated.

    May raise MalformedPoints.
    """
    whole = replace(question, level=None)  # the level asked for is no part of a core
    then = Then(in_force, session, whole)
    found = find_one(then, whole, crs, declared, accuracy_m)  # type: ignore[arg-type]
    writer = Writer(then, whole, crs.key)  # type: ignore[arg-type]
    core = writer.core(found)
    keys = [one.key for one in then.maps_at(question.scheme_id, question.moment)]
    return Recomputed(
        answer=writer.answer(found),
        core=core,
        checksum=evidence.checksum(core).decode(),
        ruling=found.ruling,
        snapshots=tuple((one.district_id, one.snapshot_id) for one in keys),
    )
