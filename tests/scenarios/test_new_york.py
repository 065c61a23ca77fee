"""New York's three levels and all its reports, by command and over HTTP, against plain shapely."""

import csv
import gzip
import io
import json
import logging
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import shapely

from tests.scenarios.installation import Installation, write_map
from tests.shared_data import shared

PLACE = "nyc_311_animal"
LEVELS = ("subdistrict", "community", "yard")
FIELDS = ("BoroCode", "NTACode", "BoroCT2010")
NAMES = ("BoroName", "NTAName", "CTLabel")
Rows = list[dict[str, str]]
FIGURES = logging.getLogger("figures")


@dataclass
class City:
    """The installation with its maps in force, and what went in."""

    service: Installation
    layers: dict[str, dict[str, shapely.Geometry]]
    parent: dict[str, dict[str, str]]
    table: str
    reports: Rows


def labelled() -> Rows:
    with gzip.open(shared(PLACE, "nyc_311.csv.gz"), "rt") as file:
        return [row for row in csv.DictReader(file) if row["lon"] and row["borocd"]]


def as_csv(rows: Rows) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read_csv(text: str) -> Rows:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def write_levels(folder: Path) -> tuple[dict[str, Path], dict[str, Any], dict[str, Any]]:
    """Make a file for each level: tracts as they are, the two above as unions of their tracts."""
    raw = json.loads(gzip.decompress(shared(PLACE, "nyc_tracts_2010.geojson.gz").read_bytes()))["features"]
    tracts = [(one["properties"], shapely.geometry.shape(one["geometry"])) for one in raw]
    files, layers, parent = {}, {}, {}
    for level, field, name in zip(LEVELS, FIELDS, NAMES, strict=True):
        parts: dict[str, list[Any]] = {}
        for values, shape in tracts:
            parts.setdefault(values[field], []).append((values, shape))
        layers[level] = {code: shapely.union_all([s for _, s in listed]) for code, listed in parts.items()}
        above = FIELDS[max(0, FIELDS.index(field) - 1)]
        parent[level] = {code: listed[0][0][above] for code, listed in parts.items()}
        features = [
            ({"code": code, "name": parts[code][0][0][name], "above": parent[level][code]}, shape)
            for code, shape in layers[level].items()
        ]
        files[level] = write_map(folder / f"{level}.geojson", features)
    return files, layers, parent


def bring(service: Installation, plan: str, level: str, path: Path, *more: str) -> dict[str, Any]:
    words = ("--plan", plan, "--level", level, "--base", "empty", "--crs", "wgs84", "--json", *more)
    return json.loads(service.told("import", path, *words))


def publish(service: Installation, plan: str) -> None:
    """Publish as it is; refused first where an error is not waived."""
    if service.run("check", plan).returncode == 1:
        service.told("publish", plan, status=1)
    service.told("publish", plan, "--waive", "all", "--reason", "as the city drew it")


