"""The class of the requests that the server builds."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """A request whose query string and form are decoded as UTF-8, whatever charset its Content-Type declares.

    Django decodes both with the declared charset, in the constructor, where each error is a 500 without a response of
    Django: of codecs that do not decode text, and of query strings with too many parameters. Other codecs, such as `utf-7`,
    return unpaired surrogates, which no database stores. `RequestSizeMiddleware` rejects forms in another charset.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
