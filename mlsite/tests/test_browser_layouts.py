"""Layouts of pages: on paper, with forced colors, and with long names."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from mlsite.tests.browser import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("accessibility")]
PAPER_WIDTH = 718  # pixels of A4 without the margins
# Append a long name without a space to each place, and return the number of places.
FILL_PLACES = """
(selector) => {
    const places = [...document.querySelectorAll(selector)];
    places.forEach((place) => place.append("n".repeat(100)));
    return places.length;
}
"""
ADD_SELECT = """
(selector) => {
    const select = document.createElement("select");
    select.append(new Option("n".repeat(100)));
    document.querySelector(selector).append(select);
}
"""
GET_WIDTH = "document.documentElement.scrollWidth"
SUBMIT_THREE_TIMES = """
() => {
    const form = document.createElement("form");
    form.method = "post";
    const [first, second] = ["a", "b"].map((name) => Object.assign(document.createElement("button"), { name }));
    form.append(first, second);
    document.body.append(form);
    const prevented = [];
    document.addEventListener("submit", (event) => {
        prevented.push(event.defaultPrevented);
        event.preventDefault();
    });
    [first, first, second].forEach((button) => form.requestSubmit(button));
    return prevented;
}
"""


def open_prediction(page):
    page.goto("/predictions/?model=iris&verdict=correct")
    page.locator(".history-table tbody a").first.click()
    expect(page.locator("table.scores")).to_be_visible()


def test_the_dark_theme_prints_dark_text(page, watched, seeded_site):
    """Browsers print no backgrounds."""
    sign_in(page, "/models/")
    page.emulate_media(media="print", color_scheme="dark")
    for url in ("/models/iris/", "/admin/predictions/review/queue/statistics/"):
        page.goto(url)
        expect(page.locator(".site-header")).to_be_hidden()
        color = page.evaluate("getComputedStyle(document.body).color")
        assert max(map(int, re.findall(r"\d+", color))) < 100, url
    page.goto("/operations/")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    expect(page.locator(".refresh")).to_be_hidden()


def test_tables_fit_on_paper(page, watched, seeded_site):
    page.set_viewport_size({"width": PAPER_WIDTH, "height": 1000})
    sign_in(page, "/")
    page.emulate_media(media="print")
    widths = {}
    for url, place in (
        ("/predictions/?model=iris", ".output-text"),
        ("/models/", ".model-title"),
        ("/accounts/tokens/", "h1"),
    ):
        page.goto(url)
        widths[url, "short"] = page.evaluate(GET_WIDTH)
        assert page.evaluate(FILL_PLACES, place), place
        widths[url, "long"] = page.evaluate(GET_WIDTH)
    assert {place: width for place, width in widths.items() if width > PAPER_WIDTH} == {}


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"media": "print"}], ids=["forced colors", "paper"])
def test_bars_of_scores_are_visible(page, watched, seeded_site, media):
    """Only their backgrounds show the score."""
    sign_in(page, "/")
    open_prediction(page)
    page.emulate_media(**media)
    bar = page.locator("table.scores .top progress")
    if "media" in media:
        assert bar.evaluate("(bar) => getComputedStyle(bar).printColorAdjust") == "exact"
        return
    with Image.open(BytesIO(bar.screenshot())) as image:
        row = image.convert("L").crop((4, image.height // 2, image.width - 4, image.height // 2 + 1))
        row_of_bar, row_of_page = row.getpixel((0, 0)), page.evaluate("getComputedStyle(document.body).backgroundColor")
    background = int(re.search(r"\d+", row_of_page)[0])
    assert abs(row_of_bar - background) > 60


def test_long_names_do_not_widen_tables(page, watched, seeded_site):
    sign_in(page, "/?model=iris&example=1")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator(".result")).to_have_count(1)
    for url, place in (("/accounts/", ".usage-table td a"), ("/predictions/", ".history-table .output-text")):
        page.goto(url)
        assert page.evaluate(FILL_PLACES, place), place
        table = page.locator("main table").first.bounding_box()
        assert table["x"] + table["width"] <= 1280, url


def test_lists_and_forms_of_the_admin_fit_in_narrow_windows(page, watched, seeded_site):
    page.set_viewport_size({"width": 320, "height": 640})
    sign_in(page, "/")
    open_prediction(page)
    prediction = re.search(r"/predictions/([^/]+)/", page.url)[1]
    for url in ("/admin/predictions/prediction/", "/admin/accounts/user/"):
        page.goto(url)
        expect(page.locator("#changelist .actions").first).to_be_visible()
        assert page.evaluate(GET_WIDTH) <= 320, url
    page.goto(f"/admin/predictions/prediction/{prediction}/change/")
    assert page.evaluate(FILL_PLACES, ".review button, .review option")
    assert page.evaluate(GET_WIDTH) <= 320


def test_a_list_of_long_labels_fits_in_a_narrow_window(page, watched, seeded_site):
    page.set_viewport_size({"width": 390, "height": 850})
    sign_in(page, "/?model=iris&example=1")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator(".result .review")).to_be_visible()
    page.evaluate(ADD_SELECT, ".result .review form .form-actions")
    assert page.evaluate(GET_WIDTH) <= 390
    page.goto("/admin/predictions/review/queue/?model=iris")
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    expect(page.locator(".queue-prediction").first).to_be_visible()
    page.evaluate(ADD_SELECT, ".queue-prediction")
    assert page.evaluate(GET_WIDTH) <= 390


def test_another_button_of_a_form_is_no_double_click(page, watched):
    page.goto("/accounts/login/")
    assert page.evaluate(SUBMIT_THREE_TIMES) == [False, True, False]
