"""Read pages in tests."""

from __future__ import annotations

import re


def get_text(response):
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", plain)
