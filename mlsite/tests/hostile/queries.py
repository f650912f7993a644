"""Query strings of the API and of the pages."""

from __future__ import annotations

from urllib.parse import quote

from mlsite.tests.hostile.addresses import EXPORT, HUGE, JOBS, QUALITY
from mlsite.tests.hostile.cases import Case
from predictions.tests.factories import PREDICTIONS_URL

NUMBERS = ("0", "-1", "1.5", "abc", "1e400", "NaN", "9" * 20, HUGE, "1_000", "%D9%A1", "%00", "")
DATES = (
    "0000-00-00",
    "10000-01-01",
    "2026-13-45",
    "2026-02-30",
    "2026-01-01T00:00:00+01:00",
    "0001-01-01",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31",
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
        Case(f"C31 {name}={value} of {url}", f"{url}?{name}={value}", 400)
        for url in (PREDICTIONS_URL, EXPORT)
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
    *[
        Case(f"{name} without a value", f"{url}?{name}=", 400, "blank")
        for url, names in (
            (PREDICTIONS_URL, ("status", "version", "created_before")),
            (EXPORT, ("source",)),
            (JOBS, ("status",)),
        )
        for name in names
    ],
    Case("2,000 parameters", f"{PREDICTIONS_URL}?" + "&".join(["a=1"] * 2_000), 400),
    Case(
        "2,000 parameters and a charset",
        "/x?" + "&".join(["a=1"] * 2_000),
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
        if (number + index) % 2
        for value in [(*TEXTS, *NUMBERS, *DATES)[(number * 7 + index * 3) % 39]]
    ],
]
