"""Every route: who can open it without signing in, and what other users get. A new route fails until it is classified."""

import pytest
from django.test import Client
from django.urls import reverse

from evaluation.models import Replay
from events.tests.webhooks import make_webhook
from mlsite.tests.routes import fill_route, list_routes
from predictions.models import BatchJob, SavedFilter
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]
METHODS = ("get", "head", "options", "post", "put", "patch", "delete")

# Routes that require no sign-in, and why.
PUBLIC_ROUTES = {
    "demo:tour": "shows predictions of the samples of an example model",
    "demo:sample": "the samples of an example model",
    "healthz": "for load balancers; contains no data",
    "readyz": "for load balancers; names models that fail to load",
    "v2-metadata": "for clients of the Open Inference Protocol; contains no data",
    "v2-live": "for load balancers; contains no data",
    "v2-ready": "for load balancers; contains no data",
    "accounts:login": "sign-in",
    "accounts:signup": "sign-up",
    "accounts:signup_check": "sign-up; looks nothing up",
    "accounts:language": "sets a cookie",
    "accounts:password_reset": "for users who cannot sign in",
    "accounts:password_reset_done": "a fixed text",
    "accounts:password_reset_confirm": "requires the token of the email",
    "accounts:password_reset_complete": "a fixed text",
    "accounts:erasure": "for users whose account is closed; contains only numbers of rows",
    "accounts:logout": "has no effect without a session",
    "admin:login": "sign-in",
    "admin:jsi18n": "Django's translations",
    "manifest": "for phones that install the site",
    "javascript-catalog": "translations of texts in scripts",
}
# Routes with the ID of an object that belongs to a user. The object in the argument is the owner's.
OWNED_ROUTES = {
    "prediction": (
        "api:prediction-detail", "api:prediction-reviews", "api:prediction-cancel", "predictions:detail",
        "predictions:cancel", "predictions:comments", "predictions:model-input", "predictions:open",
        "predictions:other-version", "predictions:review", "predictions:tags",
    ),
    "input": ("api:input-detail", "api:input-image", "predictions:thumbnail"),
    "job": (
        "api:batch-job-detail", "api:batch-job-images", "api:batch-job-start", "api:batch-job-cancel",
        "api:batch-job-retry", "api:batch-job-results", "predictions:batch-job", "predictions:batch-job-start",
        "predictions:batch-job-results", "predictions:batch-job-digests",
        "predictions:batch-job-cancel", "predictions:batch-job-retry", "predictions:batch-job-rows",
        "predictions:batch-job-workbook",
    ),
    "saved_filter": ("predictions:saved-filter",),
    "replay": ("evaluation:replay", "evaluation:replay-cancel"),
    "token": ("accounts:revoke_token",),
    "webhook": (
        "api:webhook-detail", "api:webhook-deliveries", "api:webhook-pause", "api:webhook-resend", "api:webhook-resume",
        "api:webhook-secret", "api:webhook-test",
        "events:webhook", "events:webhook-delete", "events:webhook-edit", "events:webhook-pause", "events:webhook-resend",
        "events:webhook-resume", "events:webhook-secret", "events:webhook-test",
    ),
}  # fmt: skip
# Other routes with arguments: models and alerts, which all users share, and versions and samples of models.
SHARED_PREFIXES = (
    "api:model-",
    "v2:",
    "predictions:model",
    "predictions:example",
    "evaluation:",
    "monitoring:",
    "demo:",
    "accounts:password",
    "accounts:erasure",
)


def list_walkable():
    """Return the routes with known arguments. The list of apps in the admin is a regular expression."""
    routes = [(fill_route(route), route, name) for route, name in list_routes()]
    return [(url, route, name) for url, route, name in routes if "(?P" not in url]


def redirects_to_sign_in(response):
    """Return whether a response redirects to the sign-in page, or to a page of the admin that does."""
    location = response.get("Location", "")
    return response.status_code == 301 or (response.status_code == 302 and ("login" in location or location == "/admin/"))


