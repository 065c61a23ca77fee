"""Whose is this? Asked on the map page by click, coordinate, name and list, at the desk and on the phone."""

import json
import math
import shlex
from urllib.parse import parse_qs, urlsplit

import numpy as np
import shapely
from playwright.sync_api import expect

from geo.crs import from_lonlat, parse_crs
from tests.browser.conftest import at_desk, log_in, stays_within_its_width

PHONE_MAP = "() => document.querySelector('#map').getBoundingClientRect()"


def open_map(page, query=""):
    page.goto(f"/map{query}")
    page.wait_for_selector("body[data-ready=yes]")


def config(page):
    return json.loads(page.locator("#config").text_content())


def click_the_middle(page):
    box = page.evaluate(PHONE_MAP)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.45)


def look_up(page, text, crs="wgs84", accuracy="10"):
    page.fill("[name=q]", text)
    page.select_option("[name=crs]", crs)
    page.fill("[name=accuracy_m]", accuracy)
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .st, #card .alert")


def middle(page):
    (west, south), (east, north) = config(page)["bounds"]
    return (west + east) / 2, (south + north) / 2


def ask(page, lon, lat, crs="wgs84"):
    return page.request.get(f"/api/v1/assign?lon={lon}&lat={lat}&crs={crs}").json()


def somewhere(page, wanted, steps=24):
    """Find, over the API, a position of which the answer is as wanted, from the middle outwards."""
    (west, south), (east, north) = config(page)["bounds"]
    shares = [((x + 0.5) / steps, (y + 0.5) / steps) for x in range(steps) for y in range(steps)]
    for x, y in sorted(shares, key=lambda share: math.dist(share, (0.5, 0.5))):
        lon, lat = west + (east - west) * x, south + (north - south) * y
        told = ask(page, lon, lat)
        if wanted(told):
            return (lon, lat), told
    raise LookupError


def doubtful(page):
    """Find a position just inside the city whose GCJ-02 reading, taken for WGS84, lies outside of it."""
    districts = page.request.get("/tiles/current/district.geojson").json()["features"]
    vertices = np.concatenate(
        [shapely.get_coordinates(shapely.geometry.shape(one["geometry"])) for one in districts]
    )
    for lon, lat in vertices[np.argsort(-vertices[:, 0])]:
        inside = np.array([[lon - 0.001, lat]])
        shifted = from_lonlat(inside, parse_crs("gcj02"))[0]
        told = ask(page, *shifted)
        if told["warnings"] and told["warnings"][0].get("crs") == "gcj02":
            return inside[0], shifted
    raise LookupError


def is_in_a_yard(answer):
    return answer["status"] == "inside" and answer["grid"]["level"] == "yard"


def test_a_click_on_the_map_gives_the_card(page):
    open_map(page)
    click_the_middle(page)
    page.wait_for_selector("#card .st")
    lon, lat = (float(part) for part in page.input_value("[name=q]").split(","))
    told = page.request.get(f"/api/v1/assign?lon={lon}&lat={lat}&crs=cgcs2000&accuracy_m=10").json()
    assert page.locator("#card .hd h2").inner_text() == told["grid"]["name"]
    assert page.input_value("[name=crs]") == "cgcs2000"
    assert stays_within_its_width(page)


def test_a_typed_coordinate_gives_the_card_with_its_evidence(page):
    open_map(page)
    (lon, lat), told = somewhere(page, is_in_a_yard)
    look_up(page, f"{lon}, {lat}")
    card = page.locator("#card").inner_text()
    for step in told["chain"]:
        assert step["name"] in card
    for words in ("区县", "街道", "社区", "楼院", "距最近边界", "把握", "第 1 版", told["why"]):
        assert words in card
    assert f"{told['distance_to_border_m']:.1f}" in card
    assert stays_within_its_width(page)
    given = parse_qs(urlsplit(page.url).query)
    assert given["q"] == [f"{lon}, {lat}"]
    assert given["crs"] == ["wgs84"]
    page.reload()
    page.wait_for_selector("#card .st")
    assert page.locator("#card").inner_text() == card


@at_desk
def test_coordinates_are_read_as_people_write_them(page):
    open_map(page)
    lon, lat = (round(one, 5) for one in middle(page))
    told = page.request.get(f"/api/v1/assign?lon={lon}&lat={lat}&crs=wgs84").json()
    for text in (f"{lon},{lat}", f"{lon} {lat}", f"{lon}，{lat}", f"北纬{lat} 东经{lon}", f"{lat}N {lon}E"):
        look_up(page, text)
        assert page.locator("#card .hd h2").inner_text() == told["grid"]["name"], text
        page.keyboard.press("Escape")


@at_desk
def test_persons_are_shown_to_those_who_may_see_them_only(page, live_server):
    open_map(page)
    (lon, lat), told = somewhere(page, lambda one: is_in_a_yard(one) and one["chain"][0]["code"] == "990101")
    look_up(page, f"{lon}, {lat}")
    assert page.locator("#card a[href^='tel:']").count() == 0
    log_in(page, live_server, "planner", "990101")
    open_map(page, f"?q={lon},{lat}&crs=wgs84")
    page.wait_for_selector("#card .contact a[href^='tel:']")
    assert page.locator("#card .chain a[href^='tel:']").count() == len(told["chain"]) - 1


