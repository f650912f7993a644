"""The drawing pad and the image editor of the Predict page in Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from core.tests.waiting import wait_until
from mlsite.tests.browser import get_labels, sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
COMPLETE_RESULT = "#results .result:not(.pending)"
SHOWN_IMAGE = ".cropper-canvas img"


def draw_one(page) -> None:
    box = page.locator("#drawing-pad canvas").bounding_box()
    x, y, height = box["x"] + box["width"] / 2, box["y"], box["height"]
    page.mouse.move(x, y + 0.15 * height)
    page.mouse.down()
    page.mouse.move(x - 4, y + 0.85 * height, steps=8)
    page.mouse.up()


def test_a_drawing_is_predicted_and_edited(page, watched):
    """The modules of the pad and of the editor are loaded when they are opened, under the content security policy."""
    page.set_viewport_size({"width": 1280, "height": 800})
    loaded = []
    page.on("request", lambda request: loaded.append(request.url))
    sign_up(page)
    assert not any(name in url for url in loaded for name in ("image_cards", "drawing_pad", "image_editor", "cropper"))
    watched.expected = ["ERR_FAILED"]
    page.route("**/image_tools*.js", lambda route: route.abort())
    page.get_by_label("Choose images").set_input_files(SAMPLES / "two.png")
    expect(page.locator("#results .rejected")).to_have_text(re.compile(r"two.png\s+The connection was lost."))
    page.unroute("**/image_tools*.js")
    page.reload()
    page.locator("#drawing-pad summary").click()
    predict = page.locator("#drawing-pad [data-action=predict]")
    expect(predict).to_be_disabled()
    expect(predict).to_be_in_viewport()
    canvas = page.locator("#drawing-pad canvas")
    wait_until(lambda: canvas.evaluate("canvas => canvas.getContext('2d').getImageData(1, 1, 1, 1).data[0] > 0"), 20)
    draw_one(page)
    page.get_by_role("button", name="Undo").click()
    expect(predict).to_be_disabled()
    draw_one(page)
    predict.click()
    expect(page.locator(COMPLETE_RESULT)).to_have_count(1)
    assert get_labels(page) == ["1"]

    edit = page.get_by_role("button", name="Edit and predict again")
    dialog = page.get_by_role("dialog", name="Edit the image")
    edit.click()
    expect(page.locator(SHOWN_IMAGE)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(edit).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(SHOWN_IMAGE)).to_be_visible()
    dialog.evaluate("dialog => dialog.dispatchEvent(new Event('close'))")  # of the image before, which can come late
    dialog.get_by_role("button", name="Rotate right").press("Enter")
    dialog.get_by_role("button", name="Rotate left").press("Enter")
    dialog.get_by_role("button", name="Invert").press("Enter")
    dialog.get_by_label("Straighten").press("ArrowRight")
    expect(dialog.locator("output")).to_have_text("0.5°")
    page.get_by_label("Crop area").press("Shift+ArrowLeft")
    dialog.get_by_role("button", name="Predict").click()
    expect(page.locator(COMPLETE_RESULT)).to_have_count(2)
    width, height = page.locator(COMPLETE_RESULT).first.evaluate(
        """async (card) => {
            const image = await createImageBitmap(await (await fetch(card.dataset.imageUrl)).blob());
            return [image.width, image.height];
        }"""
    )
    assert width < height

    page.get_by_label("Edit images before they are sent").check()
    page.get_by_label("Choose images").set_input_files(SAMPLES / "two.png")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator("#results .result")).to_have_count(2)
    page.get_by_label("Choose images").set_input_files(SAMPLES / "two.png")
    expect(page.locator(SHOWN_IMAGE)).to_be_visible()
    dialog.get_by_role("button", name="Predict").click()
    expect(page.locator(COMPLETE_RESULT)).to_have_count(3)
    assert get_labels(page)[0] == "2"
