"""Doubts about a batch, in words, and the sample of a stream that they are asked about."""

from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import from_lonlat, parse_crs
from geo.locator import Locator
from service.assignment.doubts import SENTENCES, Watch, batch_warnings

MAPS = [
    SimpleNamespace(locator=Locator.build([shapely.box(west, 34.70, west + 0.02, 34.74)], [0]))
    for west in (113.60, 113.62)
]


def reports(count):
    return np.random.default_rng(1).uniform((113.60, 34.70), (113.64, 34.74), (count, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 40))
def test_the_sample_is_even_and_bounded(blocks, most):
    watch, begin = Watch(most), 0
    for size in blocks:
        watch.add(np.column_stack([np.arange(begin, begin + size)] * 2).astype(float).reshape(-1, 2))
        begin += size
    rows = watch.points[:, 0]
    assert len(rows) <= most
    assert begin <= most or len(rows) >= most // 2
    step = next(s for s in (1 << k for k in range(20)) if -(-begin // s) <= most)
    assert rows.tolist() == np.arange(0, begin, step).tolist()


def test_a_sound_batch_has_no_warnings():
    assert batch_warnings(MAPS, reports(1000), parse_crs("wgs84"), "zh") == []
    assert batch_warnings([], np.empty((0, 2)), parse_crs("wgs84"), "zh") == []


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_each_doubt_has_its_sentence(locale):
    points = reports(1000)
    shifted = from_lonlat(points, parse_crs("gcj02"))
    (told,) = batch_warnings(MAPS, shifted, parse_crs("wgs84"), locale)[:1]
    assert told["kind"] == "other-system"
    assert told["system"] == "gcj02"
    assert "gcj02" in told["detail"]
    spoilt = points.copy()
    spoilt[:140], spoilt[140:170], spoilt[170:200] = (113.6123, 34.7123), np.round(spoilt[140:170], 2), 5.5
    spoilt[200:220] = spoilt[200:220, ::-1]
    told = batch_warnings(MAPS, spoilt, parse_crs("wgs84"), locale)
    assert [one["kind"] for one in told] == [
        "axes-swapped",
        "default-point",
        "default-point",
        "low-precision",
        "outside",
    ]
    assert ("14.0%" in told[1]["detail"], told[1]["rows"]) == (True, 140)
    assert all(one["type"] == "/problems/coordinates-suspect" for one in told)
    assert ("行" in told[0]["detail"]) == (locale == "zh")
    assert {"axes-swapped", "default-point", "low-precision", "outside", "other-system"} == set(SENTENCES)
