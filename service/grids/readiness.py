"""What must be ready before an edition may count. Other features say what: publishing does not know of indexes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Content:
    """What a snapshot holds, by name and checksum."""

    district_id: int
    snapshot_id: UUID
    checksum: bytes


class Part(Protocol):
    """Something made from a snapshot that must be there first."""

    def ask(self, session: Session, content: Content) -> None:
        """Have it made in the background once this transaction commits, unless it is there."""

    def wait(self, content: Content) -> None:
        """Wait while somebody makes it; a while only, and outside every transaction."""

    def make(self, session: Session, content: Content) -> None:
        """Make it here and now, unless it is there. May raise ServiceError: then nothing is published."""


PARTS: list[Part] = []


def ask(session: Session, contents: Iterable[Content]) -> None:
    """Have everything made in the background."""
    for content in contents:
        for part in PARTS:
            part.ask(session, content)


def wait(contents: Iterable[Content]) -> None:
    """Wait for what is being made."""
    for content in contents:
        for part in PARTS:
            part.wait(content)


def make(session: Session, contents: Iterable[Content]) -> None:
    """Make what is still missing. May raise ServiceError."""
    for content in contents:
        for part in PARTS:
            part.make(session, content)
