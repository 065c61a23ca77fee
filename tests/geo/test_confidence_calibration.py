"""Stated confidence against what comes true, with simulated errors over a demo city and real maps."""

from collections.abc import Iterator

import numpy as np
import pytest
import shapely

from geo.confidence import shares, shares_many
from geo.confidence.cells import cells_of
from geo.confidence.law import ANDROID
from geo.confidence.outlines import shares_by_outlines
from geo.formats import read_table
from geo.locator import Locator
from geo.measure import metres_per_degree
from geo.synth import make_city
from tests.shared_data import shared

SIGMAS = np.sqrt(-2 * np.log(1 - 0.68))  # of a circular normal law in the radius that holds 68 %
AT_ONCE = 20_000


def simulate(locator: Locator, truth: np.ndarray, accuracy: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """Report true places with a device's error: stated confidence of the answer, and whether it is right."""
    scale = np.column_stack(metres_per_degree(truth[:, 1]))
    reported = truth + rng.normal(0, accuracy / SIGMAS, truth.shape) / scale
    answer, right = locator.locate_many(reported), locator.locate_many(truth)
    answered = np.flatnonzero(answer >= 0)
    stated = np.concatenate(
        [
            shares_many(locator, reported[some], accuracy).of(locator.owners[answer[some]])
            for some in np.array_split(answered, max(1, len(answered) // AT_ONCE))
        ]
    )
    return stated, answer[answered] == right[answered]


def anywhere(locator: Locator, count: int, rng) -> np.ndarray:
    """True places as the model thinks them: as likely here as there, also outside the city."""
    west, south, east, north = locator.bounds
    return rng.uniform((west - 0.002, south - 0.002), (east + 0.002, north + 0.002), (count, 2))


def deciles(stated: np.ndarray, right: np.ndarray) -> Iterator[tuple[float, float, int]]:
    """Ten parts of equal size by stated confidence: stated, observed, samples."""
    for part in np.array_split(np.argsort(stated, kind="stable"), 10):
        yield float(stated[part].mean()), float(right[part].mean()), len(part)


@pytest.fixture(scope="module")
def city():
    return make_city(yards=300, buildings=False)


@pytest.fixture(scope="module")
def locator(city):
    faces = [one.geometry for one in city.layers["yard"]]
    return Locator.build(faces, np.arange(len(faces)))


@pytest.mark.parametrize(
    ("accuracy", "count"), [(5.0, 60_000), (10.0, 60_000), (20.0, 30_000), (50.0, 10_000)]
)
def test_what_is_stated_comes_true(locator, accuracy, count):
    rng = np.random.default_rng(int(accuracy))
    stated, right = simulate(locator, anywhere(locator, count, rng), accuracy, rng)
    unsure = stated < 0.995  # most answers are sure; the others alone must be right about themselves too
    for some in (np.ones(len(stated), dtype=bool), unsure):
        for said, seen, samples in deciles(stated[some], right[some]):
            # 4.5 standard errors: once in 150,000 by chance; there are 80 such questions.
            error = 4.5 * np.sqrt(max(said * (1 - said), 1e-4) / samples)
            assert abs(seen - said) < error + 1e-4


@pytest.mark.parametrize("accuracy", [3.0, 15.0, 60.0, 250.0])
def test_one_many_and_the_outlines_say_the_same(locator, accuracy):
    rng = np.random.default_rng(7)
    vertices = shapely.get_coordinates(locator.faces)
    points = vertices[rng.integers(0, len(vertices), 150)]
    points = points[:40] if accuracy > 100 else points
    points = np.concatenate([points[:20], points + rng.normal(0, 15 / 1e5, points.shape)])
    table = shares_many(locator, points, accuracy)
    for i, (lon, lat) in enumerate(points.tolist()):
        assert shares(locator, lon, lat, accuracy) == table[i]  # the same bits, so the same digits
    slow = shares_by_outlines(locator, points, np.full(len(points), accuracy), ANDROID).table(len(points))
    for i in range(len(points)):
        assert {one.owner for one in slow[i]} == {one.owner for one in table[i]}
        exact = {one.owner: one for one in slow[i]}
        for one in table[i]:
            assert one.share == pytest.approx(exact[one.owner].share, abs=1e-5)
            assert one.distance_m == pytest.approx(exact[one.owner].distance_m, abs=1e-9)


def test_the_raster_is_what_answers(locator):
    west, south, east, north = locator.bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    assert cells_of(locator).one(lon, lat, locator.locate(lon, lat), 15.0, ANDROID) is not None


def test_far_from_every_border_one_grid_has_all(locator):
    square = Locator.build([shapely.box(113.0, 34.0, 114.0, 35.0)], [4])
    assert shares(square, 113.5, 34.5, 500.0) == [(4, 1.0, 0.0)]
    assert shares(square, 0.0, 0.0, 500.0) == [(-1, 1.0, 0.0)]
    assert shares_many(square, [(113.5, 34.5), (0.0, 0.0), (180.0, 90.0)], 500.0)[2] == [(-1, 1.0, 0.0)]
    assert shares(square, 180.0, -90.0, 500.0) == [(-1, 1.0, 0.0)]


def districts() -> Locator:
    table = read_table(shared("nyc_311_animal", "nyc_community_districts.geojson"))
    parts, owner = shapely.get_parts(table.geometries, return_index=True)
    return Locator.build(parts, owner)


def streets() -> Locator:
    table = read_table(shared("cn_nanjing_jiangning_streets", "jiedao_original.geojson"))
    parts, owner = shapely.get_parts(table.geometries, return_index=True)
    return Locator.build(parts, owner)


def whole_city() -> Locator:
    faces = [one.geometry for one in make_city(yards=3000, buildings=False).layers["yard"]]
    return Locator.build(faces, np.arange(len(faces)))


@pytest.mark.long
@pytest.mark.parametrize("accuracy", [5.0, 10.0, 20.0, 50.0])
@pytest.mark.parametrize("place", [whole_city, districts, streets])
def test_every_decile_is_within_three_points(place, accuracy):
    rng = np.random.default_rng(int(accuracy))
    locator, wanted = place(), 100_000
    runs, unsure = [], 0
    while len(runs) < 2 or (unsure < wanted and place is whole_city):
        runs.append(simulate(locator, anywhere(locator, 150_000, rng), accuracy, rng))
        unsure += np.count_nonzero(runs[-1][0] < 0.995)
    stated, right = (np.concatenate(column) for column in zip(*runs, strict=True))
    for name, some in (("all", stated < 2), ("below 0.995", stated < 0.995)):
        for number, (said, seen, samples) in enumerate(deciles(stated[some], right[some]), 1):
            print(f"{place.__name__} {accuracy:g} m, {name}, {number}: {said:.4f} {seen:.4f} {samples}")  # noqa: T201
            assert samples >= 10_000 or (name != "all" and place is not whole_city)
            assert abs(seen - said) < 0.03 or samples < 1000
