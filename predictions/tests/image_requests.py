"""Requests that send an image: in the form field `file`, as base64 in JSON, and as the body."""

from __future__ import annotations

import base64
import json
from typing import Any

from predictions.tests.factories import PREDICTIONS_URL
from predictions.tests.request_builders import (
    IMAGE,
    QUOTED_FORM_TYPE,
    ROW,
    CreateRequest,
    build_form,
    build_part,
    form,
    image_part,
    json_body,
    text_part,
)

TEXT = base64.b64encode(IMAGE).decode()
DISPOSITION = "content-disposition"


def body(name: str, content_type: str = "image/png", data: bytes = IMAGE, query: str = "", **options: Any) -> CreateRequest:
    return CreateRequest(name, data, content_type, url=f"{PREDICTIONS_URL}{query}", **options)


IMAGES = [
    form("file", build_part("file", IMAGE, file_name="a.png"), is_direct=True),
    form("file with model", build_part("file", IMAGE, file_name="a.png"), text_part("model", "shades:1")),
    form("file and image", build_part("file", IMAGE, file_name="a.png"), image_part()),
    form("two files", *[build_part("file", IMAGE, file_name="a.png")] * 2),
    form("file as text", text_part("file", "http://169.254.169.254/")),
    form("base64 in a form", text_part("image", f"data:image/png;base64,{TEXT}")),
    form("empty file field", build_part("file", b"", file_name="a.png"), is_direct=True),
    CreateRequest(
        "PowerShell",
        build_form(b"Content-Disposition: form-data; name=image; filename=a.png; filename*=utf-8''a.png\r\n\r\n" + IMAGE),
        QUOTED_FORM_TYPE,
    ),
    json_body("base64", {"image": TEXT}, is_direct=True),
    json_body("base64 with model", {"image": TEXT, "model": "shades", "client_reference": "1"}, is_direct=True),
    json_body("data URL", {"image": f"data:image/gif;base64,{TEXT}"}, is_direct=True),
    json_body("base64 with line breaks", {"image": base64.encodebytes(IMAGE).decode()}, is_direct=True),
    json_body("URL-safe base64", {"image": base64.urlsafe_b64encode(IMAGE).decode().rstrip("=")}, is_direct=True),
    json_body("base64 in file", {"file": TEXT}),
    json_body("base64 twice", {"image": TEXT, "file": TEXT}),
    json_body("base64 with features", {"image": TEXT, "features": ROW}, is_direct=True),
    json_body("base64 for a table", {"image": TEXT, "model": "flowers"}, is_direct=True),
    json_body("base64 for an unknown model", {"image": TEXT, "model": "nope"}),
    json_body("base64 for a failing model", {"image": TEXT, "model": "failing"}, is_direct=True),
    json_body("base64 of text", {"image": "aGVsbG8="}, is_direct=True),
    json_body("empty base64", {"image": ""}, is_direct=True),
    json_body("cut base64", {"image": TEXT[:-3]}),
    json_body("URL", {"image": "https://example.org/cat.png"}),
    json_body("path", {"image": "/etc/passwd"}),
    json_body("null as image", {"image": None}),
    json_body("list of images", {"image": [TEXT]}),
    json_body("object as image", {"image": {"b64": TEXT}}),
    json_body("large JSON around an image", {"image": TEXT, "client_reference": "x" * 2**20}),
    json_body("spaces as image", {"image": " " * 2_000_000}),
    CreateRequest("byte order mark", b"\xef\xbb\xbf" + json.dumps({"image": TEXT}).encode(), is_direct=True),
    CreateRequest("two byte order marks", b"\xef\xbb\xbf" * 2 + b"{}"),
    CreateRequest("UTF-16", json.dumps({"image": TEXT}).encode("utf-16")),
    body("PNG", is_direct=True),
    body("PNG as JPEG", "image/jpeg", is_direct=True),
    body("PNG as WebP", "image/webp", is_direct=True),
    body("PNG as bytes", "application/octet-stream", is_direct=True),
    body("PNG as TIFF", "image/tiff"),
    body("PNG with charset", "image/png; charset=binary"),
    body("PNG as any image", "image/*"),
    body("PNG with model", query="?model=shades:1&client_reference=a%20b"),
    body("PNG with an empty model", query="?model="),
    body("PNG with an unknown model", query="?model=nope"),
    body("PNG for a table", query="?model=flowers"),
    body("PNG for a failing model", query="?model=failing"),
    body("PNG with a long reference", query=f"?client_reference={'r' * 256}"),
    body("PNG with NUL in the reference", query="?client_reference=a%00b"),
    body("PNG with an unknown parameter", query="?modle=shades"),
    body("PNG with features", query="?features={}"),
    body("PNG with format", query="?format=json"),
    body("PNG with file name", headers={DISPOSITION: 'attachment; filename="seven.png"'}, is_direct=True),
    body("PNG with encoded name", headers={DISPOSITION: "attachment; filename*=UTF-8''%C3%A9.png"}, is_direct=True),
    body("PNG with name in UTF-8", headers={DISPOSITION: 'inline; filename="\xc3\xa9.png"'}, is_direct=True),
    body("PNG with a path as name", headers={DISPOSITION: 'inline; filename="../../é/x.png"'}, is_direct=True),
    body("PNG with invalid name", headers={DISPOSITION: "inline; filename*=nope''x.png"}, is_direct=True),
    body("PNG with a name without type", headers={DISPOSITION: "x.png"}, is_direct=True),
    body("PNG with broken disposition", headers={DISPOSITION: '; filename*0*="; filename'}, is_direct=True),
    body("empty PNG", data=b""),
    body("GIF as PNG", data=b"GIF89a" + b"\0" * 50, is_direct=True),
    body("text as PNG", data=b"text", is_direct=True),
    body("SVG", "image/svg+xml", data=b"<svg/>"),
    body("video", "video/mp4"),
    body("curl --data-binary", "application/x-www-form-urlencoded"),
    body("form fields", "application/x-www-form-urlencoded", data=b"model=shades&image=x", query="?model=shades"),
    body("no type", ""),
    form("model in the query string", image_part(), url=f"{PREDICTIONS_URL}?model=shades"),
    json_body("reference in the query string", {"image": TEXT}, url=f"{PREDICTIONS_URL}?client_reference=1"),
    form("no slash", image_part(), url=PREDICTIONS_URL.rstrip("/"), is_direct=True),
    json_body("no slash but a query string", {"image": TEXT}, url=f"{PREDICTIONS_URL.rstrip('/')}?format=json"),
]
