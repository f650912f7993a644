"""Pages of the admin and of reviewers."""

from __future__ import annotations

from mlsite.tests.hostile.accounts import KEYS
from mlsite.tests.hostile.addresses import HUGE
from mlsite.tests.hostile.cases import Case, post_fields

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
    "accounts/auditentry",
    "accounts/externalidentity",
)
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
ADMIN = [
    *[
        Case(f"D8 {model}?{query:.30}", f"/admin/{model}/?{query}", (200, 302, 400), caller="superuser")
        for number, model in enumerate(MODELS)
        for query in ADMIN_QUERIES[number % 5 :: 5]
    ],
    *[
        Case(f"D8 {model}?{query} in a hierarchy of dates", f"/admin/{model}/?{query}", (200, 302), caller="superuser")
        for model in ("predictions/prediction", "predictions/review")
        for query in ADMIN_QUERIES
        if query.startswith("created_at__year")
    ],
    *[
        Case(f"D8 {query}", f"/admin/accounts/user/?{query}", 302, caller="superuser")
        for query in ("username__regex=(", "username__iregex=(", "username__regex=(a%2B)%2B$")
    ],
    *[
        Case(f"D8 {query}", f"/admin/accounts/auditentry/?{query}", (200, 302), caller="superuser")
        for query in ("details__contains=1", "details__range=1", "created_at__contained_by=1")
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
        for path in ("/admin/r/1/x/", "/admin/%00/", "/admin/nope/nope/", "/admin/jsi18n/%00")
    ],
]
