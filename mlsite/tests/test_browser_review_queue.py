"""The review queue in Chromium: keyboard, mouse, without JavaScript, two reviewers, and lost requests."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from mlsite.tests.browser import sign_in, sign_up
from mlsite.tests.review_queue_pages import (
    CREATE_MODEL,
    CURRENT_ITEM,
    QUEUE_PATH,
    Queue,
    count_today,
    expect_current,
    expect_today,
    get_current_id,
    lost_requests,
    open_queue,
    press,
    wait_for_queue,
)
from mlsite.tests.site import write_dummy

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
ADD_REVIEWER = """
from accounts.models import User
from accounts.services import add_reviewer
add_reviewer(user=User.objects.get(username={!r}))
"""


@pytest.fixture
def make_queue(site, tmp_path) -> Callable[[int], Queue]:
    """Return a function that registers a model with a number of unreviewed predictions."""

    def make(count: int) -> Queue:
        name = f"queue-{uuid.uuid4().hex[:8]}"
        folder = tmp_path / name
        folder.mkdir()
        write_dummy(folder, name)
        output = site.run_script(CREATE_MODEL.format(folder=str(folder), name=name, count=count))
        return Queue(site, name, output.split()[-1])

    return make


@pytest.mark.slow
def test_forty_reviews_by_keyboard_are_stored_once_each(page, watched, site, make_queue):
    queue = make_queue(50)
    open_queue(page, f"{queue.url}&order=uncertain")
    keys = ["1", "2", "Enter", "u"]
    earlier = count_today(page)
    reviews = [(press(page, keys[number % 4]), keys[number % 4]) for number in range(40)]
    expect_today(page, earlier + 40)
    expect(page.locator("#queue-error")).to_be_hidden()
    assert len({pk for pk, _ in reviews}) == 40
    rows = {row["id"]: row for row in queue.list_predictions()}
    reviewed = {pk: rows[pk] for pk, _ in reviews}
    assert sum(row["reviews"] for row in rows.values()) == 40
    assert {row["reviews"] for row in reviewed.values()} == {1}
    expected = {"1": lambda row: "a", "2": lambda row: "b", "Enter": lambda row: row["label"], "u": lambda row: None}
    assert [reviewed[pk]["true_label"] for pk, _ in reviews] == [expected[key](reviewed[pk]) for pk, key in reviews]
    confidences = [reviewed[pk]["confidence"] for pk, _ in reviews]
    assert confidences == sorted(confidences)
    stored = site.get(f"/api/v1/predictions/{reviews[0][0]}/reviews/", site.create_token()).json()
    assert [review["picked_by"] for review in stored] == ["uncertain"]


def test_fast_typing_does_not_wait_for_the_server(page, watched, make_queue):
    queue = make_queue(8)
    open_queue(page, f"{queue.url}&order=newest")
    expect(page.locator(".queue-slot")).to_have_count(2)
    first, second = (page.locator(".queue-slot").nth(number).get_attribute("data-id") for number in (0, 1))
    routes = []

    def delay_first_request(route):
        routes.append(route)
        if len(routes) > 1:
            route.continue_()

    watched.context.route(f"**{QUEUE_PATH}**", delay_first_request)
    page.keyboard.press("1")
    expect_current(page, second)
    page.keyboard.press("u")
    expect(page.locator(CURRENT_ITEM)).to_have_count(0)
    page.wait_for_timeout(200)
    assert len(routes) == 1  # the second request waits for the first
    routes[0].continue_()
    expect(page.locator("#queue-message")).to_contain_text("marked unsure")
    stored = {row["id"]: (row["verdict"], row["true_label"]) for row in queue.list_predictions() if row["reviews"]}
    assert stored.keys() == {first, second}
    assert (stored[first][1], stored[second]) == ("a", ("unsure", None))
    get_current_id(page)


@pytest.mark.slow
def test_skip_undo_and_the_end_of_the_queue_by_keyboard(page, watched, make_queue):
    queue = make_queue(4)
    count = len(queue.list_predictions())
    assert count >= 3
    open_queue(page, f"{queue.url}&order=newest")
    first = press(page, "s")
    second = press(page, "Enter")
    page.keyboard.press("z")
    expect_current(page, second)
    page.keyboard.press("z")
    expect_current(page, first)
    expect(page.locator("#queue-message")).to_have_text("Undone.")
    for _ in range(count):
        press(page, "Enter")
    expect(page.get_by_role("heading", name="Queue empty")).to_be_visible()
    assert Counter(row["verdict"] for row in queue.list_predictions()) == {"correct": count}


@pytest.mark.slow
def test_mouse_and_keys_in_fields(page, watched, make_queue):
    queue = make_queue(5)
    open_queue(page, f"{queue.url}&order=newest")
    current = get_current_id(page)
    page.get_by_label("Review strategy").focus()
    page.keyboard.press("u")
    assert get_current_id(page) == current
    page.locator(CURRENT_ITEM).locator(".queue-labels button").nth(1).click()
    expect(page.locator("#queue-message")).to_contain_text("Saved:")
    page.get_by_role("button", name="Undo").click()
    expect_current(page, current)
    assert queue.count_reviews() == 0


@pytest.mark.slow
def test_two_reviewers_never_get_the_same_prediction(page, watched, browser, site, make_queue):
    queue = make_queue(24)
    url = f"{queue.url}&order=random"
    name = sign_up(page)
    site.run_script(ADD_REVIEWER.format(name))
    context = browser.new_context(base_url=site.url)
    other = context.new_page()
    page.goto(url)
    wait_for_queue(page)
    open_queue(other, url)
    page.keyboard.press("Enter")  # a random sample hides the prediction, so there is nothing to mark correct
    expect(page.locator("#queue-message")).to_contain_text("The prediction is hidden.")
    reviewed = [press(reviewer, "1") for _ in range(10) for reviewer in (page, other)]
    assert len(set(reviewed)) == 20
    expect_today(page, 10)
    expect(other.locator("#queue-message")).to_contain_text("Saved:")
    context.close()
    assert {row["reviews"] for row in queue.list_predictions() if row["id"] in reviewed} == {1}


def test_a_blind_queue_by_keyboard(page, watched, make_queue):
    """A random sample hides predictions, Enter does not mark them correct, and b shows them."""
    queue = make_queue(12)
    open_queue(page, f"{queue.url}&order=random")
    message = page.locator("#queue-message")
    hidden = get_current_id(page)
    expect(page.locator(CURRENT_ITEM)).to_contain_text("The prediction is hidden until you choose.")
    expect(page.get_by_role("button", name="Mark correct")).to_have_count(0)
    expect(page.get_by_text("Confidence:")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(message).to_contain_text("The prediction is hidden.")
    assert get_current_id(page) == hidden
    assert queue.count_reviews() == 0
    assert press(page, "u") == hidden
    expect(message).to_have_text("Saved: marked unsure.")
    chosen = press(page, "1")
    expect(message).to_have_text(re.compile(r"Saved: (“a” marked correct|corrected from b to a)\."))
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Hide predictions")).to_be_visible()
    wait_for_queue(page)
    correct = press(page, "Enter")
    expect(message).to_contain_text("marked correct.")
    rows = {row["id"]: row for row in queue.list_predictions() if row["reviews"]}
    assert rows.keys() == {hidden, chosen, correct}
    assert (rows[hidden]["verdict"], rows[hidden]["true_label"]) == ("unsure", None)
    assert rows[chosen]["true_label"] == "a"
    assert (rows[correct]["verdict"], rows[correct]["true_label"]) == ("correct", rows[correct]["label"])


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_queue_works_without_javascript(page, watched, make_queue):
    queue = make_queue(5)
    sign_in(page, f"{queue.url}&order=newest")
    page.get_by_role("button", name="Start reviewing").click()
    current = get_current_id(page)
    page.locator(CURRENT_ITEM).get_by_role("button", name="Mark correct").click()
    expect(page.get_by_text("marked correct.")).to_be_visible()
    assert get_current_id(page) != current
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert get_current_id(page) == current
    assert queue.count_reviews() == 0


def test_lost_reviews_show_an_error_and_can_be_repeated(page, watched, make_queue):
    queue = make_queue(5)
    open_queue(page, f"{queue.url}&order=newest")
    current = get_current_id(page)
    with lost_requests(watched):
        page.keyboard.press("Enter")
        expect(page.locator("#queue-error")).to_contain_text("may not have been saved")
        assert get_current_id(page) == current
    page.keyboard.press("Enter")
    expect(page.locator("#queue-message")).to_contain_text("Saved:")
    expect(page.locator("#queue-error")).to_be_hidden()
    assert queue.count_reviews() == 1


def test_signed_out_reviewers_get_an_error_and_keep_the_item(page, watched, make_queue):
    queue = make_queue(5)
    open_queue(page, f"{queue.url}&order=newest")
    current = get_current_id(page)
    watched.expected = ["status of 403", "Status Error Code 403"]
    watched.context.clear_cookies(name="sessionid")
    page.keyboard.press("Enter")
    expect(page.locator("#queue-error")).to_contain_text("You are signed out")
    assert get_current_id(page) == current
    assert queue.count_reviews() == 0
