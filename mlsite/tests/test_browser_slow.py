"""What a person does while they wait: typing on, pressing twice, signing out in another tab."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from mlsite.tests.browser import sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]


def test_what_is_typed_while_a_model_thinks_stays_and_a_second_press_asks_nothing(page, watched):
    sign_up(page)
    page.goto("/?model=iris&example=1")
    asked = []

    def slowly(route):
        asked.append(route.request.post_data)
        threading.Event().wait(0.5)
        route.continue_()

    page.route("**/", lambda route: slowly(route) if route.request.method == "POST" else route.continue_())
    page.get_by_role("button", name="Predict").dblclick()
    page.get_by_label("Petal width").fill("1.7")
    expect(page.locator(".result")).to_have_count(1)
    expect(page.get_by_label("Petal width")).to_have_value("1.7")
    expect(page.get_by_label("Sepal length")).to_have_value("5.1")
    assert len(asked) == 1
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result")).to_have_count(2)


def test_a_reference_is_for_the_files_it_was_typed_for(page, watched):
    sign_up(page)
    page.get_by_text("Add a reference").click()
    page.get_by_label("Reference").fill("patient-A")
    page.route("**/", lambda route: (threading.Event().wait(0.2), route.continue_()))
    page.get_by_label("Choose images").set_input_files(
        [SAMPLES / f"{name}.png" for name in ("one", "two", "three", "five", "six")]
    )
    page.get_by_label("Reference").fill("patient-B")
    expect(page.locator(".result:not(.pending)")).to_have_count(5)
    page.goto("/predictions/?client_reference=patient-A")
    expect(page.locator("table.data-table tbody tr")).to_have_count(5)


def test_one_who_was_signed_out_meanwhile_is_told(page, watched):
    sign_up(page)
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Ask about example 1").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_label("Choose images").set_input_files(SAMPLES / "two.png")
    expect(page.get_by_text("You are signed out.")).to_have_count(2)
