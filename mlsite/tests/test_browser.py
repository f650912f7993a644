"""The site in Chromium: accounts, the admin, and the header of all pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from mlsite.tests.browser import NEW_PASSWORD, sign_in, sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]


def test_superuser_promotes_a_version_in_the_admin(page, watched):
    sign_in(page, "/admin/registry/modelversion/")
    page.get_by_role("link", name="iris:1").click()
    page.get_by_role("link", name="Promote…").click()
    page.get_by_label("Alias").fill("staging")
    page.get_by_role("button", name="Promote version 1").click()
    expect(page.get_by_text("The alias iris@staging now points to version 1")).to_be_visible()


def test_token_is_created_used_and_revoked(page, watched, site):
    sign_up(page)
    page.locator(".account-menu summary").click()
    page.get_by_role("link", name="API tokens").click()
    page.get_by_label("Name").fill("my script")
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("#secret").inner_text()
    assert site.predict((SAMPLES / "seven.png").read_bytes(), secret).json()["label"] == "7"
    page.get_by_text("Revoke…").click()
    page.get_by_role("button", name="Revoke my script permanently").click()
    expect(page.get_by_text("Revoked my script")).to_be_visible()
    assert site.predict((SAMPLES / "seven.png").read_bytes(), secret).status_code == 401


@pytest.mark.slow
def test_other_users_do_not_find_a_prediction(page, watched):
    watched.expected = ["status of 404"]
    sign_up(page)
    page.get_by_label("Choose images").set_input_files(SAMPLES / "four.png")
    page.get_by_role("link", name="Details").click()
    page.wait_for_url("**/predictions/*/")
    url = page.url
    image = page.locator(".detail-image img").get_attribute("src")
    page.locator(".account-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    sign_up(page)
    for known in (url, image):
        assert page.goto(known).status == 404
    page.goto("/predictions/")
    expect(page.get_by_role("heading", name="No predictions yet")).to_be_visible()


@pytest.mark.slow
def test_staff_find_a_prediction_in_the_admin(page, watched):
    sign_in(page, "/")
    expect(page.locator("form.scripted")).to_be_visible()
    page.get_by_text("Add a note or ID").click()
    page.get_by_label("Client reference").fill("seen in the admin")
    page.get_by_label("Choose images").set_input_files(SAMPLES / "nine.png")
    expect(page.locator("#results .result .label")).to_contain_text("nine.png: 9")
    page.goto("/admin/predictions/prediction/?q=seen in the admin")
    expect(page.locator("#result_list tbody tr").first).to_contain_text("digits:1")
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    expect(page.locator(".field-output_json pre")).to_contain_text('"scores"')
    page.goto("/api/docs/")
    expect(page.get_by_role("link", name="/api/v1/predictions/{id}/", exact=True).first).to_be_visible()


def test_a_form_works_after_signing_in_again_in_another_tab(page, watched):
    """Signing in replaces the CSRF token, so that the form in the first tab has an old one."""
    name = sign_up(page)
    page.goto("/?model=iris&example=1")
    second = watched.context.new_page()
    second.goto("/")
    second.locator(".account-menu summary").click()
    second.get_by_role("button", name="Sign out").click()
    sign_in(second, "/", name, NEW_PASSWORD)
    expect(second.get_by_role("heading", name="Handwritten digits")).to_be_visible()
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator(".result .label")).to_contain_text("setosa")
    page.locator(".account-menu summary").click()
    page.get_by_role("button", name="Sign out").click()  # a form that htmx does not send
    expect(page.locator(".account-menu")).to_have_count(0)


def test_account_menu_closes_with_escape_and_with_a_click_elsewhere(page, watched):
    sign_up(page)
    menu = page.locator(".account-menu")
    summary = menu.locator("summary")
    summary.press("Enter")
    expect(page.get_by_role("link", name="API tokens")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()
    summary.click()
    expect(menu).to_have_attribute("open", "")
    page.get_by_role("heading", name="Handwritten digits").click()
    expect(menu).not_to_have_attribute("open", "")


def test_links_with_the_role_of_a_button_react_to_the_space_bar(page, watched):
    sign_up(page)
    page.goto("/predictions/")
    page.get_by_role("button", name="Make your first prediction").press(" ")
    expect(page.get_by_role("heading", name="Handwritten digits")).to_be_visible()


def test_tabs_lead_from_the_overview_to_the_evaluation_of_a_model(page, watched):
    sign_up(page)
    page.goto("/models/iris/")
    tabs = page.get_by_role("navigation", name="Model", exact=True)
    expect(tabs.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")
    tabs.get_by_role("link", name="Evaluation").click()
    expect(tabs.get_by_role("link", name="Evaluation")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("heading", name="Iris")).to_be_visible()
    expect(page.get_by_role("contentinfo")).to_contain_text("mlsite 0.")
