"""The selection of the history that a bulk review could not store, so that the next page shows it again."""

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
    parts = urlsplit(url)
    query = QueryDict(parts.query, mutable=True)
    query.pop(SELECTED, None)
    request.session.pop(SESSION_KEY, None)
    if ids:
        text = request.POST.get("true_output", "")
        request.session[SESSION_KEY] = {"ids": [str(row_id) for row_id in ids], "true_output": text}
        query[SELECTED] = "1"
    return parts._replace(query=query.urlencode()).geturl()


def get_selection(request: HttpRequest) -> dict[str, Any]:
    """Return the selected IDs and the true output that the page shows; empty without the parameter `selected`."""
    stored = request.session.get(SESSION_KEY) if SELECTED in request.GET else None
    if not stored:
        return {"ids": frozenset(), "true_output": ""}
    return {"ids": frozenset(map(UUID, stored["ids"])), "true_output": stored["true_output"]}
