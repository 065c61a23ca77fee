"""Holes, declared gaps and slivers of public ground, one small map each."""

import pytest

from geo.measure import area_m2
from geo.partition import Gap, partition
from tests.oracles.drawing import COMMUNITIES, TOWN, box, faces, found, layer, same_ground


def test_enclosed_holes_are_errors_with_their_neighbours_and_islands_are_cut_out():
    ring = box(0, 0, 100, 100) - box(20, 20, 80, 80)
    island = box(40, 40, 60, 60) - box(45, 45, 50, 50)
    result = partition([layer("yard", ("R", None, ring), ("I", None, island))])
    holes = found(result, "hole")
    assert [f.severity for f in holes] == ["error", "error"]
    assert sorted(f.grids for f in holes) == [("I",), ("I", "R")]
    big = next(f for f in holes if len(f.grids) == 2)
    assert same_ground(big.geometry, box(20, 20, 80, 80) - box(40, 40, 60, 60))
    assert big.area_m2 == pytest.approx(area_m2(big.geometry)[0])


def test_a_declared_gap_fills_a_hole_and_falls_to_the_community_it_lies_in():
    gap = Gap(box(20, 20, 80, 80), None, "railway")
    layers = [
        layer("community", *COMMUNITIES),
        layer("yard", ("A1", "A", box(0, 0, 100, 100) - box(20, 20, 80, 80))),
    ]
    result = partition(layers, gaps=[gap])
    assert same_ground(faces(result)["gap", "community", "A"], gap.geometry)
    assert result.findings == ()
    across = partition(layers, gaps=[Gap(box(150, 0, 250, 50), None, "river")])
    assert same_ground(faces(across)["gap", "community", "B"], box(150, 0, 200, 50))
    assert same_ground(faces(across)["gap", "community", "C"], box(200, 0, 250, 50))


def test_a_gap_keeps_its_declared_parent_and_takes_ground_from_grids_openly():
    layers = [layer("community", *COMMUNITIES), layer("yard", ("A1", "A", box(0, 0, 100, 100)))]
    result = partition(layers, gaps=[Gap(box(90, 0, 110, 50), "B", "railway")])
    assert same_ground(faces(result)["gap", "community", "B"], box(90, 0, 110, 50))
    (finding,) = found(result, "gap-over-grid")
    assert finding.grids == ("A1",)
    lost = partition(layers, gaps=[Gap(box(90, 0, 110, 50), "gone", "railway")])
    assert found(lost, "gap-parent-missing")[0].grids == ("gone",)
    outside = partition(layers, gaps=[Gap(box(400, 0, 410, 50), None, "lake")])
    assert ("gap", "", "") in faces(outside)


def test_gaps_over_each_other_are_said_and_the_first_keeps_the_ground():
    gaps = [Gap(box(5, 0, 15, 10), None, "b"), Gap(box(0, 0, 10, 10), None, "a")]
    result = partition([], gaps=gaps)
    assert sorted(f.geometry.area for f in result.faces) == pytest.approx([50e-10, 100e-10])
    assert found(result, "gap-overlap")[0].area_m2 == pytest.approx(area_m2(box(5, 0, 10, 10))[0])


def test_slivers_of_public_ground_join_the_neighbour_with_the_longest_shared_border():
    yards = (("A1", "A", box(0, 0, 60, 99.5)), ("A2", "A", box(60, 0, 100, 99.5)))
    result = partition([layer("community", *COMMUNITIES), layer("yard", *yards)])
    (finding,) = found(result, "sliver-joined")
    assert (finding.severity, finding.grids) == ("warning", ("A", "A1"))
    assert finding.area_m2 == pytest.approx(area_m2(box(0, 99.5, 100, 100))[0])
    assert ("public", "community", "A") not in faces(result)
    assert same_ground(faces(result)["grid", "yard", "A1"], box(0, 0, 60, 99.5) | box(0, 99.5, 100, 100))


@pytest.mark.parametrize(
    ("yard", "joins"),
    [
        (box(0, 0, 100, 98.5), False),  # 1.6 m wide and 150 m²: stays
        (box(0, 0, 100, 99.2), True),  # 0.9 m wide
        (box(0, 0, 100, 100) - box(95, 95, 100, 100), True),  # 25 m²
        (box(0, 0, 100, 100) - box(90, 90, 100, 100), False),  # 102 m²
        (box(0.4, 0.4, 99.6, 99.6), True),  # a frame of 160 m² but 0.4 m wide
    ],
)
def test_what_is_a_sliver(yard, joins):
    result = partition([layer("community", *COMMUNITIES), layer("yard", ("A1", "A", yard))])
    assert bool(found(result, "sliver-joined")) is joins
    assert (("public", "community", "A") in faces(result)) is not joins


def test_a_seam_stays_in_its_community_even_if_the_border_outside_is_longer():
    yards = (
        ("A1", "A", box(0, 1, 99.5, 100)),
        ("A2", "A", box(0, 0, 100, 1)),
        ("B1", "B", box(100, 0, 200, 100)),
    )
    result = partition([layer("community", *COMMUNITIES), layer("yard", *yards)])
    assert [f.grids for f in found(result, "sliver-joined")] == [("A", "A1")]
    alone = partition(
        [
            layer("community", *COMMUNITIES),
            layer("yard", ("A1", "A", box(210, 0, 250, 50)), ("B1", "B", box(100, 0, 200, 100))),
        ]
    )
    assert not found(alone, "sliver-joined")  # A is whole and large: no sliver


def test_a_grid_without_finer_ones_keeps_its_small_parts():
    communities = (("A", "T", box(0, 0, 100, 100)), ("B", "T", box(100, 0, 103, 5)))
    result = partition(
        [
            layer("town", TOWN),
            layer("community", *communities),
            layer("yard", ("A1", "A", box(0, 0, 50, 100))),
        ]
    )
    assert same_ground(faces(result)["public", "community", "B"], box(100, 0, 103, 5))
    assert found(result, "tiny-face")[0].grids == ("B",)


def test_slivers_between_slivers_are_joined_in_turn():
    """A 0.4 m seam cut in three by a town border: the middle one only borders on slivers."""
    towns = (("T", None, box(0, 0, 100, 50.2)), ("U", None, box(0, 50.2, 100, 100)))
    yards = (("t1", "T", box(0, 0, 100, 50)), ("u1", "U", box(0, 50.4, 100, 100)))
    result = partition([layer("town", *towns), layer("yard", *yards)])
    assert [f.grids for f in found(result, "sliver-joined")] == [("T", "t1"), ("U", "u1")]
    assert {f.kind for f in result.faces} == {"grid"}
