"""The review queue of a multi-label model in Chromium: labels chosen with keys and clicks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from inference.tests.factories import make_image
from mlsite.tests.browser import sign_in
from mlsite.tests.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
QUEUE_PATH = "/admin/predictions/review/queue/"
CURRENT_ITEM = ".queue-slot:not(.sent) >> nth=0"
LABELS = ["beach", "forest", "mountain"]
PREDICTED = ["beach", "mountain"]
PRINT_VERSION_ID = """
from registry.references import resolve_version
print(resolve_version("scenes").pk)
"""


@pytest.fixture(scope="module")
def queue_url(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of the queue of a multi-label model, with unreviewed predictions of two labels."""
    folder: Path = tmp_path_factory.mktemp("scenes")
    (folder / "scenes.dummy.json").write_text(json.dumps({"fixed": [0.9, 0.1, 0.8]}))
    (folder / "model.toml").write_text(
        f'name = "scenes"\nartifact = "scenes.dummy.json"\nlabels = {json.dumps(LABELS)}\n'
        '[output]\nkind = "labels"\nactivation = "none"\n'
        '[input]\nkind = "image"\nheight = 8\nwidth = 8\nchannels = 1\nscale = "unit"\n'
    )
    site.manage("register_model", str(folder), "--promote")
    token = site.create_token()
    for shade in range(10):
        assert site.predict(make_image(shade), token, model="scenes").status_code == 201
    return f"{QUEUE_PATH}?version={site.run_script(PRINT_VERSION_ID)}&order=newest"


def start_queue(page: Page, url: str) -> str:
    """Sign in, wait for the first item, and return its id."""
    sign_in(page, url)
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    return get_current_id(page)


def get_current_id(page: Page) -> str:
    expect(page.locator(CURRENT_ITEM)).to_be_visible()
    return page.locator(CURRENT_ITEM).get_attribute("data-id") or ""


def list_checked(page: Page) -> list[str]:
    return page.locator(CURRENT_ITEM).locator("input:checked").evaluate_all("boxes => boxes.map((box) => box.value)")


def expect_key_hint(page: Page, button: str) -> None:
    expect(page.locator(CURRENT_ITEM).get_by_role("button", name=button).locator("kbd", has_text="Enter")).to_be_visible()
    expect(page.locator(CURRENT_ITEM).locator("kbd", has_text="Enter").locator("visible=true")).to_have_count(1)


def get_review(page: Page, site: Site, prediction_id: str) -> tuple[str, list[str]]:
    """Wait until a prediction is reviewed, and return the verdict and the true labels of its only review."""
    expect(page.locator(f'.queue-slot[data-id="{prediction_id}"]')).to_have_count(0)
    [review] = site.get(f"/api/v1/predictions/{prediction_id}/reviews/", site.create_token()).json()
    return review["verdict"], review["true_labels"]


def test_enter_marks_correct_or_saves_the_labels_if_they_were_changed(page, watched, site, queue_url):
    first = start_queue(page, queue_url)
    assert list_checked(page) == PREDICTED
    expect_key_hint(page, "Mark correct")
    page.keyboard.press("Enter")
    assert get_review(page, site, first) == ("correct", PREDICTED)
    second = get_current_id(page)
    page.keyboard.type("12")
    expect_key_hint(page, "Save labels")
    assert list_checked(page) == ["forest", "mountain"]
    page.keyboard.press("Enter")
    assert get_review(page, site, second) == ("incorrect", ["forest", "mountain"])


@pytest.mark.slow
def test_keys_work_after_a_click_and_changes_can_be_reverted(page, watched, site, queue_url):
    first = start_queue(page, queue_url)
    page.locator(CURRENT_ITEM).get_by_role("checkbox", name="forest").check()
    page.keyboard.press("2")
    expect_key_hint(page, "Mark correct")
    page.keyboard.type("13")
    assert list_checked(page) == []
    page.keyboard.press("Enter")
    assert get_review(page, site, first) == ("incorrect", [])
    second = get_current_id(page)
    page.keyboard.press("2")
    page.keyboard.press("u")
    assert get_review(page, site, second) == ("unsure", None)


@pytest.mark.slow
def test_mark_correct_after_a_change_keeps_the_item_and_explains(page, watched, site, queue_url):
    current = start_queue(page, queue_url)
    page.keyboard.press("2")
    page.locator(CURRENT_ITEM).get_by_role("button", name="Mark correct").click()
    expect(page.locator("#queue-error")).to_contain_text("list of true labels differs from the prediction")
    assert (get_current_id(page), list_checked(page)) == (current, LABELS)


@pytest.mark.slow
def test_the_page_of_a_prediction_saves_labels(page, watched, site, queue_url):
    current = start_queue(page, queue_url)
    page.goto(f"/predictions/{current}/")
    page.get_by_role("checkbox", name="mountain").uncheck()
    page.get_by_role("checkbox", name="mountain").press("Enter")
    expect(page.get_by_text("Your review: Incorrect. True labels: beach")).to_be_visible()


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_labels_are_saved_without_javascript(page, watched, site, queue_url):
    sign_in(page, queue_url)
    start = page.get_by_role("button", name="Start reviewing")
    if start.is_visible():
        start.click()
    current = get_current_id(page)
    page.locator(CURRENT_ITEM).get_by_role("checkbox", name="beach").uncheck()
    page.locator(CURRENT_ITEM).get_by_role("button", name="Save labels").click()
    expect(page.locator(".messagelist")).to_contain_text("Saved: corrected from beach, mountain to mountain.")
    assert get_review(page, site, current) == ("incorrect", ["mountain"])
