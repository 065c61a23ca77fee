"""The planners' way through the browser: a messy file becomes an edition that answers."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from geo.synth import City, make_city, messy_zip
from service import db
from tests.browser.conftest import log_in, stays_within_its_width

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep uploads out of the machine's own folder; comes before the server."""
    monkeypatch.setenv("WANGGE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def worker(live_server: Any, data_folder: Path) -> Iterator[None]:
    """Run the real job worker on the server's database."""
    url = db.Session.kw["bind"].url.render_as_string(hide_password=False).replace("+psycopg", "")
    environment = os.environ | {"WANGGE_DATABASE_URL": url, "WANGGE_DATA": str(data_folder)}
    command = [sys.executable, "-m", "service.cli", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    yield
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(seed=7, yards=300)


def enter(page: Any, live_server: Any, district: str) -> None:
    log_in(page, live_server, "planner", district)
    page.goto("/plans")


def new_plan(page: Any, name: str) -> str:
    page.click("#new-plan")
    page.fill("#new-name", name)
    page.check("#base-empty")
    page.click("#new-form .btn-primary")
    page.wait_for_url(re.compile(r"/plans/[0-9a-f-]{36}$"))
    return page.url


def drop(page: Any, path: Path) -> None:
    """Drop a file on the page as a person does."""
    page.evaluate(
        """([name, bytes]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
            const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
            document.getElementById("upload").dispatchEvent(event);
        }""",
        [path.name, list(path.read_bytes())],
    )
    page.wait_for_url("**step=fields**")
    page.wait_for_selector("#rows")


def until(page: Any, expression: str, arg: Any = None, seconds: float = 30) -> None:
    """Wait for something in the page; Playwright's own way needs eval, which our policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(100)


def figures(page: Any) -> list[int]:
    """Give what blocks, is waived, is to confirm, is a note."""
    return [int(one) for one in page.locator("#figs .fig b").all_inner_texts()]


def wait_for_figures(page: Any, wanted: list[int]) -> None:
    until(
        page,
        "wanted => [...document.querySelectorAll('#figs .fig b')].map(one => one.textContent).join() === wanted",
        ",".join(map(str, wanted)),
    )


def click_ground(page: Any, shape: shapely.Geometry) -> None:
    """Click in the middle of ground on the map, once that is drawn."""
    point = shapely.point_on_surface(shape)
    west, south, east, north = shape.bounds
    page.evaluate("box => planMap.fitBounds(box, { padding: 60, duration: 0 })", [west, south, east, north])
    until(page, "planMap.loaded() && planMap.areTilesLoaded()")
    at = page.evaluate("at => { const p = planMap.project(at); return [p.x, p.y]; }", [point.x, point.y])
    for _ in range(10):  # tiles of the new view may not be asked for yet
        page.locator("#map canvas").click(position={"x": at[0], "y": at[1]})
        page.wait_for_timeout(500)
        if page.locator("#face").is_visible():
            return
    raise TimeoutError("no ground was drawn")


def test_a_messy_file_becomes_the_edition_that_answers(
    page: Any, live_server: Any, worker: None, tmp_path: Path, city: City
) -> None:
    messy_zip(city, tmp_path / "社区网格.zip")
    district = largest(city)
    enter(page, live_server, district)
    plan = new_plan(page, "导入试验")
    drop(page, tmp_path / "社区网格.zip")

    assert "编码 GBK" in page.inner_text("#ask-encoding")
    assert "文件没有写明编码" in page.inner_text("#ask-encoding")
    assert "缺坐标系，请选择" in page.inner_text("#ask-crs")
    assert "最可能" in page.locator("#ask-crs .opt").first.inner_text()
    assert page.is_disabled("#import")
    assert page.input_value("#code_field") == "网格编码"
    assert "社区" in page.inner_text("#rows")
    page.check("input[name=crs][value='EPSG:4548']")
    until(page, "!document.getElementById('import').disabled")
    assert stays_within_its_width(page)

    page.click("#import")
    page.wait_for_url("**step=findings", timeout=60_000)
    page.wait_for_selector("#list li[data-rule=overlap]")
    before = figures(page)
    assert before[0] > 0
    page.click("#list li[data-rule=hole] .btn-icon")
    until(page, "planMap.getZoom() > 14 && planMap.loaded()")
    assert page.evaluate("planMap.queryRenderedFeatures({ layers: ['finding-fill'] }).length") > 0
    assert stays_within_its_width(page)

    clean = untouched(page, plan, [one for one in city.layers["community"] if one.district == district])
    click_ground(page, clean.geometry)
    assert clean.code in page.inner_text("#face")
    page.locator("#grid-choices button").first.click()
    page.wait_for_selector(".wg-toast:has-text('已改归')")
    page.wait_for_selector(
        f"#list li[data-rule=no-ground]:has-text('{clean.code}')"
    )  # the check saw the edit
    page.locator(".wg-toast button, #undo").last.click()
    page.wait_for_selector(".wg-toast:has-text('已撤销')")
    wait_for_figures(page, before)

    waive_all(page)
    answers_by(page, clean, level="yard", number=1)
    submit_approve_publish(page, live_server, plan)
    wait_for_force(page, 2)
    answers_by(page, clean, level="community", number=2)


def untouched(page: Any, plan: str, grids: list[Any]) -> Any:
    """Give a grid that the file has and that no finding is about."""
    api = plan.replace("/plans/", "/api/v1/plans/")
    there = {one["code"] for one in page.request.get(f"{api}/grids?limit=1000").json()["grids"]}
    found = {code for one in page.request.get(f"{api}/findings").json()["findings"] for code in one["grids"]}
    return next(one for one in grids if one.code in there - found)


def wait_for_force(page: Any, number: int) -> None:
    """Wait until an edition counts and the server answers by it."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        listed = page.request.get("/api/v1/editions").json()["editions"]
        if any(one["number"] == number and not one["waiting"] for one in listed):
            page.wait_for_timeout(1500)
            return
        page.wait_for_timeout(300)
    raise TimeoutError(number)


def largest(city: City) -> str:
    codes = [one.district for one in city.layers["community"]]
    return max((one.code for one in city.districts), key=codes.count)


def waive_all(page: Any) -> None:
    """Waive every kind that blocks, with a reason."""
    while page.locator("#list li:has(.badge-block)").count():
        row = page.locator("#list li:has(.badge-block)").first
        row.click()
        page.click("#list li.on button:has-text('豁免')")
        page.check("#scope-rule")
        page.fill("#waive-reason", "现场核对过")
        blocking = figures(page)[0]
        page.click("#waive-form .btn-primary")
        until(page, "was => Number(document.querySelector('#figs .fig b').textContent) < was", blocking)


def submit_approve_publish(page: Any, live_server: Any, plan: str) -> None:
    page.goto(f"{plan}?step=publish")
    page.click("button:has-text('送审')")
    page.wait_for_selector("text=您参与了本方案，须由其他人审核")
    page.click("button:has-text('退出')")
    log_in(page, live_server, "reviewer")
    page.goto(plan)
    assert "现场核对过" in page.inner_text("main")
    page.click("button:has-text('同意')")
    page.wait_for_selector("#open-publish")
    page.wait_for_load_state()  # the page is new: its scripts must be there before the click
    page.click("#open-publish")
    assert stays_within_its_width(page)
    page.click("#publish-form .btn-primary")
    page.wait_for_selector("text=第 2 版，自")


def answers_by(page: Any, grid: Any, *, level: str, number: int) -> None:
    point = shapely.point_on_surface(grid.geometry)
    asked = page.request.get(f"/api/v1/assign?lon={point.x}&lat={point.y}&crs=cgcs2000").json()
    assert (asked["grid"]["level"], asked["edition"]["number"]) == (level, number)
    assert grid.code in [one["code"] for one in asked["chain"]]


def test_a_refused_import_says_what_to_do_and_changes_nothing(
    page: Any, live_server: Any, worker: None, tmp_path: Path, city: City
) -> None:
    messy_zip(city, tmp_path / "messy.zip")
    enter(page, live_server, largest(city))
    new_plan(page, "拒收")
    drop(page, tmp_path / "messy.zip")
    page.check("input[name=crs][value='EPSG:4548']")
    page.select_option("#code_field", "网格名称")  # one row has none
    until(page, "!document.getElementById('import').disabled")
    page.click("#import")
    page.wait_for_selector(".refused", timeout=60_000)
    said = page.inner_text(".refused")
    assert "没有编码" in said
    assert "方案未作任何改动" in said
    assert stays_within_its_width(page)
    page.click(".refused .btn-primary")
    page.wait_for_selector("#code_field")


def test_a_file_that_is_no_map_is_refused_at_the_door(
    page: Any, live_server: Any, tmp_path: Path, console_errors: list[str]
) -> None:
    enter(page, live_server, "990101")
    new_plan(page, "坏文件")
    (tmp_path / "map.zip").write_bytes(b"PK\x03\x04 not really")
    page.set_input_files("#file", tmp_path / "map.zip")
    page.wait_for_selector("#upload .problem:not([hidden])")
    assert "请用普通 ZIP 方式重新压缩" in page.inner_text("#upload .problem")
    assert len(console_errors) == 1  # the browser itself notes the 422
    console_errors.clear()


def test_a_planner_brings_an_old_edition_back(page: Any, live_server: Any, tmp_path: Path) -> None:
    from service import audit, clock
    from service.city import queries as city_queries
    from service.grids import publishing

    with db.Session.begin() as session:
        place = city_queries.get_district(session, "990101")
        publishing.rollback(session, place, 1, by=audit.OPERATOR, at=clock.now())
    page.wait_for_timeout(6000)
    enter(page, live_server, "990101")
    assert page.locator("tr.active").inner_text().split()[0] in ("2", "版本")
    page.click("[data-rollback]")
    assert "恢复第 1 版" in page.inner_text("#rollback-what")
    page.click("#rollback-form .btn-danger")
    page.wait_for_selector("text=第 3 版将于")
    assert stays_within_its_width(page)


def test_writes_without_our_token_are_refused(page: Any, live_server: Any) -> None:
    enter(page, live_server, "990101")
    assert page.request.post("/api/v1/plans", data={"name": "x"}).status == 403


def test_other_districts_plans_are_out_of_reach(
    page: Any, live_server: Any, console_errors: list[str]
) -> None:
    enter(page, live_server, "990101")
    plan = new_plan(page, "云阳区的")
    page.click("button:has-text('退出')")
    password = live_server.add_person("stranger", "planner", "990102")
    page.goto("/login")
    page.fill("input[name=name]", "stranger")
    page.fill("input[name=password]", password)
    page.click("main button")
    page.wait_for_url(lambda url: not url.endswith("/login"))
    page.goto("/plans")
    assert "云阳区的" not in page.inner_text("main")
    assert page.goto(plan).status == 403
    assert "不归您负责" in page.inner_text("main")
    console_errors.clear()


def test_english_works_too(page: Any, live_server: Any) -> None:
    enter(page, live_server, "990101")
    page.goto("/plans?locale=en")
    assert page.inner_text("h1") == "Plans"
    assert stays_within_its_width(page)
