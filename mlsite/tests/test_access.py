"""Permissions: every kind of user and every action, by session and by token; and every route."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import add_reviewer, create_token, revoke_token
from inference.tests.factories import make_image
from mlsite.tests.routes import list_routes
from predictions.models import Prediction, Review
from predictions.tests.factories import make_prediction
from predictions.tests.v2_requests import make_image_input

pytestmark = pytest.mark.django_db
LIST_URL = "/api/v1/predictions/"

# The status of each action by caller, in the order of ACTIONS.
STATUSES = {
    "anonymous": (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 302, 401),
    "owner": (201, 200, 200, 200, 200, 200, 405, 201, 200, 200, 200, 200, 302, 409),
    "other": (201, 200, 404, 404, 200, 200, 405, 404, 404, 200, 200, 200, 302, 404),
    "reviewer": (201, 200, 200, 200, 200, 200, 405, 201, 200, 200, 200, 200, 200, 403),
    "staff": (201, 200, 404, 404, 200, 200, 405, 404, 404, 200, 200, 200, 403, 404),
    "superuser": (201, 200, 200, 200, 200, 200, 405, 201, 200, 200, 200, 200, 200, 409),
    "revoked": (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 302, 401),
    "inactive": (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 302, 401),
}
ACTIONS = (
    "create", "list", "retrieve", "image", "own", "models", "delete", "review", "reviews", "ground_truth", "export",
    "quality", "queue", "cancel",
)  # fmt: skip
CASES = [(name, method) for name in STATUSES for method in ("session", "token") if (name, method) != ("revoked", "session")]
CAN_VIEW_ALL = {"reviewer", "superuser"}


@pytest.fixture
def users_and_predictions(shades, make_user):
    """Return all users by name, and one prediction of each by name."""
    users = {name: make_user(name) for name in ("owner", "other", "reviewer", "staff", "superuser", "revoked", "inactive")}
    add_reviewer(user=users["reviewer"])
    User.objects.filter(username="staff").update(is_staff=True)
    User.objects.filter(username="superuser").update(is_staff=True, is_superuser=True)
    return users, {name: make_prediction(user) for name, user in users.items()}


def make_client(name, users, method):
    if name == "anonymous":
        return Client()
    user = users[name]
    token, secret = create_token(user=user, name="test")
    client = Client()
    if method == "token":
        client = Client(headers={"authorization": f"Bearer {secret}"})
    else:
        client.force_login(user)
    if name == "revoked":
        revoke_token(token=token)
    if name == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    return client


@pytest.mark.parametrize(("name", "method"), CASES)
def test_each_caller_gets_the_expected_status_of_each_action(users_and_predictions, name, method):
    users, predictions = users_and_predictions
    client = make_client(name, users, method)
    theirs = predictions["owner"]
    own = predictions.get(name, theirs)
    calls = {
        "create": lambda: client.post(LIST_URL, {"image": SimpleUploadedFile("a.png", make_image(9))}),
        "list": lambda: client.get(LIST_URL),
        "retrieve": lambda: client.get(f"{LIST_URL}{theirs.id}/"),
        "image": lambda: client.get(f"/api/v1/inputs/{theirs.input_id}/image/"),
        "own": lambda: client.get(f"{LIST_URL}{own.id}/"),
        "models": lambda: client.get("/api/v1/models/"),
        "delete": lambda: client.delete(f"{LIST_URL}{theirs.id}/"),
        "review": lambda: client.post(
            f"{LIST_URL}{theirs.id}/reviews/", {"verdict": "unsure"}, content_type="application/json"
        ),
        "reviews": lambda: client.get(f"{LIST_URL}{theirs.id}/reviews/"),
        "ground_truth": lambda: client.post(
            "/api/v1/ground-truth/",
            {"items": [{"id": str(theirs.id), "verdict": "unsure"}]},
            content_type="application/json",
        ),
        "export": lambda: client.get(f"{LIST_URL}export/"),
        "quality": lambda: client.get("/api/v1/models/shades/quality/"),
        "queue": lambda: client.get("/admin/predictions/review/queue/"),
        "cancel": lambda: client.post(f"{LIST_URL}{theirs.id}/cancel/"),  # it is final
    }
    responses = {action: calls[action]() for action in ACTIONS}
    expected = dict(zip(ACTIONS, STATUSES[name], strict=True)) | ({"queue": 302} if method == "token" else {})
    assert {action: response.status_code for action, response in responses.items()} == expected
    can_view_theirs = name in {*CAN_VIEW_ALL, "owner"}
    if responses["ground_truth"].status_code == 200:
        assert responses["ground_truth"].json()["accepted"] == can_view_theirs
    assert Review.objects.active().count() == (responses["review"].status_code == 201) == can_view_theirs
    if responses["list"].status_code == 200:
        rows = responses["list"].json()["results"]
        assert len(rows) == (8 if name in CAN_VIEW_ALL else 2)
        exported = b"".join(responses["export"].streaming_content).decode()
        assert len(exported.splitlines()) == 1 + len(rows)
        assert (str(theirs.id) in exported) == can_view_theirs
        assert responses["quality"].json()["predictions"] == len(rows)
        assert (str(theirs.id) in str(rows)) == can_view_theirs


@pytest.mark.parametrize(("name", "method"), CASES)
def test_the_open_inference_protocol_accepts_tokens_of_active_users_only(users_and_predictions, name, method):
    users, _ = users_and_predictions
    client = make_client(name, users, method)
    body = json.dumps({"inputs": [make_image_input(make_image(9))]})
    responses = [
        client.get("/v2/models/shades"),
        client.get("/v2/models/shades/ready"),
        client.post("/v2/models/shades/infer", body, content_type="application/json"),
    ]
    is_allowed = method == "token" and STATUSES[name][0] == 201
    assert {response.status_code for response in responses} == {200 if is_allowed else 401}
    assert Prediction.objects.filter(source="v2").count() == is_allowed


def test_predictions_of_other_users_look_like_unknown_ids(users_and_predictions):
    users, predictions = users_and_predictions
    client = make_client("other", users, "token")
    unknown = "01a1fb01-0971-77a1-91ee-40e3b3456e9b"
    for url, known in (
        (LIST_URL + "{}/", predictions["owner"].id),
        ("/api/v1/inputs/{}/", predictions["owner"].input_id),
        ("/api/v1/inputs/{}/image/", predictions["owner"].input_id),
        (LIST_URL + "{}/reviews/", predictions["owner"].id),
        (LIST_URL + "{}/cancel/", predictions["owner"].id),
    ):
        send = client.post if "cancel" in url else client.get
        responses = [send(url.format(object_id)) for object_id in (known, unknown)]
        assert [response.status_code for response in responses] == [404, 404]
        assert responses[0].content == responses[1].content


def test_responses_contain_nothing_about_other_users(users_and_predictions):
    users, _ = users_and_predictions
    User.objects.filter(username="owner").update(email="owner@example.org")
    text = make_client("owner", users, "token").get(LIST_URL).content.decode()
    for secret in ("owner@example.org", str(users["owner"].pk), str(users["other"].pk), "digest", "inputs/", "artifact"):
        assert secret not in text.replace("/api/v1/inputs/", "")


# --- every route


# Routes that require no sign-in, and why. The test fails for a new route until it requires sign-in or is listed here.
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
    "accounts:password_reset": "for users who cannot sign in",
    "accounts:password_reset_done": "a fixed text",
    "accounts:password_reset_confirm": "requires the token of the email",
    "accounts:password_reset_complete": "a fixed text",
    "accounts:logout": "has no effect without a session",
    "admin:login": "sign-in",
    "admin:jsi18n": "Django's translations",
}
EXAMPLE_ARGUMENTS = {
    **{"<uuid:pk>": "01a1fb01-0971-77a1-91ee-40e3b3456e9b", "<slug:name>": "shades", "<uidb64>": "x", "<token>": "x-y"},
    **{"<str:name>": "shades", "<str:number>": "1"},
    **{"<path:object_id>": "1", "<id>": "1", "<int:content_type_id>": "1", "<path:url>": "x", "<app_label>": "x"},
}


def test_every_route_requires_sign_in_unless_listed(shades, client):
    all_routes = list(list_routes())
    assert len(all_routes) > 50
    for route, name in all_routes:
        if name in PUBLIC_ROUTES or name == "predictions:predict":
            continue
        url = "/" + route.replace("^", "").replace("$", "")
        for pattern, value in EXAMPLE_ARGUMENTS.items():
            url = url.replace(pattern, value)
        if "(?P" in url:
            continue  # the list of apps in the admin is a regular expression
        for method in ("get", "post"):
            status = getattr(client, method)(url).status_code
            assert status in (301, 302, 401, 404, 405), f"{method} {url} ({name}) returned {status}"
            if status == 404:
                assert url.startswith("/admin/") or "x" in url, url
    assert client.get("/").status_code == 302


def test_public_routes_exist(shades):
    names = {name for _, name in list_routes()}
    assert PUBLIC_ROUTES.keys() <= names


@pytest.mark.parametrize("url", ["/media/", "/media/inputs/x.png", "/static/../mlsite/settings.py", "/media../x"])
def test_files_are_not_served_by_their_path(client, superuser, url):
    client.force_login(superuser)
    assert client.get(url).status_code == 404


def test_pages_of_other_users_are_not_found(users_and_predictions, client):
    users, predictions = users_and_predictions
    client.force_login(users["other"])
    theirs = predictions["owner"]
    for name, key in (("predictions:detail", theirs.id), ("predictions:thumbnail", theirs.input_id)):
        assert client.get(reverse(name, args=[key])).status_code == 404
    client.force_login(users["reviewer"])
    assert client.get(reverse("predictions:detail", args=[theirs.id])).status_code == 200


def test_metrics_require_staff(users_and_predictions, client, settings):
    users, _ = users_and_predictions
    assert client.get("/metrics").status_code == 401
    client.force_login(users["owner"])
    assert client.get("/metrics").status_code == 403
    client.force_login(users["staff"])
    assert b"mlsite_predictions_total" in client.get("/metrics").content
    client.logout()
    settings.METRICS_PUBLIC = True
    assert client.get("/metrics").status_code == 200
