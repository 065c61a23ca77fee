"""wangge audit as an operator types it."""

import json
from contextlib import contextmanager

import openpyxl
import pytest
from click.testing import CliRunner

from service import runtime
from service.cli import main
from service.settings import Settings

WORDS = ("--label", "责任网格", "--lon", "经度", "--lat", "纬度", "--crs", "wgs84")


@pytest.fixture
def run(monkeypatch):
    @contextmanager
    def running():
        yield Settings(demo=False)

    monkeypatch.setattr(runtime, "running", running)
    return lambda *words: CliRunner().invoke(main, ["audit", *map(str, words)])


def test_the_report_is_told_and_written(run, history, tmp_path, town):
    path, book = tmp_path / "历史.csv", tmp_path / "report.xlsx"
    path.write_bytes(history)
    done = run(path, *WORDS, "-o", book)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1].startswith(
        "可以放心切换：121 条记录中 99.17% 与我们的答案一致；1 条不一致，原因不明 1 条"
    )
    assert openpyxl.load_workbook(book)["逐行"].max_row == 123
    found = json.loads(run(path, *WORDS, "--json").stdout)
    assert (found["usable"], found["agree"], found["level"]) == (121, 120, "community")
    assert found["verdict"] == done.stdout.splitlines()[-1]


def test_a_workbook_is_read_as_a_table_is(run, history, tmp_path, town):
    book = openpyxl.Workbook()
    for number, line in enumerate(history.decode().splitlines()):
        cells = line.split(",")
        # Codes as spreadsheets have them: numbers, and coordinates as floats.
        book.active.append(
            [
                float(one) if number and one and at < 2 else int(one) if number and at == 2 else one
                for at, one in enumerate(cells)
            ]
        )
    book.save(tmp_path / "h.xlsx")
    (tmp_path / "h.csv").write_bytes(history)
    one, other = (json.loads(run(tmp_path / name, *WORDS, "--json").stdout) for name in ("h.xlsx", "h.csv"))
    assert {**one, "file": None} == {**other, "file": None}


def test_tables_of_chinese_encodings_and_other_separators_are_read(run, history, tmp_path, town):
    text = history.decode()
    for name, content in (
        ("a", text.encode("gb18030")),
        ("b", text.replace(",", ";").encode("utf-8-sig")),
        ("c", text.replace(",", "\t").encode("utf-16")),
    ):
        (tmp_path / name).write_bytes(content)
        assert json.loads(run(tmp_path / name, *WORDS, "--json").stdout)["agree"] == 120, name


def test_what_is_wrong_is_a_sentence(run, history, tmp_path, town):
    path = tmp_path / "h.csv"
    path.write_bytes(history)
    for words, sentence in (
        ((*WORDS, "--level", "nobody"), "There is no level 'nobody'"),
        ((*WORDS, "--kind", "nobody"), "no column 'nobody'"),
        ((*WORDS, "--time", "来源"), "No row has both"),
        ((*WORDS, "-o", tmp_path / "x.csv"), "-o NAME.xlsx"),
        ((*WORDS[:-1], "nowhere"), "nowhere"),
    ):
        done = run(path, *words)
        assert (done.exit_code, sentence in done.stderr) == (1, True), (words, done.output)
