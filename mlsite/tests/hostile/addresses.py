"""Addresses, query strings, methods, and headers."""

from __future__ import annotations

from mlsite.tests.hostile.cases import Case, post_json
from predictions.tests.factories import PREDICTIONS_URL

IMAGE = "/api/v1/inputs/{input}/image/"
QUALITY = "/api/v1/models/shades/quality/"
EXPORT = f"{PREDICTIONS_URL}export/"
JOBS = "/api/v1/batch-jobs/"
HUGE = "9" * 4_000
OTHER_SITES = ("//evil.com", "http://evil.com/", "javascript:alert(1)", "/\\evil.com", "http:///evil.com", "\x00//evil.com")

FILES = [
    *[
        Case(f"B1 {path}", path, 404, caller=caller)
        for path in ("/media/", "/media/inputs/x.png", "/media../x", "/media/%2e%2e/x")
        for caller in ("user", "nobody")
    ],
    Case("B2 another user's input", "/api/v1/inputs/{other_input}/image/", 404, "not-found"),
    Case("B2 another user's thumbnail", "/inputs/{other_input}/thumbnail/", 404, caller="user"),
    Case("B3 random id", "/api/v1/inputs/01a1fb01-0971-77a1-91ee-40e3b3456e9b/image/", 404, "not-found"),
    *[Case(f"B4 {path}", path, 404) for path in ("/api/v1/inputs/%2e%2e%2f/image/", "/api/v1/inputs/..%2f..%2fetc/image/")],
    Case("B5 altered signature", IMAGE + "?signature=x&expires=1", 200),
    *[
        Case(f"B6 Range {value}", IMAGE, (200, 206, 416), headers={"range": value})
        for value in ("bytes=0-0", "bytes=-1", "bytes=5-2", "x", "bytes=0-" + "9" * 30, "bytes=0-0,5-9")
    ],
    *[
        Case(f"B7 {path}", path, 404, caller="user")
        for path in ("/static/../mlsite/settings.py", "/static/%2e%2e/manage.py", "/static/" + "x" * 3_000, "/static/%00")
    ],
]
NEGOTIATION = [
    Case("C22 Accept of 20,000 entries", PREDICTIONS_URL, 406, "not-acceptable", headers={"accept": "a/b," * 20_000}),
    Case("C22 Accept text/html", PREDICTIONS_URL, 406, "not-acceptable", headers={"accept": "text/html"}),
    Case("C22 format", PREDICTIONS_URL + "?format=xyz", 404, "not-found"),
    *[
        Case(f"Accept {value!r}", PREDICTIONS_URL, (200, 406), headers={"accept": value})
        for value in ("", "x", "*/*;q=abc", ";", ",", "a/b;q=" + "9" * 400, "é")
    ],
    *[
        Case(f"{method} {path}", path, 405, "method-not-allowed", method, b"{}", "application/json", caller=caller)
        for path in (EXPORT, IMAGE, PREDICTIONS_URL + "{prediction}/", "/api/v1/models/", "/api/v1/models/shades/")
        for method in ("POST", "PUT", "PATCH", "DELETE")
        for caller in ("user", "token")
    ],
    *[
        Case(
            f"form to {path}",
            path,
            405,
            "method-not-allowed",
            "POST",
            b"a=1",
            "application/x-www-form-urlencoded",
            caller="user",
        )
        for path in (EXPORT, IMAGE, QUALITY)
    ],
    *[
        Case(f"C36 {method}", PREDICTIONS_URL, 405, "method-not-allowed", method)
        for method in ("PUT", "PATCH", "TRACE", "DELETE", "FOO")
    ],
    post_json("C36 override", {}, 400, "required", headers={"x-http-method-override": "DELETE"}),
]
KEYS = [
    *[
        Case(f"C25 {key:.20}", PREDICTIONS_URL + key + "/", 404, "not-found")
        for key in (HUGE, "-1", "abc", "1%00", "%ED%A0%80", "..", "null")
    ],
    *[
        Case(f"C25 page {key:.20}", f"/predictions/{key}/", 404, caller="user")
        for key in (HUGE, "-1", "abc", "1%00", "%ED%A0%80")
    ],
    *[
        Case(f"model {key:.20}", f"/api/v1/models/{key}/", 404, "not-found")
        for key in (HUGE, "NOPE", "a%00", "%ED%A0%80", "a@b", "_")
    ],
    *[
        Case(f"example {key:.20}", f"/models/shades/example/{key}.webp", 404, caller="user")
        for key in (HUGE, "0", "-1", "99999")
    ],
    *[Case(f"V2 version {key:.20}", f"/v2/models/shades/versions/{key}", 404) for key in (HUGE, "0", "-1", "a", "%00", "²")],
    Case("V2 with a slash", "/v2/models/shades/", 404),
    Case("page without a slash", "/predictions/open", 404, method="POST", caller="user"),
    Case("unknown URL", "/api/v1/predictionz/", 404, "not-found"),
    Case("unknown page", "/%00%ff", 404, caller="user"),
]
HEADERS = [
    *[
        Case(f"C38 Host {value!r}", PREDICTIONS_URL, 400, "unknown-host", headers={"host": value})
        for value in ("evil.com", "[::1", "a_b", "localhost:abc", "é", "x" * 500)
    ],
    Case("C38 Host on a page", "/accounts/login/", 400, headers={"host": "evil.com"}, caller="nobody"),
    Case(
        "C38 forwarded",
        PREDICTIONS_URL,
        200,
        headers={"x-forwarded-for": "x" * 4_000, "x-forwarded-host": "evil.com", "x-forwarded-proto": "https"},
    ),
    *[
        Case(f"{name} {value!r:.20}", page, (200, 302, 304), caller="user", headers={name: value})
        for page in ("/", "/predictions/")
        for name, value in (
            ("accept-language", "x" * 2_000),
            ("accept-language", "*;q=9"),
            ("accept-language", ",,,"),
            ("if-none-match", "*"),
            ("if-none-match", "é"),
            ("if-modified-since", "Mon, 99 Foo 2026 00:00:00 GMT"),
            ("if-modified-since", "Sat, 29 Oct 99999 19:43:31 GMT"),
            ("range", "bytes=0-0"),
            ("hx-current-url", "http://["),
            ("hx-current-url", "%zz"),
            ("hx-request", "x"),
            ("hx-target", "é%"),
            ("hx-triggering-event", "{"),
            ("referer", "http://["),
            ("referer", "x" * 3_000),
            ("user-agent", "\xff" * 3_000),
            ("origin", "null"),
            ("x-request-id", "é" * 90),
            ("hx-boosted", "true"),
            ("hx-history-restore-request", "true"),
        )
    ],
    *[
        Case(f"D6 cookie {value!r:.20}", "/predictions/", 302, caller="nobody", headers={"cookie": value})
        for value in (
            "sessionid=x",
            "sessionid=" + "x" * 3_000,
            "a=\xff;;;=",
            "csrftoken=",
            "messages=[[",
            "sessionid=%00",
            "timezone=Nowhere",
        )
    ],
]
ADDRESSES = [*FILES, *NEGOTIATION, *KEYS, *HEADERS]
