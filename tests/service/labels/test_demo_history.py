"""The demo city's history: what was put into it is what comes out."""

import numpy as np
import openpyxl
import pytest

from geo.synth import HISTORY_CRS, history_rows, make_city
from service.demo import files
from service.labels.auditing import audit
from service.labels.positions import Choices
from service.labels.summary import summary
from service.labels.table import read_table
from tests.service.labels.cities import InMemory, edition


@pytest.fixture(scope="module")
def city():
    return make_city(seed=7, yards=300)


@pytest.fixture(scope="module")
def checked(city, tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / files.HISTORY
    files.write_history(city, path)
    table = read_table(path)
    grids = city.layers["community"]
    names = {one.code: one.name for one in grids}
    against = InMemory(edition({one.code: one.geometry for one in grids}, names=names))

    def check(crs):
        choices = Choices("经度", "纬度", "处置网格", crs)
        found = audit(table, choices, against, tolerance_m=30, time_zone="Asia/Shanghai")
        return found, summary(found, table, path.name)

    return check


def test_the_same_city_gives_the_same_rows(city):
    assert history_rows(city) == history_rows(city)
    assert len(history_rows(city)) == 1000


def test_what_was_planted_is_found(city, checked):
    found, figures = checked(HISTORY_CRS)
    rows = history_rows(city)
    assert figures["file"]["rows"] == 1000
    assert {one["reason"]: one["rows"] for one in figures["unusable"]} == {
        "no-coordinates": sum(row["经度"] is None for row in rows)
    }
    assert {one["label"] for one in figures["labels"]["unknown"]} == {"待定"}
    assert figures["share"] > 0.88
    best = figures["kinds"][0]
    assert (best["column"], best["values"][0]["value"]) == ("地址类型", "路口")
    [pile] = [one for one in figures["piles"] if one["disagree"]]
    shown = [(row["经度"], row["纬度"]) for row in rows]
    assert pile["rows"] == max(shown.count(one) for one in set(shown) if one[0] is not None)
    assert {"default-point", "border", "unknown-label"} <= {one["reason"] for one in figures["reasons"]}
    assert np.array([one.how != "none" or one.label == "待定" for one in found.meanings.values()]).all()


def test_read_in_the_wrong_system_it_says_so(checked):
    _, figures = checked("wgs84")
    [doubt] = [one for one in figures["doubts"] if one["kind"] == "other-system"]
    assert doubt["system"] == HISTORY_CRS


def test_it_is_a_workbook_of_an_office(city, tmp_path):
    files.write_history(city, tmp_path / "h.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "h.xlsx").active
    assert [cell.value for cell in sheet[1]] == list(history_rows(city)[0])
