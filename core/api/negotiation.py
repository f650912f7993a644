"""Content negotiation: JSON, and endpoints that return files."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import Http404
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from core.api.problems import CONTENT_TYPE as PROBLEM_TYPE


class JSONNegotiation(DefaultContentNegotiation):
    """Accept only the query parameter `format=json`, and describe the error of another one.

    An empty Accept header has no preference, as none (RFC 9110, section 12.5.1). A client that accepts problem details gets
    them and JSON: clients of OpenAPI Generator accept nothing else if a successful response has no body.
    """

    def get_accept_list(self, request: Request) -> list[str]:
        accepted: list[str] = super().get_accept_list(request)
        if any(media_type.partition(";")[0].strip().lower() == PROBLEM_TYPE for media_type in accepted):
            return [*accepted, "application/json"]
        return accepted if any(accepted) else ["*/*"]

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:
        try:
            return super().filter_renderers(renderers, format)
        except Http404 as error:
            raise NotFound(
                f"The format {format[:50]!r} is not available. Responses are JSON: omit the parameter format."
            ) from error


class IgnoreAcceptNegotiation(JSONNegotiation):
    """Ignore the Accept header: an image or an export has only one representation.

    The parser is selected by the Content-Type, as everywhere. Django reads the body of each POST request of a session to
    find the CSRF token, even if the endpoint does not allow POST.
    """

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
