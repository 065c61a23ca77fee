"""New York: 5,836 animal complaints that carry the community district the city gave them."""

import csv
import gzip
import json

import numpy as np
import pytest
import shapely

from geo.confidence import Shares, shares_many
from geo.locator import Locator
from tests.shared_data import shared


class NewYork:
    """Districts as faces, the complaints, and our answers."""

    def __init__(self) -> None:
        layer = json.loads(shared("nyc_311_animal", "nyc_community_districts.geojson").read_text())
        districts = sorted(layer["features"], key=lambda f: f["properties"]["BoroCD"])
        self.codes = np.array([f["properties"]["BoroCD"] for f in districts])
        shapes = shapely.from_geojson([json.dumps(f["geometry"]) for f in districts])
        self.faces, self.owners = shapely.get_parts(shapes, return_index=True)
        with gzip.open(shared("nyc_311_animal", "nyc_311.csv.gz"), "rt", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["lon"] and row["borocd"]]
        self.points = np.array([(float(row["lon"]), float(row["lat"])) for row in rows])
        self.labels = np.array([int(row["borocd"]) for row in rows])
        self.locator = Locator.build(self.faces, self.owners)
        self.answer, self.tied = self.locator.locate_with_ties(self.points)
        self.told = np.where(self.answer >= 0, self.codes[self.owners[self.answer]], -1)

    def shares(self) -> Shares:
        return shares_many(self.locator, self.points, 10.0)


@pytest.fixture(scope="module")
def new_york() -> NewYork:
    return NewYork()


def test_every_complaint_equals_brute_force(new_york: NewYork) -> None:
    x, y = new_york.points.T
    fresh = shapely.from_wkb(shapely.to_wkb(new_york.faces))
    shapely.prepare(fresh)
    covered = np.array([shapely.intersects_xy(face, x, y) for face in fresh])
    assert len(new_york.points) == 5836
    assert (new_york.answer == np.where(covered.any(axis=0), covered.argmax(axis=0), -1)).all()


def test_the_city_agrees_in_99_of_100(new_york: NewYork) -> None:
    assert (new_york.told == new_york.labels).mean() >= 0.99


def test_disagreements_near_a_border_are_told_by_our_own_answer(new_york: NewYork) -> None:
    wrong = np.flatnonzero(new_york.told != new_york.labels)
    metres = new_york.locator.distance_to_border_m(new_york.points, new_york.answer)
    near = wrong[metres[wrong] <= 10]
    assert len(near) > 40
    table = new_york.shares()
    for i in near:
        alternates = {new_york.codes[share.owner] for share in table[i] if share.owner >= 0}
        assert new_york.tied[i] or new_york.labels[i] in alternates


def test_shares_of_real_shapes_add_up(new_york: NewYork) -> None:
    table = new_york.shares()
    total = np.bincount(np.repeat(np.arange(len(table)), np.diff(table.first)), weights=table.share)
    assert total == pytest.approx(1, abs=0.012)
    assert table.of(new_york.owners[new_york.answer])[new_york.answer >= 0].min() > 0.2


def test_distances_of_real_shapes(new_york: NewYork) -> None:
    # Independent of our edges: GEOS distance to the district's outline in the plane of each point.
    some = np.flatnonzero(new_york.answer >= 0)[::200]
    metres = new_york.locator.distance_to_border_m(new_york.points[some], new_york.answer[some])
    radius = 6_378_137.0
    for i, found in zip(some, metres, strict=True):
        lon, lat = new_york.points[i]
        sine2 = 0.00669438002290 * np.sin(np.radians(lat)) ** 2
        scale = np.radians(radius / np.sqrt(1 - sine2)) * np.array(
            [np.cos(np.radians(lat)), (1 - 0.00669438002290) / (1 - sine2)]
        )
        mine = new_york.faces[new_york.owners == new_york.owners[new_york.answer[i]]]
        outline = shapely.transform(
            shapely.union_all(mine).boundary, lambda c, s=scale, o=(lon, lat): (c - o) * s
        )
        # Districts overlap by slivers, which belong to the first: our border may be a little nearer.
        assert found <= shapely.Point(0, 0).distance(outline) * (1 + 1e-6) + 1e-6
        assert found == pytest.approx(shapely.Point(0, 0).distance(outline), rel=1e-6, abs=1.0)
