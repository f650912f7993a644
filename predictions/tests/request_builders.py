"""Build requests to the endpoint that creates predictions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from inference.tests.factories import make_noise_image
from predictions.tests.factories import PREDICTIONS_URL

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
QUOTED_FORM_TYPE = f'multipart/form-data; boundary="{BOUNDARY}"'
IMAGE = make_noise_image(3)
ROW = {"petals": 5, "length": 4, "colour": "white"}
AXIOS_ACCEPT = "application/json, text/plain, */*"


@dataclass(frozen=True)
class CreateRequest:
    """A request to the endpoint that creates predictions.

    Args:
        is_direct: whether it is answered without REST framework.
    """

    name: str
    body: bytes
    content_type: str = "application/json"
    is_direct: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    url: str = PREDICTIONS_URL

    def __str__(self) -> str:
        return self.name


def build_part(name: str, content: bytes | str, *, file_name: str | None = None, more: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"'
    disposition += "" if file_name is None else f'; filename="{file_name}"\r\nContent-Type: image/png'
    return f"{disposition}{more}\r\n\r\n".encode() + (content if isinstance(content, bytes) else content.encode())


def build_form(*parts: bytes, end: bytes = b"--\r\n") -> bytes:
    delimiter = f"--{BOUNDARY}".encode()
    return b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + end


def image_part(data: bytes = IMAGE, file_name: str = "seven.png", more: str = "") -> bytes:
    return build_part("image", data, file_name=file_name, more=more)


def text_part(name: str, value: bytes | str) -> bytes:
    return build_part(name, value)


def form(name: str, *parts: bytes, is_direct: bool = False, **options: Any) -> CreateRequest:
    return CreateRequest(name, build_form(*parts), FORM_TYPE, is_direct, **options)


def json_body(name: str, value: Any, *, is_direct: bool = False, **options: Any) -> CreateRequest:
    return CreateRequest(name, json.dumps(value).encode(), is_direct=is_direct, **options)
