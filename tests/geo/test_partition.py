"""The rules of who owns what, of codes and parents, one small map each."""

import numpy as np
import pytest
import shapely

from geo.errors import MalformedPoints
from geo.lattice import canon
from geo.measure import area_m2
from geo.partition import Layer, Partition, UncodedFeature, partition
from tests.oracles.drawing import COMMUNITIES, TOWN, box, faces, found, layer, polygon, same_ground


def test_ground_without_a_finer_grid_is_public_of_the_finest_grid_there():
    result = partition(
        [
            layer("town", TOWN),
            layer("community", *COMMUNITIES[:2]),
            layer("yard", ("A1", "A", box(10, 10, 90, 90)), ("B1", "B", box(100, 0, 200, 60))),
        ]
    )
    got = faces(result)
    assert set(got) == {
        ("grid", "yard", "A1"), ("grid", "yard", "B1"),
        ("public", "community", "A"), ("public", "community", "B"), ("public", "town", "T"),
    }  # fmt: skip
    assert same_ground(got["public", "community", "A"], box(0, 0, 100, 100) - box(10, 10, 90, 90))
    assert same_ground(got["public", "town", "T"], box(200, 0, 300, 100))
    assert result.findings == ()
    assert [(g.code, g.parent_level, g.parent_code) for g in result.grids] == [
        ("T", None, None), ("A", "town", "T"), ("B", "town", "T"),
        ("A1", "community", "A"), ("B1", "community", "B"),
    ]  # fmt: skip


def test_the_only_level_is_grid_not_public():
    assert set(faces(partition([layer("community", *COMMUNITIES)]))) == {
        ("grid", "community", c) for c in "ABC"
    }


def test_a_childs_ground_wins_over_another_parents_outline():
    result = partition([layer("community", *COMMUNITIES), layer("yard", ("A1", "A", box(50, 0, 130, 100)))])
    got = faces(result)
    assert same_ground(got["grid", "yard", "A1"], box(50, 0, 130, 100))
    assert same_ground(got["public", "community", "B"], box(130, 0, 200, 100))
    (finding,) = found(result, "outside-parent")
    assert (finding.severity, finding.grids) == ("error", ("A1", "A"))
    assert finding.area_m2 == pytest.approx(area_m2(box(100, 0, 130, 100))[0])
    assert same_ground(finding.geometry, box(100, 0, 130, 100))
    assert finding.members["wholly"] is False


def test_a_child_wholly_outside_says_so_and_noise_is_a_warning():
    result = partition(
        [
            layer("community", *COMMUNITIES),
            layer("yard", ("A1", "A", box(210, 0, 290, 50)), ("B1", "B", box(120, 0, 200.01, 40))),
        ]
    )
    by_grid = {f.grids[0]: f for f in found(result, "outside-parent")}
    assert by_grid["A1"].members["wholly"] is True
    assert by_grid["A1"].severity == "error"
    assert by_grid["B1"].severity == "warning"
    assert 0 < by_grid["B1"].area_m2 < 1


def test_a_missing_outline_is_the_union_of_the_children_and_is_held_against_its_own_parent():
    result = partition(
        [
            layer("town", ("T", None, box(0, 0, 100, 100))),
            layer("community", ("A", "T", None), ("B", "T", shapely.Polygon())),
            layer("yard", ("A1", "A", box(0, 0, 50, 100)), ("B1", "B", box(50, 0, 120, 100))),
        ]
    )
    assert set(faces(result)) == {("grid", "yard", "A1"), ("grid", "yard", "B1")}
    (finding,) = found(result, "outside-parent")
    assert finding.grids == ("B", "T")
    assert same_ground(finding.geometry, box(100, 0, 120, 100))
    assert not found(result, "no-ground")


def test_overlaps_go_to_the_lowest_code_by_code_point():
    shapes = (
        ("b", None, box(0, 0, 60, 100)),
        ("B", None, box(50, 0, 110, 100)),
        ("甲", None, box(100, 0, 200, 100)),
    )
    result = partition([layer("yard", *shapes)])
    got = faces(result)
    assert same_ground(got["grid", "yard", "B"], box(50, 0, 110, 100))
    assert same_ground(got["grid", "yard", "甲"], box(110, 0, 200, 100))
    assert [f.grids for f in found(result, "overlap")] == [("B", "b"), ("B", "甲")]
    assert {f.severity for f in found(result, "overlap")} == {"error"}


def test_three_over_one_spot_are_three_pairs():
    square = box(0, 0, 10, 10)
    result = partition([layer("yard", ("1", None, square), ("2", None, square), ("3", None, square))])
    assert [f.grids for f in found(result, "overlap")] == [("1", "2"), ("1", "3"), ("2", "3")]
    assert [f.grids for f in found(result, "no-ground")] == [("2",), ("3",)]
    assert len(result.faces) == 1


