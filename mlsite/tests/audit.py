"""Audit the accessibility of pages with axe-core. Serious and critical violations are problems."""

from __future__ import annotations

import os
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE_SCRIPT = Axe().axe_script
# Accepted violations: the rule, and the selector of the element.
ACCEPTED = [
    # Django's table of the reviews of a prediction scrolls horizontally on phones. Browsers since 2024 scroll it with the
    # keyboard. The same reviews are at /admin/predictions/review/.
    ("scrollable-region-focusable", "#reviews-group"),
    # Swagger UI puts the link of an operation into the button that expands it.
    ("nested-interactive", ".swagger-ui .opblock-summary-control"),
    # Select2 gives its text the role of a field. The field around it, which gets the focus, has a name.
    ("aria-input-field-name", ".select2-selection__rendered"),
    # Django's help for the search fields of groups and permissions.
    ("aria-prohibited-attr", ".selector .help-tooltip.search-label-icon"),
]
# Return violations as text, without accepted ones. Preloading would violate the Content-Security-Policy.
LIST_VIOLATIONS = """
async ([accepted, options]) => {
    const animations = document.getAnimations().filter(item => item.effect.getComputedTiming().endTime !== Infinity);
    const timeout = new Promise(done => setTimeout(done, 1000)); // animations of removed elements never finish
    await Promise.race([timeout, Promise.allSettled(animations.map(item => item.finished))]);
    const {violations} = await axe.run(document, {resultTypes: ["violations"], preload: false, ...options});
    const isAccepted = (rule, node) => accepted.some(([id, selector]) =>
        id === rule.id && node.target.length === 1 && document.querySelector(node.target[0])?.matches(selector));
    return violations.filter(rule => ["serious", "critical"].includes(rule.impact)).flatMap(rule =>
        rule.nodes.filter(node => !isAccepted(rule, node)).map(node =>
            `${rule.id} (${rule.impact}) at ${node.target}: ${node.html.slice(0, 300)} ${node.failureSummary}`));
}
"""
LANDMARKS = """
["h1", "main, [role=main]"].map(selector =>
    [selector, [...document.querySelectorAll(selector)].filter(element => element.checkVisibility()).length])
"""

Look = tuple[Literal["light", "dark"], int, dict[str, Any]]
COLOR_RULES = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
OTHER_RULES = {"rules": {"color-contrast": {"enabled": False}}}
LAYOUT_RULES = {"runOnly": {"type": "rule", "values": ["scrollable-region-focusable", "target-size"]}}
# Theme, width, and options of axe-core. In the dark theme only the colors differ, at other widths only the layout.
LOOKS: dict[str, Look] = {"light": ("light", 1280, {}), "dark phone": ("dark", 390, {})}
MORE_LOOKS: dict[str, Look] = {
    "dark": ("dark", 1280, COLOR_RULES),
    "wide": ("light", 1920, LAYOUT_RULES),
    "phone": ("light", 390, OTHER_RULES),
    "dark, wide": ("dark", 1920, {}),
}
HAS_ALL_LOOKS = bool(os.environ.get("ALL_LOOKS"))
if HAS_ALL_LOOKS:
    LOOKS |= MORE_LOOKS
without_motion = pytest.mark.parametrize("watched", [{"reduced_motion": "reduce"}], indirect=True, ids=[""])


class Audit:
    """Check pages one after the other, and collect their problems in all looks, or in two looks in turn."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.page_count = 0
        self.problems: list[str] = []

    def check_page(self, name: str, url: str = "") -> None:
        """Check the open page, or the page of a URL."""
        if url:
            self.page.goto(url)
        self.page.evaluate(AXE_SCRIPT)
        names = list(LOOKS) if HAS_ALL_LOOKS else [list(LOOKS)[self.page_count % len(LOOKS)]]
        for look in names:
            theme, width, options = LOOKS[look]
            self.page.emulate_media(color_scheme=theme)
            self.page.set_viewport_size({"width": width, "height": 850})
            problems = self.page.evaluate(LIST_VIOLATIONS, [ACCEPTED, options])
            problems += [f"{count} × {selector}" for selector, count in self.page.evaluate(LANDMARKS) if count != 1]
            if (content_width := self.page.evaluate("document.documentElement.scrollWidth")) > width:
                problems.append(f"scrolls horizontally: {content_width} px")
            self.problems += [f"{name}, {look}: {problem}" for problem in problems]
        self.page.set_viewport_size({"width": 1280, "height": 850})
        self.page_count += 1

    def check(self, page_count: int) -> None:
        assert self.page_count == page_count
        assert not self.problems, "\n\n".join(self.problems)
