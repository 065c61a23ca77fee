"""A locator in a file that all workers map into memory together: nothing is built and nothing copied at attach.

The file is a head of HEAD_BYTES (magic, format, size, length and checksum of what follows), a table of contents
in JSON, and the arrays, each at a multiple of ALIGNED bytes, as this machine's memory holds them. Two checksums:
that of head and contents is checked whenever a file is attached, that of the arrays when it is asked for.
"""

import hashlib
import json
import mmap
import os
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import DamagedIndex, IndexNotSaved
from geo.locator.anatomy import place_of, put_together, taken_apart
from geo.locator.grounds import Grounds
from geo.locator.index import Locator
from geo.locator.polygons import Polygons
from geo.locator.raster import Raster

MAGIC = b"wangge\x00i"
FORMAT = 4
FILE_NAME = "locator.index"
HEAD = struct.Struct(
    "<8sIIQ32s"
)  # magic, format, bytes of contents, bytes of the file, SHA-256 of the arrays
HEAD_BYTES = HEAD.size + 32  # and the SHA-256 of head and contents
ALIGNED = 64
BYTES_AT_ONCE = 1 << 24

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Attached:
    """A locator and whatever was saved with it: arrays, or bytes as a memoryview; all read-only."""

    locator: Locator
    extra: dict[str, Any]


def save(locator: Locator, path: Path, extra: Mapping[str, Any] | None = None) -> Path:
    """Write a locator to a file.

    The file is written aside, brought to the disk, and renamed, so that nobody ever sees a part of it; a file
    that was there before is replaced, and those who are attached to it keep it.

    Parameters
    ----------
    locator
        What to save.
    path
        The file, or a folder that gets a file named `FILE_NAME`.
    extra
        What else belongs to it: bytes or arrays by name.

    Returns
    -------
    path
        The file.

    Raises
    ------
    IndexNotSaved
        The disk is full or refuses; nothing is left behind.
    """
    path = _file(path)
    arrays, numbers = _taken_apart(locator)
    for name, value in (extra or {}).items():
        numbers[f"extra.{name}"] = not isinstance(value, np.ndarray)
        arrays[f"extra.{name}"] = value if isinstance(value, np.ndarray) else np.frombuffer(value, np.uint8)
    aside = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with aside.open("xb") as file:
            _write(file, arrays, numbers)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise IndexNotSaved(f"The index could not be saved: {error.strerror}.", errno=error.errno) from error
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return path


def attach(path: Path) -> Locator:
    """Map a saved locator into memory.

    Parameters
    ----------
    path
        As given to `save`.

    Returns
    -------
    locator
        It answers to the same bits as the one that was saved.

    Raises
    ------
    DamagedIndex
        The file is missing, truncated, of another kind or format, or its head is damaged. Damage to the
        arrays is found by `verify`.
    """
    return attach_all(path).locator


def attach_all(path: Path) -> Attached:
    """Map a saved locator and what was saved with it; else like `attach`."""
    try:
        arrays, numbers, _ = _mapped(_file(path))
        stored = arrays | numbers
        polygons = Polygons.stored(stored["boxes"], memoryview(stored["wkb"]), stored["starts"])
        raster = put_together(Raster, "raster", stored) if numbers["is_coverage"] else None
        locator = Locator(polygons, stored["owners"], put_together(Grounds, "grounds", stored), raster)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedIndex("The saved index lacks a part.", reason="version") from error
    extra: dict[str, Any] = {}
    for name in [one for one in arrays if one.startswith("extra.")]:
        extra[name.removeprefix("extra.")] = memoryview(arrays[name]) if numbers[name] else arrays[name]
    return Attached(locator, extra)


def verify(path: Path) -> None:
    """Read a whole saved index and compare its checksum.

    Parameters
    ----------
    path
        As given to `save`.

    Raises
    ------
    DamagedIndex
        Any byte differs from what was saved.
    """
    path = _file(path)
    content_begin, expected = _mapped(path)[2]
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(content_begin)
        while chunk := file.read(BYTES_AT_ONCE):
            digest.update(chunk)
    if digest.digest() != expected:
        raise DamagedIndex("The saved index is damaged: its checksum differs.", reason="damaged")


def _file(path: Path) -> Path:
    return path / FILE_NAME if path.is_dir() else path


