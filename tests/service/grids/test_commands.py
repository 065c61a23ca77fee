"""The commands as an operator types them: exit statuses, JSON, dry run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session

from service import runtime
from service.cli import main
from service.grids import commands
from service.settings import Settings
from tests.service.grids import maps


@pytest.fixture
def run(session: Session, monkeypatch: pytest.MonkeyPatch) -> Any:
    @contextmanager
    def running() -> Iterator[Settings]:
        yield Settings(demo=False)

    monkeypatch.setattr(runtime, "running", running)
    monkeypatch.setattr(commands, "_wait", lambda moment: None)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def bring(run: Any, path: Path, *more: str) -> Result:
    fields = ("--code-field", "code", "--name-field", "name")
    return run("import", path, "--plan", "P", "--level", "community", *fields, *more)


def test_import_check_publish(run: Any, tmp_path: Path) -> None:
    done = bring(run, maps.communities(tmp_path, border=118.812), "--json")
    assert done.exit_code == 0, done.output
    assert "overlap" in [one["rule"] for one in json.loads(done.stdout)["findings"]]
    checked = run("check", "P", "--json")
    assert checked.exit_code == 1
    [overlap] = [one for one in json.loads(checked.stdout)["findings"] if one["rule"] == "overlap"]
    assert overlap["grids"] == [maps.WEST, maps.EAST]
    assert overlap["geometry"]["type"] == "Polygon"
    refused = run("publish", "P")
    assert refused.exit_code == 1
    assert "overlap 1" in refused.stderr
    done = run("publish", "P", "--waive", "overlap", "--reason", "agreed", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(run("editions", "--json").stdout)[0]["number"] == 1


def test_a_dry_run_leaves_nothing(run: Any, tmp_path: Path) -> None:
    assert bring(run, maps.communities(tmp_path), "--dry-run").exit_code == 0
    assert run("check", "P").exit_code == 1


def test_an_unknown_field_is_a_sentence(run: Any, tmp_path: Path) -> None:
    done = bring(run, maps.communities(tmp_path), "--parent-field", "nothing")
    assert done.exit_code == 1
    assert "--parent-field" in done.stderr
    assert "above" in done.stderr


def test_a_missing_option_is_a_usage_error(run: Any, tmp_path: Path) -> None:
    assert run("import", maps.communities(tmp_path), "--plan", "P").exit_code == 2
