"""Ask an installation whether it is well: each question with its answer and, where it is not, the mend."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from service import migrate
from service.assignment import building, saved
from service.assignment.in_force import IN_FORCE
from service.errors import ServiceError
from service.settings import Settings

LEAST_FREE_BYTES = 2 << 30
LEAST_POSTGRES, LEAST_POSTGIS = 150000, (3, 3)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, whether it is well, what was found."""

    question: str
    is_well: bool
    found: str


def examine(session: Session, settings: Settings) -> Iterator[Answer]:
    """Ask everything, the cheapest first."""
    yield _disk(settings)
    yield from _database(session)
    schema = _schema(session)
    yield schema
    if schema.is_well:  # else the questions themselves would fail
        yield _indexes(session)
        yield _maps()
        yield _jobs(session)


def _disk(settings: Settings) -> Answer:
    free = shutil.disk_usage(settings.data).free
    return Answer("free space in the data folder", free >= LEAST_FREE_BYTES, f"{free / 2**30:.1f} GiB")


def _database(session: Session) -> Iterator[Answer]:
    number = int(session.scalar(text("show server_version_num")) or 0)
    yield Answer("PostgreSQL 15 or newer", number >= LEAST_POSTGRES, f"{number // 10000}.{number % 10000}")
    version = session.scalar(text("select extversion from pg_extension where extname = 'postgis'")) or "0.0"
    is_well = tuple(int(part) for part in version.split(".")[:2]) >= LEAST_POSTGIS
    yield Answer("PostGIS 3.3 or newer", is_well, version)
    broken = session.scalars(
        text("select indexrelid::regclass::text from pg_index where not indisvalid")
    ).all()
    yield Answer("every index is valid", not broken, ", ".join(broken) or "yes")


def _schema(session: Session) -> Answer:
    is_there = session.scalar(text("select to_regclass('alembic_version') is not null"))
    found = session.scalar(text("select version_num from alembic_version")) if is_there else "none yet"
    return Answer("the schema is the newest", found == migrate.wanted_revision(), str(found))


def _indexes(session: Session) -> Answer:
    """Read every index that is needed now; a missing one is made anew by itself, a damaged one as well."""
    counts, size = dict.fromkeys(("well", "missing", "damaged"), 0), 0
    for content in building.needed(session):
        path = saved.path_of(content)
        found = saved.state(path)
        counts[found] += 1
        size += saved.size_of(path)
    aside = len(list(saved.folder().glob(f"*{saved.ILL}")))
    found = ", ".join(f"{count} {state}" for state, count in counts.items())
    is_well = not (counts["missing"] or counts["damaged"])
    return Answer(
        "the indexes of the maps in force are whole",
        is_well,
        f"{found}, {size / 2**20:.1f} MiB, {aside} put aside",
    )


def _maps() -> Answer:
    question = "every map in force loads"
    try:
        IN_FORCE.refresh()
        scheme = IN_FORCE.scheme_id(None)
        maps = IN_FORCE.maps_at(scheme, IN_FORCE.now()) if scheme is not None else []
    except ServiceError as wrong:
        return Answer(question, False, wrong.detail)
    return Answer(
        question, True, ", ".join(f"{one.key.district_code}/{one.key.number}" for one in maps) or "none yet"
    )


def _jobs(session: Session) -> Answer:
    failed = session.scalar(text("select count(*) from procrastinate_jobs where status = 'failed'"))
    return Answer("no background job failed", failed == 0, f"{failed} failed")
