"""The review queue of a regression model in Chromium: true values typed on the keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from mlsite.tests.browser import sign_in
from mlsite.tests.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
QUEUE_PATH = "/admin/predictions/review/queue/"
CURRENT_ITEM = ".queue-slot:not(.sent) >> nth=0"
PRINT_VERSION_ID = """
from registry.references import resolve_version
print(resolve_version("diabetes").pk)
"""


@pytest.fixture(scope="module")
def queue_url(site: Site) -> str:
    """Return the address of the queue of the diabetes model, with unreviewed predictions."""
    site.manage("seed_predictions", "diabetes", "--count", "30", "--reviewed", "0", "--files", "5", "--yes")
    return f"{QUEUE_PATH}?version={site.run_script(PRINT_VERSION_ID)}&order=newest"


def start_queue(page: Page, url: str) -> str:
    """Sign in, wait for the first item, and return its id."""
    sign_in(page, url)
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    return get_current_id(page)


def get_current_id(page: Page) -> str:
    expect(page.locator(CURRENT_ITEM)).to_be_visible()
    return page.locator(CURRENT_ITEM).get_attribute("data-id") or ""


def get_field(page: Page) -> Locator:
    return page.locator(CURRENT_ITEM).get_by_label("True value")


def expect_saved(page: Page, prediction_id: str) -> None:
    expect(page.locator(f'.queue-slot[data-id="{prediction_id}"]')).to_have_count(0)


def get_review(site: Site, prediction_id: str) -> tuple[str, float | None]:
    """Return the verdict and the true value of the only review of a prediction."""
    response = site.get(f"/api/v1/predictions/{prediction_id}/reviews/", site.create_token())
    [review] = response.json()
    return review["verdict"], review["true_value"]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "value"), [("150.5", 150.5), ("-4", -4.0), (".5", 0.5), ("+7", 7.0)])
def test_typed_value_is_saved_with_enter(page, watched, site, queue_url, text, value):
    current = start_queue(page, queue_url)
    expect(page.locator(CURRENT_ITEM).locator("kbd", has_text="0–9")).to_be_visible()
    page.keyboard.type(text)
    expect(get_field(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect_saved(page, current)
    assert get_review(site, current) == ("incorrect", value)


def test_enter_marks_a_prediction_correct_only_if_the_field_is_empty(page, watched, site, queue_url):
    first = start_queue(page, queue_url)
    page.keyboard.press("Enter")
    expect_saved(page, first)
    second = get_current_id(page)
    page.keyboard.type("151")
    page.locator(CURRENT_ITEM).locator("h2").focus()
    page.keyboard.press("Enter")
    expect_saved(page, second)
    third = get_current_id(page)
    page.keyboard.type("-")
    page.locator(CURRENT_ITEM).locator("h2").focus()
    page.keyboard.press("Enter")
    expect(get_field(page)).to_be_focused()
    assert get_current_id(page) == third
    assert get_review(site, first) == ("correct", None)
    assert get_review(site, second) == ("incorrect", 151.0)


@pytest.mark.parametrize("script", ["", "delete Element.prototype.moveBefore"], ids=["new browser", "older browser"])
def test_update_of_the_page_keeps_a_value_that_is_being_typed(page, watched, site, queue_url, script):
    page.add_init_script(script)
    start_queue(page, queue_url)
    expect(page.locator(".queue-slot")).to_have_count(2)
    routes = []

    def hold_first_request(route: Route) -> None:
        routes.append(route)
        if len(routes) > 1:
            route.continue_()

    watched.context.route(f"**{QUEUE_PATH}**", hold_first_request)
    first = get_current_id(page)
    page.keyboard.type("150")
    page.keyboard.press("Enter")
    second = get_current_id(page)
    page.keyboard.type("12")
    expect(get_field(page)).to_have_value("12")
    routes[0].continue_()
    expect_saved(page, first)
    page.keyboard.type("3")
    expect(get_field(page)).to_have_value("123")
    page.keyboard.press("Enter")
    expect_saved(page, second)
    assert get_review(site, second) == ("incorrect", 123.0)


def test_enter_saves_the_true_value_on_the_page_of_a_prediction(page, watched, site, queue_url):
    current = start_queue(page, queue_url)
    page.goto(f"/predictions/{current}/")
    page.get_by_label("True value").fill("152")
    page.get_by_label("True value").press("Enter")
    expect(page.get_by_text("Your review: Incorrect")).to_be_visible()
    assert get_review(site, current) == ("incorrect", 152.0)


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_there_are_no_key_hints_and_messages_have_a_margin(page, watched, site, queue_url):
    sign_in(page, queue_url)
    start = page.get_by_role("button", name="Start reviewing")
    if start.is_visible():
        start.click()
    expect(page.locator(CURRENT_ITEM)).to_be_visible()
    assert page.locator("#queue kbd").count() > 0
    assert page.locator("#queue kbd >> visible=true").count() == 0
    page.locator(CURRENT_ITEM).get_by_role("button", name="Mark unsure").click()
    message, heading = page.locator(".messagelist").bounding_box(), page.locator("h1").bounding_box()
    assert message
    assert heading
    assert heading["y"] - message["y"] - message["height"] >= 12
