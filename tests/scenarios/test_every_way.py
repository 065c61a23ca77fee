"""Command, single look-up and the four forms of a batch give one answer, also after a re-import in another order."""

import csv
import io
import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geo.crs import from_lonlat, parse_crs
from geo.synth import City, make_city
from service.assignment.batch import flat
from tests.oracles.coverages import awkward_points
from tests.scenarios.installation import Installation, write_map

ARROW = "application/vnd.apache.arrow.stream"
LEVELS = ("subdistrict", "community", "yard")
Answer = dict[str, Any]


def import_city(service: Installation, folder: Path, demo: City, plan: str, levels: tuple[str, ...]) -> None:
    """Import a city level by level in this order, the features of each in another order each time."""
    shuffled = random.Random(plan)
    for level in levels:
        features = [
            ({"code": one.code, "name": one.name, "above": one.parent}, one.geometry)
            for one in demo.layers[level]
        ]
        shuffled.shuffle(features)
        path = write_map(folder / f"{plan}-{level}.geojson", features)
        words = ["--plan", plan, "--level", level, "--code-field", "code", "--name-field", "name"]
        words += ["--base", "empty", *(["--parent-field", "above"] if level != "subdistrict" else [])]
        service.told("import", path, *words)
    service.told("publish", plan, "--waive", "all", "--reason", "a test")


@pytest.fixture(scope="module")
def demo() -> City:
    return make_city(seed=2, yards=300, buildings=False)


