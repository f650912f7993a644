"""The operations page in Chromium: charts in both themes and at several widths, the form, the keyboard, no JavaScript."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import expect

from mlsite.tests.browser import sign_in, wait_for_condition

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
PAGE = "/operations/"
COUNT_DRAWN_PIXELS = """
canvas => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]
    .filter((value, index) => index % 4 === 3 && value).length
"""


@pytest.fixture(scope="module")
def model(site, tmp_path_factory):
    """Return the name of a model with 900 predictions in 20 days."""
    folder, name = tmp_path_factory.mktemp("model"), f"busy-{uuid.uuid4().hex[:8]}"
    site.register_dummy(folder, name)
    site.manage("seed_predictions", name, "--count", "900", "--days", "20", "--reviewed", "0.1", "--files", "5", "--yes")
    site.manage("roll_up")
    return name


def wait_for_charts(page):
    expect(page.locator(".plot canvas")).to_have_count(4)
    for number in range(4):
        assert page.locator(".plot canvas").nth(number).evaluate(COUNT_DRAWN_PIXELS) > 500


@pytest.mark.parametrize("watched", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_charts_are_drawn_and_fit_the_page(page, watched, model, width):
    page.set_viewport_size({"width": width, "height": 850})
    sign_in(page, f"{PAGE}?model={model}")
    wait_for_charts(page)
    for number in range(4):
        assert page.locator(".plot canvas").nth(number).bounding_box()["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("heading", name=f"Drift of {model}:1")).to_be_visible()


def test_charts_follow_the_width_of_the_window(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}&window=24h")
    canvas = page.locator(".plot canvas").first
    expect(canvas).to_be_visible()
    before = canvas.bounding_box()["width"]
    page.set_viewport_size({"width": 390, "height": 850})
    wait_for_condition(
        page, "before => document.querySelector('.plot canvas').getBoundingClientRect().width < before", before
    )
    assert canvas.bounding_box()["width"] <= 390
    assert canvas.evaluate(COUNT_DRAWN_PIXELS) > 500


def test_a_selection_updates_the_page_and_its_address(page, watched, model):
    sign_in(page, PAGE)
    page.evaluate("window.isSameDocument = true")
    page.get_by_label("Model", exact=True).focus()
    page.get_by_label("Model", exact=True).select_option(model)
    expect(page.get_by_label("Version", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(f"model={model}"))
    wait_for_charts(page)
    expect(page.get_by_label("Model", exact=True)).to_be_focused()
    page.get_by_label("Period", exact=True).select_option("24h")
    expect(page).to_have_url(re.compile("window=24h"))
    expect(page.get_by_role("heading", name=f"Drift of {model}:1")).to_be_visible()
    page.get_by_label("Compared with").select_option("earlier")
    expect(page.get_by_text("from the same 7 days 4 weeks earlier")).to_be_visible()
    expect(page).to_have_url(re.compile("against=earlier"))
    assert page.evaluate("window.isSameDocument")
    page.go_back()
    expect(page.get_by_label("Compared with")).to_have_value("before")
    page.go_back()
    expect(page.get_by_label("Period", exact=True)).to_have_value("7d")
    wait_for_charts(page)


def test_another_model_resets_the_version(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}&version=1")
    expect(page.get_by_label("Version", exact=True)).to_have_value("1")
    page.wait_for_load_state()  # the scripts must be active
    page.get_by_label("Model", exact=True).select_option("digits")
    expect(page).to_have_url(re.compile("model=digits&version=&"))
    expect(page.get_by_label("Version", exact=True)).to_have_value("")


def test_an_expired_session_leads_to_the_sign_in_page(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}")
    wait_for_charts(page)
    page.context.clear_cookies()
    page.get_by_label("Period", exact=True).select_option("24h")
    page.wait_for_url("**/accounts/login/?next=/operations/**")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_the_data_of_a_chart_opens_with_the_keyboard(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}")
    page.locator(".plot summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Data of Predictions", exact=True).get_by_role("row")).to_have_count(8)


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_tables_and_buttons_work(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}")
    expect(page.locator(".plot-canvas").first).to_be_hidden()
    page.locator(".plot summary").first.click()
    expect(page.locator(".plot table").first).to_be_visible()
    page.get_by_label("Period", exact=True).select_option("30d")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**window=30d**")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    page.get_by_label("Compared with").select_option("earlier")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**against=earlier#drift")
    expect(page.get_by_text("from the same 7 days 4 weeks earlier")).to_be_visible()
