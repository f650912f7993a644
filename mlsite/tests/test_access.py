"""Who may do what: every caller, every action, by session and by token, and every route there is."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from accounts.services import add_reviewer, create_token, revoke_token
from inference.tests.factories import make_image
from predictions.models import Review
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
LIST = "/api/v1/predictions/"

#                     create list retrieve image own-retrieve models delete-other review reviews truth export quality queue
TABLE = {
    "anonymous": (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 302),
    "owner": (201, 200, 200, 200, 200, 200, 405, 201, 200, 200, 200, 200, 302),
    "other": (201, 200, 404, 404, 200, 200, 405, 404, 404, 200, 200, 200, 302),
    "reviewer": (201, 200, 200, 200, 200, 200, 405, 201, 200, 200, 200, 200, 200),
    "staff": (201, 200, 404, 404, 200, 200, 405, 404, 404, 200, 200, 200, 403),
    "superuser": (201, 200, 200, 200, 200, 200, 405, 201, 200, 200, 200, 200, 200),
    "revoked": (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 302),
    "inactive": (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 302),
}
ACTIONS = (
    "create", "list", "retrieve", "image", "own", "models", "delete", "review", "reviews", "truth", "export", "quality",
    "queue",
)  # fmt: skip
CASES = [(name, way) for name in TABLE for way in ("session", "token") if (name, way) != ("revoked", "session")]
SEES_ALL = {"reviewer", "superuser"}


@pytest.fixture
def cast(shades, make_user):
    """Return all callers by name; `owner` has one prediction, so has each of the others."""
    people = {name: make_user(name) for name in ("owner", "other", "reviewer", "staff", "superuser", "revoked", "inactive")}
    add_reviewer(user=people["reviewer"])
    User.objects.filter(username="staff").update(is_staff=True)
    User.objects.filter(username="superuser").update(is_staff=True, is_superuser=True)
    return people, {name: make_prediction(person) for name, person in people.items()}


def client_for(name, people, way):
    if name == "anonymous":
        return Client()
    person = people[name]
    token, secret = create_token(user=person, name="test")
    client = Client()
    if way == "token":
        client = Client(headers={"authorization": f"Bearer {secret}"})
    else:
        client.force_login(person)
    if name == "revoked":
        revoke_token(token=token)
    if name == "inactive":
        User.objects.filter(pk=person.pk).update(is_active=False)
    return client


@pytest.mark.parametrize(("name", "way"), CASES)
def test_each_caller_gets_what_the_table_says(cast, name, way):
    people, predictions = cast
    client = client_for(name, people, way)
    theirs = predictions["owner"]
    own = predictions.get(name, theirs)
    calls = {
        "create": lambda: client.post(LIST, {"image": SimpleUploadedFile("a.png", make_image(9))}),
        "list": lambda: client.get(LIST),
        "retrieve": lambda: client.get(f"{LIST}{theirs.id}/"),
        "image": lambda: client.get(f"/api/v1/inputs/{theirs.input_id}/image/"),
        "own": lambda: client.get(f"{LIST}{own.id}/"),
        "models": lambda: client.get("/api/v1/models/"),
        "delete": lambda: client.delete(f"{LIST}{theirs.id}/"),
        "review": lambda: client.post(f"{LIST}{theirs.id}/reviews/", {"verdict": "unsure"}, content_type="application/json"),
        "reviews": lambda: client.get(f"{LIST}{theirs.id}/reviews/"),
        "truth": lambda: client.post(
            "/api/v1/ground-truth/",
            {"items": [{"id": str(theirs.id), "verdict": "unsure"}]},
            content_type="application/json",
        ),
        "export": lambda: client.get(f"{LIST}export/"),
        "quality": lambda: client.get("/api/v1/models/shades/quality/"),
        "queue": lambda: client.get("/admin/predictions/review/queue/"),
    }
    answers = {action: calls[action]() for action in ACTIONS}
    expected = dict(zip(ACTIONS, TABLE[name], strict=True)) | ({"queue": 302} if way == "token" else {})
    assert {action: answer.status_code for action, answer in answers.items()} == expected
    sees_theirs = name in {*SEES_ALL, "owner"}
    if answers["truth"].status_code == 200:
        assert answers["truth"].json()["accepted"] == sees_theirs
    assert Review.objects.active().count() == (answers["review"].status_code == 201) == sees_theirs
    if answers["list"].status_code == 200:
        rows = answers["list"].json()["results"]
        assert len(rows) == (8 if name in SEES_ALL else 2)
        exported = b"".join(answers["export"].streaming_content).decode()
        assert len(exported.splitlines()) == 1 + len(rows)
        assert (str(theirs.id) in exported) == sees_theirs
        assert answers["quality"].json()["predictions"] == len(rows)
        assert (str(theirs.id) in str(rows)) == sees_theirs


def test_another_users_rows_look_exactly_like_unknown_ones(cast):
    people, predictions = cast
    client = client_for("other", people, "token")
    unknown = "01a1fb01-0971-77a1-91ee-40e3b3456e9b"
    for address, known in (
        (LIST + "{}/", predictions["owner"].id),
        ("/api/v1/inputs/{}/", predictions["owner"].input_id),
        ("/api/v1/inputs/{}/image/", predictions["owner"].input_id),
        (LIST + "{}/reviews/", predictions["owner"].id),
    ):
        answers = [client.get(address.format(one)) for one in (known, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content


def test_answers_hold_nothing_about_other_people(cast):
    people, _ = cast
    User.objects.filter(username="owner").update(email="owner@example.org")
    text = client_for("owner", people, "token").get(LIST).content.decode()
    for secret in ("owner@example.org", str(people["owner"].pk), str(people["other"].pk), "digest", "inputs/", "artifact"):
        assert secret not in text.replace("/api/v1/inputs/", "")


# --- every route


def routes(patterns=None, prefix="", names=()):
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, prefix + str(pattern.pattern), (*names, pattern.namespace))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), ":".join(part for part in (*names, pattern.name) if part)


# Routes that anybody may ask, each with the reason. A new route fails the walk until it is listed or guarded.
OPEN = {
    "demo:tour": "for strangers; the example's own samples, each asked once",
    "demo:sample": "the example's own samples",
    "healthz": "for load balancers; says nothing",
    "readyz": "for load balancers; counts models",
    "accounts:login": "the way in",
    "accounts:signup": "the way in",
    "accounts:password_reset": "the way in",
    "accounts:password_reset_done": "a fixed text",
    "accounts:password_reset_confirm": "guarded by the token in the mail",
    "accounts:password_reset_complete": "a fixed text",
    "accounts:logout": "ends what may not be there",
    "admin:login": "the way in",
    "admin:jsi18n": "Django's translations",
}
FILL = {
    **{"<uuid:pk>": "01a1fb01-0971-77a1-91ee-40e3b3456e9b", "<slug:name>": "shades", "<uidb64>": "x", "<token>": "x-y"},
    **{"<path:object_id>": "1", "<id>": "1", "<int:content_type_id>": "1", "<path:url>": "x", "<app_label>": "x"},
}


def test_every_route_is_closed_to_strangers_unless_listed(shades, client):
    walked = list(routes())
    assert len(walked) > 50
    for route, name in walked:
        if name in OPEN or name == "predictions:predict":
            continue
        address = "/" + route.replace("^", "").replace("$", "")
        for pattern, value in FILL.items():
            address = address.replace(pattern, value)
        if "(?P" in address:
            continue  # the admin's list of applications, a regular expression
        for method in ("get", "post"):
            status = getattr(client, method)(address).status_code
            assert status in (301, 302, 401, 404, 405), f"{method} {address} ({name}) answered {status}"
            if status == 404:
                assert address.startswith("/admin/") or "x" in address, address
    assert client.get("/").status_code == 302


def test_open_routes_exist(shades):
    names = {name for _, name in routes()}
    assert OPEN.keys() <= names


@pytest.mark.parametrize("address", ["/media/", "/media/inputs/x.png", "/static/../mlsite/settings.py", "/media../x"])
def test_no_file_is_served_by_its_path(client, superuser, address):
    client.force_login(superuser)
    assert client.get(address).status_code == 404


def test_pages_of_others_are_not_found(cast, client):
    people, predictions = cast
    client.force_login(people["other"])
    theirs = predictions["owner"]
    for name, key in (("predictions:detail", theirs.id), ("predictions:thumbnail", theirs.input_id)):
        assert client.get(reverse(name, args=[key])).status_code == 404
    client.force_login(people["reviewer"])
    assert client.get(reverse("predictions:detail", args=[theirs.id])).status_code == 200


def test_metrics_are_for_staff(cast, client, settings):
    people, _ = cast
    assert client.get("/metrics").status_code == 401
    client.force_login(people["owner"])
    assert client.get("/metrics").status_code == 403
    client.force_login(people["staff"])
    assert b"mlsite_predictions_total" in client.get("/metrics").content
    client.logout()
    settings.METRICS_PUBLIC = True
    assert client.get("/metrics").status_code == 200
