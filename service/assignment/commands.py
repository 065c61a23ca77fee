"""wangge assign: files in, the same files with the responsible grid beside each row out."""

import io
import math
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from geo.crs import parse_crs
from service import runtime
from service.assignment import formats
from service.assignment.answers import Question
from service.assignment.doubts import Watch
from service.assignment.formats import FORMS, Blocks, Source, Where
from service.assignment.in_force import IN_FORCE
from service.assignment.outputs import Output, identity
from service.assignment.runs import Asked, Piece, run
from service.assignment.views import moment
from service.errors import Invalid

PEEK_BYTES = 1 << 16


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--lon", "x", default="lon", show_default=True, help="Column of the longitude or easting.")
@click.option("--lat", "y", default="lat", show_default=True, help="Column of the latitude or northing.")
@click.option(
    "--crs", help="wgs84, cgcs2000, gcj02, bd09, EPSG:n or a PROJ string; GeoJSON is wgs84 if not said."
)
@click.option("--accuracy", help="Column of the accuracy, or metres for all rows.")
@click.option("--at", help="Answer by the editions in force at this date or time.")
@click.option("--scheme", help="Scheme, the first where none is named.")
@click.option(
    "--format", "form", type=click.Choice(FORMS), help="Form of the output: by the name of -o, else csv."
)
@click.option(
    "--input-format", "input_form", type=click.Choice(FORMS), help="Form of FILE, where it is mistaken."
)
@click.option("--encoding", help="Encoding of a text, for example GBK.")
@click.option(
    "--resume", is_flag=True, help="Go on with an interrupted run to the same output; keep what is written."
)
@click.option("-o", "output", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-")
def assign(file: Path, form: str | None, output: Path, resume: bool, at: str | None, **given: Any) -> None:
    """Append the responsible grid to each row of FILE (CSV, NDJSON, GeoJSON, Parquet, Arrow; - for standard input)."""
    form = form or formats.named(output.name) or "csv"
    to_file = str(output) != "-" and (output.is_file() or not output.exists())
    if resume:
        _check_resumable(file, output, form, to_file=to_file)
    left = Output.left(output) if resume else None
    with runtime.running(), _opened(file) as (stream, head):
        input_form = given["input_form"] or formats.guess(file.name, head)
        source = _source(stream, head, input_form, form, given)
        asked = _asked(left["about"] if left else None, at, given, input_form)
        encoder, watch = formats.encoder(form, source.schema, asked.added, asked.crs), Watch()
        if not to_file:
            failed = _through(output, run(source, encoder, asked, watch=watch))
            _tell(failed, asked, watch)
            return
        about = {
            **given, "at": at, "form": form, "input_form": input_form, "levels": list(asked.levels),
            "editions": asked.editions(), "moment": asked.question.moment.isoformat(),
            "answered_at": asked.question.answered_at.isoformat(),
            "input": identity(file) if str(file) != "-" else None,
        }  # fmt: skip
        with Output(output, about, resume=resume) as out, _Progress(file, stream) as progress:
            before = out.rows
            for piece in run(source, encoder, asked, done=before, watch=watch):
                out.write(piece.data, piece.rows, piece.failed)
                progress.tell(piece.rows - before)
        _tell(out.failed, asked, watch)


def _check_resumable(file: Path, output: Path, form: str, *, to_file: bool) -> None:
    if str(file) == "-" or not to_file:
        raise click.UsageError("--resume needs a FILE to read again and -o OUT to go on with.")
    if form == "parquet":
        raise Invalid(
            "A Parquet file can't be gone on with: its directory is written last. Use --format arrow or csv."
        )


class _opened:  # noqa: N801 - used like a function
    """Opens the input and looks at its first bytes."""

    def __init__(self, file: Path) -> None:
        self._stdin = str(file) == "-"
        self._stream = sys.stdin.buffer if self._stdin else file.open("rb")

    def __enter__(self) -> tuple[BinaryIO, bytes]:
        if self._stdin:
            head = self._stream.read(PEEK_BYTES)
            return io.BufferedReader(_Behind(head, self._stream)), head
        head = self._stream.read(PEEK_BYTES)
        self._stream.seek(0)
        return self._stream, head

    def __exit__(self, *_: object) -> None:
        if not self._stdin:
            self._stream.close()


class _Behind(io.RawIOBase):
    """Some bytes that were read already, then the rest of their stream."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        super().__init__()
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def _source(stream: BinaryIO, head: bytes, input_form: str, form: str, given: dict[str, Any]) -> Source:
    where = _where(given)
    if input_form in ("parquet", "arrow"):
        if not stream.seekable() and (input_form == "parquet" or head.startswith(formats.ARROW_FILE_MARK)):
            stream = io.BytesIO(stream.read())
        source = formats.open_columns(input_form, stream, where, head)
    else:
        blocks = Blocks(stream, given["encoding"])
        if blocks.encoding != "UTF-8":
            click.echo(f"Read as {blocks.encoding}. {blocks.evidence}", err=True)
        source = formats.open_text(input_form, blocks, where, tabular=formats.is_tabular(form))
    fixed = formats.is_tabular(input_form)
    if fixed and where.accuracy and where.accuracy not in source.schema.names and where.metres is None:
        raise Invalid(f"--accuracy {where.accuracy} is neither a column of the file nor a number of metres.")
    return source


def _where(given: dict[str, Any]) -> Where:
    accuracy, metres = given["accuracy"], None
    if accuracy is not None:
        try:
            metres = float(accuracy)
        except ValueError:
            metres = None
        if metres is not None and not (math.isfinite(metres) and metres >= 0):
            raise click.UsageError("--accuracy: metres are a number of at least 0.")
    return Where(given["x"], given["y"], accuracy, metres)


def _asked(pinned: dict[str, Any] | None, at: str | None, given: dict[str, Any], input_form: str) -> Asked:
    if given["crs"] is None and input_form != "geojson":
        raise click.UsageError("Missing option '--crs': say the coordinate system, such as wgs84 or gcj02.")
    crs = parse_crs(given["crs"] or "wgs84")
    IN_FORCE.refresh()
    scheme_id = IN_FORCE.scheme_id(given["scheme"])
    if scheme_id is None:
        raise Invalid(f"There is no scheme {given['scheme']!r}.")
    profile, answered_at = IN_FORCE.profile, IN_FORCE.now()
    when = moment(at, profile.time_zone) or answered_at
    if pinned is not None:  # both halves of a run are answered by the same editions
        when, answered_at = (datetime.fromisoformat(pinned[name]) for name in ("moment", "answered_at"))
    question = Question(scheme_id, when, answered_at, profile.locale, contacts=False)
    return Asked(IN_FORCE, question, IN_FORCE.levels[scheme_id], crs)


def _through(output: Path, pieces: Iterable[Piece]) -> int:
    """Write to standard output, or to what is no file, such as a pipe."""
    failed = 0
    with click.open_file(str(output), "wb") as out:
        for piece in pieces:
            out.write(piece.data)
            failed += piece.failed
        out.flush()
    return failed


def _tell(failed: int, asked: Asked, watch: Watch) -> None:
    if failed:
        click.echo(f"{failed} rows could not be answered: see grid_error", err=True)
    for doubt in asked.doubts(watch):
        click.echo(doubt, err=True)


class _Progress:
    """Shows on a terminal how far a run is and how fast."""

    def __init__(self, file: Path, stream: BinaryIO) -> None:
        self._stream, self._bar, self._began = stream, None, time.monotonic()
        self._task: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            columns = (
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[said]}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task(
                "", total=file.stat().st_size if str(file) != "-" else None, said=""
            )

    def __enter__(self) -> "_Progress":
        if self._bar is not None:
            self._bar.start()
        return self

    def tell(self, rows: int) -> None:
        """Say how many rows this run has answered."""
        if self._bar is None:
            return
        speed = rows / max(time.monotonic() - self._began, 1e-3)
        done = self._stream.tell() if self._stream.seekable() else None
        self._bar.update(self._task, completed=done, said=f"{rows:,} rows, {speed:,.0f}/s")

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


COMMANDS = [assign]
