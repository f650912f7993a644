"""Pages have no layout shifts while they load, even on a slow connection."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from mlsite.tests.browser import sign_in, wait_for_condition

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
MAX_SHIFT_SCORE = 0.03  # cumulative layout shift; https://web.dev/articles/cls calls 0.1 good
PAGES = (
    "/",
    "/?model=iris&example=2",
    "/predictions/",
    "/predictions/?model=iris&verdict=incorrect",
    "/models/",
    "/models/iris/",
    "/models/iris/evaluation/",
    "/operations/?model=iris&window=30d",
    "/accounts/tokens/",
    "/admin/predictions/prediction/",
    "/admin/predictions/review/queue/",
)
RECORD_SHIFTS = """
window.shifts = [];
const name = node => node ? `${node.nodeName}.${node.className}#${node.id}` : "removed element";
new PerformanceObserver(list => {
    for (const entry of list.getEntries())
        if (!entry.hadRecentInput)
            window.shifts.push([entry.value, entry.sources.map(source => name(source.node)).join(", ")]);
}).observe({ type: "layout-shift", buffered: true });
"""


NETWORK = {
    "offline": False,
    "latency": 40,  # milliseconds
    "downloadThroughput": 400_000,  # bytes per second
    "uploadThroughput": 400_000,
}


def record_shifts(page: Page, url: str) -> list[tuple[float, str]]:
    page.goto(url)
    page.wait_for_load_state("networkidle")
    return page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(window.shifts), 50)))")


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_do_not_shift_while_they_load(page, watched, seeded_site, width):
    page.set_viewport_size({"width": width, "height": 850})
    sign_in(page, "/")
    session = watched.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", NETWORK)
    page.add_init_script(RECORD_SHIFTS)
    shifts_by_url = {url: record_shifts(page, url) for url in PAGES}
    assert {
        url: shifts for url, shifts in shifts_by_url.items() if sum(score for score, _ in shifts) > MAX_SHIFT_SCORE
    } == {}


@pytest.mark.parametrize("url", ["/admin/predictions/prediction/?o=6", "/admin/predictions/input/"])
def test_lists_do_not_shift_while_their_rows_arrive(page, watched, seeded_site, url):
    page.set_viewport_size({"width": 1280, "height": 850})
    sign_in(page, url)
    session = watched.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", NETWORK | {"downloadThroughput": 40_000})
    page.add_init_script(RECORD_SHIFTS)
    assert sum(score for score, _ in record_shifts(page, url)) <= MAX_SHIFT_SCORE


def test_shifts_are_detected(page, watched):
    page.add_init_script(RECORD_SHIFTS)
    page.goto("/accounts/login/")
    page.evaluate("() => { document.querySelector('main').style.marginTop = '200px' }")
    wait_for_condition(page, "() => window.shifts.length > 0")
