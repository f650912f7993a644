"""Changes of rights take effect with the next request: tokens, accounts, groups, scopes, and work in the background."""

import json

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, User
from accounts.permissions import PERMISSIONS, REVIEW_PREDICTIONS, VIEW_PREDICTIONS
from accounts.services import create_token, revoke_token
from inference.tests.factories import make_image
from mlsite.tests.access import grant
from predictions.models import BatchJob, Prediction, Review
from predictions.services.background import queue_prediction, run_queued_prediction
from predictions.tests.batch_jobs import make_job, make_rows, run_job
from predictions.tests.factories import PREDICTIONS_URL, make_image_file, make_prediction

pytestmark = pytest.mark.django_db
KEY = {"Idempotency-Key": "one"}


def revoke_in_the_admin(token, superuser):
    client = Client()
    client.force_login(superuser)
    fields = {"action": "revoke_selected", "_selected_action": [str(token.pk)]}
    client.post(reverse("admin:accounts_apitoken_changelist"), fields)


def revoke_on_the_page(token, superuser):
    client = Client()
    client.force_login(token.user)
    client.post(reverse("accounts:revoke_token", args=[token.pk]))


WAYS = {
    "service": lambda token, superuser: revoke_token(token=token),
    "admin": revoke_in_the_admin,
    "page": revoke_on_the_page,
    "deactivated": lambda token, superuser: User.objects.filter(pk=token.user_id).update(is_active=False),
    "scope": lambda token, superuser: ApiToken.objects.filter(pk=token.pk).update(scopes="review"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_token_loses_access_with_the_next_request(shades, user, superuser, way):
    """The first requests fill the caches: the pool, the version, the prepared statement, the group commit."""
    token, secret = create_token(user=user, name="test")
    client, rows = Client(headers={"authorization": f"Bearer {secret}"}), 0
    for _ in range(2):
        assert client.post(PREDICTIONS_URL, {"image": make_image_file()}).status_code == 201
        assert client.get(PREDICTIONS_URL).status_code == 200
        rows += 1
    WAYS[way](token, superuser)
    status = 403 if way == "scope" else 401
    for headers in ({}, KEY, {"Prefer": "respond-async"}):
        assert client.post(PREDICTIONS_URL, {"image": make_image_file()}, headers=headers).status_code == status
    assert client.get(PREDICTIONS_URL).status_code == status
    assert Prediction.objects.count() == rows


def test_a_session_ends_with_the_account(shades, user, signed_in):
    assert signed_in.get("/predictions/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert signed_in.get("/predictions/").status_code == 302
    assert signed_in.get(PREDICTIONS_URL).status_code == 401


@pytest.mark.parametrize("source", ["group", "direct"])
def test_permissions_from_a_group_and_direct_ones_are_equal_and_end_at_once(shades, user, other, source, token_headers):
    prediction = make_prediction(user)
    group = Group.objects.create(name="Testers")
    grant(group if source == "group" else other, VIEW_PREDICTIONS, REVIEW_PREDICTIONS)
    other.groups.add(group)
    session, token, url = Client(), Client(headers=token_headers(other)), f"{PREDICTIONS_URL}{prediction.pk}/reviews/"
    session.force_login(other)
    for client in (session, token):
        assert client.post(url, {"verdict": "unsure"}, content_type="application/json", headers=KEY).status_code == 201
    (group.permissions if source == "group" else other.user_permissions).clear()
    for client in (session, token):
        assert client.get(url).status_code == 404
        assert client.post(url, {"verdict": "unsure"}, content_type="application/json", headers=KEY).status_code == 404
    assert Review.objects.active().count() == 1


def test_a_repeated_request_needs_the_scope_too(shades, user):
    """The stored response is not a way around the scope."""
    secrets = [create_token(user=user, name="x", scopes=scopes)[1] for scopes in (["predict"], ["read", "review"])]
    clients = [Client(headers={"authorization": f"Bearer {secret}"}) for secret in secrets]
    responses = [client.post(PREDICTIONS_URL, {"image": make_image_file()}, headers=KEY) for client in clients]
    assert [response.status_code for response in responses] == [201, 403]
    assert responses[1].json()["code"] == "insufficient-scope"
    expected = 'Bearer realm="api", error="insufficient_scope", scope="predict"'
    assert responses[1]["WWW-Authenticate"] == expected


def test_the_schema_names_the_scope_of_each_operation(superuser, client):
    client.force_login(superuser)
    paths = client.get("/api/schema/?format=json").json()["paths"]
    scopes = {
        (path.removeprefix("/api/v1/"), method): operation["security"][0]["token"]
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    assert scopes["predictions/", "get"] == ["read"]
    assert scopes["predictions/", "post"] == scopes["batch-jobs/{id}/cancel/", "post"] == ["predict"]
    assert scopes["predictions/{id}/reviews/", "delete"] == scopes["ground-truth/", "post"] == ["review"]


def test_work_of_a_deactivated_user_is_canceled(shades, flowers, user):
    queued = queue_prediction(user=user, source="api", model="shades", image=ContentFile(make_image(0), name="a.png"))
    job = make_job(user, make_rows(3))
    User.objects.filter(pk=user.pk).update(is_active=False)
    run_queued_prediction(str(queued.pk))
    queued.refresh_from_db()
    assert (queued.status, queued.error_code, queued.output) == ("canceled", "user-inactive", None)
    job = run_job(job)
    assert (job.status, job.error_code, job.done_items) == (BatchJob.Status.CANCELED, "user-inactive", 0)
    assert "not active" in job.error_message
    assert Prediction.objects.count() == 1


def test_the_permissions_exist(superuser, make_user):
    """A permission with a wrong name would be given to superusers only, without an error."""
    user = make_user()
    grant(user, *PERMISSIONS)
    assert User.objects.get(pk=user.pk).has_perms(PERMISSIONS)
    assert not User.objects.get(pk=make_user().pk).has_module_perms("predictions")


def test_is_staff_gives_nothing_but_the_admin(shades, user, make_user, client, token_headers):
    make_prediction(user)
    headers = token_headers(make_user(is_staff=True))
    assert json.loads(client.get(PREDICTIONS_URL, headers=headers).content)["results"] == []
    assert client.get("/metrics", headers=headers).status_code == 403
