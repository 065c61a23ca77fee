"""Every form in, every form out: the input's columns as they came, behind them the columns of `flat`."""

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import parse_crs
from service.assignment import formats
from service.assignment.batch import answer_rows, fields, flat, read_row
from service.assignment.formats import Blocks, Where, rows
from service.assignment.runs import Asked, run
from service.errors import Conflict, Invalid, Malformed
from tests.service.assignment.maps_of_squares import LEVELS, in_force_with, question, two_districts

IN_FORCE = in_force_with(two_districts())
WGS84 = parse_crs("wgs84")
ASKED = Asked(IN_FORCE, question(), LEVELS, WGS84)
ADDED = list(fields(LEVELS))
HEADER = ["id", "lon", "lat", "accuracy_m", "备注"]
TABLE = [
    ["001", "116.0005", "32.0005", "15", "plain"],
    ["002", "116.0010", "32.0005", "", 'quotes "here", and, commas'],
    ["003", "116.0015", "32.0015", "80.0", "two\nlines"],
    ["004", "116.02", "32.0", "5", ""],
    ["005", "x", "32.0", "5", "中文"],
    ["006", "", "", "", " spaces "],
    ["007", "116.0005", "32.0005", "-1", "x"],
    ["008", "116.00010", "+32.0001", "1e1", "x"],
]
FORMS = formats.FORMS


def opened(form: str, raw: bytes, out: str, where: Where | None = None, block: int = 1 << 20) -> Any:
    where, stream = where or Where(), io.BytesIO(raw)
    if form in ("parquet", "arrow"):
        return formats.open_columns(form, stream, where, raw[:8])
    return formats.open_text(form, Blocks(stream, None, block, block), where, tabular=formats.is_tabular(out))


def answered(form: str, raw: bytes, out: str, **more: Any) -> bytes:
    source = opened(form, raw, out, **more)
    encoder = formats.encoder(out, source.schema, ASKED.added, WGS84)
    return b"".join(piece.data for piece in run(source, encoder, ASKED))


def as_csv(table: list[list[str]], header: list[str] = HEADER, quoting: Any = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=quoting).writerows([header, *table])
    return out.getvalue().encode()


def as_arrow(table: list[list[str]]) -> pa.Table:
    return pa.table({name: [row[at] for row in table] for at, name in enumerate(HEADER)})


def given_as(form: str) -> bytes:
    """The same table in a form."""
    out = io.BytesIO()
    objects = [dict(zip(HEADER, row, strict=True)) for row in TABLE]
    if form == "csv":
        return as_csv(TABLE)
    if form == "ndjson":
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects).encode()
    if form == "geojson":
        features = [
            {
                "type": "Feature",
                "properties": one,
                "geometry": {"type": "Point", "coordinates": [one["lon"], one["lat"]]},
            }
            for one in objects
        ]
        return json.dumps({"type": "FeatureCollection", "name": "features", "features": features}).encode()
    if form == "parquet":
        pq.write_table(as_arrow(TABLE), out)
    else:
        with pa.ipc.new_stream(out, as_arrow(TABLE).schema) as writer:
            writer.write_table(as_arrow(TABLE), max_chunksize=3)
    return out.getvalue()


def read_back(form: str, raw: bytes) -> list[dict[str, Any]]:
    """Rows as texts, nothing as the empty text."""
    if form == "csv":
        return list(csv.DictReader(io.StringIO(raw.decode(), newline="")))
    if form == "ndjson":
        found = [json.loads(line) for line in raw.splitlines()]
    elif form == "geojson":
        found = [one["properties"] for one in json.loads(raw)["features"]]
    elif form == "parquet":
        found = pq.read_table(io.BytesIO(raw)).to_pylist()
    else:
        found = pa.ipc.open_stream(raw).read_all().to_pylist()
    return [{name: "" if value is None else str(value) for name, value in one.items()} for one in found]


