"""A saved locator answers to the same bits, and a file that is not whole is refused."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.confidence import shares_many
from geo.errors import DamagedIndex, GeoError, IndexNotSaved
from geo.locator import Locator, saved
from tests.oracles.coverages import Coverage, awkward_points, coverages
from tests.oracles.maps import sheet
from tests.oracles.reach import owners_within

OVERLAPPING = np.array([shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2), shapely.box(5, 0, 6, 1)])


def answers(locator: Locator, points) -> list:
    """Give everything a locator says about points, as bits."""
    faces, tied = locator.locate_with_ties(points)
    bits = [faces, tied, locator.distance_to_border_m(points, faces), *locator.nearest_any(points)]
    lon, lat = points[0].tolist()
    said = [owners_within(locator, lon, lat, 50.0), locator.covering(lon, lat), locator.locate(lon, lat)]
    return [[one.tobytes() for one in bits], said, locator.bounds, locator.owners.tolist(), len(locator)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(coverage=coverages(), seed=st.integers(0, 2**32 - 1))
def test_an_attached_locator_answers_to_the_same_bits(tmp_path: Path, coverage: Coverage, seed: int) -> None:
    built = Locator.build(coverage.faces, coverage.owners)
    saved.save(built, tmp_path)
    attached = saved.attach(tmp_path)
    points = awkward_points(coverage.faces, np.random.default_rng(seed), 60)
    assert answers(attached, points) == answers(built, points)
    accuracy = np.full(len(points), 9.0)
    assert repr(shares_many(attached, points, accuracy)) == repr(shares_many(built, points, accuracy))
    assert shapely.to_wkb(attached.faces).tolist() == shapely.to_wkb(coverage.faces).tolist()


@pytest.mark.parametrize("faces", [OVERLAPPING, np.array([], dtype=object)], ids=["overlap", "nothing"])
def test_maps_that_are_no_coverage_are_saved_too(tmp_path, faces) -> None:
    built = Locator.build(faces, np.arange(len(faces)))
    attached = saved.attach(saved.save(built, tmp_path / "one"))
    points = np.array([[1.5, 1], [2, 1], [1, 1], [4, 4], [5, 0.5]])
    assert attached.locate_many(points).tolist() == built.locate_many(points).tolist()
    assert attached.nbytes == built.nbytes


@pytest.fixture
def town():
    yards = sheet(8, 8, pieces=4, seed=4).yards
    return Locator.build(yards, np.arange(len(yards)) // 3)


def test_whatever_else_was_saved_comes_back(town, tmp_path) -> None:
    extra = {"names": "网格".encode(), "none": b"", "levels": np.arange(6, dtype=np.int16).reshape(2, 3)}
    path = saved.save(town, tmp_path / "index", extra)
    back = saved.attach_all(path).extra
    assert bytes(back["names"]) == extra["names"]
    assert bytes(back["none"]) == b""
    assert back["levels"].tolist() == extra["levels"].tolist()
    assert back["levels"].dtype == np.int16
    saved.verify(path)


def test_an_attached_locator_can_be_saved_again(town, tmp_path) -> None:
    first = saved.save(town, tmp_path / "first")
    second = saved.save(saved.attach(first), tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()


def test_those_attached_keep_the_index_that_is_replaced(town, tmp_path) -> None:
    path = saved.save(town, tmp_path / "index")
    attached = saved.attach(path)
    points = awkward_points(town.faces, np.random.default_rng(1), 500)
    before = answers(attached, points)
    saved.save(Locator.build([shapely.box(0, 0, 1, 1)], [0]), path)
    assert answers(attached, points) == before == answers(town, points)
    assert len(saved.attach(path)) == 1


def test_threads_may_share_a_locator_just_attached(town, tmp_path) -> None:
    path = saved.save(town, tmp_path / "index")
    points = awkward_points(town.faces, np.random.default_rng(2), 150)
    expected = answers(town, points)
    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            for answer in pool.map(answers, [saved.attach(path)] * 16, [points] * 16):
                assert answer == expected


def test_a_file_cut_anywhere_is_refused(town, tmp_path) -> None:
    path = saved.save(town, tmp_path / "index")
    whole = path.read_bytes()
    head = saved.HEAD_BYTES
    rng = np.random.default_rng(0)
    places = [*range(head + 2), *rng.integers(head, len(whole), 100).tolist(), len(whole) - 1]
    for place in places:
        path.write_bytes(whole[:place])
        with pytest.raises(DamagedIndex) as refused:
            saved.attach(path)
        assert refused.value.members["reason"] in {"truncated", "foreign"}
    path.write_bytes(whole + b"\0")
    with pytest.raises(DamagedIndex):
        saved.attach(path)


def test_any_flipped_byte_is_found(town, tmp_path) -> None:
    path = saved.save(town, tmp_path / "index")
    whole = path.read_bytes()
    contents = whole.index(b"\0\0\0", saved.HEAD_BYTES)
    rng = np.random.default_rng(0)
    # Those of head and contents at once, those of the arrays by `verify`.
    for place in [*range(contents), *rng.integers(contents, len(whole), 100).tolist(), len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(DamagedIndex):
            saved.attach(path) if place < contents else saved.verify(path)


def test_damage_in_the_arrays_gives_an_error_or_an_answer(town, tmp_path) -> None:
    # Nothing checks the arrays at attach; whatever they hold, the process lives on.
    path = saved.save(town, tmp_path / "index")
    whole = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    points = awkward_points(town.faces, np.random.default_rng(3), 200)
    rng = np.random.default_rng(1)
    for _ in range(20):
        damaged = whole.copy()
        place = rng.integers(whole.tobytes().index(b"\0\0\0", saved.HEAD_BYTES), len(whole), 50)
        damaged[place] ^= rng.integers(1, 256, 50).astype(np.uint8)
        path.write_bytes(damaged.tobytes())
        with suppress(GeoError, LookupError, ValueError, MemoryError, OverflowError, shapely.GEOSException):
            saved.attach(path).locate_with_ties(points)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" * 100, b"\0" * 4096, b"wangge"])
def test_a_foreign_file_is_refused(tmp_path, content) -> None:
    path = tmp_path / "index"
    path.write_bytes(content)
    for look in (saved.attach, saved.verify):
        with pytest.raises(DamagedIndex):
            look(path)


def test_an_older_format_is_refused(town, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(saved, "FORMAT", 0)
    path = saved.save(town, tmp_path / "index")
    monkeypatch.undo()
    with pytest.raises(DamagedIndex, match="format 0") as refused:
        saved.attach(path)
    assert refused.value.members["reason"] == "version"


def test_a_missing_file_is_refused(tmp_path) -> None:
    with pytest.raises(DamagedIndex) as refused:
        saved.attach(tmp_path / "nowhere")
    assert refused.value.members["reason"] == "missing"


FULL = """
import resource, sys
from pathlib import Path
import shapely
from geo.errors import IndexNotSaved
from geo.locator import Locator, saved
path = Path(sys.argv[1])
locator = Locator.build([shapely.box(i, 0, i + 1, 1) for i in range(300)], range(300))
saved.save(Locator.build([shapely.box(0, 0, 1, 1)], [0]), path)
for limit in (0, 10, 200, 5000, 50_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        saved.save(locator, path)
    except IndexNotSaved:
        print("refused", limit)
"""


def test_a_full_disk_leaves_the_old_index_and_nothing_else(tmp_path) -> None:
    path = tmp_path / "index"
    done = subprocess.run([sys.executable, "-c", FULL, path], capture_output=True, text=True, check=True)
    assert done.stdout.count("refused") == 5
    assert [one.name for one in tmp_path.iterdir()] == ["index"]
    assert len(saved.attach(path)) == 1
    saved.verify(path)


def test_a_write_that_breaks_off_leaves_nothing(town, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(saved.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(IndexNotSaved, match="No space left"):
        saved.save(town, tmp_path / "index")
    assert list(tmp_path.iterdir()) == []