def test_features_of_one_code_and_parent_are_parts_of_one_grid():
    parts = (("A1", "A", box(0, 0, 20, 20)), ("A1", "A", box(10, 0, 40, 20)), ("A1", "A", box(60, 0, 80, 20)))
    result = partition([layer("community", *COMMUNITIES), layer("yard", *parts)])
    assert sorted(f.geometry.area for f in result.faces if f.code == "A1") == pytest.approx(
        [400e-10, 800e-10]
    )
    (joined,) = found(result, "joined-parts")
    assert (joined.severity, joined.grids, joined.members["features"]) == ("info", ("A1",), 3)
    assert not found(result, "overlap")
    assert found(result, "several-parts")[0].members["parts"] == 2


def test_one_code_under_two_parents_is_an_error_nobody_can_waive():
    twice = (("X", "A", box(0, 0, 20, 20)), ("X", "B", box(110, 0, 130, 20)))
    result = partition([layer("community", *COMMUNITIES), layer("yard", *twice)])
    (finding,) = found(result, "duplicate-code")
    assert (finding.severity, finding.waivable, finding.grids) == ("error", False, ("X",))
    assert finding.members["parents"] == ["A", "B"]
    assert [g.parent_code for g in result.grids if g.code == "X"] == ["A"]
    assert not found(result, "joined-parts")


def scheme(level: str, code: str) -> str | None:
    return code[0] if level == "yard" and code[0].isalpha() else None


def test_the_parent_field_comes_before_the_code_scheme():
    yards = (("A1", None, box(0, 0, 20, 20)), ("A2", "B", box(110, 0, 130, 20)))
    result = partition([layer("community", *COMMUNITIES), layer("yard", *yards)], parent_by_code=scheme)
    assert {g.code: g.parent_code for g in result.grids if g.level == "yard"} == {"A1": "A", "A2": "B"}
    assert not result.findings


def test_parts_that_name_the_parent_by_field_and_by_scheme_agree():
    parts = (("A1", None, box(0, 0, 20, 20)), ("A1", "A", box(20, 0, 40, 20)))
    result = partition([layer("community", *COMMUNITIES), layer("yard", *parts)], parent_by_code=scheme)
    assert [f.rule for f in result.findings] == ["joined-parts"]


@pytest.mark.parametrize(
    ("code", "parent", "hint"),
    [("Z1", None, "the parent Z"), ("A1", "Q", "the parent Q"), ("1", None, "--parent-field")],
)
def test_an_unknown_parent_is_an_error_and_leaves_the_grid_to_the_district(code, parent, hint):
    yard = (code, parent, box(0, 0, 20, 20))
    result = partition([layer("community", *COMMUNITIES), layer("yard", yard)], parent_by_code=scheme)
    (finding,) = found(result, "unknown-parent")
    assert (finding.severity, finding.waivable, finding.grids) == ("error", False, (code,))
    assert hint in finding.detail
    assert [(g.parent_level, g.parent_code) for g in result.grids if g.level == "yard"] == [(None, None)]
    assert ("grid", "yard", code) in faces(result)


def test_without_a_coarser_layer_the_parent_is_the_district_whatever_the_field_says():
    for layers in (
        [layer("yard", ("A1", "A", box(0, 0, 9, 9)))],
        [Layer("community", ()), layer("yard", ("A1", "A", box(0, 0, 9, 9)))],
    ):
        result = partition(layers, parent_by_code=scheme)
        assert not found(result, "unknown-parent")
        assert result.grids[0].parent_code is None


def test_a_missing_middle_level_leaves_the_nearest_coarser_one():
    result = partition(
        [layer("town", TOWN), Layer("community", ()), layer("yard", ("Y", "T", box(0, 0, 20, 20)))]
    )
    assert (result.grids[1].parent_level, result.grids[1].parent_code) == ("town", "T")
    skipping = partition(
        [layer("town", TOWN), layer("community", *COMMUNITIES), layer("yard", ("Y", "T", box(0, 0, 20, 20)))]
    )
    assert (skipping.grids[-1].parent_level, skipping.grids[-1].parent_code) == ("town", "T")


def test_invalid_outlines_are_repaired_and_told():
    bow_tie = polygon((0, 0), (100, 100), (100, 0), (0, 100))
    result = partition([layer("yard", ("X", None, bow_tie), ("Y", None, box(200, 0, 300, 100)))])
    (finding,) = found(result, "invalid-repaired")
    assert (finding.severity, finding.grids) == ("error", ("X",))
    assert finding.members["reason"] == "Self-intersection"
    assert shapely.distance(finding.geometry, polygon((0, 0), (1, 1), (1, 0)).centroid) < 1e-3
    assert finding.area_m2 == pytest.approx(area_m2(box(0, 0, 100, 50))[0], rel=1e-5)
    assert finding.members["parts_after"] == 2
    assert len([f for f in result.faces if f.code == "X"]) == 2


