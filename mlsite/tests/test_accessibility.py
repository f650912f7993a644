"""Every page for everybody: what axe-core finds, the keyboard, zoom, motion, landmarks, live regions, and the weight.

axe-core judges each page in both themes and on a phone. Only what it calls serious or critical fails.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from mlsite.tests.browser import sign_in, sign_up
from mlsite.tests.site import SAMPLES

AXE = Axe().axe_script
# What axe-core may find: the rule, where, and why it stays.
EXCUSED = [
    # Django's label of the search is a picture whose alternative text is "Search". Browsers take that as the name, as
    # the walk below asserts; this rule reads text only.
    ("label-title-only", "#changelist-search #searchbar"),
    # Django's table of reviews below a prediction scrolls sideways on a phone. Browsers of 2024 and later let the keyboard
    # scroll it; earlier ones show the same reviews at /admin/predictions/review/.
    ("scrollable-region-focusable", "#reviews-group"),
    # Swagger UI puts the link of an operation into the button that unfolds it.
    ("nested-interactive", ".swagger-ui .opblock-summary-control"),
]
# Findings as text, less what is excused. To preload, axe-core would fetch what the Content-Security-Policy forbids.
FIND = """
async ([excused, options]) => {
    const fading = document.getAnimations().filter(one => one.effect.getComputedTiming().endTime !== Infinity);
    const patience = new Promise(done => setTimeout(done, 1000)); // what was taken away while it faded never finishes
    await Promise.race([patience, Promise.allSettled(fading.map(one => one.finished))]);
    const {violations} = await axe.run(document, {resultTypes: ["violations"], preload: false, ...options});
    const stays = (rule, node) => excused.some(([id, selector]) =>
        id === rule.id && node.target.length === 1 && document.querySelector(node.target[0])?.matches(selector));
    return violations.filter(rule => ["serious", "critical"].includes(rule.impact)).flatMap(rule =>
        rule.nodes.filter(node => !stays(rule, node)).map(node =>
            `${rule.id} (${rule.impact}) at ${node.target}: ${node.html.slice(0, 300)} ${node.failureSummary}`));
}
"""
LANDMARKS = """
["h1", "main, [role=main]"].map(selector =>
    [selector, [...document.querySelectorAll(selector)].filter(element => element.checkVisibility()).length])
"""
# The element with the focus, and whether one sees that it has it: by an outline, or by a shadow it has not otherwise.
FOCUSED = """
() => {
    const element = document.activeElement;
    if (element === document.body) return null;
    const box = element.getBoundingClientRect();
    const zone = element.closest(".drop-zone") ?? element;
    const ringed = [element, zone].some(one => {
        const style = getComputedStyle(one);
        const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        return outlined || style.boxShadow !== (window.shadows.get(one) ?? "none");
    });
    const seen = ringed && box.right > 0 && box.bottom > 0 && box.left < innerWidth;
    return {html: element.outerHTML.slice(0, 160), seen, type: element.type ?? "", name: element.textContent.trim()};
}
"""
SHADOWS = """
window.shadows = new Map([...document.querySelectorAll("*")].map(one => [one, getComputedStyle(one).boxShadow]))
"""
HEAVIEST = 300_000  # bytes of a page without its pictures
MOST_STOPS = 150  # of the Tab key on a page

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("accessibility")]
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SHAPES = {"rules": {"color-contrast": {"enabled": False}}}
# How a page is looked at: theme, width, and what of axe-core. Only colours differ in the dark, only shapes on a phone.
LOOKS = {"light": ("light", 1280, {}), "dark": ("dark", 1280, COLOURS), "phone": ("light", 390, SHAPES)}
still = pytest.mark.parametrize("watched", [{"reduced_motion": "reduce"}], indirect=True, ids=[""])


class Walk:
    """Pages one after the other, and what is wrong with them in any look."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.looked = 0
        self.found: list[str] = []

    def look(self, name: str, address: str = "") -> None:
        """Judge the page that is open, or that of an address."""
        if address:
            self.page.goto(address)
        self.page.evaluate(AXE)
        for look, (theme, width, options) in LOOKS.items():
            self.page.emulate_media(color_scheme=theme)
            self.page.set_viewport_size({"width": width, "height": 850})
            found = self.page.evaluate(FIND, [EXCUSED, options])
            found += [f"{count} × {selector}" for selector, count in self.page.evaluate(LANDMARKS) if count != 1]
            if (wide := self.page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"scrolls sideways: {wide} px")
            self.found += [f"{name}, {look}: {one}" for one in found]
        self.page.set_viewport_size({"width": 1280, "height": 850})
        self.looked += 1

    def check(self, looked: int) -> None:
        assert self.looked == looked
        assert not self.found, "\n\n".join(self.found)


