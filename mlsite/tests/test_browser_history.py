"""The history in a real Chromium: filters, the reader's zone, a server that does not answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from mlsite.tests.browser import sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]


def test_filters_change_the_list_and_the_address(page, watched):
    sign_up(page)
    page.get_by_label("Choose images").set_input_files([SAMPLES / "seven.png", SAMPLES / "two.png"])
    expect(page.locator(".result:not(.pending)")).to_have_count(2)
    page.goto("/predictions/")
    rows = page.locator("table.data-table tbody tr")
    page.get_by_label("Label", exact=True).fill("7")
    page.get_by_label("Label", exact=True).press("Enter")
    expect(rows).to_have_count(1)
    assert page.url.endswith("/predictions/?label=7")
    page.get_by_label("Model", exact=True).select_option("iris")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    assert page.url.endswith("/predictions/?model=iris&label=7")
    page.go_back()
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Label: 7").click()
    expect(rows).to_have_count(2)
    rows.first.get_by_text("digits:1").click(force=True)  # the row's link lies above
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()


def test_moments_are_typed_and_shown_in_the_readers_own_zone(page, watched):
    sign_up(page)
    page.get_by_label("Choose images").set_input_files(SAMPLES / "seven.png")
    expect(page.locator(".result:not(.pending)")).to_have_count(1)
    far = watched.context.browser.new_context(
        base_url=watched.origin, storage_state=watched.context.storage_state(), timezone_id="America/New_York"
    )
    there = far.new_page()
    there.goto("/predictions/?created_after=2026-01-31T12:00")
    there.get_by_text("More filters").click()
    expect(there.get_by_label("From", exact=True)).to_have_value("2026-01-31T07:00")
    expect(there.get_by_role("link", name="From: 31 Jan, 07:00")).to_be_visible()
    there.get_by_label("From", exact=True).fill("2026-01-31T08:30")
    there.get_by_role("button", name="Filter").click()
    expect(there.get_by_role("link", name="From: 31 Jan, 08:30")).to_be_visible()
    assert "created_after=2026-01-31T13%3A30%3A00.000Z" in there.url
    there.get_by_role("link", name="Only today").click()
    midnight = there.evaluate("new Date(new Date().setHours(0, 0, 0, 0)).toISOString()")
    assert midnight.endswith(("T05:00:00.000Z", "T04:00:00.000Z"))
    assert f"created_after={midnight.replace(':', '%3A')}" in there.url
    expect(there.locator("table.data-table tbody tr")).to_have_count(1)
    far.close()


def test_what_keeps_the_history_from_coming_is_told(page, watched):
    watched.expected = ["503", "ERR_FAILED", "htmx:"]  # htmx says on the console what it says to us
    sign_up(page)
    page.goto("/predictions/")
    page.route("**/predictions/?*", lambda route: route.fulfill(status=503, body="busy"))
    page.get_by_label("Model", exact=True).select_option("iris")
    expect(page.get_by_text("The list did not come (the server answered 503). Try again.")).to_be_visible()
    page.unroute("**/predictions/?*")
    page.route("**/predictions/?*", lambda route: route.abort())
    page.get_by_label("Model", exact=True).select_option("digits")
    expect(page.get_by_text("The list did not come: the connection broke. Try again.")).to_be_visible()
    page.unroute("**/predictions/?*")
    page.get_by_label("Model", exact=True).select_option("iris")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    expect(page.locator("#history-problem")).to_be_hidden()
    page.context.clear_cookies()
    page.get_by_label("Model", exact=True).select_option("digits")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
