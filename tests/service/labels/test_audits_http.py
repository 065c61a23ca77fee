"""A history through the browser's way: up, columns chosen, checked by a job, opened, taken along, swept away."""

import csv
import io
from datetime import timedelta

import openpyxl
import pytest

from service import clock, jobs
from service.errors import NotReady
from service.labels import keeping, tasks, views

CHOICES = {"lon": "经度", "lat": "纬度", "label": "责任网格", "crs": "wgs84"}


def send(client, content, headers, name="历史.csv", **form):
    given = {"file": (io.BytesIO(content), name), **form}
    return client.post("/api/v1/label-audits", data=given, headers=headers)


@pytest.fixture
def checked(client, history, bearer, work):
    """Send and check the history; gives its address and the headers."""
    headers = bearer()
    sent = send(client, history, headers)
    assert sent.status_code == 201, sent.json
    address = f"/api/v1/label-audits/{sent.json['id']}"
    begun = client.post(address, json=CHOICES, headers=headers)
    assert (begun.status_code, begun.json["state"]) == (202, "running")
    assert client.post(address, json=CHOICES, headers=headers).status_code == 409
    assert work() == [{"audit_id": sent.json["id"]}]  # the queue learns nothing of the file
    return address, headers


def test_what_the_file_holds_is_guessed(client, history, bearer, town):
    seen = send(client, history, bearer()).json["seen"]
    assert seen["rows"] == 122
    assert {name: seen["guesses"][name] for name in ("lon", "lat", "label")} == {
        name: CHOICES[name] for name in ("lon", "lat", "label")
    }
    assert seen["crs_candidates"][0]["share"] > 0.9
    assert [one["name"] for one in seen["columns"]] == ["经度", "纬度", "责任网格", "来源"]


def test_the_figures_open_to_their_rows(client, checked, town):
    address, headers = checked
    shown = client.get(address, headers={**headers, "Accept-Language": "zh"}).json
    assert shown["state"] == "done", shown["problem"]
    found = shown["result"]
    assert (found["usable"], found["agree"], found["disagree"]) == (121, 120, 1)
    assert found["unusable"] == [{"reason": "no-coordinates", "rows": 1, "lines": [123]}]
    assert found["level"] == "community"
    assert found["reasons"] == [{"reason": "unexplained", "rows": 1}]
    assert "121 条记录中" in found["verdict"]
    [pair] = found["matrix"]
    rows = client.get(
        f"{address}/rows?label={pair['label']}&code={pair['ours']['code']}", headers=headers
    ).json
    assert rows["count"] == 1
    [row] = rows["rows"]
    codes = list(town)
    assert (row["label"], row["code"], row["line"]) == (codes[5], codes[0], 122)
    assert row["cells"] == ["116.0050000", "32.0050000", codes[5], "电话"]
    for band in found["bands"]:
        listed = client.get(f"{address}/rows?band={band['band']}&agree=any", headers=headers).json
        assert listed["count"] == band["rows"]
    assert (
        client.get(f"{address}/rows?unusable=no-coordinates", headers=headers).json["rows"][0]["line"] == 123
    )
    points = client.get(f"{address}/points", headers=headers).json
    assert [one["geometry"]["coordinates"] for one in points["features"]] == [[116.005, 32.005]]


def test_files_to_take_along_hold_every_row(client, checked):
    address, headers = checked
    zh = {**headers, "Accept-Language": "zh"}
    answer = client.get(f"{address}/rows.csv", headers=zh)
    assert "filename*=UTF-8''%E5%8E%86%E5%8F%B2-audit.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == 122
    assert [row["一致"] for row in rows].count("是") == 120
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{address}/report.xlsx", headers=zh).data))
    assert [page.title for page in book] == ["汇总", "距边界", "类别", "标注与答案", "标注对照", "逐行"]
    assert book["逐行"].max_row == 123


def test_a_long_workbook_holds_the_rows_that_matter(client, checked, monkeypatch):
    address, headers = checked
    monkeypatch.setattr(views, "MOST_SHEET_ROWS", 100)
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{address}/report.xlsx", headers=headers).data))
    assert [row[0] for row in book.worksheets[-1].iter_rows(min_row=2, values_only=True)] == [122, 123]
    assert "CSV" in [row[1] for row in book.worksheets[0].iter_rows(values_only=True)][-1]


def test_a_history_is_seen_by_who_sent_it_and_by_nobody_else(client, checked, bearer):
    address, headers = checked
    other = bearer("another")
    for path in ("", "/rows", "/points", "/report.xlsx", "/rows.csv"):
        assert client.get(address + path, headers=other).status_code == 404
        assert client.get(address + path, headers=headers).status_code == 200
    assert client.post(address, json=CHOICES, headers=other).status_code == 404
    assert client.delete(address, headers=other).status_code == 404
    assert client.get("/api/v1/label-audits", headers=other).json["audits"] == []
    assert client.delete(address, headers=headers).status_code == 204
    assert client.get(address, headers=headers).status_code == 404


