"""Tags, comments, and other versions of a prediction; assignments and goals of reviewers."""

from __future__ import annotations

from mlsite.tests.hostile.accounts import KEYS
from mlsite.tests.hostile.addresses import HUGE
from mlsite.tests.hostile.cases import Case, post_fields

PAGE, OTHER, QUEUE = "/predictions/{prediction}/", "/predictions/{other}/", "/admin/predictions/review/queue/"
HTMX = {"headers": {"hx-request": "true"}}
INVISIBLE = "%00%01%1b%7f%E2%80%AE%E2%80%8B%0A"
ANNOTATIONS = [
    *[
        post_fields(f"tag {text:.30}", f"{PAGE}tags/", text, 400, **HTMX)
        for text in (
            "",
            "add=",
            f"add={INVISIBLE}",
            "add=a,b",
            "add=,",
            "add=" + "x" * 41,
            "add=" + "%C4%B0" * 40,  # longer in lower case
            "add=" + "x" * 100_000,
            "tag=x",
            "add=x&add=",
        )
    ],
    *[
        post_fields(f"remove tag {name:.20}", f"{PAGE}tags/", f"remove={name}", 200, **HTMX)
        for name in ("%00", INVISIBLE, "x", "x" * 100_000, "%ED%A0%80", "' OR 1=1--")
    ],
    *[
        post_fields(f"comment {text:.30}", f"{PAGE}comments/", text, 400, **HTMX)
        for text in ("", "text=%00%01", "text=%20%0D%0A", "text=" + "x" * 2_001, "text=" + "%F0%9F%99%82" * 2_001)
    ],
    post_fields("comment of 1 MB", f"{PAGE}comments/", "text=" + "x" * 2**20, 413, **HTMX),
    *[post_fields(f"version {key:.20}", f"{PAGE}versions/", f"version={key}", 404) for key in (*KEYS, "")],
    *[
        post_fields(f"{name} of another's prediction", f"{OTHER}{name}/", "add=x&text=x&version={version}", 404)
        for name in ("tags", "comments", "versions")
    ],
    *[
        Case(f"neighbors {query:.30}", f"{PAGE}?{query}", 200, caller="user")
        for query in ("tag=%00", "label=" + "x" * 3_000, "version=" + HUGE, "created_after=abc", "tag=a&" * 300, "%00=1")
    ],
    *[
        Case(f"queue {query:.30}", f"{QUEUE}?{query}", (200, 400), caller="superuser")
        for query in (
            "list=%00",
            "tag=%00",
            "list=1&tag=" + "x" * 3_000,
            "blind=2",
            "blind=%00",
            "tag=a&" * 300,
            "list=1&x=1",
        )
    ],
    *[
        post_fields(
            f"goal {number:.20}", f"{QUEUE}goal/", f"reviews_per_day={number}&query={number}", 302, caller="superuser"
        )
        for number in ("", "-1", "0", "10001", HUGE, "%00", "1e3", "NaN")
    ],
    *[
        post_fields(f"assignment {text:.40}", f"{QUEUE}assignments/", text, 302, caller="superuser")
        for text in (
            "",
            "reviewer=%00",
            f"reviewer={HUGE}",
            "reviewer={prediction}&query=list=1",
            "reviewer=abc&query=" + "x" * 3_000,
            "query=%00&note=%00",
        )
    ],
    *[
        post_fields(f"close {key:.20}", f"{QUEUE}assignments/{key}/close/", "query=%00", (302, 404), caller="superuser")
        for key in KEYS
    ],
]
