"""What is said of changes, against scipy's tests; what is written for spreadsheets."""

import csv
import io
from uuid import UUID

import numpy as np
import pytest
from openpyxl import load_workbook
from scipy.stats import binomtest, false_discovery_control

from service.supervision import tables
from service.supervision.tally import FALSE_ALARMS, TOO_FEW, GridCount, judged


def counted(now, before):
    return GridCount(1, UUID(int=0), "c", "n", "p", now, before, 1.0, float(now), "no-baseline", 0)


def test_changes_are_named_as_exact_tests_with_false_discovery_control_say():
    rng = np.random.default_rng(3)
    pairs = rng.poisson(np.column_stack([rng.choice([5, 30, 60, 120], 300), rng.choice([5, 30, 60], 300)]))
    listed = judged([counted(*pair) for pair in pairs.tolist()])
    enough = [one for one in listed if one.count + one.before >= TOO_FEW]
    chances = [binomtest(one.count, one.count + one.before).pvalue for one in enough]
    credible = false_discovery_control(chances) <= FALSE_ALARMS
    assert [one.change in ("more", "less") for one in enough] == credible.tolist()
    assert {one.change for one in listed if one.count + one.before < TOO_FEW} == {"too-few"}
    assert all(one.count > one.before for one in listed if one.change == "more")
    assert all(one.count < one.before for one in listed if one.change == "less")
    assert {one.change for one in listed} == {"more", "less", "no-clear-change", "too-few"}


def test_few_and_no_grids_can_be_judged():
    assert judged([]) == []
    assert judged([counted(3, 1)])[0].change == "too-few"
    assert judged([counted(0, 90)])[0].change == "less"
    assert judged([counted(45, 45)])[0].change == "no-clear-change"


HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "=cmd|' /C calc'!A0", "＝1+1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_a_formula(text):
    (_, row) = csv.reader(io.StringIO(tables.as_csv(["a"], [[text]]).decode("utf-8-sig")))
    assert row == ["'" + text]
    book = load_workbook(io.BytesIO(tables.as_xlsx(["a"], [[text]], [("b", text)])))
    for cell in (book.worksheets[0]["A2"], book.worksheets[1]["B1"]):
        assert cell.data_type == "s"
        assert cell.value.startswith("'")


def test_numbers_stay_numbers_and_odd_characters_do_no_harm():
    book = load_workbook(io.BytesIO(tables.as_xlsx(["a", "b", "c"], [[-1.5, "x\x01y", None]], [])))
    assert [one.value for one in book.worksheets[0][2]] == [-1.5, "xy", None]
    assert tables.as_csv(["a"], [[-1.5]]).decode("utf-8-sig").splitlines() == ["a", "-1.5"]
