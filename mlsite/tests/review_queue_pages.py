"""The page of the review queue in a browser: open it, press keys, and read what it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from mlsite.tests.browser import WatchedContext, sign_in
from mlsite.tests.site import Site

QUEUE_PATH = "/admin/predictions/review/queue/"
CURRENT_ITEM = ".queue-slot:not(.sent) >> nth=0"
# One process runs both commands, because each process takes a second to start.
CREATE_MODEL = """
from django.core.management import call_command
from registry.references import resolve_version
call_command("register_model", {folder!r}, promote=True)
call_command("seed_predictions", {name!r}, count={count}, reviewed=0, files=5, yes=True)
print(resolve_version({name!r}).pk)
"""


class Queue:
    """The review queue of a model with generated predictions."""

    def __init__(self, site: Site, model: str, version_id: str) -> None:
        self.site, self.model = site, model
        self.url = f"{QUEUE_PATH}?version={version_id}"

    def list_predictions(self) -> list[dict]:
        """Return the exported predictions of the model, with their newest review."""
        query = f"format=jsonl&model={self.model}&status=succeeded"
        response = self.site.get(f"/api/v1/predictions/export/?{query}", self.site.create_token())
        response.raise_for_status()
        return [json.loads(line) for line in response.text.splitlines()]

    def count_reviews(self) -> int:
        return sum(prediction["reviews"] for prediction in self.list_predictions())


@contextmanager
def lost_requests(watched: WatchedContext) -> Iterator[None]:
    """Let all requests to the queue fail."""
    watched.expected = ["Failed to load resource", "htmx:"]  # both are messages on the console
    watched.context.route(f"**{QUEUE_PATH}**", lambda route: route.abort())
    yield
    watched.context.unroute(f"**{QUEUE_PATH}**")


def open_queue(page: Page, url: str) -> None:
    """Sign in and wait until the queue has started."""
    sign_in(page, url)
    wait_for_queue(page)


def wait_for_queue(page: Page) -> None:
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    expect(page.locator(CURRENT_ITEM)).to_be_visible()


def get_current_id(page: Page) -> str:
    """Return the id of the prediction on the page. Only one is visible."""
    expect(page.locator(CURRENT_ITEM)).to_be_visible()
    assert page.locator(".queue-slot >> visible=true").count() == 1
    return page.locator(CURRENT_ITEM).get_attribute("data-id") or ""


def press(page: Page, key: str) -> str:
    """Press a key for the current prediction, wait until it is gone, and return its id."""
    current = get_current_id(page)
    page.keyboard.press(key)
    expect(page.locator(f'.queue-slot[data-id="{current}"]')).to_have_count(0)
    return current


def expect_current(page: Page, prediction_id: str) -> None:
    expect(page.locator(CURRENT_ITEM)).to_have_attribute("data-id", prediction_id)


def count_today(page: Page) -> int:
    """Return how many reviews of today the page shows."""
    found = re.search(r"([\d,]+) of [\d,]+ today", page.locator("#queue-progress").inner_text())
    assert found
    return int(found[1].replace(",", ""))


def expect_today(page: Page, count: int) -> None:
    expect(page.locator("#queue-progress")).to_contain_text(re.compile(rf"(?<![\d,]){count:,} of [\d,]+ today"))