@pytest.fixture(scope="module")
def city(install: Any, tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("nyc")
    files, layers, parent = write_levels(folder)
    service = install("nyc", WANGGE_PROFILE="international")
    fields = ("--code-field", "code", "--name-field", "name")
    for level, path in files.items():
        more = () if level == LEVELS[0] else ("--parent-field", "above")
        done = bring(service, "tracts", level, path, *fields, *more)
        assert done["features"] == len(layers[level])
    publish(service, "tracts")
    service.start()
    reports = labelled()
    return City(service, layers, parent, as_csv(reports), reports)


@pytest.fixture(scope="module")
def by_command(city: City) -> Rows:
    begun = time.perf_counter()
    words = ("assign", "-", "--lon", "lon", "--lat", "lat", "--crs", "wgs84")
    rows = read_csv(city.service.told(*words, given=city.table))
    FIGURES.info("command: %d reports in %.2f s with start-up", len(rows), time.perf_counter() - begun)
    return rows


def covering(shapes: dict[str, shapely.Geometry], rows: Rows) -> list[list[str]]:
    """All codes whose ground covers each report, in order."""
    codes = sorted(shapes)
    points = shapely.points([(float(row["lon"]), float(row["lat"])) for row in rows])
    found: list[list[str]] = [[] for _ in rows]
    for code in codes:
        for row in shapely.intersects(shapes[code], points).nonzero()[0].tolist():
            found[row].append(code)
    return found


def test_command_and_post_answer_alike(city: City, by_command: Rows) -> None:
    begun = time.perf_counter()
    status, body = city.service.ask("POST", "/api/v1/assign?crs=wgs84", city.table, Content_Type="text/csv")
    FIGURES.info("POST: %d reports in %.2f s", len(by_command), time.perf_counter() - begun)
    assert status == 200, body[:500]
    assert len(by_command) == 5836
    assert read_csv(body.decode()) == by_command
    kept = [{name: row[name] for name in city.reports[0]} for row in by_command]
    assert kept == city.reports


def test_every_level_is_the_brute_force_one(city: City, by_command: Rows) -> None:
    finest = covering(city.layers["yard"], city.reports)
    FIGURES.info("statuses: %s", dict(Counter(row["grid_status"] for row in by_command)))
    for row, tracts in zip(by_command, finest, strict=True):
        if row["grid_status"] not in ("inside", "border"):
            # Micro-gaps between tracts are filled by no tract; nobody may answer by the ground there.
            assert tracts == [], row
            continue
        if not tracts:
            # The union of an upper level closed a gap that is open between its tracts.
            assert row["grid_level"] != "yard", row
            continue
        assert (row["grid_level"], row["grid_code"]) == ("yard", tracts[0])
        area = city.parent["yard"][tracts[0]]
        assert row["yard_code"] == tracts[0]
        assert row["community_code"] == area
        assert row["subdistrict_code"] == city.parent["community"][area]
        assert row["edition"].endswith("/1")
    for level in LEVELS[:2]:
        outlines = covering(city.layers[level], city.reports)
        for row, codes in zip(by_command, outlines, strict=True):
            assert codes == [] or row[f"{level}_code"] in codes, row
    assert sum(1 for codes in finest if codes) > 5800


def ask_boards(service: Installation, reports: Rows) -> list[tuple[str, str]]:
    """Ask the same over HTTP as JSON."""
    service.start()
    points = [[float(row["lon"]), float(row["lat"])] for row in reports]
    body = json.dumps({"crs": "wgs84", "points": points, "accuracy_m": 10})
    status, answer = service.ask("POST", "/api/v1/assign", body, Content_Type="application/json")
    assert status == 200, answer[:500]
    results = json.loads(answer)["results"]
    return [((one["grid"] or {}).get("code", ""), str(one["confidence"])) for one in results]


def test_community_districts_agree_with_the_labels(install: Any, city: City) -> None:
    """A second scheme would cross freely; here the districts are a map of their own."""
    path = shared(PLACE, "nyc_community_districts.geojson")
    shapes = {
        str(one["properties"]["BoroCD"]): shapely.geometry.shape(one["geometry"])
        for one in json.loads(path.read_text())["features"]
    }
    service = install("boards", WANGGE_PROFILE="international")
    fields = ("--code-field", "BoroCD", "--name-field", "BoroCD")
    assert bring(service, "boards", "subdistrict", path, *fields)["features"] == 71
    publish(service, "boards")
    words = ("assign", "-", "--lon", "lon", "--lat", "lat", "--crs", "wgs84", "--accuracy", "10")
    rows = read_csv(service.told(*words, given=city.table))
    assert len(rows) == 5836
    assert ask_boards(service, city.reports) == [(row["grid_code"], row["confidence"]) for row in rows]
    for row, codes in zip(rows, covering(shapes, city.reports), strict=True):
        answered = row["grid_code"] if row["grid_status"] in ("inside", "border") else None
        assert answered == (codes[0] if codes else None), row
    wrong = [row for row in rows if row["grid_code"] != row["borocd"]]
    near = [row for row in wrong if row["border_m"] and float(row["border_m"]) <= 10]
    FIGURES.info("%d of %d differ from the label, %d within 10 m", len(wrong), len(rows), len(near))
    assert len(wrong) / len(rows) <= 0.01
    for row in near:
        others = [pair.split(":")[0] for pair in row["alternates"].split(";") if pair]
        assert row["grid_status"] == "border" or others, row
    label = shapely.points([(float(row["lon"]), float(row["lat"])) for row in near])
    # Where the label's own ground is in reach, it is among those we name.
    for row, point in zip(near, label, strict=True):
        if row["borocd"] in shapes and shapely.distance(shapes[row["borocd"]], point) < 5e-5:
            named = [pair.split(":")[0] for pair in row["alternates"].split(";")]
            assert row["borocd"] in named, row
    told = service.told("audit", shared(PLACE, "nyc_311.csv.gz"), "--label", "borocd", *words[2:8], "--json")
    found = json.loads(told)
    assert (found["usable"], found["disagree"]) == (len(rows), len(wrong))
    assert found["near"] == {"within_m": 10.0, "disagree": len(near), "flagged": len(near)}
    assert found["kinds"][0]["column"] == "address_type"
    assert found["kinds"][0]["values"][0]["value"] == "INTERSECTION"
