"""The file that a run writes: aside until it is whole, with a note beside it from which an interrupted run goes on."""

import fcntl
import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from service.errors import Conflict, Invalid

NOTE_SECONDS = 1.0
HEAD_BYTES = 1 << 20


def identity(path: Path) -> dict[str, Any]:
    """Tell an input from any other: size, time of its last change, checksum of its beginning."""
    seen = path.stat()
    with path.open("rb") as file:
        head = hashlib.sha256(file.read(HEAD_BYTES)).hexdigest()
    return {"size": seen.st_size, "mtime_ns": seen.st_mtime_ns, "head": head}


class Output:
    """Writes `path` aside as ``path.partial`` and renames it when it is whole.

    ``path.partial.json`` notes every second how far the run is: rows answered, bytes written, and what the run
    was about. Of a run that failed both are removed, unless it is one that may go on.
    """

    def __init__(self, path: Path, about: dict[str, Any], *, resume: bool) -> None:
        # Through a link to the file it names, which stays a link.
        self.path, self._about, self._resume = path.resolve(), about, resume
        path = self.path
        self.partial = path.with_name(path.name + ".partial")
        self.note = path.with_name(path.name + ".partial.json")
        self.rows, self.failed = 0, 0
        self._noted = 0.0
        self._file: BinaryIO | None = None

    @classmethod
    def left(cls, path: Path) -> dict[str, Any] | None:
        """Give what an interrupted run noted, None where none did."""
        path = path.resolve()
        try:
            found = json.loads(path.with_name(path.name + ".partial.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and "about" in found else None

    def __enter__(self) -> "Output":
        left = self.left(self.path) if self._resume else None
        try:
            self._file = os.fdopen(
                os.open(self.partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b"
            )
            if self.path.exists():
                seen = self.path.stat()
                os.fchmod(self._file.fileno(), seen.st_mode & 0o777)
                with suppress(PermissionError):
                    os.fchown(self._file.fileno(), seen.st_uid, seen.st_gid)
        except OSError as error:
            raise self._unwritten(error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise Conflict(f"Another run is writing {self.path.name} just now.") from error
        if left is None:
            self._file.truncate(0)
            return self
        try:
            self._go_on(left)
        except Conflict:
            self._file.close()
            raise
        return self

    def _go_on(self, left: dict[str, Any]) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        self._refuse_other(left["about"])
        if os.fstat(self._file.fileno()).st_size < left["bytes"]:
            raise Conflict(f"{self.partial.name} is shorter than its note says. Run without --resume.")
        self._file.truncate(left["bytes"])
        self._file.seek(left["bytes"])
        self.rows, self.failed = left["rows"], left["failed"]

    def _refuse_other(self, before: dict[str, Any]) -> None:
        other = sorted(name for name in {*before, *self._about} if before.get(name) != self._about.get(name))
        if other:
            raise Conflict(
                f"The interrupted run was about something else ({', '.join(other)}). Run without --resume."
            )

    def write(self, data: bytes, rows: int, failed: int) -> None:
        """Append bytes after which so many rows are done."""
        assert self._file is not None  # noqa: S101 - for the type checker
        try:
            self._file.write(data)
            self.rows, self.failed = rows, self.failed + failed
            if time.monotonic() - self._noted >= NOTE_SECONDS:
                self._write_note()
        except OSError as error:
            raise self._unwritten(error) from error

    def _unwritten(self, error: OSError) -> Invalid:
        return Invalid(f"{self.path} can't be written: {error.strerror}.")

    def _write_note(self) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        self._file.flush()
        os.fsync(self._file.fileno())
        told = {"about": self._about, "bytes": self._file.tell(), "rows": self.rows, "failed": self.failed}
        aside = self.note.with_name(self.note.name + ".new")
        aside.write_text(json.dumps(told), "utf-8")
        aside.replace(self.note)
        self._noted = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        try:
            if kind is None:
                self._finish()
            elif not self._resume:
                self.partial.unlink(missing_ok=True)
            if kind is None or not self._resume:
                with suppress(FileNotFoundError):
                    self.note.unlink()
        finally:
            with suppress(OSError):  # what could not be written was said already
                self._file.close()

    def _finish(self) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self.partial.replace(self.path)
        except OSError as error:
            raise self._unwritten(error) from error
