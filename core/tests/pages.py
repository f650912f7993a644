"""Read pages in tests."""

from __future__ import annotations

import re


def get_text(response):
    """Return the text of a page without tags and repeated spaces."""
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", text)
