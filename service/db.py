"""The database: one engine, one session maker, the base of all tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Engine, MetaData, Text, create_engine, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, sessionmaker
from sqlalchemy.orm import Session as _Session

CANONICAL_SRID = 4490
Session = sessionmaker(expire_on_commit=False)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table; times are with time zone, words of a code sort by code point."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB, str: Text}  # noqa: RUF012


Code = Text(collation="C")


def connect(url: str, *, pool_size: int = 8) -> Engine:
    """Open the pool and bind the session maker to it."""
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=8,
        pool_timeout=5,
        connect_args={
            "connect_timeout": 3,
            "options": "-c timezone=UTC -c jit=off",
            # A server that vanished without a word is noticed in seconds; a socket of the same machine ignores these.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    )
    Session.configure(bind=engine)
    return engine


def database_now(session: _Session) -> datetime:
    """Give the moment by the database's clock, the one that decides what is in force."""
    return session.scalar(select(func.clock_timestamp()))
