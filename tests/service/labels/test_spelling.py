"""What labels mean: by their letters, by their spelling, by where their rows lie."""

import numpy as np
import pytest

from service.labels import spelling
from service.labels.spelling import Grid, Vocabulary, normalised


def meanings(labels, known, ours):
    return spelling.meanings(labels, Vocabulary(known), ours)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("207", "0207"), ("207", "207.0"), ("Ａ１２", "a12"), (" 城关街道 ", "城关街道"), ("城关-街道", "城关街道"),
        ("第07网格", "第7网格"), ("GRID_01", "grid 1"),
    ],
)  # fmt: skip
def test_spellings_of_one_thing_are_one(one, other):
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"), [("207", "27"), ("10", "1"), ("城关", "城北"), ("0", ""), ("1.5", "1")]
)
def test_spellings_of_two_things_stay_two(one, other):
    assert normalised(one) != normalised(other)


def grids(count):
    return [Grid(f"2{k:02d}", f"社区{k}") for k in range(1, count + 1)]


def test_words_and_figures_are_read_by_where_their_rows_lie_and_rare_ones_by_what_was_learnt():
    known = [
        *(Grid(f"2{k:02d}", f"2{k:02d}") for k in range(1, 13)),
        *(Grid(f"3{k:02d}", f"3{k:02d}") for k in range(1, 13)),
    ]
    place = {one.code: at for at, one in enumerate(known)}
    labels, ours = [], []
    for prefix, word in (("2", "BRONX"), ("3", "BROOKLYN")):
        for k in range(1, 12):
            labels += [f"{k:02d} {word}"] * 30
            ours += [place[f"{prefix}{k:02d}"]] * 28 + [place[f"{prefix}{k % 11 + 1:02d}"]] * 2
        labels += [f"12 {word}"]
        ours += [place[f"{prefix}01"]]  # astray, and alone: no evidence of its own
    labels += ["Unspecified"] * 24
    ours += list(range(24))
    found = meanings(labels, known, np.array(ours))
    for word, prefix in (("BRONX", "2"), ("BROOKLYN", "3")):
        assert {known[found[f"{k:02d} {word}"].grid].code for k in range(1, 13)} == {
            f"{prefix}{k:02d}" for k in range(1, 13)
        }
        assert [found[f"{k:02d} {word}"].how for k in (1, 11, 12)] == [
            "association",
            "association",
            "pattern",
        ]
    assert found["Unspecified"].how == "none"


def test_letters_win_over_places():
    found = meanings(["201"] * 40 + ["202"] * 40, grids(3), np.array([1] * 40 + [1] * 40))
    assert (found["201"].grid, found["201"].how, found["201"].contrary) == (0, "exact", True)
    assert (found["202"].grid, found["202"].contrary) == (1, False)


def test_of_two_grids_of_one_name_the_one_is_meant_where_the_rows_lie():
    known = [Grid("1", "幸福社区"), Grid("2", "幸福社区"), Grid("3", "和平社区")]
    found = meanings(["幸福社区"] * 10 + ["和平社区"] * 5, known, np.array([1] * 9 + [0] + [2] * 5))
    assert [found[one].grid for one in ("幸福社区", "和平社区")] == [1, 2]


def test_a_label_that_holds_a_name_is_read_by_that_part():
    found = meanings(["城关街道/社区2", "X 203 (旧)"], grids(3), np.array([-1, -1]))
    assert [(one.grid, one.how) for one in found.values()] == [(1, "part"), (2, "part")]


def test_scattered_and_coarse_labels_mean_no_grid():
    dice = np.random.default_rng(1)
    ours = dice.integers(0, 20, 600)
    labels = ["北片" if one < 10 else "南片" for one in ours.tolist()]
    found = meanings(labels, grids(20), ours)
    assert {one.how for one in found.values()} == {"none"}
    spread = meanings(["x"] * 600, grids(20), ours)
    assert spread["x"].grid == -1


def test_shuffled_labels_mean_next_to_nothing():
    """Where labels have nothing to do with places, no mapping may be invented."""
    dice = np.random.default_rng(9)
    invented = 0
    for _ in range(20):
        ours = dice.integers(0, 50, 2000)
        labels = [f"网格{one}号" for one in dice.integers(300, 400, 2000).tolist()]
        found = meanings(labels, grids(50), ours)
        invented += sum(one.grid >= 0 for one in found.values())
    assert invented <= 1


def test_names_are_read_without_what_many_end_in():
    names = ["远善社区", "礼贤社区", "晖和社区", "月兴村", "云泽村", "紫湖村", "一区"]
    known = [Grid(f"9{at}", name) for at, name in enumerate(names)]
    given = ["远善", "礼贤居委会", "晖和社区居委会", "月兴", "云泽村委会", "紫湖村网格(旧)", "待定", "区"]
    found = meanings(given, known, np.full(len(given), -1))
    assert [found[one].grid for one in given] == [0, -1, 2, 3, 4, 5, -1, -1]
    assert {found[one].how for one in given if found[one].grid >= 0} == {"part"}


def test_figures_are_not_read_out_of_longer_figures():
    found = meanings(["网格1203", "A203", "203-5", "网格203号"], grids(3), np.full(4, -1))
    assert [one.grid for one in found.values()] == [-1, -1, 2, 2]


def test_grids_of_one_name_are_all_meant():
    known = [Grid("1", "幸福社区"), Grid("2", "幸福社区"), Grid("3", "和平社区")]
    found = meanings(["幸福社区"] * 10, known, np.array([1] * 7 + [0] * 3))
    assert (found["幸福社区"].grid, found["幸福社区"].namesakes) == (1, {0, 1})
