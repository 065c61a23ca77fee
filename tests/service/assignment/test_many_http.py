"""Bulk over HTTP: the form of the answer is negotiated; what is hostile is refused with a sentence."""

import contextlib
import csv
import io
import json
import struct
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.assignment import many_views
from service.assignment.formats import Blocks, PlainColumnsSource, Where, open_text
from service.assignment.formats.rows import CELLS_AT_ONCE
from service.errors import ServiceError
from tests.service.assignment.test_story import in_force_at_once, squares  # noqa: F401

ARROW = "application/vnd.apache.arrow.stream"
POINTS = [(116.0005, 32.0005), (116.001, 32.0001), (117.0, 32.0)]
TABLE = "id,lon,lat\r\n" + "".join(f"0{n},{x},{y}\r\n" for n, (x, y) in enumerate(POINTS)) + "03,x,1\r\n"
CODES = ["990101000", "990101000", "", ""]


def post(client: Any, data: Any, kind: str, accept: str | None = None, **query: str) -> Any:
    headers = {"Accept": accept} if accept else {}
    query = {"crs": "wgs84", **query}
    return client.post("/api/v1/assign", data=data, content_type=kind, headers=headers, query_string=query)


def stream_of(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return out.getvalue()


def codes_in(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.get_data()[:500]
    raw, kind = answer.get_data(), answer.mimetype
    if kind == "text/csv":
        found = [one["grid_code"] for one in csv.DictReader(io.StringIO(raw.decode(), newline=""))]
    elif kind == "application/json":
        found = [(one.get("grid") or {}).get("code") for one in json.loads(raw)["results"]]
    elif kind == "application/x-ndjson":
        found = [(json.loads(one).get("grid") or {}).get("code") for one in raw.splitlines()]
    elif kind == "application/geo+json":
        found = [one["properties"]["grid_code"] for one in json.loads(raw)["features"]]
    elif kind == ARROW:
        found = pa.ipc.open_stream(raw).read_all()["grid_code"].to_pylist()
    else:
        found = pq.read_table(io.BytesIO(raw))["grid_code"].to_pylist()
    return [one or "" for one in found]


def bodies() -> dict[str, bytes]:
    """The same rows in every form that is read."""
    objects = [{"id": f"0{n}", "lon": x, "lat": y} for n, (x, y) in enumerate([*POINTS, ("x", 1)])]
    features = [
        {"type": "Feature", "properties": {"id": one["id"]},
         "geometry": {"type": "Point", "coordinates": [one["lon"], one["lat"]]}}
        for one in objects
    ]  # fmt: skip
    table = pa.table({name: [str(one[name]) for one in objects] for name in ("id", "lon", "lat")})
    return {
        "application/json": json.dumps({"points": [*POINTS, ["x", 1]]}).encode(),
        "text/csv": TABLE.encode(),
        "application/x-ndjson": "\n".join(map(json.dumps, objects)).encode(),
        "application/geo+json": json.dumps({"type": "FeatureCollection", "features": features}).encode(),
        ARROW: stream_of(table),
    }


WRITTEN = [*bodies(), "application/vnd.apache.parquet"]


@pytest.mark.parametrize("accept", WRITTEN)
@pytest.mark.parametrize("kind", list(bodies()))
def test_every_form_is_answered_in_every_form(squares, client, kind, accept):  # noqa: F811
    answer = post(client, bodies()[kind], kind, accept)
    assert answer.mimetype == accept
    assert codes_in(answer) == CODES


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "text/csv"),
        ("*/*", "text/csv"),
        ("application/json, text/plain, */*", "text/csv"),
        ("image/png", "text/csv"),
        (f"{ARROW}, */*;q=0.1", ARROW),
        ("application/json;q=0.5, application/x-ndjson", "application/x-ndjson"),
    ],
)
def test_the_form_of_the_body_is_kept_unless_another_is_liked_better(squares, client, accept, expected):  # noqa: F811
    answer = post(client, TABLE, "text/csv", accept)
    assert answer.mimetype == expected
    assert codes_in(answer) == CODES


def test_columns_of_an_arrow_body_stay_as_they_are(squares, client):  # noqa: F811
    table = pa.table({
        "when": pa.array([0, None], pa.timestamp("s")), "east": [116.0005, 1.0], "north": [32.0005, 1.0],
        "kind": pa.array(["a", "b"]).dictionary_encode(),
    })  # fmt: skip
    answer = post(client, stream_of(table, compression="zstd"), ARROW, lon="east", lat="north")
    found = pa.ipc.open_stream(answer.get_data()).read_all()
    assert found.select(table.schema.names) == table
    assert found["grid_status"].to_pylist() == ["inside", "outside"]


def test_gbk_is_read_where_it_is_named_and_refused_where_not(squares, client):  # noqa: F811
    raw = "lon,lat,备注\n116.0005,32.0005,人民路\n".encode("gbk")
    assert "人民路" in post(client, raw, "text/csv; charset=GBK").get_data(as_text=True)
    assert post(client, raw, "text/csv").status_code == 400
    assert post(client, raw, "text/csv; charset=rot13").status_code == 415


def test_a_long_answer_streams(squares, client):  # noqa: F811
    table = "lon,lat\n" + "116.0005,32.0005\n" * 60_000
    answer = post(client, table, "text/csv")
    assert answer.content_length is None
    assert codes_in(answer) == ["990101000"] * 60_000


def points_table(**more: Any) -> pa.Table:
    return pa.table({"lon": [116.0005] * 4, "lat": [32.0005] * 4, **more})


