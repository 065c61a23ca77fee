"""CSV in and out: all cells are texts and stay the texts they are."""

import csv
import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from service.assignment.formats.blocks import Blocks
from service.assignment.formats.rows import (
    TOO_MANY_CELLS,
    Rows,
    Where,
    place_of,
    positions_in,
    refuse_width,
    rows_fitting,
)
from service.assignment.formats.texts import as_texts
from service.errors import Invalid, Malformed

WHAT = "CSV"


class CsvSource:
    """Reads a CSV with a header; rows of unequal length are kept, too long ones as errors."""

    def __init__(self, blocks: Blocks, where: Where) -> None:
        self._blocks, self._where = iter(blocks), where
        self.names, self._first = self._header()
        refuse_width(self.names, WHAT)
        self._step = rows_fitting(len(self.names))
        self.schema = pa.schema([(name, pa.string()) for name in self.names])
        for wanted in (where.lon, where.lat):
            place_of(self.names, wanted, WHAT)

    def _header(self) -> tuple[list[str], bytes]:
        for block in self._blocks:
            lines = _Lines(block, self._blocks)
            for names in _rows(lines):
                if names:
                    return names, lines.rest()
        raise Invalid("The CSV is empty: a header that names the columns is needed.")

    def __iter__(self) -> Iterator[Rows]:
        for table, errors in self._tables():
            for start in range(0, len(table), self._step):
                part = table.slice(start, self._step)
                here = {row - start: said for row, said in errors.items() if 0 <= row - start < len(part)}
                positions = positions_in(part, self._where, here, WHAT)
                yield Rows(positions, lambda part=part: part)

    def check(self) -> None:
        """Read it all, without the positions. May raise Malformed."""
        for _ in self._tables():
            pass

    def _tables(self) -> Iterator[tuple[pa.RecordBatch, dict[int, str]]]:
        block: bytes | None = self._first
        while block is not None:
            table = self._at_once(block)
            if table is not None:
                yield table, {}
            elif block.strip():
                yield from self._one_by_one(block)
            block = next(self._blocks, None)

    def _at_once(self, block: bytes) -> pa.RecordBatch | None:
        """Read a block without quotes whose rows are all as long as the header, None where it is another."""
        if b'"' in block or not block.strip():
            return None
        numbers = [str(place) for place in range(len(self.names))]
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(block),
                pyarrow.csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=numbers),
                pyarrow.csv.ParseOptions(quote_char=False, double_quote=False),
                pyarrow.csv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(numbers, pa.string()),
                    strings_can_be_null=False,
                    null_values=[],
                ),
            )
        except pa.ArrowInvalid:
            return None
        columns = [column.combine_chunks() for column in table.columns]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _one_by_one(self, block: bytes) -> Iterator[tuple[pa.RecordBatch, dict[int, str]]]:
        width, errors = len(self.names), dict[int, str]()
        found: list[list[str]] = []
        for cells in _rows(_Lines(block, self._blocks)):
            if not cells:
                continue
            if len(cells) > width:
                errors[len(found)] = TOO_MANY_CELLS
            found.append(cells[:width])
            if len(found) == self._step:
                yield self._table(found), errors
                found, errors = [], {}
        if found:
            yield self._table(found), errors

    def _table(self, found: list[list[str]]) -> pa.RecordBatch:
        longest, nothing = max(map(len, found)), pa.array([""] * len(found), pa.string())
        columns = (
            [cells[place] if place < len(cells) else "" for cells in found] for place in range(longest)
        )
        arrays = [pa.array(one, pa.string()) for one in columns]
        arrays += [nothing] * (len(self.names) - longest)
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


class _Lines:
    """Lines of a block; a row that goes on beyond it draws in the next blocks."""

    def __init__(self, block: bytes, more: Iterator[bytes]) -> None:
        self._text, self._more = io.StringIO(block.decode(), newline=""), more
        self.in_row = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline()
        if not line and self.in_row:
            block = next(self._more, None)
            if block is not None:
                self._text = io.StringIO(block.decode(), newline="")
                line = self._text.readline()
        if not line:
            raise StopIteration
        self.in_row = True
        return line

    def rest(self) -> bytes:
        """Give what has not been read of the block."""
        return self._text.read().encode()


def _rows(lines: _Lines) -> Iterator[list[str]]:
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            lines.in_row = False
            yield cells
    except csv.Error as error:
        raise Malformed(f"The CSV can't be split into rows: {error}.") from error


class CsvEncoder:
    """Writes rows with their answers as CSV, quoted only where needed."""

    def __init__(self, schema: pa.Schema, added: pa.Schema, end: str = "\n") -> None:
        self._names, self._end = [*schema.names, *added.names], end

    def begin(self) -> bytes:
        """Write the header."""
        out = io.StringIO()
        csv.writer(out, lineterminator=self._end).writerow(self._names)
        return out.getvalue().encode()

    def encode(self, rows: Rows, answers: pa.RecordBatch) -> bytes:
        """Write some rows."""
        if len(rows) == 0:
            return b""
        columns = [*rows.make_table().columns, *answers.columns]
        lines = pc.binary_join_element_wise(*(_quoted(as_texts(one)) for one in columns), ",")
        whole = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
        return pc.binary_join(whole, self._end)[0].as_buffer().to_pybytes() + self._end.encode()

    def end(self) -> bytes:
        """Nothing follows the last row."""
        return b""


def _quoted(texts: pa.Array) -> pa.Array:
    needs = pc.match_substring_regex(texts, '[",\r\n]')
    if not pc.any(needs).as_py():
        return texts
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")
    return pc.if_else(needs, quoted, texts)
