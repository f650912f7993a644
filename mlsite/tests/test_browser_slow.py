"""What users do while they wait: type on, submit twice, sign out in another tab."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from mlsite.tests.browser import sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]

SLOW_SECONDS = 0.5
SIGNED_OUT = "You are signed out. Sign in in another tab, then try again."


def test_second_submission_is_dropped_and_text_typed_while_waiting_stays(page, watched):
    sign_up(page)
    page.goto("/?model=iris&example=1")
    submitted = []

    def delay_submissions(route):
        if route.request.method == "POST":
            submitted.append(route.request.post_data)
            threading.Event().wait(SLOW_SECONDS)
        route.continue_()

    page.route("**/", delay_submissions)
    page.get_by_role("button", name="Predict").dblclick()
    page.get_by_label("Petal width").fill("1.7")
    expect(page.locator(".result")).to_have_count(1)
    expect(page.get_by_label("Petal width")).to_have_value("1.7")
    expect(page.get_by_label("Sepal length")).to_have_value("5.1")
    assert len(submitted) == 1
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result")).to_have_count(2)


def test_reference_belongs_to_the_files_it_was_typed_for(page, watched):
    sign_up(page)
    page.get_by_text("Add a note or ID").click()
    page.get_by_label("Client reference").fill("patient-A")
    page.route("**/", lambda route: (threading.Event().wait(0.2), route.continue_()))
    page.get_by_label("Choose images").set_input_files(
        [SAMPLES / f"{name}.png" for name in ("one", "two", "three", "five", "six")]
    )
    page.get_by_label("Client reference").fill("patient-B")
    expect(page.locator(".result:not(.pending)")).to_have_count(5)
    page.goto("/predictions/?client_reference=patient-A")
    expect(page.locator("table.data-table tbody tr")).to_have_count(5)


def test_signed_out_users_get_a_message_with_each_image(page, watched):
    watched.expected = ["status of 401"]
    sign_up(page)
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Run example 1").click()
    expect(page.get_by_text(SIGNED_OUT)).to_be_visible()
    page.get_by_label("Choose images").set_input_files(SAMPLES / "two.png")
    expect(page.get_by_text(SIGNED_OUT)).to_have_count(2)
    expect(page.locator(".result.rejected")).to_have_count(1)


def test_signed_out_users_keep_the_row_they_typed(page, watched):
    watched.expected = ["status of 401"]
    sign_up(page)
    page.goto("/?model=iris&example=1")
    page.get_by_label("Petal width").fill("1.7")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("alert")).to_have_text(SIGNED_OUT)
    expect(page.get_by_label("Petal width")).to_have_value("1.7")


def test_lost_connection_is_reported_and_the_next_attempt_works(page, watched):
    watched.expected = ["ERR_FAILED", "htmx:"]  # htmx reports lost connections on the console
    sign_up(page)
    page.goto("/?model=iris&example=1")
    page.route("**/", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("alert")).to_have_text("The connection was lost. Check your history before you try again.")
    page.unroute("**/")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)