def with_number(raw: bytes, old: int, new: int) -> bytes:
    """Overwrite a number wherever the stream says it."""
    assert struct.pack("<q", old) in raw
    return raw.replace(struct.pack("<q", old), struct.pack("<q", new))


def hostile() -> dict[str, bytes]:
    good = stream_of(points_table())
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 40_000, pa.int8()), pa.array(["x" * 10_000]))
    many = pa.table({"lon": [1.0] * 40_000, "lat": [1.0] * 40_000, "word": words})
    zeros = pa.table({"lon": [0.0] * 1_000_000, "lat": [0.0] * 1_000_000})
    packed = stream_of(zeros, compression="zstd")
    deep = pa.array([1, 2, 3, 4])
    for _ in range(50):
        deep = pa.ListArray.from_arrays(pa.array(range(5), pa.int32()), deep)
    return {
        "nothing": b"",
        "no stream": b"hello",
        "cut off": good[:-40],
        "half a head": good[:6],
        "huge head": b"\xff\xff\xff\xff\xff\xff\xff\x7f" + good,
        "negative head": b"\xff\xff\xff\xff\xff\xff\xff\xff" + good,
        "rows beyond the bytes": with_number(good, 4, 1 << 50),
        "unpacks to much": with_number(packed, 8_000_000, 1 << 40),
        "unpacks to less than nothing": with_number(packed, 8_000_000, -5),
        "one long word a thousand times": stream_of(many),
        "nested": stream_of(points_table(deep=deep)),
        "run ends": stream_of(points_table(run=pa.RunEndEncodedArray.from_arrays([4], pa.array(["x"])))),
        "views": stream_of(points_table(view=pa.array(["x"] * 4, pa.string_view()))),
        "no position": stream_of(pa.table({"a": [1]})),
        "other order of bytes": good.replace(b"\x00\x04\x00", b"\x04\x00\x00"),
    }


@pytest.mark.parametrize("name", list(hostile()))
def test_hostile_arrow_is_refused_with_a_sentence(squares, client, name):  # noqa: F811
    answer = post(client, hostile()[name], ARROW)
    assert 400 <= answer.status_code < 500, answer.get_data()[:300]
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"]


def test_every_broken_byte_of_an_arrow_stream_is_survived():
    good = stream_of(
        points_table(word=pa.array(["a", "b", "a", None]).dictionary_encode()), compression="lz4"
    )
    for at in range(0, len(good), 2):
        for value in (0x00, 0x7F, 0xFF):
            with contextlib.suppress(ServiceError):
                PlainColumnsSource(io.BytesIO(good[:at] + bytes([value]) + good[at + 1 :]), Where()).check()


@pytest.mark.parametrize(
    ("kind", "raw", "status"),
    [
        ("application/vnd.apache.parquet", b"PAR1", 415),
        ("application/geo+json", b'{"features":[{"a":1},', 400),
        ("application/geo+json", b'{"features":7}', 422),
        ("application/geo+json", b"[" * 100_000, 422),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b'{"points":[["1e400",1],[{}],"x",[1,2,3,4],[1e999,2]]}', 400),
        ("application/x-ndjson", b"\xff\n{}\n", 400),
        ("text/csv", b"lon,lat,lat\n1,2,3\n", 422),
        ("text/csv", b"", 422),
        ("text/csv", b"lon,lat\n" + b"x" * 200_000 + b"\n", 400),
        ("text/csv", b"lon,lat" + b"".join(b",a%d" % n for n in range(9000)) + b"\n1,2\n", 422),
    ],
)
def test_other_odd_bodies(squares, client, kind, raw, status):  # noqa: F811
    answer = post(client, raw, kind)
    assert answer.status_code == status, answer.get_data()[:300]
    assert status == 200 or msgspec.json.decode(answer.get_data())["detail"]


@pytest.mark.parametrize("kind", list(bodies()))
def test_a_body_beyond_the_limit_is_refused(squares, client, app, kind):  # noqa: F811
    app.config["MAX_CONTENT_LENGTH"] = 50
    answer = post(client, bodies()[kind] * 2, kind)
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


@pytest.mark.parametrize("kind", ["application/json", "application/geo+json"])
def test_json_that_is_taken_apart_whole_has_a_limit_of_its_own(squares, client, monkeypatch, kind):  # noqa: F811
    monkeypatch.setattr(many_views, "JSON_LIMIT", 20)
    answer = post(client, bodies()[kind], kind)
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


WIDE = 1500


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("csv", b"lon,lat" + b"".join(b",a%d" % n for n in range(WIDE)) + b"\n" + b"1,2\n" * 5000),
        ("ndjson", b'{"lon":1' + b"".join(b',"a%d":1' % n for n in range(WIDE)) + b"}\n" + b"{}\n" * 5000),
    ],
)
def test_short_rows_of_a_wide_table_come_a_few_million_cells_at_once(form, body):
    """Each short row has all columns of the table: kilobytes of them once took gigabytes."""
    source = open_text(form, Blocks(io.BytesIO(body), "UTF-8", known=True), Where(), tabular=True)
    lengths = [len(rows.make_table()) * len(source.schema) for rows in source]
    assert sum(lengths) >= 5000 * WIDE
    assert max(lengths) <= CELLS_AT_ONCE


def test_a_table_of_lines_with_too_many_members_is_refused(squares, client):  # noqa: F811
    body = b"{" + b",".join(b'"a%d":1' % n for n in range(9000)) + b"}\n"
    answer = post(client, body, "application/x-ndjson", "text/csv")
    assert answer.status_code == 422, answer.get_data()[:300]
