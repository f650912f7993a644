"""Signing in and up, tokens, and the admin."""

from __future__ import annotations

from urllib.parse import quote

from mlsite.tests.hostile.addresses import HUGE, OTHER_SITES
from mlsite.tests.hostile.cases import FORM_TYPE, Case, build_part, post_fields
from predictions.tests.factories import PREDICTIONS_URL

LOGIN, SIGNUP, TOKENS, RESET = "/accounts/login/", "/accounts/signup/", "/accounts/tokens/", "/accounts/reset/"
KEYS = (HUGE, "-1", "99999999999999999999", "%00", "%ED%A0%80", "abc", "' OR 1=1--", "01a1fb01-0971-77a1-91ee-40e3b3456e9b")
INVALID_HEADERS = (
    "Bearer",
    "Bearer ",
    "Bearer x",
    "Bearer \xe9",
    "Bearer " + "x" * 100_000,
    "Bearer x y",
    "bearer x",
    "Bearer ../../x",
    "Bearer null",
)

SIGN_IN = [
    *[
        post_fields(f"D2 name {name:.20}", LOGIN, f"username={name}&password=x", (200, 429, 403), caller="nobody")
        for name in ("%00", "%ED%A0%80", "x" * 300, "%F0%9F%99%82" * 300, "' OR 1=1--", "")
    ],
    post_fields("D2 password of 100 KB", LOGIN, "username=ada&password=" + "x" * 100_000, (200, 429, 403), caller="nobody"),
    post_fields("D2 NUL in a password", LOGIN, "username=ada&password=%00", (200, 429, 403), caller="nobody"),
    post_fields("D2 1 MB", LOGIN, "username=" + "x" * 2**20, 413, caller="nobody"),
    *[
        Case(
            f"D2 charset {name}",
            LOGIN,
            415,
            "",
            "POST",
            build_part("username", "+2AA-"),
            f"{FORM_TYPE}; charset={name}",
            caller="nobody",
        )
        for name in ("utf-7", "unicode_escape")
    ],
    *[Case(f"D4 next={site!a}", f"{LOGIN}?next={quote(site)}", 200, caller="nobody") for site in OTHER_SITES],
    *[
        Case(f"D4 next={site!a} of the admin", f"/admin/login/?next={quote(site)}", 302, caller="nobody")
        for site in OTHER_SITES
    ],
    *[
        post_fields(
            f"sign up as {name:.20}",
            SIGNUP,
            f"username={name}&password1=a%20long%20word&password2=a%20long%20word",
            200,
            caller="nobody",
        )
        for name in ("", "%00", "%ED%A0%80", "x" * 151, "ada", "a/b", "<script>", "%E2%80%AE", " ")
    ],
    *[
        post_fields(
            f"sign up with {email:.20}",
            SIGNUP,
            f"username=zoe&email={email}&password1=a%20long%20word&password2=a%20long%20word",
            200,
            caller="nobody",
        )
        for email in ("x", "%00@x.org", "x" * 300 + "@x.org", "a@b")
    ],
    *[
        post_fields(f"token {name:.20}", TOKENS, f"name={name}&lifetime={days}", 200)
        for name, days in (("", "90"), ("%00", "90"), ("x" * 101, "90"), ("a", "-1"), ("a", HUGE))
    ],
    *[Case(f"revoke {key:.20}", f"{TOKENS}{key}/revoke/", 404, method="POST", caller="user") for key in KEYS],
    *[
        post_fields(f"reset {email:.20}", RESET, f"email={email}", 200, caller="nobody")
        for email in ("", "x", "%00", "x" * 300 + "@x.org")
    ],
    *[
        Case(f"reset link {part:.20}", f"{RESET}{part}/{part}/", (200, 404), caller="nobody")
        for part in ("x", "%00", "%ED%A0%80", "MDE", "x" * 3_000)
    ],
    post_fields("wrong old password", "/accounts/password/", "old_password=x&new_password1=y&new_password2=z", 200),
    *[
        Case(f"D1 {header!a:.20}", PREDICTIONS_URL, 401, "invalid-token", headers={"authorization": header}, caller="nobody")
        for header in INVALID_HEADERS
    ],
    *[
        Case(f"D1 {header!a}", PREDICTIONS_URL, 401, "not-authenticated", headers={"authorization": header}, caller="nobody")
        for header in ("", "Basic YTpi", "x", "\xe9")
    ],
    Case(
        "D1 token in the query",
        PREDICTIONS_URL + "?token={secret}&access_token={secret}",
        401,
        "not-authenticated",
        caller="nobody",
    ),
]
FORMS = [
    *[
        post_fields(
            f"review {text:.30}", "/predictions/{prediction}/review/", text, (302, 400), headers={"hx-request": htmx}
        )
        for text in (
            "",
            "verdict=x",
            "verdict=%00",
            "verdict=incorrect&true_label=%00",
            "true_value=1e999",
            "true_value=" + HUGE,
            "verdict=incorrect&true_label=purple",
            "true_labels=a&true_labels=b",
        )
        for htmx in ("true", "false")
    ],
    *[
        post_fields(
            f"D4 review and next={site!a}", "/predictions/{prediction}/review/", f"verdict=x&next={quote(site)}", 302
        )
        for site in OTHER_SITES
    ],
    *[
        post_fields(f"{action} of another", f"/predictions/{{other}}/{action}/", "verdict=correct", 404)
        for action in ("review", "cancel")
    ],
    *[
        post_fields(f"example {text:.20}", "/models/shades/example/", text, (302, 400, 404))
        for text in ("number=0", "number=" + HUGE, "model=%00", "version=%00&number=1", "model=nope")
    ],
    *[
        post_fields(f"predict {text:.30}", "/", text, (400, 404, 409))
        for text in (
            "",
            "model=%00",
            "model=nope",
            "model=" + "x" * 3_000,
            "model=flowers",
            "model=flowers&f0=%00&f1=x&f2=y",
            "model=flowers&f0=" + HUGE,
            "model=flowers&fill=1&csv=%00",
            "model=flowers&version=x&f0=1",
            "model=reviews&text=" + "x" * 5_000,
            "model=reviews&text=%00",
            "model=flowers&client_reference=" + "x" * 300,
        )
    ],
    *[
        post_fields(f"{action} of no job", f"/batch-jobs/{{prediction}}/{action}/", "", 404)
        for action in ("start", "cancel", "retry")
    ],
    post_fields("compressed form", "/", "model=shades", 415, headers={"content-encoding": "gzip"}),
]
ACCOUNTS = [*SIGN_IN, *FORMS]
