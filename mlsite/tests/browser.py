"""Helpers for browser tests: a context that records errors, and functions to sign up and sign in."""

from __future__ import annotations

import time
import uuid
from urllib.parse import quote

from playwright.sync_api import BrowserContext, Page, expect

from mlsite.tests.site import PASSWORD

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
]
NEW_PASSWORD = "a very quiet word"


class WatchedContext:
    """A browser context that records console messages, script errors, and requests to other sites.

    A test can add parts of messages that it causes on purpose to `expected`.
    """

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context, self.origin = context, origin
        self.problems: list[str] = []
        self.expected: list[str] = []
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.problems.append(str(error.error)))
        context.on("request", self._on_request)

    def _on_console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.text} {message.location['url']}")

    def _on_request(self, request) -> None:
        if not request.url.startswith((self.origin, "blob:", "data:")):
            self.problems.append(f"request to {request.url}")

    def check(self) -> None:
        """Fail if a problem was recorded that is not expected. Violations of the Content Security Policy never are."""
        unexpected = [
            text
            for text in self.problems
            if "Content Security Policy" in text or not any(part in text for part in self.expected)
        ]
        assert unexpected == [], unexpected


def sign_up(page: Page, *, scripted: bool = True) -> str:
    """Create an account and return its name.

    Args:
        scripted: wait until the script of the home page is active, because it does not see earlier events.
    """
    name = f"person-{uuid.uuid4().hex[:8]}"
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("Password confirmation").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Handwritten digits")).to_be_visible()
    if scripted:
        expect(page.locator("form.scripted")).to_be_visible()
    return name


def get_labels(page: Page) -> list[str]:
    """Return the predicted labels of the results on the page, after all results are complete."""
    expect(page.locator(".result.pending")).to_have_count(0)
    texts = page.locator(".result .label").all_inner_texts()
    return [text.split(":")[-1].strip() for text in texts]


def sign_in(page: Page, address: str, name: str = "demo", password: str = PASSWORD) -> None:
    """Sign in and continue to an address."""
    page.goto(f"/accounts/login/?next={quote(address)}")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def wait_for_condition(page: Page, function: str, argument: object = None, *, seconds: float = 15) -> None:
    """Wait until a JavaScript function returns true.

    `Page.wait_for_function` evaluates a string each time it repeats, which the Content Security Policy of the site forbids.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(function, argument):
        assert time.monotonic() < deadline, f"not true within {seconds} s: {function}"
        page.wait_for_timeout(50)
