"""Somebody types an address or the name of an estate: on the map, and on the page where the lists are kept."""

import pytest
from playwright.sync_api import expect

from geo.synth import make_city, place_rows
from service import audit, clock
from service.db import Session
from service.demo import files, places
from tests.browser.conftest import at_desk, log_in, stays_within_its_width


@pytest.fixture(scope="session")
def city():
    return make_city(seed=7, yards=300, buildings=False)


@pytest.fixture
def listed(live_server, city, tmp_path):
    path = tmp_path / files.PLACES
    files.write_places(city, path)
    with Session.begin() as session:
        places.load(session, path, by=audit.SYSTEM, at=clock.now())
    return place_rows(city)


def open_map(page, query=""):
    page.goto(f"/map{query}")
    page.wait_for_selector("body[data-ready=yes]")


def estate(rows):
    """Choose a place with another name, an address and a name of its own."""
    names = [row["名称"] for row in rows]
    return next(row for row in rows if row["别名"] and row["地址"] and names.count(row["名称"]) == 1)


def test_an_address_gives_the_grid_with_the_place_it_was_found_by(listed, page):
    open_map(page)
    wanted = estate(listed)
    page.fill("[name=q]", wanted["地址"] + "3号楼2单元")
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .by-place")
    card = page.locator("#card .by-place")
    expect(card).to_contain_text(wanted["名称"])
    expect(card).to_contain_text("演示地址")
    expect(card).to_contain_text("名单中没有 3-2")
    told = page.request.get("/api/v1/assign", params={"address": wanted["地址"]}).json()
    assert page.locator("#card .hd h2").inner_text() == told["grid"]["name"]
    assert stays_within_its_width(page)
    page.reload()
    page.wait_for_selector("#card .by-place")
    expect(card).to_contain_text(wanted["名称"])


@at_desk
def test_places_are_suggested_and_chosen_by_keys(listed, page):
    open_map(page)
    wanted = estate(listed)
    page.locator("[name=q]").press_sequentially(wanted["别名"])
    page.wait_for_selector("#suggestions li.place")
    first = page.locator("#suggestions li.place").first
    expect(first).to_contain_text(wanted["名称"])
    expect(first).to_contain_text(wanted["别名"])
    for _ in range(20):
        page.keyboard.press("ArrowDown")
        if page.locator("#suggestions li.place[aria-selected=true]").count():
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .by-place")
    expect(page.locator("#card .by-place")).to_contain_text(wanted["名称"])
    assert page.input_value("[name=q]") == wanted["名称"]
    assert "lon" not in page.url


@at_desk
def test_an_unclear_address_lists_what_it_may_mean_and_one_click_chooses(listed, page):
    open_map(page)
    wanted = estate(listed)
    page.fill("[name=q]", wanted["名称"][:-1] + "圆")
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .candidates button")
    rows = page.locator("#card .candidates button")
    expect(rows.first).to_contain_text(wanted["名称"])
    assert page.locator("#card .st").count() == 0
    rows.first.click()
    page.wait_for_selector("#card .by-place")
    expect(page.locator("#card .by-place")).to_contain_text(wanted["名称"])
    assert stays_within_its_width(page)


def test_the_page_of_places_searches_takes_and_forgets_lists(
    listed, page, live_server, tmp_path, console_errors
):
    page.goto("/places?q=" + estate(listed)["别名"])
    expect(page.locator("tr.active")).to_contain_text(estate(listed)["名称"])
    assert page.locator("input[type=file]").count() == 0
    assert stays_within_its_width(page)
    log_in(page, live_server, "planner")
    page.goto("/places")
    lon, lat = estate(listed)["经度"], estate(listed)["纬度"]
    path = tmp_path / "两处.csv"
    path.write_text(f"名称,经度,纬度\n新亭子,{lon},{lat}\n天边,1,2\n", "utf-8")
    page.set_input_files("input[type=file]", path)
    page.select_option("[name=crs]", "cgcs2000")
    page.get_by_role("button", name="导入名单").click()
    page.wait_for_selector(".done")
    expect(page.locator(".done")).to_contain_text("已导入 2 个地点到名单“两处”第 1 版")
    expect(page.locator(".done")).to_contain_text("全市范围外 1 个")
    assert stays_within_its_width(page)
    page.fill("[name=q]", "新亭")
    page.click("main form[role=search] button")
    expect(page.locator("table").first).to_contain_text("新亭子")
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="导入名单").click()
    expect(page.locator("[role=alert]")).to_contain_text("坐标系")
    page.locator("tr", has_text="两处").locator("text=删除").click()
    expect(page.locator("table")).not_to_contain_text("两处")
    console_errors[:] = [one for one in console_errors if "422" not in one]