@pytest.fixture(scope="module")
def judged(site):
    """Fill the site with answers of iris, half of them judged."""
    site.manage("seed_predictions", "iris", "--count", "300", "--reviewed", "0.5", "--yes")
    site.manage("roll_up")


def upload(page: Page) -> None:
    page.get_by_label("Choose images").set_input_files(SAMPLES / "seven.png")
    expect(page.locator(".result:not(.pending)")).to_have_count(1)


@still
def test_nothing_is_in_the_way_of_a_stranger(page, watched):
    watched.expected = ["status of 404"]
    walk = Walk(page)
    walk.look("tour", "/tour/")
    page.get_by_label("Sample 6").click()
    expect(page.get_by_role("heading", name="2. See the prediction")).to_be_visible()
    walk.look("tour with an answer")
    walk.look("sign in", "/accounts/login/")
    walk.look("forgotten password", "/accounts/reset/")
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password", exact=True).fill("a")
    page.get_by_label("Password confirmation").fill("b")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator(".errorlist").first).to_be_visible()
    walk.look("sign up with mistakes")
    walk.look("nothing here", "/nothing/")
    walk.check(6)


@still
def test_nothing_is_in_the_way_of_a_person(page, watched):
    watched.expected = ["status of 400"]
    walk = Walk(page)
    sign_up(page)
    walk.look("first visit")
    walk.look("empty history", "/predictions/")
    page.goto("/")
    expect(page.locator("form.scripted")).to_be_visible()
    page.get_by_label("Choose images").set_input_files([SAMPLES / "seven.png", __file__])
    expect(page.locator(".result:not(.pending)")).to_have_count(2)
    walk.look("digits with an answer and a refusal")
    page.get_by_role("button", name="Mark correct").click()
    expect(page.get_by_text("Your review: Correct")).to_be_visible()
    walk.look("a judged answer")
    page.get_by_role("link", name="all details").click()
    expect(page.get_by_role("heading", name="7", exact=True)).to_be_visible()
    walk.look("detail of an image")
    for model in ("iris", "diabetes"):
        page.goto(f"/?model={model}&example=1")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator(".result")).to_have_count(1)
        walk.look(f"{model} with an answer")
    page.get_by_role("link", name="all details").click()
    page.get_by_text("The output as stored").click()
    walk.look("detail of a row")
    page.goto("/?model=iris")
    page.get_by_text("Paste a line of CSV").click()
    page.get_by_label("Values in the order of the fields").fill("1;2")
    page.get_by_role("button", name="Fill in the form").click()
    expect(page.locator("#csv-error")).to_be_visible()
    walk.look("a wrong line of CSV")
    walk.look("history", "/predictions/")
    page.get_by_text("Filters").click()
    walk.look("history, filters open")
    walk.look("history with chips", "/predictions/?model=digits&min_confidence=0.1")
    walk.look("wrong filters", "/predictions/?min_confidence=7&unheard=1")
    walk.look("nothing matches", "/predictions/?label=none")
    walk.look("models", "/models/")
    page.goto("/accounts/tokens/")
    page.get_by_label("Name").fill("my script")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#secret")).to_be_visible()
    walk.look("a new token")
    walk.look("account", "/accounts/")
    page.locator(".account-menu summary").click()
    walk.look("menu of the account")
    walk.look("password", "/accounts/password/")
    walk.check(19)


@still
def test_nothing_is_in_the_way_of_staff(page, watched, judged):
    walk = Walk(page)
    sign_in(page, "/models/iris/")
    for summary in page.locator("main summary").all():
        summary.click()
    walk.look("a model with reviews, all unfolded")
    page.get_by_role("link", name="Review more").click()
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    walk.look("review queue")
    page.get_by_role("button", name="Mark correct").click()
    expect(page.locator("#queue-message")).not_to_be_empty()
    walk.look("review queue after a verdict")
    shown = page.locator(".queue-slot:not(.sent)").first.get_attribute("data-id")
    walk.look("admin", "/admin/")
    walk.look("admin, predictions", f"/admin/predictions/prediction/?q={shown}")
    expect(page.get_by_role("textbox", name="Search", exact=True)).to_have_count(1)
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()
    walk.look("admin, a prediction")
    walk.look("admin, model versions", "/admin/registry/modelversion/")
    page.get_by_role("link", name="iris:1").click()
    page.get_by_role("link", name="Promote…").click()
    walk.look("admin, promote")
    walk.look("operations", "/operations/")
    walk.look("operations of a model", "/operations/?model=iris")
    page.goto("/api/docs/")
    expect(page.locator(".opblock").first).to_be_visible()
    walk.look("API")
    walk.check(11)


def stops(page: Page) -> list[dict]:
    """Press Tab from the top of the page until the focus leaves it; return where it was."""
    page.evaluate(SHADOWS)
    found: list[dict] = []
    while len(found) < MOST_STOPS:
        page.keyboard.press("Tab")
        if not (focused := page.evaluate(FOCUSED)):
            break
        if not found or focused["html"] != found[-1]["html"]:  # a date has several stops, and the browser's own mark on each
            found.append(focused)
    return found


