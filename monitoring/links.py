"""Links from the operations page to the predictions in the history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from monitoring.windows import Window

CURRENT_TIME = timedelta(minutes=1)  # a window that ended at most this long ago ends now


class HistoryLinks:
    """Build URLs of the history for one window and one model.

    Args:
        model_reference: such as `digits` or `digits:3`. Empty: all models.
    """

    def __init__(self, window: Window, model_reference: str) -> None:
        self.parameters = {"model": model_reference, "created_after": _format_time(window.start)}
        if window.end < timezone.now() - CURRENT_TIME:  # predictions are still added to a window that ends now
            self.parameters["created_before"] = _format_time(window.end)

    @property
    def query(self) -> str:
        """Return the query string that selects the predictions of the window."""
        return self._encode({})

    def build_url(self, **filters: str) -> str:
        """Return the URL of the predictions of the window that also match other filters of the history."""
        return f"{reverse('predictions:history')}?{self._encode(filters)}"

    def _encode(self, filters: dict[str, str]) -> str:
        return urlencode({name: value for name, value in {**filters, **self.parameters}.items() if value})


def _format_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
