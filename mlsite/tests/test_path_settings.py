"""The site works below a path of its host: FORCE_SCRIPT_NAME."""

from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import set_script_prefix

from accounts.services.resets import build_reset_email
from core.tasks import run_task
from inference.tests.factories import make_image
from mlsite.fixed_settings import build_spectacular
from mlsite.path_settings import build_path_settings
from mlsite.tests.links import find_paths
from mlsite.tests.routes import fill_route, list_routes
from mlsite.tests.test_safe_methods import WRITING_ROUTES, arguments  # noqa: F401  a fixture
from predictions.tests.factories import make_image_file, make_prediction

pytestmark = pytest.mark.once

PATH, PASSWORD = "/models-site", "correct horse"  # the password of the users of tests


@pytest.fixture
def below_a_path(settings):
    for name, value in build_path_settings(PATH).items():
        setattr(settings, name, value)
    set_script_prefix(f"{PATH}/")  # as the WSGI handler does, but not the test client
    yield
    set_script_prefix("/")


@pytest.mark.django_db
def test_all_addresses_in_all_pages_are_below_the_path(below_a_path, arguments, client, superuser, settings):  # noqa: F811
    settings.TOUR = True
    client.force_login(superuser)
    pages, wrong = 0, []
    for route, name in list_routes():
        url = fill_route(route, arguments)
        if "<" in url or "(?P" in url or name in WRITING_ROUTES:
            continue
        response = client.get(url)
        if location := response.headers.get("Location", ""):
            wrong += [(url, "Location", location)] if not location.startswith(f"{PATH}/") else []
        if response.headers.get("Content-Type", "").startswith("text/html"):
            pages += response.status_code == 200
            wrong += [
                (url, *found) for found in find_paths(response.content.decode()) if not found[1].startswith(f"{PATH}/")
            ]
    assert wrong == []
    assert pages > 30


@pytest.mark.django_db
def test_responses_of_the_api_link_to_addresses_below_the_path(below_a_path, shades, user, client):
    client.force_login(user)
    created = client.post("/api/v1/predictions/", {"image": make_image_file()}, format="multipart")
    assert created.status_code == 201
    assert created.json()["url"].startswith(f"http://testserver{PATH}/api/v1/predictions/")
    assert created.headers["Location"].startswith(f"http://testserver{PATH}/")
    assert created.json()["input"]["image_url"].startswith(f"http://testserver{PATH}/api/v1/inputs/")
    missing = client.get("/api/v1/nothing/")
    assert missing.headers["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_cookies_belong_to_the_path(below_a_path, user):
    client = Client()
    assert f"{PATH}/static/" in client.get("/accounts/login/").content.decode()
    response = client.post("/accounts/login/", {"username": user.username, "password": PASSWORD})
    assert response.headers["Location"] == f"{PATH}/"
    client.post("/accounts/language/", {"language": "de"})
    paths = {name: cookie["path"] for name, cookie in client.cookies.items()}
    assert paths.pop("device") == f"{PATH}/accounts/"
    assert paths == dict.fromkeys(["mlsite_csrftoken", "mlsite_sessionid", "mlsite_language"], f"{PATH}/")


@pytest.mark.django_db
def test_the_web_app_starts_below_the_path(below_a_path, client):
    manifest = client.get("/manifest.webmanifest").json()
    assert {manifest["id"], manifest["scope"], manifest["start_url"]} == {f"{PATH}/"}
    assert all(icon["src"].startswith(f"{PATH}/static/") for icon in manifest["icons"])


@pytest.mark.django_db(transaction=True)  # the task closes its connection
def test_links_that_background_tasks_send_contain_the_path(below_a_path, make_user, mailoutbox):
    user = make_user(email="ada@example.org")
    set_script_prefix("/")  # a thread without a request
    run_task("accounts.send_password_reset", user.email)
    (message,) = mailoutbox
    assert f"http://testserver{PATH}/accounts/reset/" in message.body
    assert build_reset_email(user=user, site_url="http://a").body.count(PATH) == 1


@pytest.mark.django_db
def test_health_checks_are_not_redirected_to_https(below_a_path, settings, client):
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/accounts/login/").headers["Location"] == f"https://testserver{PATH}/accounts/login/"


def test_the_schema_names_the_path():
    settings = build_spectacular(script_name=PATH)
    assert settings["SERVERS"] == [{"url": PATH}]
    assert f"({PATH}/accounts/tokens/)" in settings["DESCRIPTION"]
    assert "SERVERS" not in build_spectacular(script_name="")


def test_the_default_is_the_root():
    found = build_path_settings("")
    assert found["FORCE_SCRIPT_NAME"] is None
    assert found["STATIC_URL"] == "/static/"
    assert found["SECURE_REDIRECT_EXEMPT"] == ["^healthz$", "^readyz$", "^metrics$"]
    assert not [name for name in found if name.endswith("COOKIE_NAME")]


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("FORCE_SCRIPT_NAME", "models-site", "core.E023"),
        ("FORCE_SCRIPT_NAME", "/a b", "core.E023"),
        ("FORCE_SCRIPT_NAME", "/teams/models", None),
        ("X_ACCEL_LOCATION", "/stored-images", "core.E024"),
        ("X_ACCEL_LOCATION", "stored-images/", "core.E024"),
        ("X_ACCEL_LOCATION", "/stored-images/", None),
    ],
)
def test_values_are_checked(settings, name, value, error):
    setattr(settings, name, value)
    found = [message.id for message in run_checks() if message.id in ("core.E023", "core.E024")]
    assert found == ([error] if error else [])


@pytest.mark.django_db
@pytest.mark.parametrize("location", ["", "/stored-images/"])
def test_nginx_sends_images_that_are_authorized_and_intact(settings, shades, user, other, client, location):
    settings.X_ACCEL_LOCATION = location
    prediction = make_prediction(user, make_image(255))
    url = f"/api/v1/inputs/{prediction.input_id}/image/"
    client.force_login(user)
    response = client.get(url)
    name = str(prediction.input.image)
    assert response.headers.get("X-Accel-Redirect") == (f"{location}{name}" if location else None)
    assert bool(response.content) is not bool(location)
    assert response.headers.get("Accept-Ranges") == (None if location else "none")  # nginx sends ranges, and passes it on
    assert response.headers["Content-Type"] == "image/png"
    path = Path(settings.MEDIA_ROOT, name)
    path.write_bytes(path.read_bytes()[:-1])
    damaged = client.get(url)
    assert damaged.status_code == 500
    assert "X-Accel-Redirect" not in damaged.headers
    client.force_login(other)
    assert client.get(url).status_code == 404
