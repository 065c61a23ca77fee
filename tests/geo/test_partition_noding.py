"""Noding only where it is needed, against GEOS over everything and against exact fractions."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import noding
from geo.noding import in_trouble, planar

# Small windows make near misses; the far corner of the world makes large numbers.
windows = st.sampled_from([6, 20, 100, 1000, 100_000])
origins = st.sampled_from([(0, 0), (11_360_000_000, 3_470_000_000), (-17_999_000_000, -8_900_000_000)])


def random_segments(seed: int, window: int, origin: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, window, (rng.integers(2, 25), 2, 2)) + np.array(origin)
    points = np.sort(points.view([("x", points.dtype), ("y", points.dtype)]), axis=1).view(points.dtype)
    points = points.reshape(-1, 2, 2)
    return np.unique(points[(points[:, 0] != points[:, 1]).any(axis=1)], axis=0)


def as_set(segments: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    return {frozenset(map(tuple, segment.tolist())) for segment in segments}


def cross_or_pass(a: np.ndarray, b: np.ndarray) -> bool:
    """Exactly: whether two segments meet anywhere but in a common end."""
    common = set(map(tuple, a.tolist())) & set(map(tuple, b.tolist()))
    (ax, ay), (bx, by) = a.tolist()
    (cx, cy), (dx, dy) = b.tolist()
    cross = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
    if cross == 0:
        if (bx - ax) * (cy - ay) != (by - ay) * (cx - ax):
            return False
        low, high = max(min(a.tolist()), min(b.tolist())), min(max(a.tolist()), max(b.tolist()))
        return low < high
    t = Fraction((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx), cross)
    s = Fraction((cx - ax) * (by - ay) - (cy - ay) * (bx - ax), cross)
    return 0 <= t <= 1 and 0 <= s <= 1 and not common


@given(st.integers(0, 2**32), windows, origins)
@settings(deadline=None, max_examples=60)
def test_result_is_planar_and_equals_noding_everything(seed, window, origin):
    segments = random_segments(seed, window, origin)
    kept, fresh = planar(segments)
    result = np.concatenate([segments[kept], fresh])
    nothing_kept, everything = planar(segments, everything=True)
    assert not nothing_kept.any()
    assert as_set(result) == as_set(everything)
    assert len(as_set(result)) == len(result)
    assert not any(cross_or_pass(a, b) for a, b in combinations(result, 2))


@given(st.integers(0, 2**32), windows)
@settings(deadline=None, max_examples=50)
def test_planar_line_work_stays(seed, window):
    _, once = planar(random_segments(seed, window, (0, 0)), everything=True)
    kept, fresh = planar(once)
    assert as_set(np.concatenate([once[kept], fresh])) == as_set(once)


@pytest.mark.parametrize("band", [1, 3, 7])
def test_bands_find_what_one_look_finds(band, monkeypatch):
    segments = random_segments(8, 1000, (11_360_000_000, 3_470_000_000))
    whole = in_trouble(segments)
    monkeypatch.setattr(noding, "BAND", band)
    assert np.array_equal(in_trouble(segments), whole)
    assert whole.any()


def test_a_vertex_half_a_step_off_is_met_and_one_further_is_not():
    base = [[0, 0], [1000, 1]]
    met = np.array([base, [[400, 0], [400, -50]]])  # the edge passes 0.4 steps above the vertex
    kept, fresh = planar(met)
    assert frozenset([(0, 0), (400, 0)]) in as_set(np.concatenate([met[kept], fresh]))
    missed = np.array([base, [[400, -1], [400, -50]]])
    kept, fresh = planar(missed)
    assert kept.all()
    assert len(fresh) == 0


def test_nothing_is_planar():
    kept, fresh = planar(np.zeros((0, 2, 2), dtype=np.int64))
    assert (len(kept), len(fresh)) == (0, 0)


def test_trouble_far_away_leaves_the_rest_alone():
    grid = np.arange(0, 50_000, 1000)
    rows = [[[x, y], [x + 1000, y]] for x in grid for y in grid]
    crossing = [[[500, -500], [501, 500]]]
    segments = np.array(rows + crossing)
    kept, fresh = planar(segments)
    assert (~kept).sum() == 2
    assert len(fresh) == 4
    assert shapely.union_all(shapely.linestrings(fresh.astype(float))).length == pytest.approx(2000, abs=2)
