"""Arrow streams and Parquet in and out: columns of any type, kept as they are."""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet

from service.assignment.columns import compacted
from service.assignment.formats.arrow_limits import Guarded, check_types, check_words
from service.assignment.formats.rows import (
    ROWS_AT_ONCE,
    Rows,
    Where,
    place_of,
    positions_in,
    refuse_width,
    rows_fitting,
)
from service.errors import Malformed

ROW_GROUP, GROUP_CELLS = 1 << 17, 1 << 25
BUFFER_BYTES = 1 << 20
PART_BYTES = 1 << 26
SMALL_ROWS = 1 << 14  # in answers of one such batch only the words that occur are sent
DAMAGE = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError)


class ColumnsSource:
    """Reads batches of columns."""

    what = "Arrow stream"
    nested = True

    def __init__(self, stream: BinaryIO, where: Where) -> None:
        self._where = where
        try:
            self.schema, self._batches = self.open(stream)
            check_types(self.schema, nested=self.nested)
            names = self.schema.names
        except DAMAGE as error:
            raise self._broken(error) from error
        refuse_width(names, self.what)
        for wanted in (where.lon, where.lat):
            place_of(names, wanted, self.what)

    def open(self, stream: BinaryIO) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Read the schema; the batches follow one by one."""
        reader = pa.ipc.open_stream(Guarded(stream), options=pa.ipc.IpcReadOptions(use_threads=False))
        return reader.schema, iter(reader)

    def _broken(self, error: BaseException) -> Malformed:
        return Malformed(f"The {self.what} can't be read: {str(error)[:300].rstrip('.')}.")

    def __iter__(self) -> Iterator[Rows]:
        while (batch := self._next()) is not None:
            for part in _slices(batch):
                self._check_words(part)
                yield self._rows(part)

    def check(self) -> None:
        """Read it all, without the positions. May raise Malformed."""
        while (batch := self._next()) is not None:
            for part in _slices(batch):
                self._check_words(part)

    def _check_words(self, part: pa.RecordBatch) -> None:
        try:
            check_words(part)
        except DAMAGE as error:
            raise self._broken(error) from error

    def _next(self) -> pa.RecordBatch | None:
        try:
            batch = next(self._batches, None)
            if batch is not None:
                batch.validate(full=True)
        except DAMAGE as error:
            raise self._broken(error) from error
        return batch

    def _rows(self, part: pa.RecordBatch) -> Rows:
        return Rows(positions_in(part, self._where, {}, self.what), lambda: part)


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that neither rows nor bytes are too many at once."""
    fitting = ROWS_AT_ONCE if batch.nbytes <= PART_BYTES else len(batch) * PART_BYTES // batch.nbytes
    step = max(1, min(rows_fitting(batch.num_columns), fitting))
    for start in range(0, len(batch), step):
        yield batch.slice(start, step)


class PlainColumnsSource(ColumnsSource):
    """Reads an Arrow stream from outside: no nested columns."""

    nested = False


class ArrowFileSource(ColumnsSource):
    """Reads an Arrow file."""

    what = "Arrow file"

    def open(self, stream: BinaryIO) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Read the schema; the batches follow one by one."""
        reader = pa.ipc.open_file(stream, options=pa.ipc.IpcReadOptions(use_threads=False))
        return reader.schema, (reader.get_batch(nth) for nth in range(reader.num_record_batches))


class ParquetSource(ColumnsSource):
    """Reads a Parquet file row group by row group."""

    what = "Parquet file"

    def open(self, stream: BinaryIO) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Read the footer; the rows follow."""
        file = pyarrow.parquet.ParquetFile(stream, pre_buffer=False, buffer_size=BUFFER_BYTES)
        return file.schema_arrow, file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False)


class Outlet:
    """Takes what a writer writes and gives it on piece by piece."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._told = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        """Take bytes."""
        self._parts.append(bytes(data))
        self._told += len(data)
        return len(data)

    def tell(self) -> int:
        """Tell how many bytes were taken."""
        return self._told

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Take no more."""
        self.closed = True

    def drain(self) -> bytes:
        """Give what was taken since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class ArrowEncoder:
    """Writes rows with their answers as an Arrow stream."""

    def __init__(self, schema: pa.Schema, added: pa.Schema) -> None:
        self._schema = pa.schema([*schema, *added])
        self._outlet, self._written = Outlet(), b""
        self._writer: pa.RecordBatchStreamWriter | None = None

    def begin(self) -> bytes:
        """Open the stream; the schema comes with the first batch."""
        self._writer = pa.ipc.new_stream(pa.PythonFile(self._outlet, "w"), self._schema)
        return b""

    def go_on(self) -> None:
        """Leave out the schema: it was written before."""
        self._written = self._schema.serialize().to_pybytes()

    def _drained(self) -> bytes:
        data, before = self._outlet.drain(), self._written
        self._written = b""
        return data.removeprefix(before)

    def encode(self, rows: Rows, answers: pa.RecordBatch) -> bytes:
        """Write a batch."""
        # The words of a whole city would be most of a short answer; in a long one they are sent once.
        if len(rows) < SMALL_ROWS:
            answers = compacted(answers)
        batch = pa.RecordBatch.from_arrays(
            [*rows.make_table().columns, *answers.columns], schema=self._schema
        )
        self._writer.write_batch(batch)
        return self._drained()

    def end(self) -> bytes:
        """Write the end mark."""
        self._writer.close()
        return self._drained()


class ParquetEncoder:
    """Writes rows with their answers as Parquet, in row groups of bounded size."""

    def __init__(self, schema: pa.Schema, added: pa.Schema) -> None:
        self._schema = pa.schema([*schema, *added])
        self._outlet, self._waiting, self._count = Outlet(), [], 0
        self._group = min(ROW_GROUP, GROUP_CELLS // len(self._schema))
        self._writer: pyarrow.parquet.ParquetWriter | None = None

    def begin(self) -> bytes:
        """Write the mark at the beginning."""
        self._writer = pyarrow.parquet.ParquetWriter(pa.PythonFile(self._outlet, "w"), self._schema)
        return self._outlet.drain()

    def encode(self, rows: Rows, answers: pa.RecordBatch) -> bytes:
        """Take rows; they are written when there are enough for a row group."""
        columns = [*rows.make_table().columns, *compacted(answers).columns]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._count += len(rows)
        if self._count >= self._group:
            self._write()
        return self._outlet.drain()

    def _write(self) -> None:
        table = pa.Table.from_batches(self._waiting, schema=self._schema)
        self._waiting, self._count = [], 0
        self._writer.write_table(table.unify_dictionaries(), row_group_size=2 * ROW_GROUP)

    def end(self) -> bytes:
        """Write the last rows and the footer."""
        if self._waiting:
            self._write()
        self._writer.close()
        return self._outlet.drain()
