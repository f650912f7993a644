"""Requests that create predictions, or try to: good, unusual, and bad ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from inference.tests.factories import make_image, make_noise_image
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


FORMS = [
    form("image", image_part(), is_direct=True),
    form("image with model", image_part(), text_part("model", "shades"), is_direct=True),
    form("model before image", text_part("model", "shades@production"), image_part(), is_direct=True),
    form("image with reference", image_part(), text_part("client_reference", "job 1/2"), is_direct=True),
    form("empty texts", image_part(), text_part("model", ""), text_part("client_reference", ""), is_direct=True),
    form("longest reference", image_part(), text_part("client_reference", "r" * 255), is_direct=True),
    form("uniform image", image_part(make_image(128)), is_direct=True),
    form("extension of a script", image_part(file_name="x.jpg.php"), is_direct=True),
    form("axios", image_part(), headers={"accept": AXIOS_ACCEPT}, is_direct=True),
    form("accepts JSON", image_part(), headers={"accept": "application/json"}, is_direct=True),
    form("request ID", image_part(), headers={"x-request-id": "abc-1"}, is_direct=True),
    form("empty file", image_part(b""), is_direct=True),
    form("text instead of an image", image_part(b"text"), is_direct=True),
    form("GIF", image_part(b"GIF89a" + b"\0" * 50), is_direct=True),
    form("cut PNG", image_part(IMAGE[:90]), is_direct=True),
    form("small image", image_part(make_image(1, size=(2, 2))), is_direct=True),
    form("image for a table", image_part(), text_part("model", "flowers"), is_direct=True),
    form("failing model", image_part(), text_part("model", "failing"), is_direct=True),
    form("unknown model", image_part(), text_part("model", "nope")),
    form("unknown version", image_part(), text_part("model", "shades:7")),
    form("version", image_part(), text_part("model", "shades:1")),
    form("unknown alias", image_part(), text_part("model", "shades@staging")),
    form("invalid model", image_part(), text_part("model", "NOT A MODEL")),
    form("long model", image_part(), text_part("model", "x" * 121)),
    form("spaces around the model", image_part(), text_part("model", " shades ")),
    form("long reference", image_part(), text_part("client_reference", "r" * 256)),
    form("NUL in a reference", image_part(), text_part("client_reference", "a\0b")),
    form("NUL in a model", image_part(), text_part("model", "\0")),
    form("line break in a reference", image_part(), text_part("client_reference", "a\r\nb"), is_direct=True),
    form("reference in UTF-8", image_part(), text_part("client_reference", "é"), is_direct=True),
    form("reference not in UTF-8", image_part(), text_part("client_reference", b"\xff")),
    form("file name in UTF-8", image_part(file_name="é.png")),
    form("path as file name", image_part(file_name="../../etc/x.png")),
    form("Windows path as file name", image_part(file_name="C:\\x\\y.png")),
    form("HTML entity in a file name", image_part(file_name="a&amp;b.png")),
    form("quotation mark in a file name", image_part(file_name='a\\"b.png')),
    form("dots as file name", image_part(file_name="..")),
    form("no file name", image_part(file_name="")),
    form("long file name", image_part(file_name="x" * 300 + ".png")),
    form("transfer encoding", image_part(more="\r\nContent-Transfer-Encoding: binary")),
    form("two images", image_part(), image_part()),
    form("two models", image_part(), text_part("model", "nope"), text_part("model", "shades")),
    form("image as text", text_part("image", "/etc/passwd")),
    form("file as model", image_part(), build_part("model", b"shades", file_name="model.txt")),
    form("unknown field", image_part(), text_part("confidence", "1")),
    form("unknown file", image_part(), build_part("picture", IMAGE, file_name="a.png")),
    form("features with an image", image_part(), text_part("features", "{}")),
    form("no parts"),
    form("query string", image_part(), url=f"{PREDICTIONS_URL}?include=features"),
    form("format", image_part(), url=f"{PREDICTIONS_URL}?format=json"),
    form("unknown query string", image_part(), url=f"{PREDICTIONS_URL}?x=1"),
    form("boundary in an image", image_part(IMAGE + f"--{BOUNDARY}".encode())),
    form("boundary in a text", image_part(), text_part("client_reference", f"a--{BOUNDARY}b")),
    form("part in an image", image_part(IMAGE + f"--{BOUNDARY}\r\n".encode() + text_part("model", "nope"))),
    form("long type of an image", image_part(more="x" * 1100)),
    form("accepts nothing", image_part(), headers={"accept": ""}),
    form("refuses JSON", image_part(), headers={"accept": "text/html"}),
    form("other media type", image_part(), headers={"accept": "application/json; indent=4"}),
    CreateRequest("no closing boundary", build_form(image_part())[:-8], FORM_TYPE),
    CreateRequest("cut after the image", build_form(image_part()).partition(b"IEND")[0], FORM_TYPE),
    CreateRequest("text after the form", build_form(image_part(), end=b"--\r\nend"), FORM_TYPE),
    CreateRequest("text before the form", b"start\r\n" + build_form(image_part()), FORM_TYPE),
    CreateRequest("no line break at the end", build_form(image_part(), end=b"--"), FORM_TYPE, is_direct=True),
    CreateRequest(
        "quoted boundary", build_form(image_part()), f'multipart/form-data; boundary="{BOUNDARY}"', is_direct=True
    ),
    CreateRequest("no boundary", build_form(image_part()), "multipart/form-data"),
    CreateRequest("other boundary", build_form(image_part()), "multipart/form-data; boundary=x"),
    CreateRequest("charset", build_form(image_part()), f"{FORM_TYPE}; charset=utf-8"),
]
TABLES = [
    json_body("row", {"features": ROW, "model": "flowers"}, is_direct=True),
    json_body("row with reference", {"features": ROW, "model": "flowers", "client_reference": "é\u2028x"}, is_direct=True),
    json_body("row without its default", {"features": {"petals": 1, "length": 2}, "model": "flowers"}, is_direct=True),
    json_body("text", {"text": "Größe", "model": "reviews"}, is_direct=True),
    json_body("long text", {"text": "x" * 51, "model": "reviews"}, is_direct=True),
    json_body("number as text", {"text": 5, "model": "reviews"}),
    json_body("missing feature", {"features": {"petals": 1}, "model": "flowers"}, is_direct=True),
    json_body("unknown feature", {"features": {**ROW, "colr": 1}, "model": "flowers"}, is_direct=True),
    json_body("string as number", {"features": {**ROW, "length": "long"}, "model": "flowers"}, is_direct=True),
    json_body("boolean as number", {"features": {**ROW, "length": True}, "model": "flowers"}, is_direct=True),
    json_body("nested feature", {"features": {**ROW, "length": [1]}, "model": "flowers"}, is_direct=True),
    json_body("empty row", {"features": {}, "model": "flowers"}, is_direct=True),
    json_body("row for an image", {"features": ROW}, is_direct=True),
    json_body("list", {"features": [5, 4, "white"], "feature_order": list(ROW), "model": "flowers"}),
    json_body("list without order", {"features": [5, 4, "white"], "model": "flowers"}),
    json_body("null", {"features": None, "model": "flowers"}),
    json_body("number as features", {"features": 5, "model": "flowers"}),
    json_body("number as model", {"features": ROW, "model": 5}),
    json_body("spaces around the reference", {"features": ROW, "model": "flowers", "client_reference": " a "}),
    json_body("unknown key", {"features": ROW, "model": "flowers", "user": "root"}),
    json_body("text and row", {"features": ROW, "text": "x", "model": "flowers"}),
    json_body("no input", {"model": "flowers"}),
    json_body("empty object", {}),
    json_body("list as body", [ROW]),
    json_body("unknown model of a row", {"features": ROW, "model": "nope"}),
    CreateRequest("empty body", b""),
    CreateRequest("not JSON", b"{"),
    CreateRequest("duplicate key", b'{"features": {}, "features": {}}'),
    CreateRequest("NaN", b'{"features": {"length": NaN}, "model": "flowers"}'),
    CreateRequest("number too large", b'{"features": {"length": 1e400}, "model": "flowers"}'),
    CreateRequest("deep", b'{"features": ' + b"[" * 40 + b"]" * 40 + b"}"),
    CreateRequest("NUL", b'{"text": "\\u0000", "model": "reviews"}'),
    CreateRequest("unpaired surrogate", b'{"text": "\\ud800", "model": "reviews"}'),
    CreateRequest("not UTF-8", b'{"text": "\xff", "model": "reviews"}'),
    CreateRequest(
        "JSON with charset", json.dumps({"features": ROW, "model": "flowers"}).encode(), "application/json; charset=utf-8"
    ),
    CreateRequest("plain text", b"{}", "text/plain"),
    CreateRequest("large body", b'{"text": "' + b"x" * 2**20 + b'"}'),
    json_body("unknown token", {"features": ROW}, headers={"authorization": "Bearer mls_unknown"}),
    json_body("no token", {"features": ROW}, headers={"authorization": ""}),
    json_body("token not in ASCII", {"features": ROW}, headers={"authorization": "Bearer \xe9"}),
    json_body("long token", {"features": ROW}, headers={"authorization": "Bearer " + "x" * 600}),
    json_body("other scheme", {"features": ROW}, headers={"authorization": "Basic YTpi"}),
    json_body("token without scheme", {"features": ROW}, headers={"authorization": "mls_unknown"}),
]
CREATE_REQUESTS = [*FORMS, *TABLES]
