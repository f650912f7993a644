"""What the browser tests share: a context that notes what goes wrong in it, and the ways in."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from playwright.sync_api import BrowserContext, Page, expect

from mlsite.tests.site import PASSWORD

QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-quic", "--no-first-run", "--disable-component-update"]
GOOD = "a very quiet word"


class Watched:
    """A context whose console, requests and refused content are noted."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context, self.origin = context, origin
        self.complaints: list[str] = []
        self.expected: list[str] = []
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._on_request)

    def _on_console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} {message.location['url']}")

    def _on_request(self, request) -> None:
        if not request.url.startswith((self.origin, "blob:", "data:")):
            self.complaints.append(f"request to {request.url}")

    def check(self) -> None:
        left = [text for text in self.complaints if not any(part in text for part in self.expected)]
        assert left == [], left


def sign_up(page: Page, *, scripted: bool = True) -> str:
    """Make an account; return once the home page listens, for what comes before its script is lost."""
    name = f"person-{uuid.uuid4().hex[:8]}"
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(GOOD)
    page.get_by_label("Password confirmation").fill(GOOD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Handwritten digits")).to_be_visible()
    if scripted:
        expect(page.locator("form.scripted")).to_be_visible()
    return name


def answers(page: Page) -> list[str]:
    """Return the labels of the finished result cards, as shown."""
    expect(page.locator(".result.pending")).to_have_count(0)
    texts = page.locator(".result .label").all_inner_texts()
    return [text.split(":")[-1].strip() for text in texts]


def sign_in(page: Page, address: str, name: str = "demo", password: str = PASSWORD) -> None:
    """Sign in and be led to an address."""
    page.goto(f"/accounts/login/?next={quote(address)}")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
