"""The selection of the history whose reviews could not be stored, so that the next page shows it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpRequest, QueryDict

SELECTED = "selected"
"""The parameter of a page that shows the stored selection. Links do not keep it."""
SESSION_KEY = "history_selection"


def keep_selection(request: HttpRequest, url: str, ids: Sequence[UUID]) -> str:
    """Store the IDs, and the true output that was typed, in the session. Return the URL of the page that shows them.

    The session is written here and not when the page is opened, and a URL has no room for the IDs of a whole page.
    """
    text = request.POST.get("true_output", "")
    request.session[SESSION_KEY] = {"ids": [str(row_id) for row_id in ids], "true_output": text}
    return _set_parameter(url, "1")


def drop_selection(request: HttpRequest, url: str) -> str:
    """Remove the stored selection. Return the URL of the page without it."""
    request.session.pop(SESSION_KEY, None)
    return _set_parameter(url, "")


def _set_parameter(url: str, value: str) -> str:
    parts = urlsplit(url)
    query = QueryDict(parts.query, mutable=True)
    query.pop(SELECTED, None)
    if value:
        query[SELECTED] = value
    return parts._replace(query=query.urlencode()).geturl()


def get_selection(request: HttpRequest) -> dict[str, Any]:
    """Return the selected IDs and the true output that the page shows; empty without the parameter `selected`."""
    stored = request.session.get(SESSION_KEY) if SELECTED in request.GET else None
    if not stored:
        return {"ids": frozenset(), "true_output": ""}
    return {"ids": frozenset(map(UUID, stored["ids"])), "true_output": stored["true_output"]}
