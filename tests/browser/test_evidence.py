"""Rule on site from the card, find the evidence link and the sheet there, compare under the link."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from service.grids import publishing
from tests.browser.conftest import at_desk, log_in, stays_within_its_width
from tests.browser.test_map import look_up, open_map, somewhere


@pytest.fixture
def at_once(monkeypatch):
    """Rulings count as soon as they are recorded."""
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))


@at_desk
def test_a_supervisor_rules_on_site_and_takes_it_back(page, live_server, at_once):
    log_in(page, live_server, "supervisor")
    open_map(page)
    (lon, lat), told = somewhere(
        page, lambda one: one["status"] == "inside" and one["grid"]["level"] == "yard"
    )
    look_up(page, f"{lon}, {lat}")
    above = told["chain"][-2]
    page.get_by_role("button", name="现场认定归属").click()
    page.fill(".rule [name=grid]", above["name"])
    page.fill(".rule [name=reason]", "历来由社区管理")
    page.locator(f"#rule-grids option[value='{above['code']}']").wait_for(state="attached")
    page.get_by_role("button", name="认定", exact=True).click()
    note = page.locator(".sect.ruling")
    expect(note).to_contain_text(f"仅按图上位置应属{told['grid']['name']}")
    expect(note).to_contain_text("历来由社区管理")
    expect(page.locator(".hd h2")).to_have_text(above["name"])
    expect(page.locator(".facts")).to_contain_text("依认定")
    assert stays_within_its_width(page)
    note.get_by_role("button", name="撤销认定").click()
    page.fill(".rule [name=reason]", "误判")
    page.locator(".rule [type=submit]").click()
    expect(page.locator(".hd h2")).to_have_text(told["grid"]["name"])
    expect(note).to_have_count(0)


@at_desk
def test_what_is_wrong_with_a_ruling_is_said_in_the_form(page, live_server, console_errors):
    log_in(page, live_server, "reviewer")
    open_map(page)
    (lon, lat), _ = somewhere(page, lambda one: one["status"] == "inside")
    look_up(page, f"{lon}, {lat}")
    page.get_by_role("button", name="现场认定归属").click()
    page.fill(".rule [name=grid]", "nowhere")
    page.fill(".rule [name=reason]", "x")
    page.get_by_role("button", name="认定", exact=True).click()
    expect(page.locator(".rule .notice")).to_contain_text("现行版本中没有网格")
    page.get_by_role("button", name="取消").click()
    expect(page.locator(".rule")).to_have_count(0)
    assert all("422" in one for one in console_errors)
    console_errors.clear()


@at_desk
def test_the_card_leads_to_evidence_and_sheet(page):
    open_map(page)
    (lon, lat), told = somewhere(page, lambda one: one["status"] == "inside")
    look_up(page, f"{lon}, {lat}")
    assert page.get_by_role("button", name="现场认定归属").count() == 0  # not for strangers
    page.get_by_role("button", name="证据链接").click()
    link = page.evaluate("navigator.clipboard.readText()")
    sheet = page.request.get(page.get_by_role("link", name="认定单 (PDF)").get_attribute("href"))
    assert (sheet.status, sheet.headers["content-type"]) == (200, "application/pdf")
    page.goto(link)
    expect(page.locator(".verdict")).to_contain_text("重新计算，结果一致")
    expect(page.locator(".a4-res b")).to_have_text(told["grid"]["name"])
    expect(page.locator(".a4-map svg text").first).to_be_visible()
    assert stays_within_its_width(page)
    page.get_by_role("button", name="证据链接").click()
    assert page.evaluate("navigator.clipboard.readText()") == link
    page.goto(link.replace("&accuracy_m=10", "&accuracy_m=11"))
    expect(page.locator(".alert-danger")).to_contain_text("不一致")
    expect(page.locator(".alert-danger code")).to_have_count(2)
