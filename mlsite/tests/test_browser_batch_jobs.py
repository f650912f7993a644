"""Batch jobs in Chromium. `batch_job_pages.py` processes larger ones."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from inference.tests.factories import make_noise_image
from mlsite.tests.browser import sign_up
from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
NO_SCRIPTS = pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True, ids=["no scripts"])
HEADER = "id,Sepal Length,sepal_width,petal_length,petal_width\n"
JOB_TIMEOUT_MILLISECONDS = 20_000
SUCCEEDED = "#job-status .badge.succeeded"
DROP = """([selector, files]) => {
    const data = new DataTransfer();
    for (const [name, content, type] of files) data.items.add(new File([content], name, {type}));
    const target = document.querySelector(selector);
    for (const event of ["dragover", "drop"]) {
        target.dispatchEvent(new DragEvent(event, {bubbles: true, cancelable: true, dataTransfer: data}));
    }
}"""


def make_table(count: int) -> str:
    return HEADER + "".join(f"{number},5.1,3.5,{1 + number % 6},0.2\n" for number in range(count))


def write_images(folder, count: int) -> list:
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(make_noise_image(number))
    return paths


def drop_files(page: Page, selector: str, *files: tuple[str, str, str]) -> None:
    """Drop files on an element, each with a name, a text, and a type."""
    page.evaluate(DROP, [selector, files])


def get_done_count(page: Page) -> str:
    return page.locator(".job-counts dd").first.inner_text()


def test_table_is_dropped_previewed_and_processed_while_the_tab_is_closed(page, watched):
    sign_up(page)
    page.goto("/?model=iris")
    drop_files(page, "h1", ("rows.csv", make_table(1500) + "x,wrong,1,1,1\n", "text/csv"))
    expect(page.get_by_role("heading", name="Preview of rows.csv")).to_be_visible()
    expect(page.get_by_label("Sepal length (cm)")).to_have_value("Sepal Length")
    expect(page.get_by_text("The model does not use these columns: id.")).to_be_visible()
    page.locator("#start-form button").click()
    expect(page.locator(".job-progress")).to_be_visible()
    url = page.url
    page.close()
    page = watched.context.new_page()
    page.goto(url)
    expect(page.locator(SUCCEEDED)).to_be_visible(timeout=JOB_TIMEOUT_MILLISECONDS)
    expect(page.get_by_text("1,501 rows processed, of which 1 failed.")).to_be_visible()
    expect(page.get_by_role("cell", name="1502", exact=True)).to_be_visible()
    expect(page.locator("[hx-trigger^=every]")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download results").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 1502
    assert lines[0].startswith("id,Sepal Length,")
    page.get_by_role("button", name="Show in history").click()
    expect(page.locator(".chips")).to_contain_text("Batch job")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Batch jobs").click()
    expect(page.get_by_role("link", name="rows.csv")).to_be_visible()


def test_many_images_become_a_batch_job_with_live_progress(page, watched, tmp_path):
    sign_up(page)
    page.get_by_label("Choose images").set_input_files(write_images(tmp_path, 40))
    card = page.locator("#results .result")
    expect(card).to_have_count(1)
    expect(card).to_contain_text("40 of 40 uploaded.", timeout=JOB_TIMEOUT_MILLISECONDS)
    expect(card).to_contain_text("Upload complete. You can leave this page.")
    expect(card.locator(".job-counts")).to_contain_text("40 of 40", timeout=JOB_TIMEOUT_MILLISECONDS)
    expect(card.locator("[hx-trigger^=every]")).to_have_count(0)
    expect(card.locator(".tile")).to_have_count(40)
    expect(card.locator(".badge")).to_have_text("Succeeded")
    expect(card.get_by_text("Open the batch job").locator("visible=true")).to_have_count(1)
    page.reload()  # the results are in the database
    expect(page.locator("form.scripted")).to_be_visible()
    page.get_by_label("Choose images").set_input_files(sorted(tmp_path.glob("*.png")))
    expect(card.locator("[data-upload-count]")).to_have_text("40 images are in this batch job already and were skipped.")
    page.reload()
    card = page.locator("#last-job")
    expect(card.locator(".tile")).to_have_count(40)
    expect(card.locator(".badge")).to_have_text("Succeeded")
    card.get_by_role("button", name="Open the batch job").click()
    expect(page.get_by_role("heading", name="40 images")).to_be_visible()
    expect(page.get_by_role("navigation", name="Predictions by label")).to_be_visible()


def test_folder_is_uploaded_without_its_other_files(page, watched, tmp_path):
    write_images(tmp_path, 6)
    (tmp_path / "notes.txt").write_text("no image")
    sign_up(page)
    page.get_by_label("choose a folder").set_input_files(tmp_path)
    expect(page.locator("#results .result")).to_contain_text("6 of 6 uploaded. 1 other file was skipped.")


def test_interrupted_upload_continues_and_stores_each_image_once(page, watched, tmp_path):
    watched.expected = ["net::ERR_FAILED", "status of 503", "status of 400"]
    failures = ["abort", "after", "503"]

    def interrupt(route):
        failure = failures.pop() if failures else ""
        if failure == "abort":
            route.abort()
        elif failure == "after":  # the server stores the images, but the response is lost
            route.fetch()
            route.abort()
        elif failure == "503":
            route.fulfill(status=503, content_type="application/problem+json", body='{"detail": "Busy."}')
        else:
            route.continue_()

    page.route("**/images/", interrupt)
    sign_up(page)
    page.get_by_label("Choose images").set_input_files(write_images(tmp_path, 40))
    expect(page.locator("#results .result")).to_contain_text("Keep this page open")
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.dismiss()))
    page.locator("h1").click()  # browsers warn only after an interaction
    page.close(run_before_unload=True)
    expect(page.locator("#results .result")).to_contain_text("40 of 40 uploaded.", timeout=JOB_TIMEOUT_MILLISECONDS)
    assert dialogs == ["beforeunload"]
    expect(page.locator("#results .job-counts")).to_contain_text("40 of 40", timeout=JOB_TIMEOUT_MILLISECONDS)
    assert not failures


def test_images_uploaded_before_the_page_was_closed_are_processed(page, watched, tmp_path):
    watched.expected = ["net::ERR_FAILED"]
    sign_up(page)
    groups = iter(["accepted", "accepted"])
    page.route("**/images/", lambda route: route.continue_() if next(groups, "") else route.abort())
    page.get_by_label("Choose images").set_input_files(write_images(tmp_path, 40))
    expect(page.locator("#results .result")).to_contain_text(re.compile("(24|32) of 40 uploaded."))
    uploaded = int(page.locator("#results progress").get_attribute("value"))
    url = page.get_by_role("link", name="Open the batch job").get_attribute("href")
    page.close()
    page = watched.context.new_page()
    page.goto(url)
    expect(page.locator(SUCCEEDED)).to_be_visible(timeout=JOB_TIMEOUT_MILLISECONDS)
    assert get_done_count(page) == f"{uploaded} of {uploaded}"

    # The same images again: only the missing ones are uploaded, to the same batch job.
    page.goto("/")
    expect(page.locator("#last-job")).to_contain_text(f"{40 - uploaded} images were not uploaded.")
    page.get_by_label("Choose images").set_input_files(sorted(tmp_path.glob("*.png")))
    expect(page.locator("#results .result")).to_contain_text(f"{uploaded} images are in this batch job already")
    expect(page.locator("#results .tile")).to_have_count(40, timeout=JOB_TIMEOUT_MILLISECONDS)


@pytest.mark.slow
def test_wrong_files_are_rejected_with_a_hint(page, watched):
    watched.expected = ["status of 400"]
    sign_up(page)
    csv_file, zip_file = ("rows.csv", "a\n1\n", "text/csv"), ("images.zip", "PK", "application/zip")
    cases = [
        ("digits", [csv_file], "This model takes images, not rows."),
        ("digits", [zip_file, ("a.png", "x", "image/png")], "Drop one ZIP file, or only images."),
        ("digits", [zip_file], "The file is not a complete ZIP archive."),
        ("iris", [zip_file], "This model takes rows of features. Drop a CSV file"),
        ("iris", [csv_file, csv_file], "Drop one CSV file."),
        ("iris", [("empty.csv", "", "text/csv")], "The file is empty."),
    ]
    for model, files, message in cases:
        page.goto(f"/?model={model}")
        drop_files(page, ".drop-zone" if model == "digits" else ".features-form", *files)
        expect(page.locator("#results .result.rejected")).to_contain_text(message)


@pytest.mark.slow
def test_upload_page_shows_errors_and_the_list_changes_without_a_reload(page, watched):
    watched.expected = ["net::ERR_FAILED", "status of 400", "htmx:sendError", "htmx:afterRequest"]
    sign_up(page)
    page.goto("/batch-jobs/new/?model=iris")
    for content, result in (("", "The file is empty."), (make_table(2000), "Preview of rows.csv")):
        page.get_by_label("File").set_input_files({"name": "rows.csv", "mimeType": "text/csv", "buffer": content.encode()})
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("main")).to_contain_text(result)
    page.locator("#start-form button").click()
    page.get_by_role("link", name="Batch jobs").click()
    page.evaluate("window.isSamePage = true")
    page.route("**/batch-jobs/", lambda route: route.abort())
    expect(page.get_by_role("alert")).to_have_text("The connection was lost. This page tries again.")
    page.unroute("**/batch-jobs/")
    expect(page.locator(".job-table .badge.succeeded")).to_be_visible(timeout=JOB_TIMEOUT_MILLISECONDS)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.evaluate("window.isSamePage")


@NO_SCRIPTS
def test_batch_jobs_work_without_scripts(page, watched):
    watched.expected = ["status of 400"]
    sign_up(page, scripted=False)
    page.goto("/?model=iris")
    page.get_by_role("link", name="Upload a CSV file").click()
    expect(page.get_by_label("Model")).to_have_value("iris")
    rows = {"name": "rows.csv", "mimeType": "text/csv", "buffer": make_table(3).encode()}
    page.get_by_label("File").set_input_files(rows)
    page.get_by_role("button", name="Upload").click()
    page.locator("#start-form button").click()
    for _ in range(20):
        if page.locator(SUCCEEDED).count():
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(page.get_by_text("3 rows processed.")).to_be_visible()
    page.goto("/batch-jobs/new/?model=digits")
    page.get_by_label("File").set_input_files(SAMPLES / "seven.png")
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".errorlist")).to_contain_text(re.compile("."))
