"""The pages of daily work: the history, batch jobs, models, replays, and the account."""

from __future__ import annotations

from urllib.parse import quote

from mlsite.tests.hostile.accounts import KEYS
from mlsite.tests.hostile.addresses import HUGE, OTHER_SITES
from mlsite.tests.hostile.cases import Case, post_fields

HISTORY, JOB, REPLAY = "/predictions/", "/batch-jobs/{job}/", "/replays/{replay}/"
SELECTION, FILTERS, EXPORT = f"{HISTORY}selection/", f"{HISTORY}filters/", f"{HISTORY}export/"
PROMOTE, REPLAYS, EXAMPLE = (f"/models/shades/{name}/" for name in ("promote", "replays", "example"))
ACCOUNT = "/accounts/"
QUEUE = "/admin/predictions/review/queue/"
HTMX = {"hx-request": "true"}
LONG = "9" * 5_000  # more digits than `int` reads
TEXTS = ("%00", "%ED%A0%80", "%E2%80%AE", "x" * 3_000, "")
NUMBERS = ("0", "-1", "²", "%00", LONG)
FILTER_NAMES = ("search", "tag", "model", "label", "column", "id", "batch_job", "older", "range", "sort", "size", "selected")

LISTS = [
    *[
        Case(f"{path}?{name}={TEXTS[number % 5]:.20}", f"{path}?{name}={TEXTS[number % 5]}", (200, 302, 400), **caller)
        for number, name in enumerate(FILTER_NAMES)
        for path, caller in (
            (HISTORY, {"caller": "superuser", "headers": HTMX}),
            (f"{HISTORY}{{prediction}}/", {"caller": "user"}),
            (EXPORT, {"caller": "user"}),
        )
    ],
    *[
        Case(f"{path} 900 {name}", f"{path}?" + f"{name}=1&" * 900, (200, 302, 400), caller="superuser", headers=HTMX)
        for path in (HISTORY, EXPORT)
        for name in ("id", "label", "sort", "search")
    ],
]
ACTIONS = [
    *[
        post_fields(f"selection {text:.40}", SELECTION, text, (302, 400))
        for text in (
            "action=correct&id=%00",
            "action=correct&id={other}",
            "action=incorrect&id={other}&true_output=%00",
            "&".join(["id={prediction}"] * 300) + "&action=correct",
            "id={other}&action=correct&next=//evil.com",
            "id={other}&action=correct&next=/predictions/?" + "a%3D1%26" * 2_000,
        )
    ],
    *[
        post_fields(f"save filter {text:.40}", FILTERS, text, (302, 400))
        for text in ("name=%00&query=", "name=" + "x" * 61, "name=%0A", "name=x&query=" + "x%3D1%26" * 2_000)
    ],
    *[post_fields(f"filter {key:.20}", f"{FILTERS}{key}/", "action=delete", 404) for key in KEYS],
    post_fields(
        "assignment of a long list",
        f"{QUEUE}assignments/",
        "reviewer={superuser}&query=" + quote("label=" + "é" * 1_900),
        302,
        caller="superuser",
    ),
]
JOBS = [
    *[
        Case(f"{part} {name}={value:.20}", f"{JOB}{part}?{name}={value}", (200, 302), caller="user", headers=headers)
        for part in ("", "results/", "rows/")
        for name, value in (("label", "%00"), ("label", "x" * 3_000), ("pages", LONG), ("sort", "--row"), ("page", LONG))
        for headers in ({}, HTMX)
    ],
    *[
        Case(f"{part} of another's job", f"/batch-jobs/{{other_job}}/{part}", 404, caller="user")
        for part in ("", "results/", "rows/", "digests/", "results.xlsx")
    ],
]
MODELS = [
    *[
        case
        for value in NUMBERS
        for case in (
            Case(f"promotion page {value:.20}", f"{PROMOTE}?version={value}", 404, caller="superuser"),
            post_fields(f"promotion of {value:.20}", PROMOTE, f"version={value}&alias=x", 404, caller="superuser"),
            post_fields(f"replay of {value:.20}", REPLAYS, f"version={value}&baseline=1", 302, caller="superuser"),
            Case(f"replay after {value:.20}", f"{REPLAY}?cases=fixed&after={value}", 200, caller="superuser"),
        )
    ],
    *[
        post_fields(f"promotion to {value:.20}", PROMOTE, f"version=1&alias={value}", 200, caller="superuser")
        for value in TEXTS
    ],
    *[
        post_fields(f"example with the key {value:.20}", EXAMPLE, f"number=9&idempotency_key={value}", (302, 400))
        for value in (*NUMBERS, "٣", "%E2%82%AC", "%0D%0Ax:y")
    ],
    *[post_fields(f"cancel replay {key:.20}", f"/replays/{key}/cancel/", "", 404) for key in KEYS],
]
ACCOUNTS = [
    *[
        post_fields(f"preference {name}={value:.20}", ACCOUNT, f"{name}={value}", 200)
        for name, value in (
            ("language", "xx"),
            ("time_zone", "../../etc/passwd"),
            ("time_zone", "Etc/UTC"),
            ("theme", "%00"),
            ("page_size", HUGE),
        )
    ],
    *[
        post_fields(
            f"language, then {site!a:.20}", f"{ACCOUNT}language/", f"language=de&next={quote(site)}", 302, caller="nobody"
        )
        for site in (*OTHER_SITES, "x", "\ufffd", "/\r\nx:y", "/" + "x" * 5_000)
    ],
    *[
        post_fields(f"check {text:.20}", f"{ACCOUNT}signup/check/", text, (200, 404), caller="nobody")
        for text in ("field=username&username=%00", "field=email&email=%00@x.org", "field=__class__", "field=%00")
    ],
    *[Case(f"catalog {value:.20}", f"/i18n.js?language={value}", 200, caller="nobody") for value in TEXTS],
    Case("model input of another", "/predictions/{other}/model-input/", 404, caller="user"),
]
PAGES = [*LISTS, *ACTIONS, *JOBS, *MODELS, *ACCOUNTS]