@still
def test_tab_leads_from_the_skip_link_over_the_menu_to_the_picker(page, watched):
    sign_up(page)
    page.goto("/")
    expect(page.locator("form.scripted")).to_be_visible()
    way = stops(page)
    names = [stop["name"] for stop in way]
    assert names[:6] == ["Skip to the content", "mlsite", "Ask", "History", "Models", "API"]
    assert [stop["type"] for stop in way].index("file") > 6
    assert [stop["html"] for stop in way if not stop["seen"]] == []
    page.goto("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@still
def test_one_sees_where_the_focus_is(page, watched, judged):
    sign_in(page, "/")
    expect(page.locator("form.scripted")).to_be_visible()
    upload(page)
    walked = [stops(page)]
    for address in ("/?model=iris", "/predictions/?model=iris", "/models/iris/", "/accounts/tokens/", "/tour/"):
        page.goto(address)
        walked.append(stops(page))
    assert all(10 < len(way) < MOST_STOPS for way in walked)
    assert [stop["html"] for way in walked for stop in way if not stop["seen"]] == []


@pytest.mark.parametrize("watched", [{"device_scale_factor": 2}], indirect=True)
def test_at_twice_the_size_nothing_scrolls_sideways(page, watched, judged):
    """A window of 1280 px at 200 % is one of 640 px with two pixels to each."""
    page.set_viewport_size({"width": 640, "height": 425})
    sign_in(page, "/")
    expect(page.locator("form.scripted")).to_be_visible()
    upload(page)
    widths = {"/ with an answer": page.evaluate("document.documentElement.scrollWidth")}
    page.get_by_role("link", name="all details").click()
    page.wait_for_url("**/predictions/*/")
    addresses = [
        page.url,
        "/?model=iris",
        "/?model=diabetes",
        "/predictions/",
        "/models/",
        "/models/iris/",
        "/models/digits/",
    ]
    addresses += ["/accounts/", "/accounts/tokens/", "/tour/", "/operations/", "/admin/predictions/review/queue/"]
    for address in addresses:
        page.goto(address)
        widths[address] = page.evaluate("document.documentElement.scrollWidth")
    assert len(widths) == 13
    assert {address: width for address, width in widths.items() if width > 640} == {}


def test_who_wants_no_motion_gets_none(page, watched, judged):
    """A bar that does not know how far it is moves, as the rest does for those who do not mind."""
    moving = """
    () => {
        document.querySelector("main").append(document.createElement("progress"));
        for (const one of document.querySelectorAll("details")) one.open = true;
        return document.getAnimations().length;
    }
    """
    sign_in(page, "/")
    expect(page.locator("form.scripted")).to_be_visible()
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0
    for address in ("/predictions/", "/models/iris/", "/tour/", "/operations/"):
        page.goto(address)
        assert page.evaluate(moving) == 0


def test_an_answer_is_announced(page, watched):
    sign_up(page)
    region = page.locator("[aria-live=polite]")
    expect(region).to_have_count(1)
    region.evaluate("region => region.dataset.before = 'yes'")
    upload(page)
    expect(page.locator("[aria-live=polite][data-before=yes] .result .label")).to_contain_text("7")
    page.get_by_role("button", name="Mark correct").click()
    expect(page.locator("[aria-live=polite][data-before=yes]").get_by_text("Your review: Correct")).to_be_visible()
    page.goto("/predictions/")
    page.locator("[aria-live=polite]").evaluate("region => region.dataset.before = 'yes'")
    page.get_by_text("Filters").click()
    page.get_by_label("Label", exact=True).fill("none of them")
    page.get_by_label("Label", exact=True).press("Enter")
    expect(
        page.locator("[aria-live=polite][data-before=yes]").get_by_role("heading", name="Nothing matches")
    ).to_be_visible()


def test_pages_are_light(page, watched, browser, site, judged):
    """All that a first visit loads, unpacked, without pictures; Swagger UI alone is 1.5 MB, and is no page of ours."""
    sign_in(page, "/models/")
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    state = watched.context.storage_state()
    weights = {}
    for address in ("/", "/?model=iris", "/predictions/", "/models/iris/", "/accounts/tokens/", "/tour/", "/operations/"):
        with browser.new_context(base_url=site.url, storage_state=state) as context:
            visit, responses = context.new_page(), []
            visit.on("response", lambda response, kept=responses: kept.append(response))
            visit.goto(address)
            loaded = [one for one in responses if one.request.resource_type != "image"]
            assert len(loaded) > 3
            weights[address] = sum(len(one.body()) for one in loaded)
    assert len(weights) == 7
    assert {address: weight for address, weight in weights.items() if weight > HEAVIEST} == {}
