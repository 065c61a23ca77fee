"""Runs over files: killed and continued, weighed, never a half file under the name of a whole one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.assignment.outputs import Output, identity
from service.errors import Conflict, Invalid

ROOT = Path(__file__).resolve().parents[3]
GROWN_MB, ROWS, FEW = 220, 140_000, 20_000
BLOCK, SMALL = 1 << 22, 1 << 17


def write_points(path: Path, rows: int, seed: int = 3) -> Path:
    """A CSV of positions in and around the squares; every hundredth can't be read."""
    rng = np.random.default_rng(seed)
    xy = np.column_stack([rng.uniform(115.999, 116.01, rows), rng.uniform(31.9995, 32.0025, rows)])
    with path.open("w") as file:
        file.write("id,lon,lat,text\n")
        for start in range(0, rows, 100_000):
            some = xy[start : start + 100_000].tolist()
            file.writelines(
                f"{n:08},{'x' if n % 100 == 0 else x},{y},街道{n % 7}\n"
                for n, (x, y) in enumerate(some, start)
            )
    return path


def begin(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.service.assignment.bulk_run", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def finish(*words: object) -> dict[str, Any]:
    process = begin(*words)
    told, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    return json.loads(told)


def test_a_killed_run_goes_on_without_a_row_twice_or_lost(tmp_path: Path) -> None:
    given, output = write_points(tmp_path / "in.csv", FEW), tmp_path / "out.csv"
    whole = tmp_path / "whole.csv"
    assert finish(given, whole, "csv", "", SMALL)["failed"] == FEW // 100
    process = begin(given, output, "csv", "slowly", SMALL)
    while Output.left(output) is None or Output.left(output)["rows"] == 0:
        time.sleep(0.01)
        assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not output.exists()
    with (tmp_path / "out.csv.partial").open("ab") as file:
        file.write(b"half a li")  # what was written after the last note
    told = finish(given, output, "csv", "resume", SMALL)
    assert 0 < told["done"] < told["rows"] == FEW
    assert told["failed"] == FEW // 100
    assert output.read_bytes() == whole.read_bytes()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.csv", "out.csv", "whole.csv"]


@pytest.mark.parametrize("rows", [ROWS, pytest.param(2_000_000, marks=pytest.mark.long)])
def test_a_run_takes_no_more_memory_for_more_rows(rows: int, tmp_path: Path) -> None:
    given, output = write_points(tmp_path / "in.csv", rows), tmp_path / "out.parquet"
    assert finish(given, output, "parquet", "", BLOCK)["grown_mb"] < GROWN_MB
    file = pq.ParquetFile(output)
    assert file.metadata.num_rows == rows
    assert pa.types.is_string(file.schema_arrow.field("id").type)


def fail(output: Path, *, resume: bool) -> None:
    with Output(output, {"a": 1}, resume=resume) as out:
        out.write(b"abc", 1, 0)
        raise ZeroDivisionError


def test_a_run_that_fails_leaves_nothing_unless_it_may_go_on(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    for resume, left in ((False, []), (True, ["out.csv.partial", "out.csv.partial.json"])):
        with pytest.raises(ZeroDivisionError):
            fail(output, resume=resume)
        assert sorted(one.name for one in tmp_path.iterdir()) == left
    with pytest.raises(Conflict, match="something else"), Output(output, {"a": 2}, resume=True):
        pass
    (tmp_path / "out.csv.partial").write_bytes(b"")
    with pytest.raises(Conflict, match="shorter"), Output(output, {"a": 1}, resume=True):
        pass
    with Output(output, {"a": 2}, resume=False) as out:
        out.write(b"new", 1, 0)
        with pytest.raises(Conflict, match="just now"), Output(output, {"a": 2}, resume=True):
            pass
    assert output.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


def test_a_link_stays_a_link_and_rights_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_bytes(b"old")
    target.chmod(0o600)
    link.symlink_to(target)
    with Output(link, {}, resume=False) as out:
        out.write(b"new", 1, 0)
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)


def test_where_nothing_can_be_written_a_sentence_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(Invalid, match="can't be written"),
        Output(tmp_path / "no" / "out.csv", {}, resume=False),
    ):
        pass
    with pytest.raises(Invalid, match="No space"):
        fill_up(tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def fill_up(output: Path) -> None:
    with Output(output, {}, resume=False) as out, Path("/dev/full").open("wb", buffering=0) as full:
        os.dup2(full.fileno(), out._file.fileno())
        out.write(b"x" * 10_000_000, 1, 0)


def test_a_file_that_was_changed_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a")
    first = identity(path)
    assert identity(path) == first
    path.write_text("b")
    assert identity(path)["head"] != first["head"]
