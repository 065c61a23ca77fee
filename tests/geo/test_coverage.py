"""The check of stored faces: sound ones pass, every kind of damage is told."""

import dataclasses

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coverage import check, conditions, nesting_differences
from geo.edges import edges, neighbours
from geo.lattice import canon
from geo.measure import area_m2
from geo.partition import FaceRecord, Feature, GridRecord, Layer, partition
from geo.rim import rim
from tests.oracles.brute_force import edge_uses
from tests.oracles.maps import rectangles, sheet, voronoi


@pytest.fixture(scope="module")
def sound():
    made = sheet(12, 12, pieces=3, seed=2)
    blocks = made.blocks(made.community)
    layers = [
        Layer("community", tuple(Feature(f"C{k}", "", None, shape) for k, shape in enumerate(blocks))),
        Layer(
            "yard",
            tuple(
                Feature(f"Y{k:03}", "", f"C{c}", shape)
                for k, (shape, c) in enumerate(zip(made.yards, made.community, strict=True))
                if k % 11
            ),
        ),
    ]
    return partition(layers)


def replaced(faces: tuple[FaceRecord, ...], index: int, shape: shapely.Geometry) -> list[FaceRecord]:
    changed = list(faces)
    changed[index] = dataclasses.replace(faces[index], geometry=shape)
    return changed


def rules(findings) -> set[str]:
    return {finding.rule for finding in findings}


def inner_yard(sound) -> int:
    """A yard off the rim, by its code."""
    return next(i for i, face in enumerate(sound.faces) if face.code == "Y065")


def test_a_sound_partition_passes(sound):
    assert check(sound.faces, sound.grids) == ()


def test_the_direction_of_rings_does_not_matter(sound):
    turned = [dataclasses.replace(face, geometry=face.geometry.reverse()) for face in sound.faces]
    assert check(turned, sound.grids) == ()


def test_a_missing_face_is_a_hole(sound):
    i = inner_yard(sound)
    without = [face for k, face in enumerate(sound.faces) if k != i]
    (hole,) = [f for f in check(without, sound.grids) if f.rule == "hole"]
    assert hole.area_m2 == pytest.approx(area_m2(sound.faces[i].geometry)[0])
    assert set(hole.grids) == {"C4", "Y053", "Y064"}
    assert "no-ground" in rules(check(without, sound.grids))


def test_a_missing_t_vertex_is_told(sound):
    """The coverage check of GEOS takes this for sound; a point on that edge could fall between."""
    i = inner_yard(sound)
    ring = list(sound.faces[i].geometry.exterior.coords)
    fewer = shapely.Polygon(ring[:1] + ring[2:])
    found = check(replaced(sound.faces, i, fewer), sound.grids)
    assert rules(found) & {"unmatched-border", "overlap", "hole"}
    straight = shapely.box(113, 34, 113.001, 34.001)
    left = shapely.Polygon([(112.999, 34), (113, 34), (113, 34.0005), (113, 34.001), (112.999, 34.001)])
    pair = [
        FaceRecord("grid", "yard", c, s) for c, s in zip("ab", canon(np.array([straight, left])), strict=True)
    ]
    grids = [GridRecord("yard", c, "", None, None) for c in "ab"]
    assert shapely.coverage_is_valid(np.array([straight, left])) in (True, False)
    (one, other) = [f for f in check(pair, grids) if f.rule == "unmatched-border"]
    assert {one.grids, other.grids} == {("a",), ("b",)}


def test_one_vertex_moved_by_a_lattice_step_is_told(sound):
    i = inner_yard(sound)
    xy = shapely.get_coordinates(sound.faces[i].geometry)
    for k in range(len(xy) - 1):
        moved = xy.copy()
        moved[k] += 1e-8
        moved[-1] = moved[0]
        shape = canon(np.array([shapely.Polygon(moved)]))[0]
        assert "error" in {f.severity for f in check(replaced(sound.faces, i, shape), sound.grids)}


def test_overlaps_name_both_and_measure(sound):
    i = inner_yard(sound)
    fat = canon(np.array([shapely.buffer(sound.faces[i].geometry, 2e-5)]))[0]
    found = [f for f in check(replaced(sound.faces, i, fat), sound.grids) if f.rule == "overlap"]
    others = [f.geometry for k, f in enumerate(sound.faces) if k != i]
    expected = [a for a in area_m2(shapely.intersection(fat, others)) if a > 0]
    assert sorted(f.area_m2 for f in found) == pytest.approx(sorted(expected))
    assert all("Y065" in f.grids for f in found)


def test_the_same_face_twice_is_an_overlap(sound):
    i = inner_yard(sound)
    (finding,) = [f for f in check([*sound.faces, sound.faces[i]], sound.grids) if f.rule == "overlap"]
    assert finding.area_m2 == pytest.approx(area_m2(sound.faces[i].geometry)[0])


