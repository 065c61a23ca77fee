"""Random nested maps with injected faults: exact tiling, findings equal to brute force, nothing by order."""

import time
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coverage import check
from geo.lattice import canon
from geo.measure import area_m2
from geo.partition import Feature, Gap, Layer, Partition, partition
from tests.oracles import brute_force
from tests.oracles.maps import LAT, LON, sheet
from tests.oracles.nested import LEVELS, layers_of, maps

# Rounding to a millimetre along a border of a kilometre: what the lattice may change about an area.
LATTICE_M2 = 1.5


def bytes_of(result: Partition) -> list:
    faces = [(f.kind, f.level, f.code, f.geometry.wkb) for f in result.faces]
    findings = [
        (f.rule, f.severity, f.grids, f.area_m2, f.detail, repr(f.members), f.order) for f in result.findings
    ]
    return [result.grids, faces, findings]


@given(maps)
@settings(deadline=None, max_examples=60)
def test_faces_tile_the_ground_exactly(given_map):
    layers = layers_of(*given_map)
    result = partition(layers)
    shapes = [face.geometry for face in result.faces]
    assert shapely.is_valid(shapes).all()
    assert (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all()
    assert shapely.coverage_is_valid(shapes)
    assert brute_force.is_covered_once(shapes)
    xy = shapely.get_coordinates(shapes)
    assert np.array_equal(xy, np.round(xy * 1e8) / 1e8)
    # Every edge once (rim) or twice: and what is used once is the rim of the union, vertex for vertex.
    uses = brute_force.edge_uses(shapes)
    assert set(uses.values()) <= {1, 2}
    union = shapely.coverage_union_all(np.array(shapes, dtype=object))
    rim = brute_force.edge_uses(shapely.get_parts(union))
    assert {edge for edge, n in uses.items() if n == 1} == set(rim)
    # A union that has to node again would find more borders than edges used once.
    everything = shapely.union_all([s for layer in layers for s in brute_force.outlines(layer).values()])
    assert area_m2(shapes).sum() == pytest.approx(area_m2(everything)[0], abs=LATTICE_M2)
    assert not [f for f in check(result.faces, result.grids) if f.rule not in ALLOWED_ODDITIES]


ALLOWED_ODDITIES = {"hole", "several-parts", "tiny-face", "short-edge", "no-ground"}


@given(maps, st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_every_point_gets_the_face_the_rules_say(given_map, point_seed):
    layers = layers_of(*given_map)
    result = partition(layers)
    shapes = np.array([face.geometry for face in result.faces])
    tree = shapely.STRtree(shapes)
    joined = shapely.union_all([f.geometry for f in result.findings if f.rule == "sliver-joined"])
    borders = shapely.union_all(
        [s.boundary for layer in layers for s in brute_force.outlines(layer).values()] + [joined]
    )
    rng = np.random.default_rng(point_seed)
    for point in shapely.points(np.array([LON, LAT]) + rng.uniform(-0.001, 0.011, (25, 2))):
        found = tree.query(point, predicate="intersects")
        if shapely.distance(point, borders) < 5e-8:
            continue  # the millimetre of the lattice decides
        assert len(found) <= 1
        expected = brute_force.owner(layers, point)
        face = result.faces[found[0]] if len(found) else None
        assert (face and (face.level, face.code)) == expected


@given(maps)
@settings(deadline=None, max_examples=30)
def test_vertices_and_edge_points_get_exactly_one_face_by_the_tie_rule(given_map):
    result = partition(layers_of(*given_map))
    shapes = np.array([face.geometry for face in result.faces])
    xy, ring = shapely.get_coordinates(shapely.get_rings(shapes), return_index=True)
    inside = np.flatnonzero(ring[1:] == ring[:-1])
    third = xy[inside] + (xy[inside + 1] - xy[inside]) / 3
    points = shapely.points(np.unique(np.concatenate([xy, (xy[inside] + xy[inside + 1]) / 2, third]), axis=0))
    point, face = shapely.STRtree(shapes).query(points, predicate="intersects")
    # No vertex and no point on a border falls between the faces: both sides have the very same edge. Only on
    # the rim of the whole may the rounding of a middle put it outside.
    rim = shapely.coverage_union_all(shapes).boundary
    lost = np.setdiff1d(np.arange(len(points)), point)
    assert (shapely.distance(points[lost], rim) < 1e-12).all()
    vertices = np.flatnonzero(shapely.intersects(shapely.multipoints(np.unique(xy, axis=0)), points))
    assert np.isin(vertices, point).all()
    # Level, code and number of the face order all claimants of a spot, so the tie rule leaves one.
    keys = np.array([(-LEVELS.index(f.level), f.code, i) for i, f in enumerate(result.faces)], dtype=object)
    for p in rng_sample(np.unique(point), 30):
        claimants = [tuple(keys[f]) for f in np.flatnonzero(shapely.intersects(shapes, points[p]))]
        assert min(claimants) == min(tuple(keys[f]) for f in face[point == p])
        assert len(set(claimants)) == len(claimants)


def rng_sample(values: np.ndarray, count: int) -> np.ndarray:
    return np.random.default_rng(0).choice(values, min(count, len(values)), replace=False)


@given(maps)
@settings(deadline=None, max_examples=60)
def test_findings_equal_brute_force(given_map):
    layers = layers_of(*given_map)
    result = partition(layers)
    for layer in layers:
        mine = {
            f.grids: f.area_m2
            for f in result.findings
            if f.rule == "overlap" and f.members["level"] == layer.level
        }
        assert_same_areas(mine, brute_force.overlaps(layer))
    for parent, child in pairwise(layers):
        parent_of = {f.code: f.parent for f in child.features}
        mine = {
            f.grids: f.area_m2
            for f in result.findings
            if f.rule == "outside-parent" and f.members["level"] == child.level
        }
        assert_same_areas(mine, brute_force.outside(child, parent, parent_of.__getitem__))
    mine = {i: f.area_m2 for i, f in enumerate(f for f in result.findings if f.rule == "hole")}
    expected = [hole for hole in brute_force.holes(layers) if area_m2(hole)[0] > LATTICE_M2]
    assert sorted(a for a in mine.values() if a > LATTICE_M2) == pytest.approx(
        sorted(area_m2(expected)), abs=LATTICE_M2
    )
    invalid = sorted(f.code for layer in layers for f in layer.features if not f.geometry.is_valid)
    assert invalid == sorted(
        f.grids[0] for f in result.findings if f.rule == "invalid-repaired" and f.severity == "error"
    )


def assert_same_areas(mine: dict, expected: dict) -> None:
    """Same pairs with the same areas; below what the lattice can change, either may see nothing."""
    for pair in mine.keys() | expected.keys():
        assert mine.get(pair, 0) == pytest.approx(expected.get(pair, 0), abs=LATTICE_M2), pair


@given(maps, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=25)
def test_order_of_features_does_not_matter(given_map, rng):
    layers = layers_of(*given_map)
    shuffled = []
    for layer in layers:
        features = list(layer.features)
        rng.shuffle(features)
        shuffled.append(Layer(layer.level, tuple(features)))
    assert bytes_of(partition(shuffled)) == bytes_of(partition(layers))


@given(maps)
@settings(deadline=None, max_examples=40)
def test_local_noding_equals_noding_everything(given_map):
    layers = layers_of(*given_map)
    assert bytes_of(partition(layers)) == bytes_of(partition(layers, node_everything=True))


@given(maps)
@settings(deadline=None, max_examples=25)
def test_a_partition_of_its_own_faces_is_itself(given_map):
    """Publishing and importing again what was exported must not move a single vertex."""
    result = partition(layers_of(*given_map))
    yards = [f for f in result.faces if f.kind == "grid"]
    again = partition([Layer("yard", tuple(Feature(f.code, "", None, f.geometry) for f in yards))])
    assert [f.geometry.wkb for f in again.faces] == [f.geometry.wkb for f in yards]
    assert not [f for f in again.findings if f.rule in ("overlap", "outside-parent", "invalid-repaired")]


@given(maps, st.tuples(st.floats(0, 0.008), st.floats(0, 0.008), st.floats(1e-4, 3e-3)))
@settings(deadline=None, max_examples=25)
def test_declared_gaps_take_their_ground_and_nothing_else(given_map, place):
    layers = layers_of(*given_map)
    x, y, size = place
    gap = canon(np.array([shapely.box(LON + x, LAT + y, LON + x + size, LAT + y + size)]))[0]
    result = partition(layers, gaps=[Gap(gap, None, "railway")])
    gaps = [f.geometry for f in result.faces if f.kind == "gap"]
    assert shapely.symmetric_difference(shapely.union_all(gaps), gap).area * 1e10 < 100
    without = partition(layers)
    whole = shapely.union_all([gap, *(f.geometry for f in without.faces)])
    assert area_m2([f.geometry for f in result.faces]).sum() == pytest.approx(
        area_m2(whole)[0], abs=LATTICE_M2
    )
    # The territorial fallback is the community whose outline the gap lies in.
    for face in result.faces:
        if face.kind == "gap" and face.code:
            outline = brute_force.outlines(layers[LEVELS.index(face.level)])[face.code]
            assert shapely.difference(face.geometry, outline).area * 1e10 < 1
            assert face.level == "community"


def test_large_sheets_take_both_paths_to_the_same_result():
    made = sheet(24, 24, pieces=5, seed=3)
    yards = made.yards.copy()
    for i in (5, 77, 200, 410):
        yards[i] = shapely.affinity.scale(yards[i], 1.05, 1.02)
    layers = [
        Layer(
            "community",
            tuple(Feature(f"C{k:03}", "", None, g) for k, g in enumerate(made.blocks(made.community))),
        ),
        Layer(
            "yard",
            tuple(
                Feature(f"Y{k:04}", "", f"C{c:03}", g)
                for k, (g, c) in enumerate(zip(yards, made.community, strict=True))
            ),
        ),
    ]
    fast, slow = partition(layers), partition(layers, node_everything=True)
    assert bytes_of(fast) == bytes_of(slow)
    assert {f.rule for f in fast.findings} >= {"overlap"}


def test_three_thousand_yards_take_seconds():
    made = sheet(55, 55, pieces=20, seed=0)
    blocks = made.blocks(made.community)
    layers = [
        Layer("community", tuple(Feature(f"C{k:03}", "", None, shape) for k, shape in enumerate(blocks))),
        Layer(
            "yard",
            tuple(
                Feature(f"Y{k:04}", "", f"C{c:03}", shape)
                for k, (shape, c) in enumerate(zip(made.yards, made.community, strict=True))
            ),
        ),
    ]
    start = time.process_time()
    result = partition(layers)
    assert time.process_time() - start < 5
    assert (len(result.faces), result.findings) == (3025, ())
