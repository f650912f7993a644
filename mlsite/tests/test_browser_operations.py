"""The operations page in a real Chromium: charts that are drawn, at phone and desktop width, in both themes, by keyboard."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import expect

from mlsite.tests.browser import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
PAGE = "/operations/"
# How many points of a canvas are not empty.
DRAWN = """
canvas => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]
    .filter((value, place) => place % 4 === 3 && value).length
"""


@pytest.fixture(scope="module")
def asked(site, tmp_path_factory):
    """Fill the site with a model that was asked 900 times in 20 days."""
    folder, name = tmp_path_factory.mktemp("asked"), f"asked-{uuid.uuid4().hex[:8]}"
    site.register_dummy(folder, name)
    site.manage("seed_predictions", name, "--count", "900", "--days", "20", "--reviewed", "0.1", "--files", "5", "--yes")
    site.manage("roll_up")
    return name


@pytest.mark.parametrize("watched", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
@pytest.mark.parametrize("width", [390, 1280])
def test_the_charts_are_drawn(page, watched, asked, width):
    page.set_viewport_size({"width": width, "height": 850})
    sign_in(page, f"{PAGE}?model={asked}")
    expect(page.locator(".plot canvas")).to_have_count(4)
    for number in range(4):
        canvas = page.locator(".plot canvas").nth(number)
        assert canvas.evaluate(DRAWN) > 500
        assert canvas.bounding_box()["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("heading", name=f"Drift of {asked}:1")).to_be_visible()


def test_the_charts_follow_the_width_of_the_window(page, watched, asked):
    sign_in(page, f"{PAGE}?model={asked}&window=24h")
    canvas = page.locator(".plot canvas").first
    expect(canvas).to_be_visible()
    before = canvas.bounding_box()["width"]
    page.set_viewport_size({"width": 390, "height": 850})
    page.wait_for_function(
        "before => document.querySelector('.plot canvas').getBoundingClientRect().width < before", arg=before
    )
    assert canvas.bounding_box()["width"] <= 390
    assert canvas.evaluate(DRAWN) > 500


def test_the_form_answers_by_the_address_and_back_works(page, watched, asked):
    sign_in(page, PAGE)
    page.get_by_label("Model", exact=True).select_option(asked)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Version", exact=True)).to_be_visible()
    page.get_by_label("Time", exact=True).select_option("24h")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**window=24h**")
    page.go_back()
    expect(page.get_by_label("Time", exact=True)).to_have_value("7d")
    page.get_by_label("Compared with").select_option("earlier")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**against=earlier#drift")
    expect(page.get_by_text("of the same 7 days 4 weeks earlier")).to_be_visible()


def test_the_numbers_are_a_key_away(page, watched, asked):
    sign_in(page, f"{PAGE}?model={asked}")
    summary = page.locator(".plot summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="The numbers of Predictions").get_by_role("row")).to_have_count(8)


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_there_are_the_tables(page, watched, asked):
    sign_in(page, f"{PAGE}?model={asked}")
    expect(page.locator(".plot-canvas").first).to_be_hidden()
    page.locator(".plot summary").first.click()
    expect(page.locator(".plot table").first).to_be_visible()
    page.get_by_label("Time", exact=True).select_option("30d")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**window=30d**")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