def test_an_outline_pinched_by_the_lattice_is_a_warning():
    neck = polygon((0, 0), (50, 49.9998), (100, 0), (100, 100), (50, 50.0001), (0, 100))
    assert neck.is_valid
    result = partition([layer("yard", ("X", None, neck))])
    assert [f.severity for f in found(result, "invalid-repaired")] == ["warning"]
    assert shapely.is_valid([f.geometry for f in result.faces]).all()


def test_rings_too_small_for_the_lattice_vanish_and_are_told():
    speck = box(0, 0, 0.0002, 0.0002)
    pierced = box(10, 10, 60, 60) - box(20, 20, 20.0003, 20.0002)
    both = shapely.MultiPolygon([box(100, 0, 150, 50), box(200, 0, 200.0001, 0.0001)])
    shapes = (("1", None, speck), ("2", None, pierced), ("3", None, both))
    result = partition([layer("yard", *shapes)])
    assert [f.grids for f in found(result, "invalid-repaired")] == [("1",), ("2",), ("3",)]
    assert {f.severity for f in found(result, "invalid-repaired")} == {"warning"}
    assert [f.code for f in result.faces] == ["2", "3"]
    assert not any(f.geometry.interiors for f in result.faces)
    assert [f.grids for f in found(result, "no-ground")] == [("1",)]


def test_t_vertices_go_into_every_face_on_the_edge():
    halves = (
        ("1", None, box(0, 0, 50, 50)),
        ("2", None, box(0, 50, 50, 100)),
        ("3", None, box(50, 0, 100, 100)),
    )
    result = partition([layer("yard", *halves)])
    third = next(f.geometry for f in result.faces if f.code == "3")
    meeting = tuple(canon(np.array([box(50, 50, 51, 51)]))[0].bounds[:2])
    assert meeting in set(third.exterior.coords)
    assert result.findings == ()


def test_tiny_faces_and_short_edges_warn():
    yard = polygon((0, 0), (100, 0), (100, 100), (0.01, 100), (0, 99.99))
    result = partition([layer("yard", ("1", None, yard), ("2", None, box(200, 0, 205, 5)))])
    (tiny,) = found(result, "tiny-face")
    assert tiny.grids == ("2",)
    (short,) = found(result, "short-edge")
    assert (short.grids, short.members["edges"]) == (("1",), 1)
    assert 0 < short.members["shortest_m"] < 0.05


def test_corner_contact_does_not_hold_a_grid_together():
    both = shapely.MultiPolygon([box(0, 0, 50, 50), box(50, 50, 100, 100)])
    result = partition([layer("community", ("A", None, both)), layer("yard", ("A1", "A", box(0, 0, 50, 50)))])
    (finding,) = found(result, "several-parts")
    assert (finding.grids, finding.members["parts"]) == (("A",), 2)


def test_public_and_yards_hold_their_community_together():
    """Two yards with public ground between them are one community."""
    yards = (("A1", "A", box(0, 0, 20, 100)), ("A2", "A", box(80, 0, 100, 100)))
    result = partition([layer("community", *COMMUNITIES), layer("yard", *yards)])
    assert not found(result, "several-parts")


def test_nothing_in_nothing_out():
    assert partition([]) == Partition((), (), ())
    assert partition([Layer("yard", ())]).faces == ()
    only_empty = partition([layer("yard", ("1", None, None))])
    assert [f.rule for f in only_empty.findings] == ["no-ground"]


def test_bad_input_is_refused_by_name():
    with np.errstate(invalid="ignore"):
        nan = shapely.Polygon([(113, 34), (113.1, float("nan")), (113.1, 34.1)])
    with pytest.raises(MalformedPoints):
        partition([layer("yard", ("1", None, nan))])
    with pytest.raises(UncodedFeature):
        partition([layer("yard", ("", None, box(0, 0, 1, 1)))])
    with pytest.raises(ValueError, match="several layers"):
        partition([layer("yard", ("1", None, box(0, 0, 1, 1)))] * 2)


def test_progress_rises_to_one():
    told = []
    partition(
        [layer("yard", ("1", None, box(0, 0, 50, 50)))], progress=lambda stage, share: told.append(share)
    )
    assert told == sorted(told)
    assert told[-1] == 1


def test_every_finding_has_area_and_a_sentence():
    result = partition(
        [
            layer("community", *COMMUNITIES),
            layer(
                "yard",
                ("A1", "A", box(50, 0, 130, 100)),
                ("A2", "Q", box(40, 0, 60, 100)),
                ("A2", "A", box(0, 0, 1, 1)),
            ),
        ]
    )
    assert len(result.findings) >= 4
    for finding in result.findings:
        assert finding.detail.endswith(".")
        assert finding.area_m2 >= 0
        assert isinstance(finding.members["level"], str)
    assert [f.order for f in result.findings] == sorted(f.order for f in result.findings)
