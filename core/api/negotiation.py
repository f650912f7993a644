"""Content negotiation for endpoints that return files."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class IgnoreAcceptNegotiation(DefaultContentNegotiation):
    """Ignore the Accept header: an image or an export has only one representation.

    The parser is selected by the Content-Type, as everywhere. Django reads the body of each POST request of a session to
    find the CSRF token, also if the endpoint does not allow POST.
    """

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