def test_nothing_of_a_history_is_in_the_database(session, checked):
    from sqlalchemy import text

    tables = session.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
    for table in tables:
        for word in ("历史", "责任网格", "116.0050000"):
            found = session.scalar(
                text(f'select count(*) from "{table}" t where t::text like :word'), {"word": f"%{word}%"}
            )
            assert found == 0, (table, word)


def test_a_day_later_it_is_gone(client, checked, data):
    address, headers = checked
    assert keeping.sweep(data, clock.now() + timedelta(hours=23)) == 0
    assert keeping.sweep(data, clock.now() + timedelta(hours=25)) == 1
    assert client.get(address, headers=headers).status_code == 404
    assert list(keeping.place(data).iterdir()) == []


def test_a_person_of_another_district_gets_no_rows_of_this_one(client, history, bearer, work, session, town):
    from service import audit as log
    from service.city import actions as city

    city.add_district(session, code="990102", name="乙区", by=log.SYSTEM, at=clock.now())
    headers = bearer("elsewhere", "990102")
    sent = send(client, history, headers).json
    address = f"/api/v1/label-audits/{sent['id']}"
    client.post(address, json=CHOICES, headers=headers)
    work()
    shown = client.get(address, headers=headers).json
    assert (shown["state"], shown["problem"]["status"]) == ("refused", 409)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"\x00\x01\x02" * 100, 422),
        (b"PK\x03\x04 no zip", 422),
        (b"\x1f\x8b no gzip", 422),
        ("经度,纬度,网格\n116,32,城关\n".encode("gbk")[:-2], 422),
        (b"a,b\n" + b"x" * 300_000, 422),
    ],
)
def test_what_is_no_table_is_refused_in_words_and_not_kept(client, bearer, town, data, content, status):
    answer = send(client, content, bearer())
    assert answer.status_code == status, answer.json
    assert answer.json["detail"]
    assert list(keeping.place(data).iterdir()) == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"lon": "x"}, "/lon"),
        ({"label": "nobody"}, "/label"),
        ({"kinds": ["nobody"]}, "/kinds"),
        ({"scheme": "q"}, "/scheme"),
    ],
)
def test_wrong_choices_are_refused_before_anybody_waits(client, history, bearer, town, work, change, pointer):
    headers = bearer()
    address = f"/api/v1/label-audits/{send(client, history, headers).json['id']}"
    answer = client.post(address, json=CHOICES | change, headers=headers)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert client.post(address, json=CHOICES | {"crs": "nowhere"}, headers=headers).status_code == 422
    assert work() == []


def test_a_check_that_can_not_be_made_says_why(client, bearer, town, work):
    headers = bearer()
    sent = send(client, "经度,纬度,责任网格\nabc,,1\n".encode(), headers).json
    address = f"/api/v1/label-audits/{sent['id']}"
    client.post(address, json=CHOICES, headers=headers)
    work()
    shown = client.get(address, headers={**headers, "Accept-Language": "zh"}).json
    assert shown["state"] == "refused"
    assert "没有一行" in shown["problem"]["detail"]


def test_a_check_that_can_not_be_queued_does_not_count_as_under_way(
    client, history, bearer, town, work, monkeypatch
):
    def full(*_, **__):
        raise NotReady("The queue does not answer.")

    headers = bearer()
    address = f"/api/v1/label-audits/{send(client, history, headers).json['id']}"
    with monkeypatch.context() as broken:
        broken.setattr(jobs, "defer", full)
        assert client.post(address, json=CHOICES, headers=headers).status_code == 503
    assert client.get(address, headers=headers).json["state"] == "uploaded"
    assert client.post(address, json=CHOICES, headers=headers).status_code == 202


def test_a_check_that_is_deleted_while_it_is_refused_is_no_fault(data):
    folder = keeping.make(data)
    folder.remove()
    tasks.refuse(folder, {})


def test_nobody_fills_the_disk_with_checks(client, history, bearer, town, monkeypatch):
    monkeypatch.setattr(keeping, "KEPT_AT_MOST", 1)
    mine, other = bearer(), bearer()
    first = send(client, history, mine)
    assert first.status_code == 201
    assert send(client, history, mine).status_code == 409
    assert send(client, history, other).status_code == 201
    client.delete(f"/api/v1/label-audits/{first.json['id']}", headers=mine)
    assert send(client, history, mine).status_code == 201
