"""The main job as a story: a file in, checked, published, and every way of asking gives the same answer."""

import contextlib
import csv
import gzip
import io
import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import shapely
from sqlalchemy import text

from service import audit, clock
from service.assignment import building
from service.assignment.in_force import IN_FORCE
from service.errors import NotReady
from service.grids import publishing, queries
from service.grids.importing import Request, import_file
from tests.shared_data import shared


def write_squares(path: Path) -> None:
    """Two communities side by side, one degree of a thousandth wide, with a shared border at x = 116.001."""
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": name},
            "geometry": shapely.geometry.mapping(shapely.box(west, 32.0, west + 0.001, 32.001)),
        }
        for code, name, west in (("990101001", "东社区", 116.001), ("990101000", "西社区", 116.0))
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")


def publish(session, path: Path, level: str, code: str, name: str, *, waive=(), plan="p", parent=None):
    """Import and publish in the test's transaction and let the new map be in force."""
    wanted = Request(
        plan=plan, level=level, path=path, code_field=code, name_field=name, parent_field=parent, base="empty"
    )
    import_file(session, wanted, by=audit.OPERATOR, at=clock.now())
    found = queries.get_plan(session, plan, lock=True)
    publishing.waive(session, found, waive, reason="test", by=audit.OPERATOR, at=clock.now())
    made = publishing.publish(session, found, by=audit.OPERATOR, at=clock.now())
    session.flush()
    return made


@pytest.fixture
def in_force_at_once(monkeypatch):
    """Editions of the test count at once."""
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))


@pytest.fixture
def squares(session, tmp_path, in_force_at_once):
    path = tmp_path / "squares.geojson"
    write_squares(path)
    return publish(session, path, "subdistrict", "code", "name")


def ask(client, **given):
    return client.get("/api/v1/assign", query_string={"crs": "wgs84", **given})


def test_a_point_inside_names_its_grid_with_evidence(squares, client):
    body = ask(client, lon=116.0005, lat=32.0005, accuracy_m=10, locale="en").json
    assert body["status"] == "inside"
    assert body["grid"]["code"] == "990101000"
    assert [one["level"] for one in body["chain"]] == ["district", "subdistrict"]
    assert body["distance_to_border_m"] == pytest.approx(47.2, abs=0.2)
    assert body["confidence"] > 0.99
    assert body["edition"]["number"] == squares[0].number
    assert "leader" not in body["chain"][1]


def test_a_point_on_the_shared_border_goes_to_the_lowest_code(squares, client):
    body = ask(client, lon=116.001, lat=32.0005).json
    assert (body["status"], body["grid"]["code"], body["distance_to_border_m"]) == (
        "border",
        "990101000",
        0.0,
    )


def test_near_outside_is_nearest_and_far_outside_is_outside(squares, client):
    assert ask(client, lon=116.00201, lat=32.0005).json["status"] == "nearest"
    far = ask(client, lon=116.1, lat=32.0005).json
    assert (far["status"], far["grid"]) == ("outside", None)
    assert far["alternates"][0]["code"] == "990101001"


def test_swapped_axes_outside_raise_a_warning(squares, client):
    swapped = ask(client, lon=32.0005, lat=116.0005)
    assert swapped.status_code == 422
    assert swapped.json["errors"][0]["pointer"]


@pytest.mark.parametrize(
    "given",
    [
        {"lon": "abc", "lat": "1"},
        {"lon": "nan", "lat": "1"},
        {"lon": "1"},
        {"lon": "1", "lat": "inf"},
        {"lon": "116", "lat": "32", "crs": "mars"},
        {"lon": "116", "lat": "32", "at": "yesterday"},
        {"lon": "116", "lat": "32", "level": "street"},
        {"lon": "116", "lat": "32", "accuracy_m": "-1"},
    ],
)
def test_bad_questions_are_answered_422_with_a_pointer(squares, client, given):
    answer = ask(client, **given)
    assert answer.status_code == 422, answer.json
    assert answer.json["errors"][0]["pointer"].startswith("/")


def test_the_coordinate_system_must_be_declared(squares, client):
    answer = client.get("/api/v1/assign?lon=116&lat=32")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/crs"


def test_single_json_csv_ndjson_and_geojson_agree(squares, client):
    points = [[116.0005, 32.0005], [116.001, 32.0001], [116.0019, 32.0009], [117.0, 32.0]]
    single = [ask(client, lon=x, lat=y).json for x, y in points]
    many = client.post("/api/v1/assign", json={"crs": "wgs84", "points": [*points, ["x", 1]]}).json["results"]
    assert "error" in many[4]
    volatile = {"answered_at", "evidence"}  # both tell when
    strip = [{key: value for key, value in one.items() if key not in volatile} for one in single]
    assert strip == [{key: value for key, value in one.items() if key not in volatile} for one in many[:4]]
    codes = [(one["grid"] or {}).get("code", "") for one in single]
    table = "lon,lat\n" + "".join(f"{x},{y}\n" for x, y in points)
    rows = client.post("/api/v1/assign?crs=wgs84", data=table, content_type="text/csv").get_data(as_text=True)
    assert [row["grid_code"] for row in csv.DictReader(io.StringIO(rows))] == codes
    lines = "\n".join(json.dumps({"lon": x, "lat": y}) for x, y in points)
    answers = client.post("/api/v1/assign?crs=wgs84", data=lines, content_type="application/x-ndjson")
    assert [
        (json.loads(one)["grid"] or {}).get("code", "") for one in answers.get_data().splitlines()
    ] == codes
    collection = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": one}}
            for one in points
        ],
    }
    body = client.post(
        "/api/v1/assign", data=json.dumps(collection), content_type="application/geo+json"
    ).json
    assert [one["properties"]["grid_code"] for one in body["features"]] == codes


