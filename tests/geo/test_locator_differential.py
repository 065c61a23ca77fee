"""Millions of points on demo and real maps: built and attached locators against the exact predicate of a tree."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.locator import Locator, saved
from geo.locator.drawing import DEPTH
from geo.partition import partition
from geo.synth import make_city
from tests.geo.test_partition_real import layer
from tests.oracles.coverages import awkward_points

POINTS_AT_ONCE = 200_000


def first_face(tree: shapely.STRtree, points) -> np.ndarray:
    """Ask for all faces that cover each point: the lowest answers."""
    point, face = tree.query(shapely.points(points), predicate="intersects")
    lowest = np.full(len(points), len(tree.geometries))
    np.minimum.at(lowest, point, face)
    return np.where(lowest == len(tree.geometries), -1, lowest)


def on_cell_lines(locator: Locator, rng, count: int) -> np.ndarray:
    """Give points on the lines between cells of every depth, on their corners, and the doubles beside both."""
    frame = locator.raster.frame
    parts = []
    for _ in range(DEPTH + 1):
        corner = rng.integers(0, (frame.columns + 1, frame.rows + 1), (count, 2))
        lines = (frame.west, frame.south) + corner * (frame.width, frame.height)
        free = lines + rng.random((count, 2)) * (frame.width, frame.height)
        parts += [
            lines,
            np.column_stack([lines[:, 0], free[:, 1]]),
            np.column_stack([free[:, 0], lines[:, 1]]),
        ]
        frame = frame.divided()
    points = np.concatenate(parts)
    return np.concatenate([points, np.nextafter(points, np.inf), np.nextafter(points, -np.inf)])


def on_rims(locator: Locator, rng, count: int) -> np.ndarray:
    """Give points on and about edges that have no face on one side: outer rims, holes, islands."""
    raster = locator.raster
    rim = np.flatnonzero((raster.left < 0) | (raster.right < 0))
    ends = raster.edges[rng.choice(rim, count)]
    along = rng.random((count, 1))
    on = ends[:, :2] + (ends[:, 2:] - ends[:, :2]) * along
    return np.concatenate([on, on + rng.normal(0, 1e-5, on.shape), np.nextafter(on, 1e3), ends[:, 2:]])


def near_borders(faces, rng, count: int) -> np.ndarray:
    """Give points scattered about borders as reports from kerbs are: from eight metres down to a hair's breadth."""
    corners = shapely.get_coordinates(faces)
    spread = 10.0 ** rng.uniform(-10, -4, (count, 1))
    return corners[rng.integers(0, len(corners), count)] + rng.normal(0, 1, (count, 2)) * spread


def some_of_all_kinds(locator: Locator, faces, rng) -> np.ndarray:
    """Give some hundred thousand points."""
    return np.concatenate(
        [
            awkward_points(faces, rng, POINTS_AT_ONCE // 18),
            near_borders(faces, rng, POINTS_AT_ONCE // 4),
            on_cell_lines(locator, rng, POINTS_AT_ONCE // 300),
            on_rims(locator, rng, POINTS_AT_ONCE // 20),
        ]
    )


def differences(faces, total: int, folder: Path) -> int:
    """Count points for which the built or the attached locator does not answer as the tree does."""
    built = Locator.build(faces, np.arange(len(faces)))
    attached = saved.attach(saved.save(built, folder))
    saved.verify(folder)
    assert built.raster is not None
    tree, rng, asked, wrong = shapely.STRtree(faces), np.random.default_rng(11), 0, 0
    while asked < total:
        points = some_of_all_kinds(built, faces, rng)
        expected = first_face(tree, points)
        wrong += np.count_nonzero(built.locate_many(points) != expected)
        wrong += np.count_nonzero(attached.locate_many(points) != expected)
        for i in rng.integers(0, len(points), 300).tolist():
            wrong += attached.locate(*points[i].tolist()) != expected[i]
        asked += len(points)
    return wrong


def yards(number: int) -> np.ndarray:
    return np.array([one.geometry for one in make_city(yards=number, buildings=False).layers["yard"]])


def real(*args) -> np.ndarray:
    return np.array([face.geometry for face in partition([layer(*args)]).faces])


def test_a_town_of_all_kinds(tmp_path) -> None:
    assert differences(yards(300), 200_000, tmp_path) == 0


@pytest.mark.long
@pytest.mark.parametrize(("number", "total"), [(60_000, 4_000_000), (300_000, 3_000_000)])
def test_whole_cities(number: int, total: int, tmp_path) -> None:
    assert differences(yards(number), total, tmp_path) == 0


REAL = {
    "taiwan": (("scale_taiwan_villages", "villages.geojson.gz"), "VILLCODE", "VILLNAME"),
    "new-york": (("nyc_311_animal", "nyc_community_districts.geojson"), "BoroCD", "BoroCD"),
    "jiangning": (("cn_nanjing_jiangning_streets", "jiedao_original.geojson"), "GEOCODE", "NAME"),
}


@pytest.mark.long
@pytest.mark.parametrize("place", list(REAL))
def test_real_maps(place: str, tmp_path) -> None:
    assert differences(real("grid", *REAL[place]), 1_500_000, tmp_path) == 0