def test_gcj02_read_as_wgs84_is_doubted_and_mended_by_one_click(page):
    open_map(page)
    meant, (lon, lat) = doubtful(page)
    look_up(page, f"{lon}, {lat}")
    doubt = page.locator("#card .alert-notice")
    assert "gcj02" in doubt.inner_text()
    doubt.locator("button").click()
    page.wait_for_selector("#card .st-inside")
    assert page.input_value("[name=crs]") == "gcj02"
    assert page.locator("#card .alert-notice").count() == 0
    assert page.locator("#card .hd h2").inner_text() == ask(page, *meant)["grid"]["name"]


@at_desk
def test_swapped_axes_are_doubted_and_mended_by_one_click(page):
    open_map(page)
    (lon, lat), told = somewhere(page, is_in_a_yard)
    look_up(page, f"{lat}, {lon}")
    page.locator("#card .alert-notice button").click()
    page.wait_for_selector("#card .st-inside")
    assert page.locator("#card .hd h2").inner_text() == told["grid"]["name"]


@at_desk
def test_a_grid_is_found_by_name_and_by_the_beginning_of_its_code(page):
    open_map(page)
    community = page.request.get("/api/v1/grids?level=community&limit=5").json()["features"][2]["properties"]
    page.locator("[name=q]").press_sequentially(community["name"])
    page.wait_for_selector("#suggestions [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .st-grid")
    assert page.locator("#card .hd h2").inner_text() == community["name"]
    page.fill("[name=q]", community["code"][:10])
    page.wait_for_selector("#suggestions [role=option]")
    assert all(
        code.startswith(community["code"][:10])
        for code in page.locator("#suggestions code").all_inner_texts()
    )
    page.fill("[name=q]", "没有这个名字")
    page.wait_for_selector("#suggestions .none")
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .alert")
    assert "没有这个名字" in page.locator("#card").inner_text()


@at_desk
def test_the_copied_call_gives_the_same_grid(page):
    open_map(page)
    (lon, lat), told = somewhere(page, is_in_a_yard)
    look_up(page, f"{lon}, {lat}")
    page.locator("#card .acts button", has_text="复制调用").click()
    page.wait_for_selector("#card .acts .bi-check-lg")
    program, address = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert program == "curl"
    assert page.request.get(address).json()["grid"]["code"] == told["grid"]["code"]


@at_desk
def test_keys_lead_to_the_search_and_close_the_card(page):
    open_map(page)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    lon, lat = middle(page)
    look_up(page, f"{lon}, {lat}")
    page.keyboard.press("Escape")
    assert not page.locator("#sheet").is_visible()
    assert urlsplit(page.url).query == ""


@at_desk
def test_the_map_as_a_table(page):
    open_map(page)
    page.click("#open-list")
    page.wait_for_selector("#list tbody button")
    page.click("#list .seg [data-level=yard]")
    expect(page.locator("#list tbody tr")).to_have_count(100, timeout=30_000)
    page.click("#list .more")
    expect(page.locator("#list tbody tr")).to_have_count(200, timeout=30_000)
    name = page.locator("#list tbody button").first.inner_text()
    page.locator("#list tbody button").first.click()
    page.keyboard.press("Escape")
    page.wait_for_selector("#card .st-grid")
    assert page.locator("#card .hd h2").inner_text() == name


def test_a_day_before_the_first_edition_has_no_grids(page):
    open_map(page)
    lon, lat = middle(page)
    look_up(page, f"{lon}, {lat}")
    if page.viewport_size["width"] < 768:
        page.click("#open-options")
    page.fill("#editions input[type=date]", "2001-01-01")
    page.wait_for_selector("#card .st-outside")
    assert page.locator("#past").is_visible()
    page.click("#to-now")
    page.wait_for_selector("#card .st-inside")
    assert not page.locator("#past").is_visible()


def test_without_webgl_a_simpler_map_says_so_and_answers(page):
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return /webgl/.test(kind) ? null : real.call(this, kind, ...rest); };"
    )
    open_map(page)
    assert "WebGL" in page.locator("#no-webgl").inner_text()
    page.wait_for_selector("#map.leaflet-container canvas")
    click_the_middle(page)
    page.wait_for_selector("#card .st-inside")
    assert stays_within_its_width(page)


@at_desk
def test_a_browser_without_newer_functions_draws_the_map(page):
    page.add_init_script(
        "delete Object.hasOwn; for (const kind of [Array, String, Object.getPrototypeOf(Int8Array)])"
        " delete kind.prototype.at;"
    )
    with page.expect_response("**/tiles/current/district/**") as tile:
        open_map(page)
    assert tile.value.status == 200
    page.wait_for_selector("canvas.maplibregl-canvas")


@at_desk
def test_a_service_that_can_not_be_reached_is_said(page, console_errors):
    open_map(page)
    page.route("**/api/v1/assign*", lambda route: route.abort())
    lon, lat = middle(page)
    look_up(page, f"{lon}, {lat}")
    assert "连不上服务" in page.locator("#card").inner_text()
    console_errors.clear()  # the browser notes the failed call


@at_desk
def test_half_a_coordinate_is_asked_for_again_and_a_code_is_not_taken_for_one(page):
    open_map(page)
    page.fill("[name=q]", "116.25,")
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .alert")
    assert "请输入经度和纬度" in page.locator("#card").inner_text()
    code = page.request.get("/api/v1/grids?level=community&limit=1").json()["features"][0]["properties"][
        "code"
    ]
    page.fill("[name=q]", code)
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .st-grid")
    assert code in page.locator("#card").inner_text()
