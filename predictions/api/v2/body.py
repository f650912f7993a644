"""The body of a request: bytes, which `read_request` reads as JSON and binary data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from core.api.negotiation import IgnoreAcceptNegotiation

# Clients of the protocol send no content type, or that of the library they use. curl sends a form's.
CONTENT_TYPES = {"", "application/json", "application/octet-stream", "application/x-www-form-urlencoded"}


class ProtocolNegotiation(IgnoreAcceptNegotiation):
    """Use the only parser and the only renderer. The protocol does not use the headers Accept and Content-Type."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))


class BodyParser(BaseParser):
    """Return the body as bytes.

    Raises:
        UnsupportedMediaType: the body declares another type than that of clients of the protocol.
    """

    media_type = "*/*"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        name = (media_type or "").partition(";")[0].strip().lower()
        if name not in CONTENT_TYPES:
            raise UnsupportedMediaType(name, "Expected JSON, or JSON followed by binary data.")
        return stream.read()


def get_body(request: Request) -> bytes:
    """Return the body that `BodyParser` has read; empty if the request has none."""
    return request.data if isinstance(request.data, bytes) else b""
