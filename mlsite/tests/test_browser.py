"""The pages in a real Chromium: what a person does, and nothing on the console."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import expect

from mlsite.tests.browser import get_labels, sign_in, sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]


def test_a_newcomer_signs_up_uploads_three_files_and_finds_them_again(page, watched):
    sign_up(page)
    expect(page.get_by_role("button", name="Predict")).to_be_hidden()
    files = [SAMPLES / f"{name}.png" for name in ("seven", "two", "nine")]
    page.get_by_label("Choose images").set_input_files(files)
    expect(page.locator(".result:not(.pending)")).to_have_count(3)
    assert sorted(get_labels(page)) == ["2", "7", "9"]
    expect(page.locator(".result").first).to_contain_text("% confident")
    expect(page.locator(".result").first.get_by_role("progressbar")).to_have_count(3)

    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator("table.data-table tbody tr")).to_have_count(3)
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
    page.get_by_role("link", name="digits:1").click()
    expect(page.get_by_role("heading", name="Handwritten digits")).to_be_visible()


def test_images_can_be_dropped_and_pasted(page, watched):
    sign_up(page)
    encoded = base64.b64encode((SAMPLES / "three.png").read_bytes()).decode()
    make = """([target, type, encoded]) => {
        const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], `${type}.png`, {type: "image/png"}));
        const options = {bubbles: true, cancelable: true};
        const event = type === "paste" ? new ClipboardEvent(type, {...options, clipboardData: data})
                                       : new DragEvent(type, {...options, dataTransfer: data});
        document.querySelector(target).dispatchEvent(event);
    }"""
    page.evaluate(make, [".drop-zone", "drop", encoded])
    expect(page.locator(".result:not(.pending)")).to_have_count(1)
    page.evaluate(make, ["body", "paste", encoded])
    expect(page.locator(".result:not(.pending)")).to_have_count(2)
    assert get_labels(page) == ["3", "3"]


def test_a_refused_file_says_why_beside_its_name_and_the_others_go_on(page, watched, tmp_path):
    watched.expected = ["status of 400", "status of 415"]
    sign_up(page)
    text, gif, huge = tmp_path / "notes.txt", tmp_path / "moving.gif", tmp_path / "huge.png"
    text.write_text("no image")
    gif.write_bytes(b"GIF89a" + b"\0" * 100)
    huge.write_bytes(b"\0" * (10 * 2**20 + 1))
    page.get_by_text("Add a reference").click()
    page.get_by_label("Reference").fill("my batch")
    page.get_by_label("Choose images").set_input_files([text, gif, huge, SAMPLES / "six.png"])
    expect(page.locator(".result.refused")).to_have_count(3)
    expect(page.locator(".result.refused", has_text="notes.txt")).to_contain_text("The file is not an image")
    expect(page.locator(".result.refused", has_text="moving.gif")).to_contain_text("Received: GIF")
    expect(page.locator(".result.refused", has_text="huge.png")).to_contain_text("larger than 10 MB")
    assert get_labels(page) == ["6"]
    expect(page.get_by_label("Reference")).to_have_value("my batch")
    page.get_by_role("link", name="all details").click()
    expect(page.get_by_text("my batch")).to_be_visible()


def test_the_picker_is_reached_by_keyboard_and_shows_it(page, watched):
    """What a focused file input does on Enter is the browser's business; that it can be focused, and seen to be, is ours."""
    sign_up(page)
    expect(page.locator("form.scripted")).to_be_visible()
    page.locator(".account-menu summary").focus()
    for _ in range(20):  # the models, the link about this one, then the picker
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "file":
            break
    assert page.evaluate("document.activeElement.type") == "file"
    assert page.locator(".drop-zone").evaluate("zone => getComputedStyle(zone).outlineStyle") == "solid"


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_the_main_path_needs_no_javascript(page, watched):
    sign_up(page, scripted=False)
    page.get_by_label("Choose images").set_input_files(SAMPLES / "eight.png")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("heading", name="8", exact=True)).to_be_visible()
    page.goto("/")
    page.get_by_label("Choose images").set_input_files([SAMPLES / "one.png", SAMPLES / "zero.png"])
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result")).to_have_count(2)
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator("table.data-table tbody tr")).to_have_count(3)
    page.get_by_text("Filters").click()
    page.get_by_label("Label", exact=True).fill("8")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("table.data-table tbody tr")).to_have_count(1)


def test_a_row_is_filled_in_answered_changed_and_found_again(page, watched):
    watched.expected = ["status of 400"]
    sign_up(page)
    page.get_by_role("link", name="Iris", exact=True).click()
    expect(page.get_by_role("heading", name="Iris")).to_be_visible()
    for label, value in (("Sepal length", "6.7"), ("Sepal width", "3.0"), ("Petal length", "5.2"), ("Petal width", "2.3")):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result .label")).to_have_text([re.compile("virginica")])
    expect(page.get_by_label("Petal length")).to_have_value("5.2")
    for label, value in (("Sepal length", "5.1"), ("Sepal width", "3.5"), ("Petal length", "1.4"), ("Petal width", "0.2")):
        page.get_by_label(label).fill(value)
    page.get_by_label("Petal width").press("Enter")
    expect(page.locator(".result .label")).to_have_text([re.compile("setosa"), re.compile("virginica")])
    expect(page.get_by_label("Petal width")).to_be_focused()
    page.go_back()
    expect(page.locator(".result .label")).to_have_text([re.compile("virginica")])
    expect(page.get_by_label("Petal length")).to_have_value("5.2")
    page.evaluate("document.querySelector('form.features').noValidate = true")
    page.get_by_label("Petal width").fill("99")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_text("Expected a number from 0.1 to 30 cm, such as 0.2. Received: 99.")).to_be_visible()
    expect(page.get_by_label("Petal width")).to_be_focused()
    expect(page.locator(".result")).to_have_count(1)
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator("table.data-table tbody tr")).to_have_count(2)
    page.get_by_role("link", name="petal width 2.3 cm").click()
    expect(page.get_by_role("heading", name="virginica")).to_be_visible()
    expect(page.get_by_role("row", name="petal width 2.3 cm")).to_be_visible()


