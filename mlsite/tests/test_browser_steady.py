"""Nothing shifts while a page loads, not even on a slow line."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from mlsite.tests.browser import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
MOST = 0.01  # of the screen, moved; 0.1 is what web.dev/cls calls good
PAGES = (
    "/",
    "/?model=iris&example=2",
    "/predictions/",
    "/predictions/?model=iris&verdict=incorrect",
    "/models/",
    "/models/iris/",
    "/operations/?model=iris&window=30d",
    "/accounts/tokens/",
    "/admin/predictions/prediction/",
    "/admin/predictions/review/queue/",
)
WATCH = """
window.shifts = [];
const name = node => node ? `${node.nodeName}.${node.className}#${node.id}` : "something gone";
new PerformanceObserver(list => {
    for (const entry of list.getEntries())
        if (!entry.hadRecentInput) window.shifts.push([entry.value, entry.sources.map(one => name(one.node)).join(", ")]);
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def filled(site):
    site.manage("seed_predictions", "iris", "--count", "200", "--reviewed", "0.3", "--files", "5", "--yes")


def shifts_on(page: Page, address: str) -> list[tuple[float, str]]:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(window.shifts), 50)))")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_shifts_while_a_page_loads(page, watched, filled, width):
    page.set_viewport_size({"width": width, "height": 850})
    sign_in(page, "/")
    slow = watched.context.new_cdp_session(page)
    slow.send("Network.enable")
    line = {
        "offline": False,
        "latency": 40,
        "downloadThroughput": 400_000,
        "uploadThroughput": 400_000,
    }  # ms, bytes a second
    slow.send("Network.emulateNetworkConditions", line)
    page.add_init_script(WATCH)
    found = {address: shifts_on(page, address) for address in PAGES}
    assert {address: moved for address, moved in found.items() if sum(value for value, _ in moved) > MOST} == {}


def test_a_shift_would_be_seen(page, watched):
    page.add_init_script(WATCH)
    page.goto("/accounts/login/")
    page.evaluate("() => { document.querySelector('main').style.marginTop = '200px' }")
    page.wait_for_function("window.shifts.length > 0")
