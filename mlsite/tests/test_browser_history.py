"""The History page in Chromium: filters, time zones, and requests that fail."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from mlsite.tests.browser import sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]


def choose_model(page, name):
    """Select only this model in the menu."""
    page.locator(".filters details.menu").first.evaluate("menu => { menu.open = true; }")
    for box in page.locator('.filters input[name="model"]:checked').all():
        box.evaluate("box => { box.checked = false; }")
    page.locator(f'.filters input[name="model"][value="{name}"]').check()


def test_filters_change_the_list_and_the_address(page, watched):
    sign_up(page)
    page.get_by_label("Choose images").set_input_files([SAMPLES / "seven.png", SAMPLES / "two.png"])
    expect(page.locator(".result:not(.pending)")).to_have_count(2)
    page.goto("/predictions/")
    rows = page.locator("table.data-table tbody tr")
    page.locator(".filters summary", has_text="Label").click()
    page.get_by_role("checkbox", name="7", exact=True).check()
    expect(rows).to_have_count(1)
    assert page.url.endswith("/predictions/?label=7")
    page.get_by_role("checkbox", name="2", exact=True).check()
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="Label: 7").click()
    expect(rows).to_have_count(1)
    page.goto("/predictions/")
    page.get_by_label("Select all predictions on this page").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    true_output = page.locator("#true-output")
    page.get_by_label("Select all predictions on this page").press("Enter")
    expect(true_output).not_to_be_focused()  # Enter does not mark predictions as incorrect
    page.get_by_role("button", name="Mark incorrect").click()
    expect(true_output).to_be_focused()  # the browser requires the true label
    true_output.fill("nine")
    page.get_by_role("button", name="Mark incorrect").click()
    expect(page.locator(".message")).to_contain_text("No review saved.")
    expect(page.locator(".message li")).to_have_count(2)
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.locator(".filters summary", has_text="View").click()
    page.get_by_label("Density").select_option("Compact")
    expect(page.locator(".history-table.compact")).to_be_visible()
    expect(page.get_by_text("2 selected")).to_be_visible()
    expect(true_output).to_have_value("nine")
    page.locator(".filters summary", has_text="Label").click()
    page.get_by_role("checkbox", name="7", exact=True).check()
    expect(rows).to_have_count(1)
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_role("toolbar")).to_be_hidden()
    page.locator(".filters summary", has_text="Label").click()
    page.get_by_role("checkbox", name="7", exact=True).uncheck()
    expect(rows).to_have_count(2)
    expect(page.get_by_role("toolbar")).to_be_hidden()
    page.keyboard.press("Escape")
    page.get_by_label("Select all predictions on this page").check()
    page.get_by_role("button", name="Mark correct").click()
    expect(page.get_by_text("2 reviews saved: marked correct.")).to_be_visible()
    expect(page.get_by_role("toolbar")).to_be_hidden()
    page.goto("/predictions/")
    page.get_by_role("link", name="Today").click()
    page.get_by_role("link", name="Correct", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    page.get_by_text("Saved filters").click()
    page.get_by_label("Name of the current filters").fill("Right today")
    page.get_by_role("button", name="Save filters").click()
    page.goto("/predictions/")
    page.get_by_text("Saved filters").click()
    page.get_by_role("link", name="Right today").click()
    assert page.url.endswith("/predictions/?range=today&verdict=correct")
    rows.first.get_by_text("digits:1").click(force=True)  # the link of the row covers it
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()


def test_times_are_typed_and_shown_in_the_time_zone_of_the_reader(page, watched):
    sign_up(page)
    page.get_by_label("Choose images").set_input_files(SAMPLES / "seven.png")
    expect(page.locator(".result:not(.pending)")).to_have_count(1)
    context = watched.context.browser.new_context(
        base_url=watched.origin, storage_state=watched.context.storage_state(), timezone_id="America/New_York"
    )
    remote = context.new_page()
    remote.goto("/predictions/")  # stores the time zone
    remote.goto("/predictions/?created_after=2025-01-31T12:00:07Z")
    remote.get_by_text("More filters").click()
    expect(remote.get_by_label("Created from", exact=True)).to_have_value("2025-01-31T07:00:07")
    expect(remote.get_by_role("link", name="Created from: 31 Jan 2025, 07:00")).to_be_visible()
    remote.get_by_role("checkbox", name="Succeeded").check()
    expect(remote.get_by_role("link", name="Status: Succeeded")).to_be_visible()
    assert "created_after=2025-01-31T07%3A00%3A07" in remote.url
    remote.get_by_role("checkbox", name="Succeeded").uncheck()
    expect(remote.get_by_role("link", name="Status: Succeeded")).to_have_count(0)
    remote.get_by_label("Created from", exact=True).fill("2025-01-31T08:30")
    remote.get_by_label("Created from", exact=True).press("Enter")
    expect(remote.get_by_role("link", name="Created from: 31 Jan 2025, 08:30")).to_be_visible()
    assert remote.url.endswith("/predictions/?created_after=2025-01-31T08%3A30")
    remote.goto("/predictions/?range=today")
    expect(remote.locator("table.data-table tbody tr")).to_have_count(1)
    expect(remote.locator("tbody time")).to_have_attribute("title", re.compile(r":\d\d UTC-[45]$"))
    context.close()
    context = watched.context.browser.new_context(
        base_url=watched.origin, storage_state=watched.context.storage_state(), timezone_id="UTC"
    )
    remote = context.new_page()
    remote.goto("/predictions/")
    expect(remote.locator("tbody time")).to_have_attribute("title", re.compile(r":\d\d UTC$"))
    context.close()


def test_cards_on_a_narrow_screen_name_every_value(page, watched):
    sign_up(page)
    page.get_by_label("Choose images").set_input_files(SAMPLES / "seven.png")
    expect(page.locator(".result:not(.pending)")).to_have_count(1)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/predictions/")
    cells = page.locator(".history-table tbody td[data-name]")
    shown = cells.evaluate_all("""cells => cells.map((cell) => {
        const { content, display } = getComputedStyle(cell, "::before");
        return display === "none" ? "" : content;
    })""")
    assert shown == ['"Prediction"', '"Confidence"', '"Model"', '"Source"', '"Time"']
    assert page.locator(".history-bar").bounding_box()["height"] < 100
    page.get_by_text("More filters").click()
    panel = page.locator(".menu[open] .filter-grid")
    assert panel.evaluate("panel => panel.scrollHeight - panel.clientHeight") <= 1
    expect(page.get_by_role("button", name="Filter", exact=True)).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    page.locator("form.filters").evaluate("form => form.classList.add('htmx-request')")
    expect(page.locator("#history")).to_have_css("opacity", "0.6")


@pytest.mark.slow
def test_failed_requests_are_reported_until_the_next_one_succeeds(page, watched):
    watched.expected = ["503", "ERR_FAILED", "htmx:"]  # htmx reports lost connections on the console
    sign_up(page)
    page.goto("/predictions/")
    page.route("**/predictions/?*", lambda route: route.fulfill(status=503, body="busy"))
    choose_model(page, "iris")
    expect(page.get_by_text("The server returned an error (503).")).to_be_visible()
    page.unroute("**/predictions/?*")
    page.route("**/predictions/?*", lambda route: route.abort())
    choose_model(page, "digits")
    expect(page.get_by_text("The connection was lost.")).to_be_visible()
    page.unroute("**/predictions/?*")
    choose_model(page, "iris")
    expect(page.get_by_text("No predictions match these filters")).to_be_visible()
    expect(page.locator(".request-error")).to_have_count(0)
    page.context.clear_cookies()
    choose_model(page, "digits")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
