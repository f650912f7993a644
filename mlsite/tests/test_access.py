"""Permissions: every caller, action, and method, by session and by token. See also test_routes and test_access_changes."""

from contextlib import contextmanager

import pytest
from django.db import transaction
from django.test import Client
from django.test.utils import override_settings

from accounts.models import ApiToken
from mlsite.tests import access
from mlsite.tests.routes import list_urls
from predictions.models import BatchJob, Prediction, Review

pytestmark = pytest.mark.once

SESSIONS = [(name, "session") for name in access.CALLERS]
SCOPED = [f"{name}, {scope}" for name in ("owner", "reviewer") for scope in ("read", "predict", "review")]
TOKENS = [(name, "token") for name in (*access.CALLERS[1:], "revoked", "expired", *SCOPED)]
CALLERS = SESSIONS + TOKENS
# Routes: the action that reads them, their methods that write, and the scope of all unsafe methods (empty: all scopes).
METHODS = {
    "/api/v1/predictions/": ("list", ["post"], "predict"),
    "/api/v1/predictions/{prediction}/": ("retrieve", [], "predict"),
    "/api/v1/predictions/{prediction}/reviews/": ("reviews", ["post", "delete"], "review"),
    "/api/v1/inputs/{input}/image/": ("image", [], ""),
    "/api/v1/models/": ("models", [], ""),
    "/api/v1/batch-jobs/{job}/": ("job", [], "predict"),
    "/api/v1/webhooks/{webhook}/": ("webhook", ["patch", "delete"], ""),
}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """Create the rows of the matrix once. They are rolled back after the module."""
    folder = tmp_path_factory.mktemp("access")
    folders = {"MEDIA_ROOT": str(folder / "media"), "MODEL_ROOT": str(folder / "models")}
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(**folders):
            world = access.build_world(access.register_shades(folder), folders)
        yield world
        transaction.set_rollback(True)


@pytest.fixture
def stored(world, settings, db):
    """Return the rows of the matrix, with their files."""
    for name, folder in world.folders.items():
        setattr(settings, name, folder)
    return world


@contextmanager
def discarded_changes():
    """Undo in the end what the block writes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize(("caller", "method"), CALLERS)
def test_each_cell_of_the_access_matrix(stored, caller, method):
    client = stored.clients[caller, method]
    deviations = []
    for action, (verb, url, body) in access.build_calls(stored).items():
        expected = access.get_expected(stored, caller, method, action)
        with discarded_changes():
            response = access.send(client, verb, url, body)
            content = response.getvalue().decode(errors="replace")
            problems = [] if response.status_code == expected else [f"status {response.status_code}, not {expected}"]
            problems += find_wrong_effects(action, caller.partition(",")[0], response, content)
        deviations += [f"{action}: {problem}. {content[:300]}" for problem in problems]
    assert not deviations, "\n".join(deviations)


def find_wrong_effects(action, name, response, content):
    """Yield what a request has shown or changed of other users' rows, against the table."""
    reviews = list(Review.objects.all())
    is_done = response.status_code < 400 and not response.get("Location", "").startswith("/accounts/")
    if action in ("review", "review page"):
        if len(reviews) != (is_done and name in access.MAY_REVIEW):
            yield f"{len(reviews)} reviews were stored"
    elif is_done and action == "ground_truth":
        accepted = response.json()["accepted"]
        if not accepted == len(reviews) == (name in access.MAY_SEND_GROUND_TRUTH):
            yield f"{accepted} items were accepted"
    elif is_done and action in access.COUNTED:
        found = access.COUNTED[action](response, content)
        expected = access.SEEN[name][action == "export"]
        if found != expected:
            yield f"contains {found} predictions, not {expected}"


