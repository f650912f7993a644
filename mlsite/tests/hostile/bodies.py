"""Bodies of requests to the API: forms, JSON, and the Open Inference Protocol."""

from __future__ import annotations

from inference.tests.factories import make_noise_image
from mlsite.tests.hostile.cases import FORM_TYPE, Case, build_part, post_form, post_json
from predictions.tests.factories import PREDICTIONS_URL

IMAGE = make_noise_image(1)
PART = build_part("image", IMAGE, "a.png")
ROW = {"petals": 5, "length": 4, "colour": "white"}


def nest(depth: int) -> bytes:
    return b'{"features": ' + b"[" * depth + b"]" * depth + b"}"


def with_feature(value: object) -> dict:
    return {"model": "flowers", "features": {**ROW, "length": value}}


FORMS = [
    post_form("A1 empty form", status=400, code="required"),
    Case("A1 no body", PREDICTIONS_URL, 400, "required", "POST", content_type="application/json"),
    post_form("A34 no closing boundary", status=400, code="malformed-request", body=PART),
    post_form("part without headers", status=400, code="malformed-request", body=b"--limit\r\nNone--limit--\r\n"),
    post_form("A1 file that was not chosen", build_part("image", b"", ""), status=400, code="required"),
    post_form("A35 two images", PART, PART, status=400, code="one-file-only"),
    *[
        post_form(f"A36 image as text: {text}", build_part("image", text), status=400, code="not-a-file")
        for text in ("/etc/passwd", "http://169.254.169.254/", "file:///etc/passwd", "gopher://x/", "C:\\x.png")
    ],
    post_form(
        "A37 too many files", *[build_part(f"f{n}", b"x", "a") for n in range(300)], status=413, code="too-many-items"
    ),
    post_form("A37 too many fields", *[build_part(f"f{n}", "x") for n in range(400)], status=400, code="malformed-request"),
    Case("C20 no boundary", PREDICTIONS_URL, 400, "malformed-request", "POST", PART, "multipart/form-data"),
    Case("C20 long boundary", PREDICTIONS_URL, (400, 415), "", "POST", PART, FORM_TYPE + "x" * 5000),
    Case("C20 boundary not in ASCII", PREDICTIONS_URL, (400, 415), "", "POST", PART, "multipart/form-data; boundary=é"),
    *[
        Case(f"charset {name}", PREDICTIONS_URL, 415, "unsupported-charset", "POST", PART, f"{FORM_TYPE}; charset={name}")
        for name in ("idna", "utf-7", "utf-16", "unicode_escape", "rot13", "hex", "nope")
    ],
    post_form("unknown model", PART, build_part("model", "nope"), status=404, code="unknown-model"),
    post_form("unknown version", PART, build_part("model", "shades:7"), status=404, code="unknown-model"),
    post_form("model with a huge number", PART, build_part("model", "shades:" + "9" * 50), status=404, code="unknown-model"),
    post_form("long model", PART, build_part("model", "x" * 500), status=400, code="max-length"),
    post_form("long reference", PART, build_part("client_reference", "x" * 256), status=400, code="max-length"),
    post_form(
        "NUL in a reference", PART, build_part("client_reference", "\0"), status=400, code="null-characters-not-allowed"
    ),
    post_form("C14 mass assignment", PART, build_part("user", "root"), status=400, code="unknown-field"),
    post_form("C14 two fields", PART, build_part("id", "1"), build_part("confidence", "1"), status=400, code="invalid"),
    post_form("features that are not JSON", PART, build_part("features", "{"), status=400, code="malformed-json"),
    post_form("deep features", build_part("features", "[" * 9999), status=400, code="too-deep"),
    post_form("duplicate features", build_part("features", '{"a": 1, "a": 2}'), status=400, code="malformed-json"),
    post_form("surrogate in features", build_part("features", '{"a": "\\ud800"}'), status=400, code="malformed-json"),
    post_form("encoded name in an unknown charset", build_part("image", IMAGE, more="; filename*=nope''%ff"), status=400),
    post_form("name with NUL", build_part("a\0b", "x"), status=400, code="unknown-field"),
    post_form("base64 encoding", build_part("image", b"\xff", "a.png", "\r\nContent-Transfer-Encoding: base64"), status=400),
    Case(
        "A11 100 MB declared",
        PREDICTIONS_URL,
        413,
        "request-too-large",
        "POST",
        b"",
        FORM_TYPE,
        {"content-length": "104857600"},
    ),
    Case("negative length", PREDICTIONS_URL, 413, "request-too-large", "POST", b"", FORM_TYPE, {"content-length": "-1"}),
    Case("A13 chunked", PREDICTIONS_URL, 411, "length-required", "POST", b"", "", {"transfer-encoding": "chunked"}),
    *[
        Case(f"C17 {name!r}", PREDICTIONS_URL, 415, "unsupported-media-type", "POST", b"{}", name)
        for name in ("text/plain", "application/xml", "application/x-yaml", "application/msgpack", "", "a/b/c", "é")
    ],
    *[
        post_json(f"encoding {name}", b"\x1f\x8bx", 415, "unsupported-content-encoding", headers={"content-encoding": name})
        for name in ("br", "zstd", "gzip, gzip", "é", "x" * 500)
    ],
    post_json("broken gzip", b"\x1f\x8bx", 400, "malformed-request", headers={"content-encoding": "gzip"}),
    post_json("gzip without a header", b"\x1f\x8bx", 400, "malformed-json"),
]
JSON_BODIES = [
    *[
        post_json(f"C1 {body[:12]!r}", body, 400, "malformed-json")
        for body in (
            b"{",
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
            b'{"model": "\xff"}',
            b"{'a': 1}",
            b"nul",
            b'{"a": 1,}',
            b'{"a": 1, "a": 2}',
            '{"a": 1}'.encode("utf-16"),
            b"\0",
            b'{"model": "\n"}',
            b"{}{}",
        )
    ],
    post_json("C1 empty", b"", 400, "required"),
    post_json("C1 byte order mark", b"\xef\xbb\xbf{}", 400, "required"),
    *[post_json(f"C2 {body!r}", body, 400, "not-an-object") for body in (b"[]", b'"x"', b"null", b"5", b"true")],
    *[post_json(f"C3 {depth} deep", nest(depth), 400, "too-deep") for depth in (32, 900, 5_000, 100_000)],
    *[
        post_json(f"C5 {name.decode()}", b'{"features": ' + name + b"}", 400, "malformed-json")
        for name in (b"NaN", b"Infinity", b"-Infinity")
    ],
    post_json("C6 1e400", b'{"features": 1e400}', 400, "out-of-range"),
    post_json("C7 5,000 digits", b'{"features": ' + b"9" * 5000 + b"}", 400, "malformed-json"),
    post_json("C10 NUL in a value", b'{"features": {"a": "\\u0000"}}', 400, "malformed-json"),
    post_json("C10 NUL in a key", b'{"features": {"\\u0000": 1}}', 400, "malformed-json"),
    post_json("unpaired surrogate", b'{"model": "\\ud800"}', 400, "malformed-json"),
    post_json("C15 large", b'{"text": "' + b"x" * 2**20 + b'"}', 413, "request-too-large"),
    post_json("C19 spaces as image", {"image": " " * 2_000_000}, 400, "empty-file"),
    *[
        post_json(f"C9 {value!r}", with_feature(value), 400, "wrong-type")
        for value in (True, "1_000", "١٢", "0x10", "", [1], {})
    ],
    *[post_json(f"C6 {value!r}", with_feature(value), 400) for value in ("NaN", "inf", 1e39, -1e39, 1e308)],
    post_json("C13 missing feature", {"model": "flowers", "features": {"petals": 1}}, 400, "required"),
    post_json("C13 unknown feature", {"model": "flowers", "features": {**ROW, "colr": 1}}, 400, "unknown-feature"),
    post_json("C13 list without order", {"model": "flowers", "features": [5, 4, "white"]}, 400, "required"),
    post_json("C13 nested list", {"model": "flowers", "features": [[5, 4]]}, 400, "wrong-type"),
    post_json("C13 wrong order", {"model": "flowers", "features": [1, 2, 3], "feature_order": ["x"]}, 400, "wrong-order"),
    post_json("C14 confidence", {"confidence": 1}, 400, "unknown-field"),
    *[post_json(f"model {value!r}", {"model": value}, 400, "invalid") for value in (True, {"$ne": 1}, [])],
    *[
        post_json(f"image {value!r:.20}", {"image": value}, 400)
        for value in ("https://x/cat.png", "/etc/passwd", "", None, [], 5, "aGVsbG8==", "aGVsbG8=")
    ],
    post_json("C24 URL in features", with_feature("http://169.254.169.254/"), 400, "wrong-type"),
    post_json("C32 SQL in a reference", {"client_reference": "' OR 1=1--"}, 400, "required"),
    post_json("C33 row for an image model", {"features": ROW}, 400, "wrong-input"),
    *[
        post_json(
            f"expires_in {value!r}", {**with_feature(1), "expires_in": value}, 400, headers={"prefer": "respond-async"}
        )
        for value in (0, -1, 10**30, "x", True, 1.5, None, [])
    ],
    *[
        post_json(f"C34 key {key!a:.30}", with_feature(1), 400, "invalid-idempotency-key", headers={"idempotency-key": key})
        for key in ("", "x" * 256, "é", '"', "a,b", '"a', " ")
    ],
    *[
        post_json(f"Prefer {value!r:.20}", {"model": "nope"}, (400, 404), headers={"prefer": value})
        for value in ("wait=" + "9" * 99, "wait=-1", '"' * 500, ";;;", "respond-async, wait=x", "é")
    ],
]
BODIES = [*FORMS, *JSON_BODIES]
