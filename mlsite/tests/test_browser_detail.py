"""The page of a prediction in Chromium: zoom, neighbors, tags, comments, and another version."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Page, expect

from inference.tests.factories import make_image
from mlsite.tests.browser import sign_in
from mlsite.tests.site import Site, write_dummy

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
# One process runs both commands, because each process takes a second to start.
REGISTER_VERSIONS = """
from django.core.management import call_command
for folder in {folders!r}:
    call_command("register_model", folder, promote=folder.endswith("first"))
"""
# Return whether the number of "5 minutes ago" is right of a name that is written from right to left.
IS_TIME_AFTER_NAME = """
() => {
    const [name, time] = ["strong", "time"].map((tag) => document.querySelector(`.comment ${tag}`));
    name.textContent = "\u0645\u062d\u0645\u062f";
    time.textContent = "5 minutes ago";
    const range = document.createRange();
    range.setStart(time.firstChild, 0);
    range.setEnd(time.firstChild, 1);
    return range.getBoundingClientRect().left > name.getBoundingClientRect().right;
}
"""
SHOW_FUTURE_TIME = """
() => {
    document.querySelector(".comment time").dateTime = new Date(Date.now() + 30_000).toISOString();
    document.dispatchEvent(new Event("htmx:oobAfterSwap"));
}
"""


@pytest.fixture
def model(site: Site, tmp_path) -> str:
    """Return the name of a model with two versions, the first in production, and three predictions of it."""
    name = f"detail-{uuid.uuid4().hex[:8]}"
    folders = [tmp_path / "first", tmp_path / "second"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        write_dummy(folder, name, sleep=number / 100)
    site.run_script(REGISTER_VERSIONS.format(folders=[str(folder) for folder in folders]))
    for shade in (0, 127, 255):
        assert site.predict(make_image(shade), site.create_token(), model=name).status_code == 201
    return name


def test_a_prediction_is_enlarged_annotated_and_compared(page, watched, model):
    watched.expected = ["status of 400"]  # the tag with a comma
    sign_in(page, f"/predictions/?model={model}")
    page.locator(".history-table tbody .input-cell").first.click()
    check_neighbors(page, model)
    check_zoom(page)
    check_annotations(page)
    page.get_by_role("button", name="Run with version 2").click()
    expect(page.locator(".detail-output").get_by_role("link", name=f"{model}:2", exact=True)).to_be_visible()
    expect(page.locator(".versions-table")).to_contain_text(f"{model}:1")
    expect(page.locator(".tag")).to_have_count(0)


def check_neighbors(page: Page, model: str) -> None:
    """The arrow keys stay in the list of the history."""
    expect(page.get_by_role("link", name="Older")).to_be_visible()
    newest = page.url
    assert newest.endswith(f"?model={model}")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="Newer")).to_be_visible()
    assert page.url.endswith(f"?model={model}")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("link", name="Newer")).to_have_count(0)
    assert page.url == newest


def check_zoom(page: Page) -> None:
    page.get_by_role("link", name="Enlarge the image").click()
    image = page.get_by_role("dialog", name="Image").get_by_role("img")
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    assert "scale(1.25)" in image.evaluate("image => image.style.transform")
    page.keyboard.press("0")
    assert "scale(1)" in image.evaluate("image => image.style.transform")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def check_annotations(page: Page) -> None:
    field = page.get_by_label("New tag")
    field.fill("a, b")
    field.press("Enter")
    expect(page.locator("#tags [role=alert]")).to_contain_text("cannot contain a comma")
    expect(field).to_have_value("a, b")
    field.fill("Odd  Case")
    field.press("Enter")
    expect(page.locator(".tag")).to_contain_text("odd case")
    expect(field).to_be_focused()
    page.get_by_label("Comment", exact=True).fill("Is this <b>black</b>?")
    page.get_by_role("button", name="Add comment").click()
    expect(page.locator(".comment")).to_contain_text("Is this <b>black</b>?")
    page.get_by_role("link", name="odd case", exact=True).click()
    expect(page.locator(".history-table tbody tr")).to_have_count(1)
    page.go_back()
    expect(page.locator(".comment")).to_have_count(1)
    assert page.evaluate(IS_TIME_AFTER_NAME)
    page.evaluate(SHOW_FUTURE_TIME)
    expect(page.locator(".comment time")).to_have_text("now")
    page.emulate_media(media="print")
    # Without the heading of the review, whose form is not printed.
    expect(page.locator("main h2:visible")).to_have_text(["Same input, other versions", "Tags", "Comments"])
    expect(page.locator(".tag")).to_be_visible()
    page.emulate_media(media="screen")
