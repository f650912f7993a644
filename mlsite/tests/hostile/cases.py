"""The type of a case, and builders of cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from predictions.tests.factories import PREDICTIONS_URL

BOUNDARY = "limit"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True)
class Case:
    """A request and its expected response.

    Args:
        name: starts with the row of the table of hostile input, if there is one.
        path: can contain the names of ids in braces, such as `{prediction}`.
        status: the expected status, or several.
        code: of the problem; empty for pages and for several statuses.
        caller: `token`, `user` (a session), `superuser` (a session), or `nobody`.
    """

    name: str
    path: str
    status: int | Sequence[int]
    code: str = ""
    method: str = "GET"
    body: bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    caller: str = "token"

    @property
    def statuses(self) -> tuple[int, ...]:
        return (self.status,) if isinstance(self.status, int) else tuple(self.status)


def post_json(name: str, value: Any, status: int | Sequence[int], code: str = "", **options: Any) -> Case:
    """Return a case that sends JSON: a value, or bytes as they are."""
    options = {"path": PREDICTIONS_URL, "content_type": JSON, "method": "POST", **options}
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Case(name, body=body, status=status, code=code, **options)


def build_part(name: str, content: bytes | str, file_name: str | None = None, more: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"'
    disposition += "" if file_name is None else f'; filename="{file_name}"'
    head = f"{disposition}{more}\r\n\r\n".encode("utf-8", "surrogatepass")
    return b"--limit\r\n" + head + (content if isinstance(content, bytes) else content.encode()) + b"\r\n"


def post_form(name: str, *parts: bytes, status: int | Sequence[int], code: str = "", **options: Any) -> Case:
    options = {"path": PREDICTIONS_URL, "content_type": FORM_TYPE, "method": "POST", **options}
    body = options.pop("body", None)
    return Case(name, body=b"".join(parts) + b"--limit--\r\n" if body is None else body, status=status, code=code, **options)


def post_fields(name: str, path: str, text: str, status: int | Sequence[int], **options: Any) -> Case:
    """Return a case that sends a form of a page."""
    options = {"caller": "user", "method": "POST", "content_type": URLENCODED, **options}
    return Case(name, path, status, body=text.encode(), **options)
