"""Addresses, query strings, methods, and headers."""

from __future__ import annotations

from urllib.parse import quote

from mlsite.tests.hostile.cases import Case, post_json
from predictions.tests.factories import PREDICTIONS_URL

IMAGE = "/api/v1/inputs/{input}/image/"
QUALITY = "/api/v1/models/shades/quality/"
EXPORT = f"{PREDICTIONS_URL}export/"
JOBS = "/api/v1/batch-jobs/"
HUGE = "9" * 4_000
NUMBERS = ("0", "-1", "1.5", "abc", "1e400", "NaN", "9" * 20, HUGE, "1_000", "%D9%A1", "%00", "")
DATES = (
    "0000-00-00",
    "10000-01-01",
    "2026-13-45",
    "2026-02-30",
    "2026-01-01T00:00:00+01:00",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
    "%00",
    "abc",
    "-1",
    "1e5",
    "2026-01-01T25:00",
)
TEXTS = (
    "%00",
    "%ED%A0%80",
    "%ff",
    "%",
    "x" * 3_000,
    "' OR 1=1--",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "../../etc/passwd",
    "_",
    "\\",
    "<script>alert(1)</script>",
    "%E2%80%AE",
    "[]",
    "null",
)
PAGES = (
    "/",
    "/predictions/",
    "/predictions/open/",
    "/predictions/{prediction}/",
    "/batch-jobs/",
    "/batch-jobs/new/",
    "/models/",
    "/models/shades/",
    "/models/shades/quality/",
    "/tour/",
    "/accounts/",
    "/accounts/tokens/",
)
PAGE_PARAMETERS = (
    "model",
    "version",
    "compare",
    "since",
    "picked_by",
    "older",
    "newer",
    "shown",
    "example",
    "status",
    "failures",
    "user",
    "created_after",
    "label",
    "batch_job",
    "next",
    "page",
    "min_confidence",
    "window",
)
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
QUERIES = [
    *[Case(f"C26 page_size={value:.20}", f"{PREDICTIONS_URL}?page_size={value}", 400, "invalid") for value in NUMBERS],
    *[
        Case(f"cursor={value:.20}", f"{PREDICTIONS_URL}?cursor={quote(value, safe='%')}", (200, 404))
        for value in (*TEXTS, "cD14", "bz0tMQ==", "cj0x")
    ],
    *[
        Case(f"C28 {name}={value:.20}", f"{PREDICTIONS_URL}?{name}={quote(value, safe='%')}", (200, 400))
        for name in ("label", "client_reference", "error_code", "model", "true_label")
        for value in TEXTS
    ],
    *[
        Case(f"C29 {value}", f"{PREDICTIONS_URL}?ordering={value}", 400, "unknown-filter")
        for value in ("password", "user__password", "?", "-")
    ],
    *[
        Case(f"C30 {name}", f"{url}?{name}=x", 400, "unknown-filter")
        for name in ("user__password__startswith", "_connector", "output__scores", "user", "id__in")
        for url in (PREDICTIONS_URL, EXPORT, JOBS)
    ],
    *[
        Case(
            f"C31 {name}={value}",
            f"{PREDICTIONS_URL}?{name}={value}",
            (200, 400) if value.startswith(("0001", "9999")) else 400,
        )
        for name in ("created_after", "created_before")
        for value in DATES
    ],
    *[Case(f"C31 since={value}", f"{QUALITY}?since={value}", (200, 400)) for value in DATES],
    *[
        Case(f"{name}={value:.20}", f"{PREDICTIONS_URL}?{name}={value}", (200, 400))
        for name in ("version", "min_confidence", "max_confidence")
        for value in NUMBERS
    ],
    *[Case(f"quality version={value:.20}", f"{QUALITY}?version={value}", (200, 400, 404)) for value in NUMBERS],
    *[
        Case(f"{name}=x", f"{PREDICTIONS_URL}?{name}=x", 400)
        for name in ("status", "source", "reviewed", "verdict", "picked_by", "batch_job", "include")
    ],
    Case("300 parameters", f"{PREDICTIONS_URL}?" + "&".join(["a=1"] * 300), 400),
    Case(
        "300 parameters and a charset",
        "/x?" + "&".join(["a=1"] * 300),
        404,
        content_type="a/b; charset=utf-8",
        method="POST",
    ),
    *[
        Case(
            f"charset {name} of a query",
            f"{PREDICTIONS_URL}?label=%2B2AA-",
            (200, 406, 400),
            content_type=f"text/plain; charset={name}",
            method="GET",
        )
        for name in ("utf-7", "idna", "hex")
    ],
    Case("include without meaning", EXPORT + "?include=image", (200, 400)),
    Case("unknown format of an export", EXPORT + "?format=%00", 400, "unknown-format"),
    Case("C28 NUL in a name", f"{PREDICTIONS_URL}?%00=1", 400, "unknown-filter"),
    *[
        Case(
            f"{page}?{name}={value:.12}", f"{page}?{name}={quote(value, safe='%')}", (200, 302, 400, 404, 409), caller="user"
        )
        for number, page in enumerate(PAGES)
        for index, name in enumerate(PAGE_PARAMETERS)
        for value in [(*TEXTS, *NUMBERS, *DATES)[(number * 7 + index * 3) % 39]]
    ],
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
ADDRESSES = [*FILES, *NEGOTIATION, *KEYS, *QUERIES, *HEADERS]
