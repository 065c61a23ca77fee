"""Planted faults are found, each for what it is, and none is invented where there is none."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import shapely

from geo.crs import from_lonlat, parse_crs
from service.errors import Invalid
from service.labels.auditing import audit
from service.labels.summary import bands, rows, summary
from service.labels.wording import judgement, verdict
from tests.service.labels.cities import InMemory, edition, squares
from tests.service.labels.histories import CHOICES, History, clean

CITY = squares(6, 5)
M = 1 / 111_000


def check(history: History, *editions, choices=CHOICES, **more):
    against = InMemory(*(editions or (edition(CITY),)))
    table = history.table()
    found = audit(table, choices, against, tolerance_m=30, time_zone="Asia/Shanghai", **more)
    return found, summary(found, table, "h.csv"), rows(found, table)


def found_as(found) -> dict[int, str]:
    return {int(row): str(reason) for row, reason in zip(found.rows.row, found.reason, strict=True) if reason}


def test_nothing_is_invented_where_all_is_well():
    history = clean(CITY, 1500)
    history.more["kind"] = ["abc"[row % 3] for row in range(1500)]
    _found, figures, _ = check(history)
    assert figures["agree"] == figures["as_written"] == 1500
    for name in ("reasons", "kinds", "matrix", "piles", "doubts", "other_editions", "unusable"):
        assert figures[name] == [], name
    assert figures["labels"] == {
        "count": 30,
        "exact": 30,
        "read": 0,
        "mapping": [],
        "unknown": [],
        "renumbered": [],
    }
    assert verdict(figures, "zh") == "可以放心切换：1,500 条记录与我们的答案全部一致。"


def test_noise_at_the_borders_is_said_to_be_that_and_nothing_else():
    history = clean(CITY, 3000, seed=3)
    dice = np.random.default_rng(8)
    moved = dice.normal(0, 6 * M, (3000, 2))
    history.lon, history.lat = history.lon + moved[:, 0], history.lat + moved[:, 1]
    found, figures, _ = check(history)
    assert 5 < figures["disagree"] < 150
    assert set(found_as(found).values()) <= {"border", "outside", "unexplained"}
    for row in np.flatnonzero(found.disagree).tolist():
        distance = shapely.distance(
            CITY[history.label[row]], shapely.Point(history.lon[row], history.lat[row])
        )
        if distance < 9.9 * M * 0.85:
            assert found.reason[row] == "border"
            assert found.flagged[row] or found.ours[row] < 0
    assert figures["kinds"] == figures["doubts"] == figures["piles"] == figures["other_editions"] == []


def test_the_bands_count_as_brute_force_does():
    history = clean(CITY, 2000, seed=5)
    dice = np.random.default_rng(2)
    for row in dice.choice(2000, 200, replace=False).tolist():
        history.label[row] = sorted(CITY)[row % 30]
    _found, figures, known = check(history)
    at = shapely.points(history.lon, history.lat)
    own = np.full(2000, "", dtype=object)
    for code in sorted(CITY, reverse=True):
        own[shapely.intersects(CITY[code], at)] = code
    flat = np.array(
        [np.cos(np.radians(32.025)) * 111_320, 110_900]
    )  # good to 1 %, so ends of bands are left out
    borders = {code: shapely.transform(one.exterior, lambda xy: xy * flat) for code, one in CITY.items()}
    metres = shapely.distance(
        np.array([borders[one] for one in own]), shapely.transform(at, lambda xy: xy * flat)
    )
    ends, names = [5, 10, 20, 50, 200], ["0-5", "5-10", "10-20", "20-50", "50-200", "200-"]
    sure = (np.abs(metres[:, None] / ends - 1) > 0.01).all(axis=1)
    expected = np.array(names)[np.searchsorted(ends, metres, side="right")]
    assert sure.sum() > 1900
    assert (np.array(known["band"]) == expected)[sure].all()
    astray = np.array(history.label) != own
    counted, wrong = Counter(known["band"]), Counter(np.array(known["band"])[astray].tolist())
    assert {one["band"]: (one["rows"], one["disagree"]) for one in figures["bands"] if one["rows"]} == {
        name: (count, wrong[name]) for name, count in counted.items()
    }
    assert sum(wrong.values()) == figures["disagree"] == sum(one["rows"] for one in figures["matrix"])


def test_a_pile_is_found_and_a_busy_building_is_not_one():
    history = clean(CITY, 1200, seed=6, away_m=30)
    pile = np.arange(0, 180)  # rows of everywhere
    busy = np.flatnonzero(np.array(history.label) == "017")
    busy = np.setdiff1d(busy, pile)
    history.lon[pile], history.lat[pile] = 116.0333, 32.0277
    history.lon[busy], history.lat[busy] = history.lon[busy[0]], history.lat[busy[0]]
    _, figures, _ = check(history)
    truly = [row for row in pile.tolist() if history.label[row] != "016"]
    assert Counter(one["reason"] for one in figures["reasons"]) == {"default-point": 1}
    assert figures["reasons"][0]["rows"] == len(truly) == figures["disagree"]
    wrong = [one for one in figures["piles"] if one["disagree"]]
    assert [(one["lon"], one["lat"], one["rows"]) for one in wrong] == [(116.0333, 32.0277, 180)]


@pytest.mark.parametrize("system", ["gcj02", "bd09"])
def test_a_shift_is_found_and_named(system):
    history = clean(CITY, 1500, seed=7)
    shifted = from_lonlat(np.column_stack([history.lon, history.lat]), parse_crs(system))
    history.lon, history.lat = shifted[:, 0], shifted[:, 1]
    found, figures, _ = check(history)
    [doubt] = [one for one in figures["doubts"] if one["kind"] == "other-system"]
    assert doubt["system"] == system
    assert doubt["agreed_then"] > 1480 > 1200 > doubt["agreed"]
    assert set(found_as(found).values()) <= {"other-system", "border", "outside"}
    assert Counter(found_as(found).values())["other-system"] > 0.95 * figures["disagree"]
    assert judgement(figures) == "system"
    assert verdict(figures, "zh").startswith("先核对坐标系：")
    right, again, _ = check(history, choices=replace(CHOICES, crs=system))
    assert again["agree"] >= 1499
    assert [one for one in again["doubts"] if one["kind"] == "other-system"] == []
    assert right.agree.sum() == again["agree"]


def test_exchanged_axes_are_found():
    history = clean(CITY, 600, seed=9, away_m=40)
    swapped = np.arange(0, 600, 10)
    history.lon[swapped], history.lat[swapped] = history.lat[swapped].copy(), history.lon[swapped].copy()
    found, _figures, _ = check(history)
    # 116 is no latitude, so some may be off the earth: those are said to be unusable instead.
    lost = {row for one in found.unusable.values() for row in one}
    assert set(found_as(found)) | lost == set(swapped.tolist())
    assert set(found_as(found).values()) <= {"swapped"}


def test_an_older_edition_is_found_named_and_only_where_it_was():
    old, new = edition(squares(6, 5, moved=-0.002), number=1), edition(CITY, number=2)
    history = clean(squares(6, 5, moved=-0.002), 3000, seed=12)
    _found, figures, known = check(history, old, new)
    changed = {row for row in range(3000) if history.label[row] != known["code"][row]}
    assert 300 < len(changed) == figures["disagree"]
    assert figures["reasons"] == [{"reason": "older-edition", "rows": len(changed)}]
    assert set(known["evidence"]) == {"", "990101/1"}
    [doubt] = figures["other_editions"]
    assert (doubt["edition"], doubt["agreed_then"]) == ("990101/1", 3000)
    assert judgement(figures) == "edition"
    _, as_now, _ = check(clean(CITY, 3000, seed=12), old, new)
    assert (as_now["disagree"], as_now["other_editions"]) == (0, [])


def test_rows_are_answered_by_the_edition_of_their_day():
    old, new = edition(squares(6, 5, moved=-0.002), number=1), edition(CITY, number=2)
    early, late = clean(squares(6, 5, moved=-0.002), 500, seed=1), clean(CITY, 500, seed=2)
    both = History(
        np.r_[early.lon, late.lon], np.r_[early.lat, late.lat], early.label + late.label,
        {"at": ["2026-02-01 08:00"] * 500 + ["2026-06-01"] * 500},
    )  # fmt: skip
    _, figures, known = check(both, old, new, choices=replace(CHOICES, time="at"))
    assert figures["disagree"] == 0
    assert Counter(known["edition"]) == {"990101/1": 500, "990101/2": 500}
    assert check(both, old, new)[1]["disagree"] > 30


def test_a_grid_that_is_no_more_is_of_an_older_edition():
    gone = {"900" if code == "001" else code: shape for code, shape in CITY.items()}
    history = clean(gone, 900, seed=15, away_m=15)
    _, figures, _ = check(history, edition(gone, number=1), edition(CITY, number=2))
    assert figures["reasons"] == [{"reason": "older-edition", "rows": history.label.count("900")}]
    assert figures["labels"]["unknown"] == []


def test_the_column_that_explains_is_found_and_others_are_not():
    history = clean(CITY, 4000, seed=21, away_m=60)
    dice = np.random.default_rng(5)
    crossing = dice.random(4000) < 0.06
    wrong = dice.random(4000) < np.where(crossing, 0.25, 0.004)
    history.more = {
        "place": ["路口" if one else "门牌" for one in crossing],
        "channel": dice.choice(["电话", "网页", "巡查"], 4000).tolist(),
        # Follows the place for the most part, and tells nothing that the place doesn't.
        "unit": np.where(
            crossing & (dice.random(4000) < 0.9), "交警", dice.choice(["城管", "环卫"], 4000)
        ).tolist(),
        "number": [str(row) for row in range(4000)],
        "district": [f"D{int(one) % 5}" for one in history.label],
    }
    for row in np.flatnonzero(wrong).tolist():
        history.label[row] = f"{int(history.label[row]) % 30 + 1:03d}"
    _, figures, _ = check(history)
    assert figures["disagree"] == wrong.sum()
    assert [(one["column"], one["along"]) for one in figures["kinds"]] == [("place", None), ("unit", "place")]
    [first, _] = figures["kinds"][0]["values"]
    assert (first["value"], first["stands_out"], first["rows"]) == ("路口", True, crossing.sum())
    assert first["disagree"] == (wrong & crossing).sum()
    assert "“place”为“路口”" in verdict(figures, "zh")


def test_columns_of_noise_explain_nothing_over_many_files():
    dice = np.random.default_rng(77)
    from service.labels.kinds import explaining

    told = 0
    for _ in range(100):
        columns = {f"c{k}": dice.integers(0, 12, 500).astype(str).tolist() for k in range(6)}
        told += bool(
            explaining(columns, dice.random(500) < 0.04, dice.integers(0, 40, 500).astype(str).tolist())
        )
    assert told <= 5  # 1 % is promised: more than 5 of 100 would come once in 2,000 such tests


def test_one_long_description_does_not_widen_all_others():
    """Arrays of texts are as wide as the longest: 11 GB for a hundred thousand rows, one of 30,000 letters."""
    import tracemalloc

    from service.labels.kinds import explaining

    words = ["dark" if row % 3 else "bright" for row in range(3000)]
    words[7] = "x" * 30_000
    wrong = np.array([word == "bright" for word in words])
    tracemalloc.start()
    [found] = explaining({"light": words}, wrong, [f"{row % 50}" for row in range(3000)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.values[0].value == "bright"
    assert peak < 20e6


def test_a_code_given_anew_is_told_from_rows_gone_astray():
    history = clean(CITY, 1500, seed=31, away_m=60)
    for row, label in enumerate(history.label):
        history.label[row] = {"004": "027", "027": "004"}.get(label, label)
    _, figures, _ = check(history)
    renumbered = {(one["label"], one["mostly"]["code"]) for one in figures["labels"]["renumbered"]}
    assert renumbered == {("004", "027"), ("027", "004")}
    assert [one["reason"] for one in figures["reasons"]] == ["renumbered"]


def test_the_level_of_the_labels_is_found_and_measured_by_its_own_borders():
    parents = {code: f"{(int(code) - 1) // 6:02d}" for code in CITY}  # a sub-district is a row of six squares
    city = edition(CITY, parents=parents, levels=("subdistrict", "community"))
    history = clean(CITY, 1000, seed=41)
    fine, figures, _ = check(history, city)
    assert (figures["level"], figures["disagree"]) == ("community", 0)
    history.label = [parents[one] for one in history.label]
    coarse, figures, known = check(history, city)
    assert (figures["level"], figures["disagree"]) == ("subdistrict", 0)
    # Borders between squares of one row don't count.
    assert (coarse.border_m >= fine.border_m - 1e-6).all()
    y = history.lat[np.array(known["row"])]
    to_row = np.minimum((y - 32.0) % 0.01, 0.01 - (y - 32.0) % 0.01) * 110_900
    middle = (history.lon > 116.012) & (history.lon < 116.048)
    assert np.abs(coarse.border_m - to_row)[middle].max() < 6


def test_rows_that_can_not_be_checked_say_why():
    history = clean(CITY, 20, seed=51)
    table = history.table()
    for row, (lon, lat, label) in enumerate(
        [
            ("", "32", "001"),
            ("abc", "32", "001"),
            ("0", "0", "001"),
            ("inf", "32", "001"),
            ("500", "32", "001"),
            ("116", "32", ""),
        ]
    ):
        table.columns["lon"][row], table.columns["lat"][row], table.columns["label"][row] = lon, lat, label
    found = audit(table, CHOICES, InMemory(edition(CITY)), tolerance_m=30, time_zone="UTC")
    assert found.unusable == {
        "no-label": [5], "no-coordinates": [0], "not-a-number": [1, 3], "zero": [2], "not-on-earth": [4],
    }  # fmt: skip
    assert len(found.rows) == 14
    with pytest.raises(Invalid, match="no column 'nobody'"):
        audit(
            table, replace(CHOICES, label="nobody"), InMemory(edition(CITY)), tolerance_m=30, time_zone="UTC"
        )


def test_other_districts_are_left_out_where_only_one_is_asked_about():
    east = edition(squares(3, 5, west=116.03), district="990102")
    west = edition(squares(3, 5, first=101), district="990101")
    history = clean({**squares(3, 5, west=116.03), **squares(3, 5, first=101)}, 600, seed=61)
    for row in np.flatnonzero(history.lon > 116.05).tolist():
        history.label[row] = "001"
    _, figures, known = check(history, west, east, district_ids=frozenset({1}))
    inside = int((history.lon <= 116.03).sum())
    assert (figures["usable"], figures["agree"], figures["file"]["rows"]) == (inside, inside, 600)
    [left_out] = figures["unusable"]
    assert (left_out["reason"], left_out["rows"]) == ("other-district", 600 - inside)
    assert sorted([*known["row"], *(row for row, _ in known["unusable"]["other-district"])]) == list(
        range(600)
    )
    assert bands(check(history, west, east)[0]).size == 600


def test_of_two_grids_of_one_name_a_row_means_the_one_it_lies_in():
    names = {code: f"第{code}社区" for code in CITY} | {"003": "幸福社区", "028": "幸福社区"}
    history = clean(CITY, 900, seed=71)
    history.label = [names[one] for one in history.label]
    astray = [row for row in range(900) if history.label[row] == "幸福社区"][:3]
    for row in astray:
        history.lon[row], history.lat[row] = 116.035, 32.025
    _, figures, known = check(history, edition(CITY, names=names))
    assert figures["disagree"] == 3
    assert figures["as_written"] == figures["agree"] == 897
    assert {known["label_name"][row] for row in astray} == {"幸福社区"}


def test_names_tell_their_level_also_where_the_coordinates_are_shifted():
    parents = {code: f"{(int(code) - 1) // 6:02d}" for code in CITY}
    names = {code: f"第{code}社区" for code in CITY}
    city = edition(CITY, parents=parents, names=names, levels=("subdistrict", "community"))
    history = clean(CITY, 1500, seed=81)
    history.label = [names[one] for one in history.label]
    history.lon += 0.007  # two thirds of a square: at the level above most rows still lie in one grid
    _, figures, _ = check(history, city)
    assert figures["level"] == "community"
    assert figures["labels"]["unknown"] == []