@pytest.mark.parametrize("method", METHODS)
def test_every_route_requires_sign_in_unless_listed(shades, client, method):
    routes = list_walkable()
    assert len(routes) > 90
    for url, _, name in routes:
        if name in PUBLIC_ROUTES or (name == "" and url == "/admin/login/"):
            continue
        assert "<" not in url, f"Add an example of the argument to EXAMPLE_ARGUMENTS: {url}"
        response = getattr(client, method)(url)
        is_refused = response.status_code in (401, 405) or redirects_to_sign_in(response)
        is_hidden = response.status_code == 404 and (url.startswith("/admin/") or "x" in url)
        assert is_refused or is_hidden, f"{method} {url} ({name}) returned {response.status_code}"
        assert not (response.status_code == 401 and "WWW-Authenticate" not in response), url


def test_public_routes_exist():
    assert PUBLIC_ROUTES.keys() <= {name for _, name in list_routes()}


def test_every_route_with_an_object_is_classified():
    owned = {name for names in OWNED_ROUTES.values() for name in names}
    with_objects = {name for _, route, name in list_walkable() if "<" in route and not route.startswith("admin/")}
    unclassified = {name for name in with_objects - owned if not name.startswith(SHARED_PREFIXES)}
    assert not unclassified, f"Add these routes to OWNED_ROUTES or SHARED_PREFIXES: {sorted(unclassified)}"
    assert owned <= with_objects


def test_objects_of_other_users_are_not_found(shades, user, other, client, token_headers, write_dummy):
    prediction = make_prediction(user)
    job = BatchJob.objects.create(user=user, model_version=shades, kind="images", reference="shades", total_items=0)
    token_headers(user)
    second = register_model(path=write_dummy())
    replay = Replay.objects.create(user=user, model_version=second, baseline=shades, covers_all=False)
    saved_filter = SavedFilter.objects.create(user=user, name="mine", query="label=7")
    objects = {"replay": replay, "prediction": prediction, "input": prediction.input, "job": job, "token": user.tokens.get()}
    objects["saved_filter"] = saved_filter
    objects["webhook"] = make_webhook(user, "https://example.org/")
    client.force_login(other)
    with_token = Client(headers=token_headers(other))
    for kind, names in OWNED_ROUTES.items():
        for name in names:
            url, statuses = reverse(name, args=[objects[kind].pk]), {}
            for method in METHODS:
                response = getattr(with_token if name.startswith("api:") else client, method)(url)
                statuses[method] = response.status_code
                assert str(user.pk) not in response.getvalue().decode(errors="replace")
            assert statuses.pop("options") in (200, 404, 405), name
            assert set(statuses.values()) <= {404, 405}, (name, statuses)
            assert 404 in statuses.values(), (name, statuses)


def test_every_page_of_the_admin_is_closed_for_users_without_permissions(shades, make_user, client):
    client.force_login(make_user("staff", is_staff=True))
    allowed = {"admin:index", "admin:login", "admin:logout", "admin:jsi18n", "admin:password_change", "admin:autocomplete",
               "admin:password_change_done", "", "admin:view_on_site"}  # fmt: skip
    pages = [(url, name) for url, route, name in list_walkable() if route.startswith("admin/") and name not in allowed]
    assert len(pages) > 50
    for url, name in pages:
        response = client.get(url)
        is_refused = response.status_code in (403, 404) or (
            response.status_code == 302 and response["Location"] == "/admin/"
        )
        redirects_to_change = response.status_code == 302 and response["Location"].endswith("/change/")
        assert is_refused or redirects_to_change, f"{url} ({name}) returned {response.status_code}"


@pytest.mark.parametrize("url", ["/media/", "/media/inputs/x.png", "/static/../mlsite/settings.py", "/media../x"])
def test_files_are_not_served_by_their_path(client, superuser, url):
    client.force_login(superuser)
    assert client.get(url).status_code == 404


def test_metrics_can_be_public(shades, client, settings):
    assert client.get("/metrics").status_code == 401
    settings.METRICS_PUBLIC = True
    assert b"mlsite_predictions_total" in client.get("/metrics").content
