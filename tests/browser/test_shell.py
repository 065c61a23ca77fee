"""The pages everybody meets first: quiet, within their width, and leading somewhere."""

import pytest

from tests.browser.conftest import at_desk, log_in, stays_within_its_width


@pytest.mark.parametrize("path", ["/", "/login", "/api/docs"])
def test_page_is_quiet_and_within_its_width(page, path):
    page.goto(path, wait_until="networkidle")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert stays_within_its_width(page)


def test_a_missing_page_says_so_and_leads_back(page, console_errors):
    assert page.goto("/nothing-here").status == 404
    assert stays_within_its_width(page)
    assert len(console_errors) == 1  # the browser itself notes the 404
    console_errors.clear()
    page.click("main a.btn-primary")
    page.wait_for_url("**/")


def entries(page):
    return page.eval_on_selector_all(".topnav a", "all => all.map(one => one.getAttribute('href'))")


@at_desk
def test_navigation_names_what_opens_to_a_person_and_to_a_stranger_after_log_in(page, live_server):
    page.goto("/")
    assert {page.request.get(href).status for href in entries(page)} == {200, 401}
    log_in(page, live_server, "planner", "990101")
    assert entries(page) == ["/", "/map", "/plans", "/heatmap", "/audit"]
    assert {page.request.get(href).status for href in entries(page)} == {200}


@at_desk
def test_navigation_leaves_out_what_a_role_may_not_open(page, live_server):
    log_in(page, live_server, "audit")
    assert entries(page) == ["/", "/map"]


def test_somebody_logs_in_and_sees_their_name(page, live_server):
    log_in(page, live_server, "planner", "990101")
    assert page.locator(".avatar").inner_text() == "p"
