"""The heatmap in real Chromium: framed, quiet, the same colours at every zoom, and as a file without any host."""

import io
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from geo import raster
from service import audit, clock, db, runtime
from service.assignment.in_force import IN_FORCE
from service.cases import actions
from service.cases.intake import NewReport
from service.city import actions as city_actions
from service.cli import main
from service.grids import publishing
from tests.browser.conftest import DESK, PHONE, log_in, stays_within_its_width
from tests.service.supervision.conftest import publish

HOSTILE = "<img src=x onerror='window.hacked=1'></script><script>window.hacked=1</script>{{ 7 * 731 }}"


def middle():
    """Give a place inside the city's first grid of a map in force."""
    one = IN_FORCE.maps_at(IN_FORCE.scheme_id(None), IN_FORCE.now())[0]
    spot = one.locator.faces[0].representative_point()
    return spot.x, spot.y


def file_reports(lon, lat, count):
    one = NewReport(datetime.now(UTC) - timedelta(days=1), "litter", HOSTILE, "test", lon, lat, "wgs84")
    with db.Session.begin() as session:
        actions.file_reports(session, [one] * count, by=audit.SYSTEM, at=clock.now())


def framed(page):
    """Give the framed map once it is drawn."""
    page.wait_for_selector("#frame")
    frame = page.frame_locator("#frame")
    frame.locator(".leaflet-image-layer").wait_for(state="attached")
    frame.locator(".heat-legend").wait_for()
    return page.query_selector("#frame").content_frame()


def shows_the_city(frame):
    """Tell whether the picture of the city fills at least half of the map in one direction, and all is seen."""
    picture, whole = (frame.locator(one).bounding_box() for one in (".leaflet-image-layer", ".folium-map"))
    shares = [picture[side] / whole[side] for side in ("width", "height")]
    return 0.5 < max(shares) < 1.5


def test_map_and_table_stand_side_by_side_and_rows_lead_into_the_map(page, live_server):
    file_reports(*middle(), 60)
    log_in(page, live_server, "supervisor")
    page.goto("/heatmap?level=yard")
    frame = framed(page)
    assert stays_within_its_width(page)
    assert page.locator(".worst tbody tr").count() == 1
    assert page.locator(".worst .count b").inner_text() == "60"
    assert shows_the_city(frame)
    assert "件/km²/周" in frame.locator(".heat-legend").inner_text()
    assert (
        frame.evaluate("(() => { try { return document.cookie } catch (e) { return 'shut' } })()") == "shut"
    )
    page.locator(".zoom").click()
    frame.locator(".grid-popup").wait_for()
    assert "60" in frame.locator(".grid-popup").inner_text()


def test_filters_and_files(page, live_server):
    file_reports(*middle(), 5)
    log_in(page, live_server, "supervisor")
    page.goto("/heatmap")
    if page.locator(".filter-toggle").is_visible():
        page.click(".filter-toggle")
    assert stays_within_its_width(page)
    with page.expect_download() as started:
        page.click("text=XLSX")
    assert started.value.suggested_filename.endswith(".xlsx")
    page.select_option("select[name=category]", "parking")
    page.wait_for_url("**category=parking**")
    framed(page)
    assert page.locator(".empty h2").inner_text() == "没有上报"
    assert stays_within_its_width(page)


def test_names_are_text_wherever_they_are_shown(page, live_server, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    with db.Session.begin() as session:
        city_actions.add_district(session, code="990109", name=HOSTILE, by=audit.SYSTEM, at=clock.now())
        publish(session, tmp_path, "990109", 118.0, names={"001": HOSTILE, "002": "东"}, town=HOSTILE)
    IN_FORCE.refresh()
    file_reports(118.005, 32.005, 30)
    log_in(page, live_server, "supervisor")
    page.goto("/heatmap?grid=990109001001")
    frame = framed(page)
    page.locator(".zoom").first.click()
    frame.locator(".grid-popup").wait_for()
    assert HOSTILE in frame.locator(".grid-popup").inner_text()
    assert HOSTILE in page.locator(".zoom").first.inner_text()
    assert page.evaluate("window.hacked") is None
    assert frame.evaluate("window.hacked") is None


def test_a_colour_means_the_same_at_every_zoom(page, live_server):
    lon, lat = middle()
    file_reports(lon, lat, 50)  # 138 for each km² and week at the peak: the fourth class
    log_in(page, live_server, "supervisor")
    page.goto("/heatmap")
    frame = framed(page)
    frame.add_style_tag(content=".rank, canvas, .leaflet-control { display: none !important }")
    seen = []
    for zoom in (14, 16, 18):
        frame.evaluate(
            """([lat, lon, zoom]) => { const map = window[Object.keys(window).find(one => one.startsWith("map_"))];
            map.getContainer().dispatchEvent(new Event("wheel"));
            map.setView([lat, lon], zoom, { animate: false }) }""",
            [lat, lon, zoom],
        )
        page.wait_for_timeout(400)
        box = frame.locator(".folium-map").bounding_box()
        clip = {
            "x": box["x"] + box["width"] / 2 - 1,
            "y": box["y"] + box["height"] / 2 - 1,
            "width": 2,
            "height": 2,
        }
        seen.append(np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"))[0, 0])
    wanted = np.array([int(raster.COLOURS[3][start : start + 2], 16) for start in (1, 3, 5)])
    assert np.abs(np.array(seen) - (0.82 * wanted + 0.18 * 255)).max() <= 3


@pytest.mark.parametrize("role", ["system"])
def test_who_may_not_see_it_is_told_so(page, live_server, console_errors, role):
    log_in(page, live_server, role)
    assert page.goto("/heatmap").status == 403
    assert stays_within_its_width(page)
    page.wait_for_timeout(200)
    console_errors.clear()  # the browser itself notes the 403


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_saved_file_asks_no_host_for_anything(live_server, chromium, tmp_path, monkeypatch, size):
    @contextmanager
    def running(settings=None):
        yield

    monkeypatch.setattr(runtime, "running", running)
    file_reports(*middle(), 60)
    path = tmp_path / "heat.html"
    assert CliRunner().invoke(main, ["heatmap", "-o", str(path)]).exit_code == 0
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
    asked, complaints = [], []
    one = context.new_page()
    one.on("request", lambda request: asked.append(request.url))
    one.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    one.on("pageerror", lambda error: complaints.append(str(error)))
    one.goto(path.as_uri())
    one.wait_for_timeout(500)
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert complaints == []
    assert one.evaluate("document.querySelector('.leaflet-image-layer').naturalWidth") > 100
    assert one.locator(".heat-legend").is_visible()
    assert shows_the_city(one)
    context.close()
