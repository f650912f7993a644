"""The Predict page for rows of features in Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from mlsite.tests.browser import sign_up

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
NO_SCRIPTS = pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True, ids=["no scripts"])
FEATURES = ("Sepal length", "Sepal width", "Petal length", "Petal width")
PASTE = """line => {
    const data = new DataTransfer();
    data.setData("text/plain", line);
    document.execCommand("insertText", false, line);
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
}"""


def fill_in(page: Page, *values: str) -> None:
    for label, value in zip(FEATURES, values, strict=True):
        page.get_by_label(label).fill(value)


def test_rows_are_predicted_changed_and_found_in_the_history(page, watched):
    watched.expected = ["status of 400"]
    sign_up(page)
    page.get_by_role("link", name="Iris", exact=True).click()
    expect(page.get_by_role("heading", name="Iris")).to_be_visible()
    fill_in(page, "6.7", "3.0", "5.2", "2.3")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result .label")).to_have_text([re.compile("virginica")])
    expect(page.get_by_label("Petal length")).to_have_value("5.2")
    fill_in(page, "5.1", "3.5", "1.4", "0.2")
    page.get_by_label("Petal width").press("Enter")
    expect(page.locator(".result .label")).to_have_text([re.compile("setosa"), re.compile("virginica")])
    expect(page.get_by_label("Petal width")).to_be_focused()
    page.go_back()
    expect(page.locator(".result .label")).to_have_text([re.compile("virginica")])
    expect(page.get_by_label("Petal length")).to_have_value("5.2")
    page.evaluate("document.querySelector('form.features-form').noValidate = true")
    page.get_by_label("Petal width").fill("99")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_text("Expected a number from 0.1 to 30 cm, such as 0.2. Received: 99.")).to_be_visible()
    expect(page.get_by_label("Petal width")).to_be_focused()
    expect(page.locator(".result")).to_have_count(1)
    page.get_by_label("Petal width").fill("0.3")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result")).to_have_count(2)
    expect(page.get_by_text("Received: 99.")).to_have_count(0)
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator("table.data-table tbody tr")).to_have_count(3)
    page.get_by_role("link", name="petal width 2.3 cm").click()
    expect(page.get_by_role("heading", name="virginica")).to_be_visible()
    expect(page.get_by_role("row", name="petal width 2.3 cm")).to_be_visible()


def test_pasted_csv_row_fills_in_the_form(page, watched):
    sign_up(page)
    page.goto("/?model=diabetes")
    page.get_by_text("Paste rows from a spreadsheet").click()
    page.get_by_label("Rows, with or without a header").focus()
    page.evaluate("document.activeElement.style.height = '12rem'")  # as its handle does; htmx must not copy the style
    page.evaluate(PASTE, "59,2,32.1,101,157,93.2,38,4,4.8598,87")
    expect(page.get_by_label("Glucose")).to_have_value("87")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result .label")).to_contain_text("197.823 points")


def test_invalid_csv_row_is_reported_in_place(page, watched):
    watched.expected = ["status of 400"]
    sign_up(page)
    page.goto("/?model=iris&example=1")
    page.get_by_text("Paste rows from a spreadsheet").click()
    page.get_by_label("Rows, with or without a header").focus()
    page.evaluate(PASTE, "1;2")
    expect(page.get_by_text("Expected 4 values")).to_be_visible()
    expect(page.get_by_label("Rows, with or without a header")).to_be_focused()
    expect(page.get_by_label("Sepal length")).to_have_value("5.1")


@pytest.mark.slow
def test_each_model_runs_its_example_with_one_click(page, watched):
    sign_up(page)
    for name, output in (("digits", "7"), ("iris", "setosa"), ("diabetes", "197.823 points")):
        page.goto(f"/models/{name}/")
        page.get_by_role("button", name="Try the example").click()
        expect(page.get_by_role("heading", name=output, exact=True)).to_be_visible()


@NO_SCRIPTS
def test_rows_are_predicted_without_scripts(page, watched):
    sign_up(page, scripted=False)
    page.goto("/?model=iris")
    page.get_by_text("Paste rows from a spreadsheet").click()
    page.get_by_label("Rows, with or without a header").fill("6.7;3;5.2;2.3")
    page.get_by_role("button", name="Fill in the form").click()
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result .label")).to_contain_text("virginica")


def register_table(site, folder, *names: str) -> None:
    """Register and promote a version of a model whose value is the sum of its features."""
    folder.mkdir(exist_ok=True)
    (folder / "table.dummy.json").write_text('{"sum": 1}')
    features = "".join(f'[[input.features]]\nname = "{name}"\nexample = 1\n' for name in names)
    head = 'name = "table"\nartifact = "table.dummy.json"\n[output]\nkind = "value"\n[input]\nkind = "tabular"\n'
    (folder / "model.toml").write_text(head + features)
    site.manage("register_model", str(folder), "--promote")


@pytest.mark.slow
def test_promotion_moves_typed_values_to_their_fields(page, watched, site, tmp_path):
    """The new version has the same features in another order, and fields are numbered."""
    watched.expected = ["status of 409"]
    register_table(site, tmp_path, "alpha", "beta")
    sign_up(page)
    page.goto("/?model=table")
    page.get_by_label("Alpha").fill("3")
    page.get_by_label("Beta").fill("4")
    register_table(site, tmp_path, "beta", "alpha")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_text("table:2 is used now, which takes other values.")).to_be_visible()
    expect(page.get_by_label("Alpha")).to_have_value("3")
    expect(page.get_by_label("Beta")).to_have_value("4")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".result")).to_contain_text("beta 4, alpha 3")