@pytest.fixture(scope="module")
def service(install: Any, demo: City, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    one = install("ways")
    import_city(one, tmp_path_factory.mktemp("ways"), demo, "first", LEVELS)
    one.start()
    return one


@pytest.fixture(scope="module")
def points(demo: City) -> list[list[float]]:
    """Corners, middles of edges, points beside them, others, one in the sea and one far away."""
    yards = np.array([one.geometry for one in demo.layers["yard"]])
    found = awkward_points(yards, np.random.default_rng(8), 12).tolist()
    return [*found, [0.0, 0.0], [-179.9, 80.0]]


class Asked:
    """The same points asked in every way."""

    def __init__(self, service: Installation, points: list[list[float]], crs: str) -> None:
        self.service, self.points, self.crs = service, points, crs

    def post(self, kind: str, body: str | bytes, accept: str | None = None) -> bytes:
        path = f"/api/v1/assign?crs={self.crs}&locale=en"
        status, answer = self.service.ask("POST", path, body, Content_Type=kind, Accept=accept or kind)
        assert status == 200, answer[:300]
        return answer

    def single(self) -> list[Answer]:
        answers = []
        for x, y in self.points:
            given = {"lon": repr(x), "lat": repr(y), "crs": self.crs, "accuracy_m": 15, "locale": "en"}
            status, answer = self.service.ask("GET", f"/api/v1/assign?{urlencode(given)}")
            assert status == 200, answer
            answers.append(json.loads(answer))
        return answers

    def as_json(self) -> list[Answer]:
        body = {"crs": self.crs, "points": self.points, "accuracy_m": 15}
        return json.loads(self.post("application/json", json.dumps(body)))["results"]

    def as_arrow(self) -> list[Answer]:
        table, out = self.columns(), io.BytesIO()
        with pa.ipc.new_stream(out, table.schema) as writer:
            writer.write_table(table)
        return filled(pa.ipc.open_stream(self.post(ARROW, out.getvalue())).read_all())

    def as_csv_to_parquet(self) -> list[Answer]:
        raw = self.post("text/csv", self.table(), accept="application/vnd.apache.parquet")
        return filled(pq.read_table(io.BytesIO(raw)))

    def columns(self) -> pa.Table:
        lon, lat = zip(*self.points, strict=True)
        return pa.table({"lon": lon, "lat": lat, "accuracy_m": [15] * len(lon)})

    def as_ndjson(self) -> list[Answer]:
        lines = (json.dumps({"lon": x, "lat": y, "accuracy_m": 15}) for x, y in self.points)
        return [json.loads(one) for one in self.post("application/x-ndjson", "\n".join(lines)).splitlines()]

    def geojson(self) -> str:
        features = [
            {
                "type": "Feature",
                "properties": {"accuracy_m": 15},
                "geometry": {"type": "Point", "coordinates": one},
            }
            for one in self.points
        ]
        return json.dumps({"type": "FeatureCollection", "features": features})

    def as_geojson(self) -> list[Answer]:
        answer = json.loads(self.post("application/geo+json", self.geojson()))
        return [one["properties"] for one in answer["features"]]

    def table(self) -> str:
        return "lon,lat,accuracy_m\n" + "".join(f"{x!r},{y!r},15\n" for x, y in self.points)

    def as_csv(self) -> list[Answer]:
        return read(self.post("text/csv", self.table()).decode())

    def by_command(self) -> list[Answer]:
        words = ("--lon", "lon", "--lat", "lat", "--crs", self.crs, "--accuracy", "accuracy_m")
        return read(self.service.told("assign", "-", *words, given=self.table()))

    def by_command_through_files(self, folder: Path) -> list[list[Answer]]:
        """Parquet to Arrow, Arrow to GeoJSON, GeoJSON to Parquet, each read and written as files."""
        folder.mkdir()
        paths = [folder / f"points.{form}" for form in ("parquet", "arrow", "geojson")]
        pq.write_table(self.columns(), paths[0])
        with pa.ipc.new_stream(paths[1], self.columns().schema) as writer:
            writer.write_table(self.columns())
        paths[2].write_bytes(self.geojson().encode())
        outputs = [folder / f"out.{form}" for form in ("arrow", "geojson", "parquet")]
        for path, output in zip(paths, outputs, strict=True):
            resume = () if output.suffix == ".parquet" else ("--resume",)
            words = ("--crs", self.crs, "--accuracy", "accuracy_m", "-o", output, *resume)
            assert self.service.told("assign", path, *words) == ""
        features = json.loads(outputs[1].read_bytes())["features"]
        arrow, parquet = pa.ipc.open_stream(outputs[0]).read_all(), pq.read_table(outputs[2])
        return [filled(arrow), [one["properties"] for one in features], filled(parquet)]

    def by_command_as_ndjson(self) -> list[Answer]:
        words = ("--lon", "lon", "--lat", "lat", "--crs", self.crs, "--accuracy", "15", "--format", "ndjson")
        told = self.service.told("assign", "-", *words, given=self.table())
        return [json.loads(one) for one in told.splitlines()]


def filled(table: pa.Table) -> list[Answer]:
    """Rows with the empty text where there is nothing."""
    return [{n: "" if value is None else value for n, value in row.items()} for row in table.to_pylist()]


def read(text: str) -> list[Answer]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def lasting(answers: list[Answer]) -> list[Answer]:
    """The answers without the moment they were given, which is a part of the evidence too."""
    return [
        {name: value for name, value in one.items() if name not in ("answered_at", "evidence")}
        for one in answers
    ]


def as_text(rows: list[Answer]) -> list[dict[str, str]]:
    """The appended columns as a table shows them."""
    names = list(flat({"error": {"detail": ""}}, LEVELS))
    return [{name: str(row[name]) for name in names} for row in rows]


def shifted(point: list[float]) -> list[float]:
    return from_lonlat(np.array([point]), parse_crs("gcj02"))[0].tolist()


@pytest.mark.parametrize("crs", ["wgs84", "gcj02"])
def test_every_way_of_asking_gives_the_same(
    service: Installation, points: list[list[float]], crs: str, tmp_path: Path
) -> None:
    given = points if crs == "wgs84" else [shifted(one) for one in points]
    asked = Asked(service, given, crs)
    single = asked.single()
    assert {one["status"] for one in single} >= {"inside", "outside"}
    assert lasting(asked.as_json()) == lasting(single)
    assert lasting(asked.as_ndjson()) == lasting(single)
    columns = as_text([flat(one, LEVELS) for one in single])
    assert as_text(asked.as_geojson()) == columns
    assert as_text(asked.as_csv()) == columns
    assert as_text(asked.as_arrow()) == columns
    assert as_text(asked.as_csv_to_parquet()) == columns
    assert as_text(asked.by_command()) == columns
    assert as_text(asked.by_command_as_ndjson()) == columns
    if crs == "gcj02":
        for found in asked.by_command_through_files(tmp_path / "files"):
            assert as_text(found) == columns


def test_the_order_of_imports_changes_nothing(
    service: Installation, demo: City, points: list[list[float]], tmp_path: Path
) -> None:
    asked = Asked(service, points, "wgs84")
    before = lasting(asked.as_json())
    assert any(one["status"] == "border" for one in before)
    import_city(service, tmp_path, demo, "second", LEVELS[::-1])
    after = lasting(asked.as_json())
    assert {one["edition"]["number"] for one in after if one["edition"]} == {2}
    for one in (*before, *after):
        one.pop("edition")
    assert after == before


def test_a_city_covers_its_own_yards(service: Installation, demo: City) -> None:
    yards = demo.layers["yard"]
    spots = shapely.get_coordinates(shapely.point_on_surface([one.geometry for one in yards])).tolist()
    answers = Asked(service, spots, "wgs84").as_json()
    assert [one["grid"]["code"] for one in answers] == [one.code for one in yards]
    chains = [[level["code"] for level in one["chain"][1:]] for one in answers]
    assert chains == [[one.parent[:9], one.parent, one.code] for one in yards]
