"""Indexes of editions as files: made once, mapped by every process, never changed, made again where damaged.

A file is named after the snapshot, the checksum of what it holds and its format, so it can't go stale. It is
written aside, read back, and only then renamed to its name; whatever carries that name is whole. One process builds
at a time on a machine (`turn`): the lock is the kernel's, so a killed builder leaves it, and what it left
half-written is deleted by the next one.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from geo.errors import DamagedIndex, IndexNotSaved
from geo.locator import Locator
from geo.locator import saved as locators
from service.assignment.contents import Contents
from service.assignment.maps import EditionKey, EditionMap
from service.grids.readiness import Content
from service.owner import give, prepare_folder
from service.settings import Settings

FOLDER, SUFFIX, ASIDE, ILL, TURN = "indexes", ".index", ".new", ".damaged", "turn.lock"
UNUSED_DAYS = (
    30  # unless its edition is in force, an index is deleted after so long; it is made again when asked for
)
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Attached:
    """A map on a mapped file; `inode` tells whether the file at its path is still that one."""

    map: EditionMap
    size: int
    inode: int


def folder() -> Path:
    """Give the folder of all indexes."""
    return _folder(os.environ.get("WANGGE_DATA"))


@cache
def _folder(_setting: str | None) -> Path:
    # Asked every second for every map in force; reading all settings takes longer than the rest.
    return Settings().data / FOLDER


def content_of(key: EditionKey) -> Content:
    """Give what an edition holds."""
    return Content(key.district_id, key.snapshot_id, key.checksum)


def path_of(content: Content) -> Path:
    """Give the place of an index; two versions of the service on one folder don't take each other's away."""
    return folder() / f"{content.snapshot_id}-{content.checksum[:8].hex()}-{locators.FORMAT}{SUFFIX}"


def is_there(content: Content) -> bool:
    """Tell whether an index can be attached."""
    try:
        locators.attach(path_of(content))
    except (OSError, DamagedIndex):
        return False
    return True


def attach(key: EditionKey) -> Attached | None:
    """Map the index of an edition; None where there is none. May raise DamagedIndex."""
    path = path_of(content_of(key))
    try:
        about = path.stat()
        found = locators.attach_all(path)
        contents = Contents.from_columns(found.extra)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError) as wrong:
        raise DamagedIndex(f"The saved index lacks a part: {wrong}.", reason="version") from wrong
    if about.st_mtime < time.time() - DAY:
        with contextlib.suppress(OSError):  # it belongs to another account
            os.utime(path)  # somebody still uses it
    return Attached(EditionMap.of(key, contents, found.locator), about.st_size, about.st_ino)


def write(content: Content, contents: Contents, locator: Locator) -> None:
    """Save an index, whole or not at all; the caller holds the turn. May raise IndexNotSaved."""
    path = path_of(content)
    aside = path.with_name(path.name + ASIDE)
    try:
        locators.save(locator, aside, contents.as_columns())
        locators.verify(aside)
        give(aside, path.parent)
        aside.replace(path)
        _settle(path.parent)
    except (OSError, DamagedIndex, IndexNotSaved) as wrong:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise _not_saved(wrong) from wrong


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Be the only builder of this machine for a while. May raise IndexNotSaved."""
    place = folder()
    try:
        if not place.parent.exists():
            prepare_folder(place.parent)
        if not place.exists():
            place.mkdir(mode=0o700, exist_ok=True)
            give(place, place.parent)
        opened = (place / TURN).open("a")
        give(place / TURN, place)
    except OSError as wrong:
        raise _not_saved(wrong) from wrong
    with opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        for left in list(place.glob(f"*{ASIDE}*")):  # of a builder that was killed
            left.unlink(missing_ok=True)
        yield


def is_somebody_building() -> bool:
    """Tell whether a process of this machine builds an index just now."""
    try:
        with (folder() / TURN).open("a") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def state(path: Path) -> str:
    """Read a whole index and tell whether it is well, missing or damaged."""
    if not path.exists():
        return "missing"
    try:
        locators.verify(path)
    except (OSError, DamagedIndex):
        return "damaged"
    return "well"


def verify(path: Path) -> bool:
    """Tell whether an index is whole or missing; one that is damaged is put aside, so that nobody attaches it."""
    is_damaged = state(path) == "damaged"
    if is_damaged:
        with contextlib.suppress(FileNotFoundError):
            path.replace(path.with_name(path.name + ILL))
    return not is_damaged


def size_of(path: Path) -> int:
    """Give the bytes of the file at a place, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def inode_of(path: Path) -> int:
    """Give the number of the file at a place, 0 where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def is_put_aside(path: Path, inode: int) -> bool:
    """Tell whether the file that was attached was found damaged since."""
    return inode != 0 and inode_of(path.with_name(path.name + ILL)) == inode


def sweep(needed: set[Path]) -> int:
    """Delete what no edition in force or waiting needs and nobody used for long; gives how many."""
    count, now = 0, time.time()
    for one in folder().glob(f"*{SUFFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            age = now - one.stat().st_mtime
            is_index = one.name.endswith(SUFFIX)
            if one not in needed and age > (UNUSED_DAYS * DAY if is_index else DAY):
                one.unlink()
                count += 1
    return count


def _not_saved(wrong: Exception) -> IndexNotSaved:
    reason = wrong.strerror if isinstance(wrong, OSError) else str(wrong)
    return IndexNotSaved(
        f"The index of the map can't be saved ({reason}). Nothing was changed. Make room in the data folder, try again."
    )


def _settle(place: Path) -> None:
    """Make a rename survive a power cut."""
    opened = os.open(place, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
