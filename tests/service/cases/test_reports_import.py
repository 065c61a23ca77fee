"""wangge reports import, and the speed-independent promises of file_reports."""

import csv
import json
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from service import audit, clock, runtime
from service.cases import actions
from service.cases.intake import NewReport
from service.cli import main
from service.errors import Invalid

HEADER = ["happened_at", "category", "text", "lon", "lat", "crs", "accuracy_m", "source"]
GOOD = ["2026-03-01 08:00", "暴露垃圾", "桶满了", "116.0005", "32.0005", "wgs84", "8", "citizen"]


@pytest.fixture
def wangge(squares, monkeypatch):
    """Run the command inside the test's transaction."""

    @contextmanager
    def running(settings=None):
        yield

    monkeypatch.setattr(runtime, "running", running)
    return lambda *arguments: CliRunner().invoke(main, [str(one) for one in arguments])


def write(path, lines, header=HEADER, encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([header, *lines])
    return path


def changed(**cells):
    return [cells.get(name, value) for name, value in zip(HEADER, GOOD, strict=True)]


def stored(session):
    return session.execute(text("select * from report order by happened_at, text")).all()


def test_good_rows_are_filed_and_bad_ones_listed(wangge, session, tmp_path):
    lines = [
        GOOD,
        changed(lon="x"),
        changed(category="dragons"),
        changed(lon="117"),
        [*GOOD, "more"],
        GOOD[:4],
    ]
    done = wangge("reports", "import", write(tmp_path / "r.csv", lines), "--json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert (said["filed"], said["failed"]) == (2, 4)
    assert [one["row"] for one in said["errors"]] == [3, 4, 6, 7]
    assert "4 rows" in done.stderr
    assert [(one.grid_code, one.category, one.source) for one in stored(session)] == [
        ("990101000", "litter", "citizen"),
        (None, "litter", "citizen"),
    ]


def test_other_column_names_crs_and_encoding(wangge, session, tmp_path):
    path = write(
        tmp_path / "r.csv",
        [["2026/3/1 8:05", "乱停放", "116.0005", "32.0005"]],
        ["时间", "类别", "经度", "纬度"],
        "gb18030",
    )
    named = [
        "--happened-at-field",
        "时间",
        "--category-field",
        "类别",
        "--lon-field",
        "经度",
        "--lat-field",
        "纬度",
    ]
    refused = wangge("reports", "import", path, *named, "--crs", "wgs84")
    assert (refused.exit_code, "--encoding" in refused.stderr) == (1, True)
    done = wangge("reports", "import", path, *named, "--crs", "wgs84", "--encoding", "gb18030")
    assert done.exit_code == 0, done.output
    (row,) = stored(session)
    assert (row.happened_at.isoformat(), row.category, row.source) == (
        "2026-03-01T00:05:00+00:00",
        "parking",
        "file",
    )


def test_the_same_file_is_not_filed_twice(wangge, session, tmp_path):
    path = write(tmp_path / "r.csv", [GOOD])
    assert wangge("reports", "import", path).exit_code == 0
    assert wangge("reports", "import", path).exit_code == 1
    assert len(stored(session)) == 1
    assert wangge("reports", "import", path, "--again").exit_code == 0
    assert len(stored(session)) == 2


def test_a_file_that_breaks_off_files_nothing(wangge, session, tmp_path):
    path = write(tmp_path / "r.csv", [GOOD] * 5000)
    path.write_bytes(path.read_bytes() + b'"2026')
    done = wangge("reports", "import", path)
    assert done.exit_code == 1
    assert wangge("reports", "import", write(tmp_path / "s.csv", [GOOD[:3]], HEADER[:3])).exit_code == 1
    assert wangge("reports", "import", tmp_path / "none.csv").exit_code == 2


def new(**more):
    given = {
        "happened_at": clock.now(),
        "category": "litter",
        "text": "",
        "source": "s",
        "x": 116.0005,
        "y": 32.0005,
    }
    return NewReport(**{**given, "crs": "wgs84", **more})


def test_filing_gives_one_answer_a_report_in_order(squares, session):
    wanted = [new(x=116.0005), new(x=116.0015), new(x=118.0), new(x=116.001)]
    filed = actions.file_reports(session, wanted, by=audit.OPERATOR, at=clock.now())
    assert [(one.status, one.grid.code if one.grid else None) for one in filed] == [
        ("inside", "990101000"),
        ("inside", "990101001"),
        ("outside", None),
        ("border", "990101000"),
    ]
    assert filed[0].edition.number == squares[0].number
    assert actions.file_reports(session, [], by=audit.OPERATOR, at=clock.now()) == []


NAN = float("nan")


@pytest.mark.parametrize(
    "more", [{"x": NAN}, {"x": float("inf")}, {"crs": "mars"}, {"accuracy_m": NAN}, {"category": "?"}]
)
def test_filing_refuses_all_where_one_is_wrong(squares, session, more):
    with pytest.raises(Invalid) as refused:
        actions.file_reports(session, [new(), new(**more)], by=audit.OPERATOR, at=clock.now())
    assert refused.value.members["errors"][0]["pointer"].startswith("/1/")
    assert stored(session) == []


def test_departments_take_known_categories(squares, session):
    given = {"district_id": squares[0].district_id, "name": "城管局", "by": audit.OPERATOR, "at": clock.now()}
    assert actions.add_department(session, categories=("litter",), **given).id
    with pytest.raises(Invalid, match="dragons"):
        actions.add_department(session, categories=("dragons",), **given)
