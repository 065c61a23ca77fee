"""The only place that reads the time."""

from datetime import UTC, datetime


def now() -> datetime:
    """Give the moment, in UTC, of this machine. What is in force is decided by the database's clock."""
    return datetime.now(UTC)