def test_a_face_inside_another_is_an_overlap(sound):
    """Nothing touches, no edge is used amiss: only the rim tells."""
    i = inner_yard(sound)
    x, y = sound.faces[i].geometry.representative_point().coords[0]
    small = canon(np.array([shapely.box(x, y, x + 1e-5, y + 1e-5)]))[0]
    extra = FaceRecord("grid", "yard", sound.faces[0].code, small)
    assert "overlap" in rules(check([*sound.faces, extra], sound.grids))


def test_invalid_and_off_lattice_faces_are_told(sound):
    i = inner_yard(sound)
    shape = sound.faces[i].geometry
    off = shapely.transform(shape, lambda xy: xy + 1e-9)
    (finding,) = [f for f in check(replaced(sound.faces, i, off), sound.grids) if f.rule == "invalid-face"]
    assert "lattice" in finding.detail
    for bad in (shapely.Polygon(), shapely.MultiPolygon([shape]), shapely.Point(113, 34)):
        assert "invalid-face" in rules(check(replaced(sound.faces, i, bad), sound.grids))
    xy = shapely.get_coordinates(shape)
    bow_tie = shapely.Polygon(xy[[0, 5, 1, 7, 0]])
    assert "invalid-face" in rules(check(replaced(sound.faces, i, bow_tie), sound.grids)) or bow_tie.is_valid
    repeated = shapely.Polygon(np.insert(xy, 1, xy[1], axis=0))
    assert "invalid-face" in rules(check(replaced(sound.faces, i, repeated), sound.grids))


def test_faces_and_parents_without_a_record_are_told(sound):
    fewer = tuple(grid for grid in sound.grids if grid.code not in ("C3", "Y065"))
    found = [f for f in check(sound.faces, fewer) if f.rule == "unknown-grid"]
    assert sorted(f.grids for f in found) == [("C3",), ("Y065",)]


@given(st.integers(0, 30), st.booleans(), st.lists(st.integers(0, 20), max_size=6))
@settings(deadline=None, max_examples=40)
def test_rim_equals_the_union(seed, straight, dropped):
    """Holes and outer borders by edge counting are those of a union."""
    tiles = rectangles(5, seed) if straight else voronoi(20, seed)
    made = partition([Layer("yard", tuple(Feature(str(i), "", None, s) for i, s in enumerate(tiles)))])
    kept = [f for f in made.faces if int(f.code) not in dropped]
    shapes = np.array([f.geometry for f in kept])
    result = rim(edges(shapes))
    union = shapely.union_all(shapes)
    assert set(result.ground) <= {0, 1}
    assert shapely.union_all(result.shapes[result.ground == 1]).symmetric_difference(union).area < 1e-18
    inner = [shapely.Polygon(r) for part in shapely.get_parts(union) for r in part.interiors]
    expected = sorted(shapely.difference(hole, union).area for hole in inner)
    assert sorted(shapely.area(result.holes())) == pytest.approx(expected)
    assert len([f for f in conditions(kept, made.grids) if f.rule == "hole"]) == len(expected)


@given(st.integers(0, 30), st.booleans())
@settings(deadline=None, max_examples=20)
def test_edges_and_neighbours_equal_dictionaries(seed, straight):
    tiles = rectangles(5, seed) if straight else voronoi(20, seed)
    made = partition([Layer("yard", tuple(Feature(str(i), "", None, s) for i, s in enumerate(tiles)))])
    shapes = np.array([f.geometry for f in made.faces])
    edge_set = edges(shapes)
    assert sorted(edge_set.uses) == sorted(edge_uses(shapes).values())
    pairs = neighbours(edge_set, len(shapes))
    found = dict(zip(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True), pairs.length_m, strict=True))
    for i in range(len(shapes)):
        for j in range(i + 1, len(shapes)):
            shared = shapely.intersection(shapes[i], shapes[j])
            lines = shapely.length(shared) if shared.geom_type != "Point" else 0
            assert ((i, j) in found) == (lines > 0)
            if lines:
                # A degree is between 91 km (along the parallel) and 111 km here.
                assert 90_000 * lines < found[i, j] < 112_000 * lines


def test_edges_of_a_map_as_wide_as_the_world():
    shapes = canon(np.array([shapely.box(-180, -90, 0, 90), shapely.box(0, -90, 180, 90)]))
    edge_set = edges(shapes)
    assert (len(edge_set.vertices), sorted(edge_set.uses)) == (6, [1, 1, 1, 1, 1, 1, 2])
    assert edge_set.vertices.min() == -18_000_000_000


def test_nesting_by_edge_sets():
    made = sheet(8, 8, pieces=2, seed=4)
    outlines = made.blocks(made.community)
    _, differing = nesting_differences(made.yards, made.community, outlines)
    assert len(differing) == 0
    wrong = made.community.copy()
    wrong[9] = 1 - wrong[9] if wrong[9] in (0, 1) else 0
    edge_set, differing = nesting_differences(made.yards, wrong, outlines)
    assert len(differing) > 0
    lines = shapely.union_all(edge_set.lines(differing))
    assert shapely.distance(lines, made.yards[9]) == 0
