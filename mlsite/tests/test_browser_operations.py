"""The operations page in Chromium: charts in both themes and at several widths, the form, the keyboard, no JavaScript."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import expect

from core.tests.waiting import wait_until
from mlsite.tests.browser import sign_in, wait_for_condition

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
PAGE = "/operations/"
# Read the pixels of a copy: Chromium warns about canvases that are read repeatedly.
READ_PIXELS = """
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
    copy.drawImage(canvas, 0, 0);
    const {data} = copy.getImageData(0, 0, canvas.width, canvas.height);
"""
COUNT_DRAWN_PIXELS = f"""
canvas => {{
    {READ_PIXELS}
    return data.filter((value, index) => index % 4 === 3 && value).length;
}}
"""
# The mean brightness of the opaque pixels, from 0 to 255.
READ_BRIGHTNESS = f"""
canvas => {{
    {READ_PIXELS}
    let [sum, count] = [0, 0];
    for (let at = 0; at < data.length; at += 4) {{
        if (data[at + 3] !== 255) continue;
        sum += data[at] + data[at + 1] + data[at + 2];
        count += 3;
    }}
    return sum / count;
}}
""".strip()
EARLIER = re.compile("Reference window: .* in the same period 4 weeks earlier", re.DOTALL)
EIGHT_WEEKS_EARLIER = re.compile("Reference window: .* in the same period 8 weeks earlier", re.DOTALL)
ALL_DRAWN = """
() => {
    const charts = [...document.querySelectorAll("[data-chart]")];
    return charts.length > 3 && charts.every((chart) => chart.querySelector("canvas"));
}
"""
FIT_WIDTH = "[...document.querySelectorAll('.plot canvas')].every(item => item.getBoundingClientRect().right <= innerWidth)"


@pytest.fixture(scope="module")
def model(site, tmp_path_factory):
    """Return the name of a model with 900 predictions in 20 days."""
    folder, name = tmp_path_factory.mktemp("model"), f"busy-{uuid.uuid4().hex[:8]}"
    site.register_dummy(folder, name)
    site.manage("seed_predictions", name, "--count", "900", "--days", "20", "--reviewed", "0.1", "--files", "5", "--yes")
    site.manage("roll_up")
    return name


def wait_for_charts(page):
    wait_for_condition(page, ALL_DRAWN)
    for canvas in page.locator(".plot canvas").all():
        assert canvas.evaluate(COUNT_DRAWN_PIXELS) > 500


@pytest.mark.slow
def test_charts_fit_each_width_and_follow_the_theme(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}")
    wait_for_charts(page)
    expect(page.get_by_role("heading", name=f"Drift of {model}:1")).to_be_visible()
    page.get_by_role("link", name="Show the list").press("Enter")
    expect(page.get_by_role("heading", name="Promotions and deployments")).to_be_in_viewport()
    expect(page.locator(".markers li").get_by_text(f"{model}:1", exact=True)).to_be_visible()
    canvas = page.locator(".plot canvas").first
    for width in (1920, 1280, 390):
        page.set_viewport_size({"width": width, "height": 850})
        wait_for_condition(page, FIT_WIDTH)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert canvas.evaluate(COUNT_DRAWN_PIXELS) > 500
    light = canvas.evaluate(READ_BRIGHTNESS)
    page.emulate_media(color_scheme="dark")
    wait_for_condition(page, f"light => ({READ_BRIGHTNESS})(document.querySelector('.plot canvas')) > light + 20", light)
    page.emulate_media(media="print")  # the text on paper is dark in both themes
    wait_for_condition(page, f"light => ({READ_BRIGHTNESS})(document.querySelector('.plot canvas')) < light + 5", light)
    page.emulate_media(media="screen")
    wait_for_condition(page, f"light => ({READ_BRIGHTNESS})(document.querySelector('.plot canvas')) > light + 20", light)
    page.evaluate("document.documentElement.dataset.theme = 'light'")  # the theme of the account
    wait_for_condition(page, f"light => ({READ_BRIGHTNESS})(document.querySelector('.plot canvas')) < light + 5", light)


@pytest.mark.slow
def test_the_page_is_refreshed_every_minute(page, watched, model):
    """The scroll position, the focus, and opened details stay. A hidden page is not refreshed."""
    page.clock.install()
    sign_in(page, f"{PAGE}?model={model}")
    wait_for_charts(page)
    requests = []
    page.on("request", lambda request: requests.append(request.url) if PAGE in request.url else None)
    details = page.locator("#operations-live details").last
    details.locator("summary").click()
    details.locator("summary").focus()
    before = page.evaluate("scrollY")
    assert before > 0
    page.evaluate("document.getElementById('operations-live').dataset.old = ''")
    page.evaluate("Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => 'hidden'})")
    page.clock.run_for(90_000)
    assert requests == []
    page.evaluate("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#operations-live:not([data-old])")).to_be_visible()
    wait_for_charts(page)
    expect(details).to_have_attribute("open", "")
    expect(details.locator("summary")).to_be_focused()
    assert abs(page.evaluate("scrollY") - before) < 2
    assert len(requests) == 1
    page.clock.run_for(61_000)
    wait_until(lambda: page.evaluate("1") and len(requests) == 2, 15)
    page.get_by_label("Refresh every minute").uncheck()
    page.clock.run_for(120_000)
    assert len(requests) == 2


def test_a_selection_updates_the_page_and_its_address(page, watched, model):
    sign_in(page, PAGE)
    page.evaluate("window.isSameDocument = true")
    page.get_by_label("Model", exact=True).focus()
    page.get_by_label("Model", exact=True).select_option(model)
    expect(page.get_by_label("Version", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(f"model={model}"))
    wait_for_charts(page)
    expect(page.get_by_label("Model", exact=True)).to_be_focused()
    page.get_by_label("Period", exact=True).select_option("24h")
    expect(page).to_have_url(re.compile("window=24h"))
    expect(page.get_by_role("heading", name=f"Drift of {model}:1")).to_be_visible()
    page.get_by_label("Compare with").select_option("earlier")
    expect(page.get_by_text(EARLIER)).to_be_visible()
    expect(page).to_have_url(re.compile("against=earlier"))
    assert page.evaluate("window.isSameDocument")
    page.go_back()
    expect(page.get_by_label("Compare with")).to_have_value("before")
    page.go_back()
    expect(page.get_by_label("Period", exact=True)).to_have_value("7d")
    wait_for_charts(page)


@pytest.mark.slow
def test_another_model_resets_the_version(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}&version=1")
    expect(page.get_by_label("Version", exact=True)).to_have_value("1")
    page.wait_for_load_state()  # the scripts must be active
    page.get_by_label("Model", exact=True).select_option("digits")
    expect(page).to_have_url(re.compile("model=digits&version=&"))
    expect(page.get_by_label("Version", exact=True)).to_have_value("")


def test_an_expired_session_leads_to_the_sign_in_page(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}")
    wait_for_charts(page)
    page.context.clear_cookies()
    page.get_by_label("Period", exact=True).select_option("24h")
    page.wait_for_url("**/accounts/login/?next=/operations/**")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_the_data_of_a_chart_opens_with_the_keyboard(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}")
    page.locator(".plot summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Data: Predictions", exact=True).get_by_role("row")).to_have_count(8)


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_tables_and_buttons_work(page, watched, model):
    sign_in(page, f"{PAGE}?model={model}")
    expect(page.locator(".plot-canvas").first).to_be_hidden()
    page.locator(".plot summary").first.click()
    expect(page.locator(".plot table").first).to_be_visible()
    page.get_by_label("Period", exact=True).select_option("30d")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**window=30d**")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    page.get_by_label("Compare with").select_option("earlier")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**against=earlier#drift")
    page.get_by_role("link", name="Compare the inputs and outputs").click()
    expect(page.get_by_text(EIGHT_WEEKS_EARLIER)).to_be_visible()  # four weeks earlier, 30 days would overlap