@pytest.mark.parametrize(("caller", "method"), CALLERS)
def test_every_method_of_each_route(stored, caller, method):
    """Methods that a route does not have are 405 for users who can use the route, and write nothing."""
    client, deviations = stored.clients[caller, method], []
    for route, (action, writing, writing_scope) in METHODS.items():
        url = access.fill_url(route, stored)
        get_status = access.get_expected(stored, caller, method, action)
        for verb in ("head", "options", "put", "patch", "delete", "post"):
            if verb in writing:
                continue
            with discarded_changes():
                before = count_rows()
                response = getattr(client, verb)(url)
                is_unchanged = before == count_rows()
            expected = access.get_method_status(caller, verb, get_status, writing_scope)
            if response.status_code != expected or not is_unchanged:
                deviations.append(f"{verb} {url}: {response.status_code}, not {expected}")
    assert not deviations, "\n".join(deviations)


def count_rows():
    return Prediction.objects.count(), Review.objects.count(), BatchJob.objects.count()


@pytest.mark.parametrize("caller", ["owner", "reviewer", "superuser"])
def test_sessions_need_a_csrf_token_to_write(stored, caller):
    client = Client(enforce_csrf_checks=True)
    client.force_login(stored.users[caller])
    for verb, url, body in access.build_calls(stored).values():
        if verb != "get" and not url.startswith("/v2/"):
            with discarded_changes():
                assert access.send(client, verb, url, body).status_code == 403, url


def test_every_route_of_the_api_needs_a_scope(stored):
    """A token without scopes, which cannot be created, has access to nothing."""
    ApiToken.objects.filter(user=stored.users["superuser"]).update(scopes="none")
    client = stored.clients["superuser", "token"]
    urls = [url for url in list_urls() if url.startswith(("/api/", "/v2/models", "/metrics"))]
    assert len(urls) > 25
    for url in urls:
        for verb in ("get", "options", "post", "put", "delete"):
            response = getattr(client, verb)(url)
            assert response.status_code in (302, 403), (verb, url, response.status_code)
            assert response.status_code == 302 or "insufficient_scope" in response["WWW-Authenticate"], (verb, url)


def test_predictions_of_other_users_look_like_unknown_ids(stored):
    client, unknown = stored.clients["other", "token"], "01a1fb01-0971-77a1-91ee-40e3b3456e9b"
    theirs = stored.predictions["owner"]
    for verb, url, known in (
        ("get", "/api/v1/predictions/{}/", theirs.pk),
        ("get", "/api/v1/inputs/{}/", theirs.input_id),
        ("get", "/api/v1/inputs/{}/image/", theirs.input_id),
        ("get", "/api/v1/predictions/{}/reviews/", theirs.pk),
        ("post", "/api/v1/predictions/{}/reviews/", theirs.pk),
        ("post", "/api/v1/predictions/{}/cancel/", theirs.pk),
        ("get", "/api/v1/batch-jobs/{}/", stored.job.pk),
        ("get", "/api/v1/batch-jobs/{}/results/", stored.job.pk),
        ("post", "/api/v1/batch-jobs/{}/cancel/", stored.job.pk),
        ("get", "/api/v1/webhooks/{}/", stored.webhook.pk),
        ("post", "/api/v1/webhooks/{}/secret/", stored.webhook.pk),
    ):
        responses = [getattr(client, verb)(url.format(pk)) for pk in (known, unknown)]
        assert [response.status_code for response in responses] == [404, 404]
        assert responses[0].content == responses[1].content
        headers = [{**response.headers, "X-Request-ID": ""} for response in responses]
        assert headers[0] == headers[1]


def test_responses_contain_nothing_about_other_users(stored):
    for name in ("owner", "viewer"):
        text = stored.clients[name, "token"].get("/api/v1/predictions/").content.decode()
        secrets = [*(user.email for user in stored.users.values()), *(str(user.pk) for user in stored.users.values())]
        for secret in (*secrets, "digest", "inputs/", "artifact", "mls_"):
            assert secret not in text.replace("/api/v1/inputs/", ""), secret


def test_methods_do_not_change_read_only_fields(stored):
    theirs = stored.predictions["owner"]
    client, url = stored.clients["owner", "token"], f"/api/v1/predictions/{theirs.pk}/"
    for verb in ("put", "patch"):
        response = getattr(client, verb)(url, {"label": "white", "user": "x"}, content_type="application/json")
        assert response.status_code == 405
    theirs.refresh_from_db()
    assert theirs.user == stored.users["owner"]
