"""The Predict page for images in Chromium."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import Page, expect

from mlsite.tests.browser import get_labels, sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
NO_SCRIPTS = pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True, ids=["no scripts"])
COMPLETE_RESULT = ".result:not(.pending)"
TABLE_ROWS = "table.data-table tbody tr"


def choose_images(page: Page, *names: str) -> None:
    page.get_by_label("Choose images").set_input_files([SAMPLES / f"{name}.png" for name in names])


def test_new_user_uploads_three_images_and_finds_them_in_the_history(page, watched):
    sign_up(page)
    expect(page.get_by_role("button", name="Predict")).to_be_hidden()
    choose_images(page, "seven", "two", "nine")
    expect(page.locator(COMPLETE_RESULT)).to_have_count(3)
    assert get_labels(page) == ["7", "2", "9"]
    expect(page.locator(".result").first).to_contain_text(" confidence · ")
    expect(page.locator(".result").first.get_by_role("progressbar")).to_have_count(3)

    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator(TABLE_ROWS)).to_have_count(3)
    for image in page.locator(".input-cell img").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("image => image.naturalWidth") > 0
    page.get_by_role("link", name="two.png").click()
    expect(page.get_by_role("heading", name="2", exact=True)).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(10)
    expect(page.locator("#snippet-curl")).to_contain_text("curl -F image=@image.png -F model=digits:1")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name=re.compile("Copied|Press Ctrl"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Copied|Press Ctrl")).click()
    expect(page.get_by_role("button", name=re.compile("Copied|Press Ctrl"))).to_have_count(0)
    page.get_by_role("link", name="digits:1").click()
    expect(page.get_by_role("heading", name="Handwritten digits")).to_be_visible()


def test_images_can_be_dropped_and_pasted(page, watched):
    sign_up(page)
    encoded = base64.b64encode((SAMPLES / "three.png").read_bytes()).decode()
    dispatch = """([target, type, encoded]) => {
        const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], `${type}.png`, {type: "image/png"}));
        const options = {bubbles: true, cancelable: true};
        const event = type === "paste" ? new ClipboardEvent(type, {...options, clipboardData: data})
                                       : new DragEvent(type, {...options, dataTransfer: data});
        document.querySelector(target).dispatchEvent(event);
    }"""
    page.evaluate(dispatch, [".drop-zone", "drop", encoded])
    expect(page.locator(COMPLETE_RESULT)).to_have_count(1)
    page.evaluate(dispatch, ["body", "paste", encoded])
    expect(page.locator(COMPLETE_RESULT)).to_have_count(2)
    assert get_labels(page) == ["3", "3"]


@pytest.mark.slow
def test_prediction_waits_while_the_model_is_loading(page, watched):
    watched.expected = ["status of 503"]
    sign_up(page)
    keys, headers = [], {"Error-Code": "model-loading", "Retry-After": "1", "Content-Type": "text/plain"}

    def load(route):
        if route.request.method != "POST":
            route.continue_()
            return
        keys.append(re.search(rb'name="idempotency_key"\r\n\r\n([^\r]+)', route.request.post_data_buffer).group(1))
        if len(keys) > 1:
            route.continue_()
        else:
            route.fulfill(status=503, headers=headers, body="digits:1 is still loading.")

    page.route("**/", load)
    choose_images(page, "two")
    expect(page.locator(".result.pending")).to_contain_text("The model is loading…")
    expect(page.locator(".result.pending .model-loading progress")).to_be_visible()
    assert get_labels(page) == ["2"]
    expect(page.locator(".model-loading")).to_have_count(0)
    assert len(keys) == 2 and keys[0] == keys[1]


def test_rejected_files_show_the_reason_and_do_not_stop_the_others(page, watched, tmp_path):
    watched.expected = ["status of 400", "status of 415"]
    sign_up(page)
    text, gif, huge = tmp_path / "notes.txt", tmp_path / "moving.gif", tmp_path / "huge.png"
    text.write_text("no image")
    gif.write_bytes(b"GIF89a" + b"\0" * 100)
    huge.write_bytes(b"\0" * (10 * 2**20 + 1))
    page.get_by_text("Add a note or ID").click()
    page.get_by_label("Client reference").fill("my batch")
    page.get_by_label("Choose images").set_input_files([text, gif, huge, SAMPLES / "six.png"])
    expect(page.locator(".result.rejected")).to_have_count(3)
    expect(page.locator(".result.rejected", has_text="notes.txt")).to_contain_text("The file is not an image")
    expect(page.locator(".result.rejected", has_text="moving.gif")).to_contain_text("GIF images are not supported")
    expect(page.locator(".result.rejected", has_text="huge.png")).to_contain_text("The limit is 10 MB.")
    expect(page.locator(".result.rejected progress")).to_have_count(0)
    assert get_labels(page) == ["6"]
    expect(page.get_by_label("Client reference")).to_have_value("my batch")
    page.get_by_role("link", name="Details").click()
    page.get_by_text("Technical data").click()
    expect(page.get_by_text("my batch")).to_be_visible()


def test_file_input_is_reached_with_the_keyboard_and_shows_its_focus(page, watched):
    sign_up(page)
    page.locator(".account-menu summary").focus()
    for _ in range(20):  # the models, the link about this one, then the file input
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "file":
            break
    assert page.evaluate("document.activeElement.type") == "file"
    assert page.locator(".drop-zone").evaluate("zone => getComputedStyle(zone).outlineStyle") == "solid"


@NO_SCRIPTS
def test_upload_and_history_work_without_scripts(page, watched):
    sign_up(page, scripted=False)
    choose_images(page, "eight")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("heading", name="8", exact=True)).to_be_visible()
    page.goto("/")
    choose_images(page, "one", "zero")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result")).to_have_count(2)
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator(TABLE_ROWS)).to_have_count(3)
    page.locator(".filters summary", has_text="Label").first.click()
    page.get_by_label("Other label").fill("8")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator(TABLE_ROWS)).to_have_count(1)


def test_examples_run_in_place_and_images_keep_their_order(page, watched):
    sign_up(page)
    page.get_by_label("Run example 1").click()
    expect(page.locator(".result .label")).to_have_text([re.compile("7")])
    choose_images(page, "two", "zero", "three")
    assert get_labels(page) == ["2", "0", "3", "7"]


@pytest.mark.slow
def test_recent_predictions_are_hidden_once_there_is_a_result(page, watched):
    sign_up(page)
    choose_images(page, "two")
    expect(page.locator(COMPLETE_RESULT)).to_have_count(1)
    page.goto("/")
    expect(page.get_by_role("heading", name="Recent predictions")).to_be_visible()
    page.get_by_label("Run example 1").click()
    expect(page.locator(COMPLETE_RESULT)).to_have_count(1)
    expect(page.get_by_role("heading", name="Recent predictions")).to_be_hidden()


def test_new_result_is_brought_into_view_on_a_phone(page, watched):
    page.set_viewport_size({"width": 390, "height": 600})
    sign_up(page)
    expect(page.get_by_role("heading", name="Results")).not_to_be_in_viewport()
    page.get_by_label("Run example 1").click()
    expect(page.locator(".result .label")).to_be_in_viewport()
    result = page.locator(".result")
    expect(result.locator(".model-input img")).to_be_visible()
    assert result.evaluate("card => card.scrollWidth - card.clientWidth") <= 0
    assert result.locator(".scores progress").first.evaluate("bar => bar.clientWidth") > 80


@pytest.mark.slow
def test_phones_offer_the_camera(page, watched):
    sign_up(page)
    expect(page.get_by_text("Take a photo")).to_be_hidden()
    context = watched.context.browser.new_context(
        base_url=watched.origin, storage_state=watched.context.storage_state(), has_touch=True, is_mobile=True
    )
    phone = context.new_page()
    phone.goto("/")
    expect(phone.get_by_text("Take a photo")).to_be_visible()
    phone.get_by_label("Take a photo").set_input_files(SAMPLES / "six.png")
    expect(phone.locator(".result .label")).to_have_text([re.compile("6")])
    context.close()


def test_prediction_is_reviewed_with_one_click_and_undone(page, watched):
    sign_up(page)
    choose_images(page, "four")
    page.get_by_role("link", name="Details").click()
    page.get_by_role("button", name="Mark correct").click()
    expect(page.get_by_text("Your review: Correct")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="True label: 9").click()
    expect(page.get_by_text("Your review: Incorrect. True label: 9")).to_be_visible()
    page.goto("/predictions/?verdict=incorrect")
    expect(page.locator(TABLE_ROWS)).to_have_count(1)
