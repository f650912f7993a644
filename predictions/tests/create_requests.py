"""Requests that create predictions, or try to: good, unusual, and bad ones."""

from __future__ import annotations

import base64
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
    json_body("text and row", {"features": ROW, "text": "x", "model": "flowers"}, is_direct=True),
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
CREATE_REQUESTS = [*FORMS, *TABLES, *IMAGES]
