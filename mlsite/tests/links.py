"""Find the addresses in pages, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

ATTRIBUTES = {
    "href",
    "src",
    "action",
    "formaction",
    "srcset",
    "poster",
    "hx-get",
    "hx-post",
    "hx-put",
    "hx-delete",
    "hx-push-url",
}
OTHER_START = "data-"  # scripts read addresses from such attributes


class LinkParser(HTMLParser):
    """Collect the attributes whose value is an absolute path."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            is_address = name in ATTRIBUTES or name.startswith(OTHER_START) or name == "value"
            if is_address and value and value.startswith("/") and not value.startswith("//"):
                self.paths.append((f"{tag} {name}", value))


def find_paths(page: str) -> Iterator[tuple[str, str]]:
    """Yield the tag with the attribute, and the address, of each absolute path in a page."""
    parser = LinkParser()
    parser.feed(page)
    yield from parser.paths