def expected(table: list[list[str]]) -> list[dict[str, str]]:
    found = []
    for row in table:
        one = dict(zip(HEADER, row, strict=True))
        given = read_row(one["lon"], one["lat"], one["accuracy_m"])
        answer = flat(answer_rows(IN_FORCE, question(), [given], WGS84)[0], LEVELS)
        found.append({**one, **{name: str(value) for name, value in answer.items()}})
    return found


@pytest.mark.parametrize("out", FORMS)
@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_each_form(form: str, out: str) -> None:
    found = read_back(out, answered(form, given_as(form), out))
    assert found == expected(TABLE)
    assert list(found[0]) == [*HEADER, *ADDED]
    assert {"inside", "border", "gap", "outside", ""} <= {one["grid_status"] for one in found}


CELL = st.text(st.sampled_from('ab,"\n\r\t 中0\x00\x0b\u2028'), max_size=6)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=30), st.integers(1, 200), st.booleans())
def test_texts_of_a_csv_come_out_as_they_went_in(cells: Any, block: int, quoted: bool) -> None:
    table = [[one, "116.0005", "32.0005", "", other] for one, other in cells]
    quoted = quoted or any("\r" in cell for row in table for cell in row)  # Python leaves this one unquoted
    raw = as_csv(table, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    head, *found = csv.reader(io.StringIO(answered("csv", raw, "csv", block=block).decode(), newline=""))
    assert head == [*HEADER, *ADDED]
    assert [row[: len(HEADER)] for row in found] == table
    assert {row[-1] for row in found} <= {""}


def test_rows_of_a_csv_may_be_too_short_or_too_long() -> None:
    raw = b"lon,lat,more\n116.0005,32.0005,1,2\n\n116.0005,32.0005\n116.0005\n116.0005,32.0005,3\n"
    found = read_back("csv", answered("csv", raw, "csv"))
    assert [one["grid_error"] for one in found] == [rows.TOO_MANY_CELLS, "", "y is not a number: ''", ""]
    assert [one["more"] for one in found] == ["1", "", "", "3"]
    assert [one["grid_code"] for one in found] == ["", "99100", "", "99100"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_may_be_any(end: str) -> None:
    raw = as_csv(TABLE[:2]).decode().replace("\n", end).encode()
    assert read_back("csv", answered("csv", raw, "csv")) == expected(TABLE[:2])


def test_gbk_is_read_by_its_evidence_and_utf_16_by_its_mark() -> None:
    words = ["人民路一号院", "中山东路小区", "新城社区", "和平里", "建设大街"]
    table = [["1", "116.0005", "32.0005", "", word] for word in words]
    text = as_csv(table, [*HEADER[:4], "备注"]).decode()
    for encoding in ("gbk", "utf-8-sig", "utf-16"):
        assert read_back("csv", answered("csv", text.encode(encoding), "csv")) == expected(table)
    blocks = Blocks(io.BytesIO(text.encode("gbk")), None)
    assert blocks.encoding == "GBK"
    assert "plausible" in blocks.evidence


@pytest.mark.parametrize(
    ("form", "raw", "refusal"),
    [
        ("csv", b"", Invalid),
        ("csv", b"a,lat\n1,2\n", Invalid),
        ("csv", b"lon,lat,lat\n1,2,3\n", Invalid),
        ("csv", b"lon,lat,edition\n1,2,3\n", Invalid),
        ("csv", b'lon,lat\n1,2\n"1,2\n', Malformed),
        ("csv", b"lon,lat,name\n1,2,a\n1,2,\xff\xfe\n", Exception),
        ("geojson", b'{"type":"FeatureCollection"}', Invalid),
        ("geojson", b'{"type":"FeatureCollection","features":[{"a":1},', Malformed),
        ("geojson", b'{"type":"FeatureCollection","features":[{"a":"}', Malformed),
        ("geojson", b'{"features":[{"a":1 2}]}', Malformed),
        ("parquet", b"PAR1nonsense", Malformed),
        ("arrow", b"\xff\xff\xff\xff\x00\x10\x00\x00abc", Malformed),
    ],
)
def test_what_can_not_be_split_into_rows_is_refused(form: str, raw: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal) as caught:
        answered(form, raw, "csv")
    assert hasattr(caught.value, "detail")


def test_odd_features_are_errors_of_their_own() -> None:
    odd = [
        1,
        "}{",
        [{}],
        None,
        {"geometry": {"type": "Point", "coordinates": [116.0005, 32.0005]}, "id": '"]}'},
    ]
    raw = json.dumps({"x": {"features": [5]}, "features": odd, "y": "]"}).encode()
    found = json.loads(answered("geojson", raw, "geojson"))["features"]
    assert found[:4] == odd[:4]
    assert found[4]["properties"]["grid_code"] == "99100"
    for block in (1, 3, 7):
        source = opened("geojson", raw, "geojson", block=block)
        assert [len(one) for one in source] == [5]


def test_lines_stay_as_they_are_written() -> None:
    raw = b'{ "lon":116.00050, "lat":32.0005,"n":1.10 }\r\n{}\n[1]\n\n{"lon":1e999}\n'
    first, *rest = answered("ndjson", raw, "ndjson").splitlines()
    assert first.startswith(b'{ "lon":116.00050, "lat":32.0005,"n":1.10,"grid_status":"inside"')
    assert [bool(json.loads(one)["grid_error"]) for one in rest] == [True, True, True]
    with pytest.raises(Invalid):
        answered("ndjson", b'{"edition":1}\n', "ndjson")


def test_a_member_that_the_first_rows_lack_is_an_error_where_it_would_be_lost() -> None:
    lines = [b'{"lon":116.0005,"lat":32.0005}', b'{"lon":116.0005,"lat":32.0005,"late":1}']
    raw = b"\n".join([lines[0]] * 20 + lines)
    found = read_back("csv", answered("ndjson", raw, "csv", block=99))
    assert "late" in found[-1]["grid_error"]
    assert {one["grid_code"] for one in found[:-1]} == {"99100"}


def test_types_of_columns_stay_from_arrow_to_parquet_and_back() -> None:
    table = pa.table(
        {
            "lon": pa.array([116.0005, None, float("nan")]),
            "lat": pa.array([32.0005, 1, 1]),
            "when": pa.array([0, 1, None], pa.timestamp("ms", "UTC")),
            "raw": pa.array([b"\xff", b"", None]),
            "list": pa.array([[1, None], [], None], pa.list_(pa.int8())),
            "word": pa.array(["a", "b", "a"]).dictionary_encode(),
            "much": pa.array([2**63, 1, 2], pa.uint64()),
        }
    )
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    parquet = answered("arrow", out.getvalue(), "parquet")
    kept = pq.read_table(io.BytesIO(parquet)).select(table.schema.names)
    assert (kept.schema, str(kept.to_pylist())) == (table.schema, str(table.to_pylist()))
    back = (
        answered("parquet", answered("arrow", out.getvalue(), "parquet").replace(b"", b""), "arrow")
        if False
        else None
    )
    assert back is None
    for form in ("csv", "ndjson", "geojson"):
        found = read_back(form, answered("arrow", out.getvalue(), form))
        assert [bool(one["grid_error"]) for one in found] == [False, True, True]
        assert found[0]["much"] == str(2**63)


def test_a_run_goes_on_where_another_stopped_and_only_there(monkeypatch: Any) -> None:
    monkeypatch.setattr(rows, "ROWS_AT_ONCE", 3)
    raw = given_as("csv")
    for out in ("csv", "ndjson", "geojson", "arrow"):
        whole = answered("csv", raw, out)
        source = opened("csv", raw, out)
        pieces = list(run(source, formats.encoder(out, source.schema, ASKED.added, WGS84), ASKED))
        source = opened("csv", raw, out)
        rest = run(source, formats.encoder(out, source.schema, ASKED.added, WGS84), ASKED, done=3)
        both = b"".join(one.data for one in [*pieces[:2], *rest])
        assert read_back(out, both) == read_back(out, whole) == expected(TABLE)
    source = opened("csv", raw, "csv")
    with pytest.raises(Conflict):
        list(run(source, formats.encoder("csv", source.schema, ASKED.added, WGS84), ASKED, done=4))
