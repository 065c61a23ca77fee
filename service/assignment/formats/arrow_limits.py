"""Guards an Arrow stream from outside: nothing is taken apart that claims more than its bytes can hold.

The reader of Arrow believes what a message says of itself: a compressed buffer names the size it will have, a batch
its number of rows. Here each message is looked at first (the flatbuffers of `Message.fbs`), then handed on as it is.
"""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from service.assignment.formats.rows import ROWS_AT_ONCE

LARGEST_METADATA = 1 << 24
LARGEST_BODY = 1 << 29
LARGEST_TEXTS = 1 << 28  # of all columns' words in the rows answered at once
MORE = 0xFFFFFFFF
DICTIONARY, BATCH = 2, 3


class Unfit(ValueError):
    """The stream is damaged, or claims more than is taken."""


class Guarded(io.RawIOBase):
    """A stream that gives the messages of another one, each checked before its first byte is given."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._messages = _messages(stream)
        self._ready = io.BytesIO()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes, across the ends of messages."""
        parts, wanted = [], size
        while wanted != 0:
            part = self._ready.read(wanted)
            if part:
                parts.append(part)
                wanted -= len(part)
                continue
            message = next(self._messages, None)
            if message is None:
                break
            self._ready = io.BytesIO(message)
        return b"".join(parts)


def _messages(stream: BinaryIO) -> Iterator[bytes]:
    while True:
        first = _exactly(stream, 4, may_end=True)
        if not first:
            return
        marked = struct.unpack("<I", first)[0] == MORE
        head = first + _exactly(stream, 4) if marked else first
        (size,) = struct.unpack("<i", head[-4:])
        if size == 0:
            yield head
            return
        if not 0 < size <= LARGEST_METADATA:
            raise Unfit(f"a message's head claims {size} bytes")
        metadata = _exactly(stream, size)
        try:
            body = _exactly(stream, _body_length(metadata))
            _check(metadata, body)
        except (struct.error, IndexError) as error:
            raise Unfit("a message's head is damaged") from error
        yield head + metadata + body


def _exactly(stream: BinaryIO, size: int, *, may_end: bool = False) -> bytes:
    parts, wanted = [], size
    while wanted > 0 and (part := stream.read(min(wanted, 1 << 22))):
        parts.append(part)
        wanted -= len(part)
    if wanted and not (may_end and wanted == size):
        raise Unfit("it breaks off in the middle of a message")
    return b"".join(parts)


class Table:
    """One table of a flatbuffer."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self.at = data, at
        self._fields = at - self._read("<i", at)
        if self._fields < 0:
            raise struct.error

    def _read(self, kind: str, at: int) -> int:
        if at < 0:
            raise struct.error
        return int(struct.unpack_from(kind, self._data, at)[0])

    def _place(self, field: int) -> int | None:
        slot = 4 + 2 * field
        if slot >= self._read("<H", self._fields):
            return None
        offset = self._read("<H", self._fields + slot)
        return self.at + offset if offset else None

    def number(self, field: int, kind: str) -> int:
        """Give a number, 0 where it is not set."""
        place = self._place(field)
        return 0 if place is None else self._read(kind, place)

    def table(self, field: int) -> "Table | None":
        """Give a table, None where it is not set."""
        place = self._place(field)
        return None if place is None else Table(self._data, place + self._read("<I", place))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """Give a list of pairs of long numbers."""
        place = self._place(field)
        if place is None:
            return []
        begin = place + self._read("<I", place)
        count = self._read("<I", begin)
        if count * 16 > len(self._data):
            raise struct.error
        return [struct.unpack_from("<qq", self._data, begin + 4 + 16 * nth) for nth in range(count)]


def _message(metadata: bytes) -> Table:
    return Table(metadata, struct.unpack_from("<I", metadata, 0)[0])


def _body_length(metadata: bytes) -> int:
    length = _message(metadata).number(3, "<q")
    if not 0 <= length <= LARGEST_BODY:
        raise Unfit(f"a message claims a body of {length} bytes; send smaller batches")
    return length


def _check(metadata: bytes, body: bytes) -> None:
    message = _message(metadata)
    kind, batch = message.number(1, "<B"), message.table(2)
    if kind == DICTIONARY and batch is not None:
        batch = batch.table(1)
    if kind not in (DICTIONARY, BATCH) or batch is None:
        return
    size, buffers = 0, batch.pairs(2)
    for offset, length in buffers:
        if min(offset, length) < 0 or offset + length > len(body):
            raise Unfit("a buffer lies outside its message")
        size += _unpacked(body, offset, length) if batch.table(3) is not None else length
        if size > LARGEST_BODY:
            raise Unfit(f"a batch unpacks to more than {LARGEST_BODY >> 20} MB; send smaller batches")
    rows = batch.number(0, "<q")
    if not 0 <= rows <= 8 * size + ROWS_AT_ONCE:  # no column needs less than a bit a row
        raise Unfit(f"a batch claims {rows} rows, more than its bytes can hold")


def _unpacked(body: bytes, offset: int, length: int) -> int:
    if length < 8:
        return length
    claimed = int(struct.unpack_from("<q", body, offset)[0])
    if claimed < -1:
        raise Unfit("a buffer claims a size below nothing")
    return length if claimed == -1 else claimed


def check_types(schema: pa.Schema, *, nested: bool) -> None:
    """Refuse columns whose size is not bounded by that of their buffers. May raise Unfit."""
    for field in schema:
        if not _is_plain(field.type, nested):
            raise Unfit(
                f"the column {field.name!r} is of type {str(field.type)[:60]}, which is not read here"
            )


def _is_plain(kind: pa.DataType, nested: bool) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return _is_plain(kind.value_type, False) and not types.is_dictionary(kind.value_type)
    if nested and (types.is_list(kind) or types.is_large_list(kind) or types.is_struct(kind)):
        return all(_is_plain(kind.field(place).type, True) for place in range(kind.num_fields))
    texts = types.is_string(kind) or types.is_large_string(kind)
    raw = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    return texts or raw or (types.is_primitive(kind) and not types.is_interval(kind)) or types.is_null(kind) \
        or types.is_decimal(kind)  # fmt: skip


def check_words(batch: pa.RecordBatch) -> None:
    """Refuse dictionaries of few long words that many rows repeat. May raise Unfit."""
    total = 0
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and _has_length(column.type.value_type):
            lengths = pc.cast(pc.fill_null(pc.binary_length(column.dictionary), 0), pa.int64())
            total += pc.sum(lengths.take(column.indices)).as_py() or 0
    if total > LARGEST_TEXTS:
        raise Unfit(f"its words unpack to more than {LARGEST_TEXTS >> 20} MB; send fewer rows in a batch")


def _has_length(kind: pa.DataType) -> bool:
    types = pa.types
    return (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    )
