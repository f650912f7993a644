"""Signing in and up, tokens, and the admin."""

from __future__ import annotations

from urllib.parse import quote

from mlsite.tests.hostile.addresses import HUGE, OTHER_SITES
from mlsite.tests.hostile.cases import FORM_TYPE, Case, build_part, post_fields
from predictions.tests.factories import PREDICTIONS_URL

LOGIN, SIGNUP, TOKENS, RESET = "/accounts/login/", "/accounts/signup/", "/accounts/tokens/", "/accounts/reset/"
MODELS = (
    "accounts/user",
    "accounts/apitoken",
    "auth/group",
    "registry/registeredmodel",
    "registry/modelversion",
    "registry/alias",
    "registry/aliaschange",
    "predictions/input",
    "predictions/prediction",
    "predictions/review",
    "predictions/batchjob",
    "predictions/queuedprediction",
    "axes/accessattempt",
    "axes/accesslog",
    "axes/accessfailurelog",
)
KEYS = (HUGE, "-1", "99999999999999999999", "%00", "%ED%A0%80", "abc", "' OR 1=1--", "01a1fb01-0971-77a1-91ee-40e3b3456e9b")
ADMIN_QUERIES = (
    "p=1000000000",
    "p=" + HUGE,
    "p=-1",
    "p=abc",
    "q=%00",
    "q=%ED%A0%80",
    "q=" + "x" * 3_000,
    "o=99",
    "o=-1.a.",
    "o=" + HUGE,
    "e=1",
    "all=",
    "created_at__year=0",
    "created_at__year=-0",
    "created_at__year=1000000",
    "created_at__year=9999",
    "created_at__year=1&created_at__month=99",
    "created_at__year=9998&created_at__month=12&created_at__day=31",
    "created_at__year=abc",
    "created_at__day=0",
    "created_at__gte=abc",
    "created_at__gte=0001-01-01T00:00:00%2B23:59",
    "id__exact=abc",
    "id__exact=" + "9" * 30,
    "pk__in=abc",
    "pk__in=" + "9" * 30,
    "_popup=1",
    "_popup=%00",
    "_to_field=password",
    "_to_field=%00",
    "_changelist_filters=%00",
    "_changelist_filters=%ff%3D&x",
    "_facets=1",
    "password__startswith=a",
    "user__password=a",
    "is_active__exact=%00",
    "%00=1",
    "x=1",
    "attempt_time__year=0",
    "id__isnull=abc",
    "username__regex=(",
)
ACTIONS = (
    "mark_correct",
    "export_as_csv",
    "cancel",
    "retry",
    "requeue",
    "revoke_selected",
    "delete_selected",
    "nope",
    "%00",
    "",
)
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
ADMIN = [
    *[
        Case(f"D8 {model}?{query:.30}", f"/admin/{model}/?{query}", (200, 302, 400), caller="superuser")
        for number, model in enumerate(MODELS)
        for query in ADMIN_QUERIES[number % 3 :: 3]
    ],
    *[
        Case(f"D7 {query}", f"/admin/accounts/user/?{query}", (302, 400), caller="superuser")
        for query in ("password__startswith=a", "password=a", "tokens__digest=a")
    ],
    *[
        Case(f"{model}/{key:.12}/{page}", f"/admin/{model}/{key}/{page}/", (302, 403, 404), caller="superuser")
        for number, model in enumerate(MODELS)
        for key, page in zip(KEYS, ("change", "history", "delete", "change") * 2, strict=False)
        if (len(key) + number) % 2
    ],
    *[
        post_fields(
            f"{action} of {model}: {key:.20}",
            f"/admin/{model}/",
            f"action={action}&_selected_action={key}&index=0",
            (200, 302, 400, 403),
            caller="superuser",
        )
        for number, model in enumerate(MODELS)
        for index, action in enumerate(ACTIONS)
        for key in [KEYS[(number + index) % len(KEYS)]]
    ],
    *[
        post_fields(
            f"index={value:.20}",
            "/admin/predictions/prediction/",
            f"action=mark_correct&_selected_action={{input}}&index={value}",
            (200, 302),
            caller="superuser",
        )
        for value in ("99", "-1", "x", HUGE)
    ],
    *[
        Case(
            f"autocomplete {query:.40}",
            f"/admin/autocomplete/?app_label=accounts&model_name=apitoken&field_name=user&{query}",
            (200, 400, 403, 404),
            caller="superuser",
        )
        for query in ("term=%00", "term=%ED%A0%80", "term=" + "x" * 3_000, "page=0", "page=" + HUGE, "term=a&page=abc")
    ],
    *[
        Case(f"autocomplete {query}", f"/admin/autocomplete/?{query}", 403, caller="superuser")
        for query in ("", "app_label=x", "app_label=%00&model_name=%00&field_name=%00")
    ],
    *[
        post_fields(f"token for {user:.20}", "/admin/accounts/apitoken/add/", f"user={user}&name=a", 200, caller="superuser")
        for user in ("%00", "abc", HUGE, "")
    ],
    *[
        post_fields(
            f"user {name:.20}",
            "/admin/accounts/user/add/",
            f"username={name}&password1=a%20long%20word&password2=a%20long%20word&usable_password=true",
            200,
            caller="superuser",
        )
        for name in ("%00", "x" * 300, "ada", "")
    ],
    *[
        post_fields(f"group {name:.20}", "/admin/auth/group/add/", f"name={name}", 200, caller="superuser")
        for name in ("%00", "x" * 300, "Reviewers", "")
    ],
    *[
        post_fields(
            f"D11 change of {model}", f"/admin/{model}/{{{key}}}/change/", "status=failed&sha256=x", 403, caller="superuser"
        )
        for model, key in (("predictions/prediction", "prediction"), ("predictions/input", "input"))
    ],
    *[
        post_fields(
            f"promote to {alias:.20}",
            "/admin/registry/modelversion/{version}/promote/",
            f"alias={alias}",
            200,
            caller="superuser",
        )
        for alias in ("", "%00", "UPPER", "x" * 51, "a b", "@")
    ],
    *[
        Case(f"queue {query:.30}", f"/admin/predictions/review/queue/?{query}", (200, 400, 404), caller="superuser")
        for query in (
            "version=%00",
            "version=abc",
            "order=x",
            "order=label",
            "order=label&label=%00",
            "order=" + "x" * 3_000,
            "version={prediction}",
        )
    ],
    *[
        post_fields(f"queue {text:.40}", "/admin/predictions/review/queue/", text, (302, 404), caller="superuser")
        for text in (
            "action=x",
            "prediction=%00",
            "prediction={other}&verdict=x",
            "prediction={other}&verdict=incorrect&true_label=%00",
            "prediction={other}&true_value=1e999",
        )
    ],
    *[
        Case(f"operations {query:.30}", f"/operations/?{query}", 200, caller="superuser")
        for query in ("window=x", "model=%00", "model=shades&version=" + "9" * 30, "span=x&against=%00")
    ],
    *[
        Case(f"path {path:.30}", path, (302, 404), caller="superuser")
        for path in ("/admin/r/1/x/", "/admin/%00/", "/admin/nope/nope/", "/admin/accounts/", "/admin/jsi18n/%00")
        if "accounts/" not in path
    ],
]
ACCOUNTS = [*SIGN_IN, *FORMS, *ADMIN]
