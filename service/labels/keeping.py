"""Histories on their way through a check: in a folder of their own, seen by who sent them, gone after a day.

Nothing of a history goes into the database, not even its name: the queue knows the number of the folder alone.
"""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec

from service.errors import Conflict, NotFound

JOB, FOLDER = "labels.audit", "label-audits"
KEPT_FOR = timedelta(hours=24)
MOST_ROWS = 200_000  # in the browser; the command has no limit
KEPT_AT_MOST = 20  # of one owner: each may be as large as an upload


class State(msgspec.Struct, kw_only=True):
    """How far a check is; `seen` is what the file holds, `choices` what was chosen."""

    id: str
    owner: str
    file_name: str
    created_at: datetime
    state: str = "uploaded"
    stage: str = ""
    progress: float = 0.0
    seen: dict[str, Any] = {}
    choices: dict[str, Any] = {}
    district_ids: list[int] | None = None
    problem: dict[str, Any] | None = None


class Folder:
    """The folder of one check."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def table(self) -> Path:
        """Give where the file is."""
        return self.path / "table"

    def read(self) -> State:
        """Read how far it is. May raise NotFound."""
        try:
            return msgspec.json.decode((self.path / "state.json").read_bytes(), type=State)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(
                "There is no such check: it was deleted, or a day has passed. Upload the file again."
            ) from error

    def write(self, state: State) -> None:
        """Write how far it is, at once and whole."""
        self._put("state.json", msgspec.json.encode(state))

    def result(self) -> dict[str, Any]:
        """Read the figures. May raise Conflict."""
        return self._got("result.json")

    def rows(self) -> dict[str, Any]:
        """Read what is known of each row. May raise Conflict."""
        return self._got("rows.json")

    def keep(self, result: dict[str, Any], rows: dict[str, Any]) -> None:
        """Write what came out."""
        self._put("rows.json", msgspec.json.encode(rows))
        self._put("result.json", msgspec.json.encode(result))

    def remove(self) -> None:
        """Delete the file and what came out."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _put(self, name: str, content: bytes) -> None:
        aside = self.path / f".{name}.{uuid4().hex}"
        aside.write_bytes(content)
        aside.replace(self.path / name)

    def _got(self, name: str) -> dict[str, Any]:
        try:
            return msgspec.json.decode((self.path / name).read_bytes())
        except FileNotFoundError as error:
            raise Conflict("This check has not come to its end yet.") from error


def place(data: Path) -> Path:
    """Give where all checks are."""
    return data / FOLDER


def make(data: Path) -> Folder:
    """Make a folder that only the service's account reads."""
    path = place(data) / str(uuid4())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700)
    return Folder(path)


def find(data: Path, audit_id: UUID, owner: str) -> tuple[Folder, State]:
    """Find a check of somebody; those of others are not there. May raise NotFound."""
    folder = Folder(place(data) / str(audit_id))
    state = folder.read()
    if state.owner != owner:
        raise NotFound("There is no such check: it was deleted, or a day has passed. Upload the file again.")
    return folder, state


def of_owner(data: Path, owner: str) -> list[State]:
    """List somebody's checks, the newest first."""
    found = []
    for path in place(data).glob("*/state.json"):
        try:
            state = Folder(path.parent).read()
        except NotFound:  # swept away meanwhile
            continue
        if state.owner == owner:
            found.append(state)
    return sorted(found, key=lambda one: one.created_at, reverse=True)


def sweep(data: Path, at: datetime) -> int:
    """Delete checks that are a day old, also such as broke off; gives how many."""
    old = [
        one for one in place(data).glob("*") if _made_at(one, at) < at.timestamp() - KEPT_FOR.total_seconds()
    ]
    for one in old:
        Folder(one).remove()
    return len(old)


def _made_at(path: Path, at: datetime) -> float:
    """When the file came; looking at a check does not keep it longer."""
    for one in (path / "table", path):
        try:
            return one.stat().st_mtime
        except FileNotFoundError:
            continue
    return at.timestamp()