def post_csv(client, table):
    return client.post("/api/v1/assign?crs=wgs84", data=table, content_type="text/csv")


def test_a_line_with_more_cells_than_the_header_is_an_error_and_the_rest_is_answered(squares, client):
    text = post_csv(client, "lon,lat\n116.0005,32.0005,kept?\n116.0005,32.0005\n116.0005\n").get_data(
        as_text=True
    )
    first, second, third = csv.DictReader(io.StringIO(text))
    assert (first["grid_code"], first["grid_error"]) == ("", "the row has more cells than the header")
    assert (second["grid_code"], second["grid_error"]) == ("990101000", "")
    assert third["grid_error"]


def test_a_csv_that_breaks_off_is_refused_whole(squares, client):
    answer = post_csv(client, 'lon,lat\n116.0005,32.0005\n"116.0005,32.0005\n')
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


def test_odd_geojson_features_are_errors_of_their_own(squares, client):
    point = {"type": "Point", "coordinates": [116.0005, 32.0005]}
    features = [
        {"properties": [1], "geometry": point},
        {"properties": "x", "geometry": None},
        {"geometry": point},
    ]
    body = {"type": "FeatureCollection", "features": features}
    answer = client.post("/api/v1/assign", data=json.dumps(body), content_type="application/geo+json")
    assert answer.status_code == 200
    assert [one["properties"]["grid_code"] for one in answer.json["features"]] == [
        "990101000",
        "",
        "990101000",
    ]


def test_grounds_of_a_list_are_those_of_single_grids(squares, client):
    listed = client.get("/api/v1/grids?geometry=1").json["features"]
    assert len(listed) == 2
    for one in listed:
        single = client.get(f"/api/v1/grids/{one['properties']['code']}.geojson").json
        assert single["geometry"] == one["geometry"]
        assert shapely.geometry.shape(one["geometry"]).area == pytest.approx(1e-6)


def test_a_big_map_that_loads_does_not_silence_the_others(squares, client, monkeypatch):
    """Look-ups in a map in memory go on while another one loads, and the database still counts as heard."""
    started, let_go = threading.Event(), threading.Event()

    def slow(session, key):
        started.set()
        assert let_go.wait(10)
        raise NotReady("never mind")

    monkeypatch.setattr(building, "bring", slow)
    other = replace(IN_FORCE.maps_at(1, IN_FORCE.now())[0].key, snapshot_id=uuid4())

    def load_other():
        with contextlib.suppress(NotReady):
            IN_FORCE._map(other)

    loader = threading.Thread(target=load_other)
    loader.start()
    assert started.wait(10)
    try:
        assert ask(client, lon=116.0005, lat=32.0005).json["grid"]["code"] == "990101000"
    finally:
        let_go.set()
        loader.join()


def test_an_older_moment_is_answered_by_the_older_edition(squares, session, client):
    before = (squares[0].in_force_from - timedelta(seconds=1)).isoformat()
    assert ask(client, lon=116.0005, lat=32.0005, at=before).json["status"] == "outside"


def test_a_published_snapshot_can_not_be_changed(squares, session):
    from sqlalchemy.exc import DBAPIError

    with pytest.raises(DBAPIError, match="frozen"), session.begin_nested():
        session.execute(text("update snapshot_grid set name = 'x'"))


def test_nyc_reports_equal_brute_force_and_agree_with_the_city(session, client, in_force_at_once):
    path = shared("nyc_311_animal", "nyc_community_districts.geojson")
    districts = json.loads(path.read_text())["features"]
    field = next(name for name in districts[0]["properties"] if name.lower() in ("borocd", "boro_cd"))
    publish(session, path, "subdistrict", field, field, waive=("all",))
    IN_FORCE.refresh()
    with gzip.open(shared("nyc_311_animal", "nyc_311.csv.gz"), "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["lon"] and row["borocd"]]
    points = [[float(row["lon"]), float(row["lat"])] for row in rows]
    answers = client.post("/api/v1/assign", json={"crs": "wgs84", "points": points, "accuracy_m": 10}).json[
        "results"
    ]
    shapes = sorted(
        (str(int(one["properties"][field])), shapely.geometry.shape(one["geometry"])) for one in districts
    )
    tree = shapely.STRtree([shape for _, shape in shapes])
    hits = tree.query(shapely.points(points), predicate="intersects")
    expected = {}
    for point, shape in sorted(zip(*hits.tolist(), strict=True)):
        expected.setdefault(point, shapes[shape][0])
    ours = {
        number: one["grid"]["code"]
        for number, one in enumerate(answers)
        if one["status"] in ("inside", "border")
    }
    assert len(rows) == 5836
    # The partition moves vertices by at most half a step of the lattice; no report lies so close to a border.
    assert ours == expected
    agreed = sum(ours.get(number) == row["borocd"] for number, row in enumerate(rows))
    assert agreed / len(rows) >= 0.99
    for number, (one, row) in enumerate(zip(answers, rows, strict=True)):
        if ours.get(number) != row["borocd"] and (one["distance_to_border_m"] or 99) <= 10:
            others = {other["code"] for other in one["alternates"]}
            assert one["status"] == "border" or others, (number, row["borocd"], one)