def test_a_prediction_is_judged_with_one_click_and_taken_back(page, watched):
    sign_up(page)
    page.get_by_label("Choose images").set_input_files(SAMPLES / "four.png")
    page.get_by_role("link", name="all details").click()
    page.get_by_role("button", name="Mark correct").click()
    expect(page.get_by_text("Your review: Correct")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Correct label: 9").click()
    expect(page.get_by_text("Your review: Incorrect. Correct: 9")).to_be_visible()
    page.goto("/predictions/?verdict=incorrect")
    expect(page.locator("table.data-table tbody tr")).to_have_count(1)


def test_a_pasted_line_of_csv_fills_the_form_at_once(page, watched):
    sign_up(page)
    page.goto("/?model=diabetes")
    page.get_by_text("Paste a line of CSV").click()
    page.get_by_label("Values in the order of the fields").focus()
    page.evaluate(
        """line => {
            const data = new DataTransfer();
            data.setData("text/plain", line);
            document.execCommand("insertText", false, line);
            document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }""",
        "59,2,32.1,101,157,93.2,38,4,4.8598,87",
    )
    expect(page.get_by_label("Glucose")).to_have_value("87")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result .label")).to_contain_text("197.823 points")


def test_the_example_of_each_model_is_one_click(page, watched):
    sign_up(page)
    for name, answer in (("digits", "7"), ("iris", "setosa"), ("diabetes", "197.823 points")):
        page.goto(f"/models/{name}/")
        page.get_by_role("button", name="Try the example").click()
        expect(page.get_by_role("heading", name=answer, exact=True)).to_be_visible()


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_a_row_needs_no_javascript(page, watched):
    sign_up(page, scripted=False)
    page.goto("/?model=iris")
    page.get_by_text("Paste a line of CSV").click()
    page.get_by_label("Values in the order of the fields").fill("6.7;3;5.2;2.3")
    page.get_by_role("button", name="Fill in the form").click()
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result .label")).to_contain_text("virginica")


def test_a_superuser_promotes_in_the_admin_and_is_asked_first(page, watched):
    sign_in(page, "/admin/registry/modelversion/")
    page.get_by_role("link", name="iris:1").click()
    page.get_by_role("link", name="Promote…").click()
    page.get_by_label("Alias").fill("staging")
    page.get_by_role("button", name="Promote version 1").click()
    expect(page.get_by_text("The alias iris@staging now points to version 1")).to_be_visible()


def test_a_token_is_made_and_revoked(page, watched, site):
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


def test_another_person_finds_nothing(page, watched, browser, site):
    watched.expected = ["status of 404"]
    sign_up(page)
    page.get_by_label("Choose images").set_input_files(SAMPLES / "four.png")
    page.get_by_role("link", name="all details").click()
    address = page.url
    picture = page.locator(".detail-picture img").get_attribute("src")
    page.locator(".account-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    sign_up(page)
    for known in (address, picture):
        assert page.goto(known).status == 404
    page.goto("/predictions/")
    expect(page.get_by_role("heading", name="No predictions yet")).to_be_visible()


def test_staff_see_the_row_in_the_admin(page, watched):
    sign_in(page, "/")
    expect(page.locator("form.scripted")).to_be_visible()
    page.get_by_text("Add a reference").click()
    page.get_by_label("Reference").fill("seen in the admin")
    page.get_by_label("Choose images").set_input_files(SAMPLES / "nine.png")
    expect(page.locator(".result:not(.pending)")).to_have_count(1)
    page.goto("/admin/predictions/prediction/?q=seen in the admin")
    expect(page.locator("#result_list tbody tr").first).to_contain_text("digits:1")
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    expect(page.locator(".field-pretty_output pre")).to_contain_text('"scores"')
    page.goto("/api/docs/")
    expect(page.get_by_role("link", name="/api/v1/predictions/{id}/", exact=True).first).to_be_visible()


def test_the_menu_of_the_account_closes_by_key_and_by_a_click_beside_it(page, watched):
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


def test_a_link_that_is_called_a_button_takes_the_space_bar(page, watched):
    sign_up(page)
    page.goto("/predictions/")
    page.get_by_role("button", name="Ask the first one").press(" ")
    expect(page.get_by_role("heading", name="Handwritten digits")).to_be_visible()


def test_an_example_is_answered_in_place_and_several_pictures_keep_their_order(page, watched):
    sign_up(page)
    page.get_by_label("Ask about example 1").click()
    expect(page.locator(".result .label")).to_have_text([re.compile("7")])
    page.get_by_label("Choose images").set_input_files([SAMPLES / f"{name}.png" for name in ("two", "zero", "three")])
    assert get_labels(page) == ["2", "0", "3", "7"]


def test_on_a_phone_a_photo_can_be_taken(page, watched):
    sign_up(page)
    expect(page.get_by_text("Take a photo")).to_be_hidden()
    touch = watched.context.browser.new_context(
        base_url=watched.origin, storage_state=watched.context.storage_state(), has_touch=True, is_mobile=True
    )
    phone = touch.new_page()
    phone.goto("/")
    expect(phone.get_by_text("Take a photo")).to_be_visible()
    phone.get_by_label("Take a photo").set_input_files(SAMPLES / "six.png")
    expect(phone.locator(".result .label")).to_have_text([re.compile("6")])
    touch.close()
