"""Keyboard, zoom, motion and live regions, and the size of the pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from mlsite.tests.audit import without_motion
from mlsite.tests.browser import sign_in, sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("accessibility")]
# Return the focused element, and whether its focus is visible: by an outline, or by a shadow that it gets with the focus.
GET_FOCUSED = """
() => {
    const element = document.activeElement;
    if (element === document.body) return null;
    const box = element.getBoundingClientRect();
    const zone = element.closest(".drop-zone") ?? element;
    const isMarked = [element, zone].some(item => {
        const style = getComputedStyle(item);
        const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        return outlined || style.boxShadow !== (window.shadows.get(item) ?? "none");
    });
    const isVisible = isMarked && box.right > 0 && box.bottom > 0 && box.left < innerWidth;
    return {html: element.outerHTML.slice(0, 160), isVisible, type: element.type ?? "", name: element.textContent.trim()};
}
"""
RECORD_SHADOWS = """
window.shadows = new Map([...document.querySelectorAll("*")].map(item => [item, getComputedStyle(item).boxShadow]))
"""
MAX_PAGE_BYTES = 300_000  # without images
MAX_TAB_STOPS = 150
MEASURED_URLS = (
    "/",
    "/?model=iris",
    "/predictions/",
    "/models/iris/",
    "/models/iris/evaluation/",
    "/accounts/tokens/",
    "/tour/",
    "/operations/",
)


def upload(page: Page) -> None:
    page.get_by_label("Choose images").set_input_files(SAMPLES / "seven.png")
    expect(page.locator(".result:not(.pending)")).to_have_count(1)


def list_tab_stops(page: Page) -> list[dict]:
    """Press Tab from the top of the page until the focus leaves it, and return the focused elements."""
    page.evaluate(RECORD_SHADOWS)
    stops: list[dict] = []
    while len(stops) < MAX_TAB_STOPS:
        page.keyboard.press("Tab")
        if not (focused := page.evaluate(GET_FOCUSED)):
            break
        if not stops or focused["html"] != stops[-1]["html"]:  # a date field has several stops, marked by the browser
            stops.append(focused)
    return stops


@without_motion
def test_tab_order_starts_with_the_skip_link_and_the_menu(page, watched):
    sign_up(page)
    page.goto("/")
    expect(page.locator("form.scripted")).to_be_visible()
    stops = list_tab_stops(page)
    names = [stop["name"] for stop in stops]
    assert names[:6] == ["Skip to main content", "mlsite", "Predict", "History", "Models", "API"]
    assert [stop["type"] for stop in stops].index("file") > 6
    assert [stop["html"] for stop in stops if not stop["isVisible"]] == []
    page.goto("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.slow
@without_motion
def test_focus_is_visible_everywhere(page, watched, seeded_site):
    sign_in(page, "/")
    expect(page.locator("form.scripted")).to_be_visible()
    upload(page)
    stops_by_page = [list_tab_stops(page)]
    for url in ("/?model=iris", "/predictions/?model=iris", "/models/iris/", "/accounts/tokens/", "/tour/"):
        page.goto(url)
        stops_by_page.append(list_tab_stops(page))
    assert all(10 < len(stops) < MAX_TAB_STOPS for stops in stops_by_page)
    assert [stop["html"] for stops in stops_by_page for stop in stops if not stop["isVisible"]] == []


@pytest.mark.slow
@pytest.mark.parametrize("watched", [{"device_scale_factor": 2}], indirect=True)
def test_pages_do_not_scroll_horizontally_at_200_percent(page, watched, seeded_site):
    """At a zoom of 200%, a window of 1280 px is 640 CSS pixels wide."""
    page.set_viewport_size({"width": 640, "height": 425})
    sign_in(page, "/")
    expect(page.locator("form.scripted")).to_be_visible()
    upload(page)
    widths = {"/ with a result": page.evaluate("document.documentElement.scrollWidth")}
    page.get_by_role("link", name="Details").click()
    page.wait_for_url("**/predictions/*/")
    urls = [
        page.url,
        "/?model=iris",
        "/?model=diabetes",
        "/predictions/",
        "/models/",
        "/models/iris/",
        "/models/digits/",
        "/models/iris/evaluation/",
    ]
    urls += ["/accounts/", "/accounts/tokens/", "/tour/", "/operations/", "/admin/predictions/review/queue/"]
    for url in urls:
        page.goto(url)
        widths[url] = page.evaluate("document.documentElement.scrollWidth")
    assert len(widths) == 14
    assert {url: width for url, width in widths.items() if width > 640} == {}


# Places for names of models and labels, which can be long and need not contain a space.
LONG_NAMES = {
    "/": (".predict-title p",),
    "/predictions/?model=iris": (".chips .active", ".filters .menu label"),
    "/predictions/?view=gallery": (".gallery strong",),
    "/operations/?window=30d": (".markers li",),
    "a prediction": (".breadcrumb", ".review button.small"),
}
FILL_PLACES = """
(places, name) => {
    for (const details of document.querySelectorAll("main details")) details.open = true;
    const found = [...document.querySelectorAll(places)];
    found.forEach((place) => place.append(name));
    return found.length;
}
"""


def test_long_names_do_not_scroll_the_page(page, watched, seeded_site):
    page.set_viewport_size({"width": 320, "height": 640})
    sign_in(page, "/predictions/")
    prediction_url = page.locator(".history-table tbody a").first.get_attribute("href")
    widths = {}
    for url, places in LONG_NAMES.items():
        page.goto(prediction_url if url == "a prediction" else url)
        for place in places:
            assert page.evaluate(f"(place) => ({FILL_PLACES})(place, 'n'.repeat(40))", place), place
            widths[place] = page.evaluate("document.documentElement.scrollWidth")
    assert {place: width for place, width in widths.items() if width > 320} == {}


@pytest.mark.slow
def test_reduced_motion_is_respected(page, watched, seeded_site):
    """An indeterminate progress bar moves otherwise."""
    count_animations = """
    () => {
        document.querySelector("main").append(document.createElement("progress"));
        for (const details of document.querySelectorAll("details")) details.open = true;
        return document.getAnimations().length;
    }
    """
    sign_in(page, "/")
    expect(page.locator("form.scripted")).to_be_visible()
    assert page.evaluate(count_animations) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(count_animations) == 0
    for url in ("/predictions/", "/models/iris/", "/tour/", "/operations/"):
        page.goto(url)
        assert page.evaluate(count_animations) == 0


def test_focus_stays_in_the_part_of_the_page_that_is_replaced(page, watched):
    watched.expected = ["status of 400"]
    sign_up(page)
    page.goto("/?model=iris")
    page.get_by_text("Paste rows from a spreadsheet").click()
    page.get_by_label("Rows, with or without a header").fill("5.1,3.5,1.4,0.2")
    page.get_by_role("button", name="Fill in the form").press("Enter")
    expect(page.get_by_label("Petal length")).to_have_value("1.4")
    expect(page.get_by_role("button", name="Fill in the form")).to_be_focused()
    page.get_by_label("Rows, with or without a header").fill("5.1,3.5,1.5,0.2")
    page.locator("#fill-button").evaluate("button => button.removeAttribute('id')")  # htmx cannot restore its focus
    page.get_by_role("button", name="Fill in the form").press("Enter")
    expect(page.get_by_label("Petal length")).to_have_value("1.5")
    expect(page.locator(".features-form")).to_be_focused()
    page.goto("/accounts/email/")
    page.get_by_label("Current password").fill("wrong")
    page.get_by_label("Current password").press("Enter")
    expect(page.get_by_text("The password is wrong.")).to_be_visible()
    expect(page.get_by_label("Current password")).to_be_focused()


def test_results_are_announced(page, watched):
    sign_up(page)
    region = page.locator("[aria-live=polite]")
    expect(region).to_have_count(1)
    region.evaluate("region => region.dataset.before = 'yes'")
    upload(page)
    expect(page.locator("[aria-live=polite][data-before=yes] .result .label")).to_contain_text("7")
    page.get_by_role("button", name="Mark correct").click()
    expect(page.locator("[aria-live=polite][data-before=yes]").get_by_text("Your review: Correct")).to_be_visible()
    page.goto("/predictions/")
    page.locator("[aria-live=polite]").evaluate("region => region.dataset.before = 'yes'")
    page.locator(".filters summary", has_text="Label").first.click()
    page.get_by_label("Other label").fill("none of them")
    page.get_by_label("Other label").press("Enter")
    expect(
        page.locator("[aria-live=polite][data-before=yes]").get_by_role("heading", name="No predictions match these filters")
    ).to_be_visible()


@pytest.mark.slow
def test_pages_are_small(page, watched, browser, site, seeded_site):
    """A first visit loads few bytes, uncompressed and without images. The API page is Swagger UI, which has 1.5 MB."""
    sign_in(page, "/models/")
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    state = watched.context.storage_state()
    sizes = {}
    for url in MEASURED_URLS:
        with browser.new_context(base_url=site.url, storage_state=state) as context:
            visit, responses = context.new_page(), []
            visit.on("response", lambda response, responses=responses: responses.append(response))
            visit.goto(url)
            loaded = [response for response in responses if response.request.resource_type != "image"]
            assert len(loaded) > 3
            sizes[url] = sum(len(response.body()) for response in loaded)
    assert len(sizes) == 8
    assert {url: size for url, size in sizes.items() if size > MAX_PAGE_BYTES} == {}