def _taken_apart(locator: Locator) -> tuple[Arrays, dict[str, Any]]:
    """Give all arrays and all numbers of a locator by name."""
    polygons, owners, grounds, raster = locator.parts
    wkb, starts = polygons.as_wkb()
    parts = {"boxes": polygons.boxes, "starts": starts, "owners": owners, "is_coverage": raster is not None}
    parts |= dict(taken_apart(grounds, "grounds"))
    parts |= dict(taken_apart(raster, "raster")) if raster is not None else {}
    parts["wkb"] = wkb
    arrays = {name: part for name, part in parts.items() if isinstance(part, np.ndarray)}
    return arrays, {name: part for name, part in parts.items() if name not in arrays}


def _write(file: BinaryIO, arrays: Arrays, numbers: dict[str, Any]) -> None:
    """Write contents and arrays, and at last the head, which needs their checksum."""
    table, at = {}, 0
    written: dict[tuple[Any, ...], int] = {}  # what several parts share is written once
    for name, array in arrays.items():
        begin = written.setdefault(place_of(array), at)
        table[name] = [array.dtype.str, array.shape, begin]
        at = max(at, _aligned(begin + array.nbytes))
    about = {"arrays": table, "numbers": numbers, "made_by": _made_by()}
    contents = json.dumps(about, separators=(",", ":")).encode()
    begin = _aligned(HEAD_BYTES + len(contents))
    file.write(bytes(HEAD_BYTES) + contents)
    file.write(bytes(begin - HEAD_BYTES - len(contents)))
    digest = hashlib.sha256()
    for array in {place_of(one): one for one in arrays.values()}.values():
        data = memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
        for part in (data, bytes(_aligned(len(data)) - len(data))):
            digest.update(part)
            file.write(part)
    head = HEAD.pack(MAGIC, FORMAT, len(contents), begin + at, digest.digest())
    file.seek(0)
    file.write(head + hashlib.sha256(head + contents).digest())


def _mapped(path: Path) -> tuple[Arrays, dict[str, Any], tuple[int, bytes]]:
    """Map a file: its arrays, its numbers, where the arrays begin and their checksum. May raise DamagedIndex."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length, checksum, contents = _checked_head(file, size)
            whole = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise DamagedIndex("There is no saved index.", reason="missing") from error
    except OSError as error:
        raise DamagedIndex(f"The saved index can't be read: {error.strerror}.", reason="damaged") from error
    begin = _aligned(HEAD_BYTES + length)
    about = json.loads(contents)
    if about["made_by"] != _made_by():
        raise DamagedIndex("The index was saved on another kind of machine.", reason="version")
    arrays = {}
    for name, (kind, shape, at) in about["arrays"].items():
        count = int(np.prod(shape, dtype=np.int64))
        # numpy refuses what does not lie inside the file.
        array = np.frombuffer(whole, dtype=np.dtype(kind), count=count, offset=begin + at if count else 0)
        arrays[name] = array.reshape(shape)
    return arrays, about["numbers"], (begin, checksum)


def _checked_head(file: BinaryIO, size: int) -> tuple[int, bytes, bytes]:
    """Check all that can be told without the arrays: length of contents, checksum of the arrays, contents."""
    head = file.read(HEAD_BYTES)
    if head[: len(MAGIC)] != MAGIC[: len(head)]:
        raise DamagedIndex("The file is no saved index.", reason="foreign")
    if len(head) < HEAD_BYTES:
        raise DamagedIndex("The saved index is truncated.", reason="truncated")
    _, version, length, total, checksum = HEAD.unpack(head[: HEAD.size])
    if version != FORMAT:
        raise DamagedIndex(f"The saved index has format {version}, not {FORMAT}.", reason="version")
    if total != size:
        raise DamagedIndex(f"The saved index has {size} bytes instead of {total}.", reason="truncated")
    contents = file.read(min(length, size))
    if hashlib.sha256(head[: HEAD.size] + contents).digest() != head[HEAD.size :]:
        raise DamagedIndex("The head of the saved index is damaged.", reason="damaged")
    return length, checksum, contents


def _made_by() -> list[str]:
    """Tell what the bits in a file depend on: order of bytes, and the library that decides what covers."""
    return [sys.byteorder, shapely.geos_version_string]


def _aligned(length: int) -> int:
    return -(-length // ALIGNED) * ALIGNED


def _sync_folder(folder: Path) -> None:
    """Bring a rename to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
