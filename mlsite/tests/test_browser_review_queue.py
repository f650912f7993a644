"""The review queue in a real Chromium: by key, by mouse, without JavaScript, and two people at once."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter

import pytest
import requests
from playwright.sync_api import Page, expect

from mlsite.tests.browser import sign_in, sign_up
from mlsite.tests.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser")]
QUEUE = "/admin/predictions/review/queue/"
MAKE_REVIEWER = """
from accounts.models import User
from accounts.services import make_reviewer
make_reviewer(user=User.objects.get(username={!r}))
"""


@pytest.fixture
def filled(site, tmp_path):
    """Return a function that makes a model with so many answers to review, and gives the address of its queue."""

    def fill(count: int) -> str:
        name = f"queue-{uuid.uuid4().hex[:8]}"
        folder = tmp_path / name
        folder.mkdir()
        site.register_dummy(folder, name)
        site.manage("seed_predictions", name, "--count", str(count), "--reviewed", "0", "--files", "5", "--yes")
        found = f"from registry.serving import resolve; print(resolve('{name}').pk)"
        return f"{QUEUE}?version={site.manage('shell', '--no-imports', '-c', found).strip()}"

    return fill


def stored(site: Site, address: str) -> list[dict]:
    """Return the exported lines of the answers of a queue's model."""
    name = re.sub("version=", "", address.split("?")[1].split("&", maxsplit=1)[0])
    ask = f"from predictions.models import ModelVersion; print(ModelVersion.objects.get(pk='{name}'))"
    model = site.manage("shell", "--no-imports", "-c", ask).strip()
    answer = requests.get(
        f"{site.url}/api/v1/predictions/export/",
        params={"format": "jsonl", "model": model, "status": "succeeded"},
        headers={"Authorization": f"Bearer {site.create_token()}"},
        timeout=60,
    )
    answer.raise_for_status()
    return [json.loads(line) for line in answer.text.splitlines()]


def shown(page: Page) -> str:
    """Return the id of the prediction on the page."""
    slot = page.locator(".queue-slot:not([hidden])")
    expect(slot).to_have_count(1)
    return slot.get_attribute("data-id") or ""


def press(page: Page, key: str) -> str:
    """Press a key for the prediction on the page, wait for another to be there, and return its id."""
    before = shown(page)
    page.keyboard.press(key)
    expect(page.locator(f'.queue-slot[data-id="{before}"]')).to_have_count(0)
    return before


def test_a_hundred_are_judged_by_key_each_stored_once_with_its_order(page, watched, site, filled):
    address = filled(115) + "&order=uncertain"
    sign_in(page, address)
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    keys = ["1", "2", "Enter", "u"]
    done = [(press(page, keys[number % 4]), keys[number % 4]) for number in range(100)]
    expect(page.locator(".queue-done")).to_have_text("100")
    expect(page.locator(".queue-error")).to_be_hidden()
    assert len({pk for pk, _ in done}) == 100
    rows = {row["id"]: row for row in stored(site, address)}
    judged = {pk: rows[pk] for pk, _ in done}
    assert sum(row["reviews"] for row in rows.values()) == 100
    assert {row["reviews"] for row in judged.values()} == {1}
    expected = {"1": lambda row: "a", "2": lambda row: "b", "Enter": lambda row: row["label"], "u": lambda row: None}
    assert [judged[pk]["true_label"] for pk, _ in done] == [expected[key](judged[pk]) for pk, key in done]
    confidences = [judged[pk]["confidence"] for pk, _ in done]
    assert confidences == sorted(confidences)
    picked = requests.get(
        f"{site.url}/api/v1/predictions/{done[0][0]}/reviews/",
        headers={"Authorization": f"Bearer {site.create_token()}"},
        timeout=10,
    ).json()
    assert [one["picked_by"] for one in picked] == ["uncertain"]


def test_skip_and_undo_by_key_and_the_queue_ends(page, watched, site, filled):
    address = filled(4)
    get_review_queue = len(stored(site, address))
    assert get_review_queue >= 3
    sign_in(page, address + "&order=newest")
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    first = press(page, "s")
    second = press(page, "Enter")
    page.keyboard.press("z")
    expect(page.locator(f'.queue-slot:not([hidden])[data-id="{second}"]')).to_be_visible()
    page.keyboard.press("z")
    expect(page.locator(f'.queue-slot:not([hidden])[data-id="{first}"]')).to_be_visible()
    expect(page.locator(".queue-said")).to_have_text("Taken back.")
    for _ in range(get_review_queue):
        press(page, "Enter")
    expect(page.get_by_text("Nothing waits here")).to_be_visible()
    assert Counter(row["verdict"] for row in stored(site, address)) == {"correct": get_review_queue}


def test_a_mouse_does_as_well_and_keys_stay_out_of_fields(page, watched, site, filled):
    address = filled(5)
    sign_in(page, address + "&order=newest")
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    before = shown(page)
    page.get_by_label("Order").focus()
    page.keyboard.press("u")
    assert shown(page) == before
    page.locator(".queue-slot:not([hidden]) .queue-rows button").nth(1).click()
    expect(page.locator(".queue-said")).to_contain_text("Stored:")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f'.queue-slot:not([hidden])[data-id="{before}"]')).to_be_visible()
    assert not any(row["reviews"] for row in stored(site, address))


def test_two_reviewers_never_have_the_same_before_them(page, watched, browser, site, filled):
    address = filled(24) + "&order=random"
    name = sign_up(page)
    site.manage("shell", "--no-imports", "-c", MAKE_REVIEWER.format(name))
    context = browser.new_context(base_url=site.url)
    other = context.new_page()
    page.goto(address)
    sign_in(other, address)
    for one in (page, other):
        expect(one.locator("#queue[data-ready]")).to_be_visible()
    walked = [press(one, "Enter") for _ in range(10) for one in (page, other)]
    assert len(set(walked)) == 20
    expect(page.locator(".queue-done")).to_have_text("10")
    expect(other.locator(".queue-said")).to_contain_text("Stored:")
    context.close()
    rows = stored(site, address)
    assert {row["reviews"] for row in rows if row["id"] in walked} == {1}


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_the_queue_needs_no_javascript(page, watched, site, filled):
    address = filled(5) + "&order=newest"
    sign_in(page, address)
    before = shown(page)
    page.locator(".queue-slot:not([hidden])").get_by_role("button", name="Right").click()
    expect(page.get_by_text("is right.")).to_be_visible()
    assert shown(page) != before
    page.get_by_role("button", name="Undo").click()
    assert shown(page) == before
    assert not any(row["reviews"] for row in stored(site, address))


def test_a_verdict_that_does_not_arrive_is_told_and_can_be_given_again(page, watched, site, filled):
    watched.expected = ["Failed to load resource"]
    address = filled(5) + "&order=newest"
    sign_in(page, address)
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    before = shown(page)
    watched.context.route(f"**{QUEUE}**", lambda route: route.abort())
    page.keyboard.press("Enter")
    expect(page.locator(".queue-error")).to_contain_text("it may not be stored")
    assert shown(page) == before
    watched.context.unroute(f"**{QUEUE}**")
    page.keyboard.press("Enter")
    expect(page.locator(".queue-said")).to_contain_text("Stored:")
    assert sum(row["reviews"] for row in stored(site, address)) == 1
