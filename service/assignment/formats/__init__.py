"""The forms of bulk: each is read into rows and written from rows with their answers."""

from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

import pyarrow as pa

from geo.crs import Crs
from service.assignment.formats.arrow_form import (
    ArrowEncoder,
    ArrowFileSource,
    ColumnsSource,
    ParquetEncoder,
    ParquetSource,
    PlainColumnsSource,
)
from service.assignment.formats.blocks import Blocks
from service.assignment.formats.csv_form import CsvEncoder, CsvSource
from service.assignment.formats.geojson_form import FeaturesEncoder, FeaturesSource
from service.assignment.formats.json_lines import LinesEncoder, LinesSource
from service.assignment.formats.rows import ROWS_AT_ONCE, Rows, Source, Where, refuse_clash

FORMS = ("csv", "ndjson", "geojson", "parquet", "arrow")
MEDIA = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "geojson": "application/geo+json",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
ENDINGS = {
    "csv": "csv", "txt": "csv", "ndjson": "ndjson", "jsonl": "ndjson", "geojsonl": "ndjson", "geojson": "geojson",
    "parquet": "parquet", "pq": "parquet", "arrow": "arrow", "arrows": "arrow", "ipc": "arrow", "feather": "arrow",
}  # fmt: skip
PARQUET_MARK, ARROW_FILE_MARK, ARROW_MARK = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"


class Encoder(Protocol):
    """Writes rows with their answers, piece by piece."""

    def begin(self) -> bytes: ...

    def encode(self, rows: Rows, answers: pa.RecordBatch) -> bytes: ...

    def end(self) -> bytes: ...


def guess(name: str, head: bytes) -> str:
    """Tell the form of an input by its first bytes, where they leave it open by its name."""
    if head.startswith(PARQUET_MARK):
        return "parquet"
    if head.startswith((ARROW_FILE_MARK, ARROW_MARK)):
        return "arrow"
    by_name = named(name)
    if by_name in ("ndjson", "geojson"):
        return by_name
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "geojson" if b'"FeatureCollection"' in text or b'"features"' in text else "ndjson"
    return "csv"


def named(name: str) -> str | None:
    """Tell the form that a file's name stands for."""
    return ENDINGS.get(name.rsplit(".", 1)[-1].lower()) if "." in name else None


def open_text(form: str, blocks: Blocks, where: Where, *, tabular: bool) -> Source:
    """Open an input of text; `tabular` tells that its rows go into a table of fixed columns."""
    if form == "csv":
        return CsvSource(blocks, where)
    if form == "ndjson":
        return LinesSource(blocks, where, tabular)
    return FeaturesSource.of_blocks(blocks, where, tabular)


def open_columns(form: str, stream: BinaryIO, where: Where, head: bytes) -> Source:
    """Open an input of columns."""
    if form == "parquet":
        return ParquetSource(stream, where)
    return (ArrowFileSource if head.startswith(ARROW_FILE_MARK) else ColumnsSource)(stream, where)


def encoder(form: str, schema: pa.Schema, added: pa.Schema, crs: Crs, *, end: str = "\n") -> Encoder:
    """Make the writer of a form. May raise Invalid where the input has a column that is added."""
    refuse_clash(schema.names, added.names)
    if form == "csv":
        return CsvEncoder(schema, added, end)
    if form == "geojson":
        return FeaturesEncoder(schema, added, crs)
    kinds: dict[str, Callable[..., Any]] = {
        "ndjson": LinesEncoder,
        "arrow": ArrowEncoder,
        "parquet": ParquetEncoder,
    }
    return kinds[form](schema, added)


def is_tabular(form: str) -> bool:
    """Tell whether all rows of a form have the same columns."""
    return form in ("csv", "arrow", "parquet")


__all__ = [
    "FORMS", "MEDIA", "ROWS_AT_ONCE", "Blocks", "Encoder", "FeaturesSource", "PlainColumnsSource", "Rows",
    "Source", "Where", "encoder", "guess", "is_tabular", "named", "open_columns", "open_text",
]  # fmt: skip
