"""HTTPS is required without changing what a request means, and no cache stores personal data."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.tests.problems import assert_problem

pytestmark = pytest.mark.django_db
PRIVATE = "private, no-store"


@pytest.fixture
def https(settings):
    settings.SECURE_SSL_REDIRECT = True


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_the_api_refuses_other_methods_over_http(https, api, method):
    response = api.generic(method, "/api/v1/predictions/", "{}", content_type="application/json")
    body = assert_problem(response, 403, "https-required")
    assert "revoke it" in body["detail"]


def test_the_api_refuses_tokens_over_http_and_redirects_other_reads(https, api, client):
    assert_problem(api.get("/api/v1/predictions/"), 403, "https-required")
    assert api.get("/v2/models/shades").status_code == 403
    assert client.get("/api/v1/predictions/")["Location"] == "https://testserver/api/v1/predictions/"
    assert client.get("/healthz").status_code == 200


def test_prometheus_reads_the_metrics_over_http(https, settings, client):
    """Prometheus reaches the server without the proxy, as the scrape configuration in deploy/prometheus/alerts.yaml does."""
    settings.METRICS_PUBLIC = True
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"Authorization": "Bearer unknown"}).status_code == 401


def test_a_form_over_http_is_refused_with_a_page(https, client, user):
    response = client.post("/accounts/login/", {"username": "ada", "password": "correct horse"})
    assert response.status_code == 403
    assert "HTTPS required" in response.content.decode()
    assert client.get("/accounts/login/").status_code == 301
    assert client.post("/accounts/login/", {"username": "ada", "password": "correct horse"}, secure=True).status_code == 302


def test_repeated_parameters_are_refused(api, shades):
    for path in ("/api/v1/predictions/?min_confidence=0&min_confidence=1", "/api/v1/models/?page_size=1&page_size=2"):
        body = assert_problem(api.get(path), 400, "repeated-parameter")
        assert "occurs more than once" in body["detail"]
    fields = {"image": SimpleUploadedFile("a.png", b"x"), "model": ["shades", "shades"]}
    response = api.post("/api/v1/predictions/", fields, format="multipart")
    assert_problem(response, 400, "repeated-field")


def test_a_redirect_to_the_sign_in_page_itself_is_no_lost_form(client, db):
    url = reverse("accounts:login")
    response = client.post(reverse("accounts:language"), {"language": "de", "next": url}, follow=True)
    assert response.redirect_chain == [(url, 302)]
    assert "nichts gespeichert" not in response.content.decode()


def test_a_form_without_a_session_is_reported_and_returns_to_its_page(client, user):
    url = "/accounts/tokens/01a1fb01-0971-77a1-91ee-40e3b3456e9b/revoke/"
    response = client.post(url, headers={"referer": "http://testserver/accounts/tokens/?a=1"}, follow=True)
    assert response.redirect_chain == [("/accounts/login/?next=/accounts/tokens/%3Fa%3D1", 302)]
    assert "You are signed out, and nothing was saved." in response.content.decode()
    for referer in ("https://evil.example/", "http://testserver@evil.example/", ""):
        assert client.post(url, headers={"referer": referer})["Location"] == "/accounts/login/?next=/"


def test_htmx_gets_the_end_of_the_session_as_text(client, db):
    response = client.post("/accounts/tokens/", {"name": "import"}, headers={"hx-request": "true"})
    assert (response.status_code, response["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert response.content.decode().startswith("You are signed out, and nothing was saved. Sign in in another tab")


def test_pages_can_use_the_camera_and_copy_but_no_other_feature_of_the_browser(client, api, shades):
    for url in ("/accounts/login/", "/nothing/"):
        features = dict(item.split("=") for item in client.get(url)["Permissions-Policy"].split(", "))
        assert {name for name, origins in features.items() if origins != "()"} == {"camera", "clipboard-write"}
        assert features["camera"] == features["clipboard-write"] == "(self)"
        assert {"microphone", "geolocation", "usb", "payment"} <= features.keys()
    assert "Permissions-Policy" not in api.get("/api/v1/models/")


def test_personal_responses_are_not_cached(client, user, superuser, shades, token_headers):
    for url in ("/accounts/login/", "/accounts/reset/done/"):
        assert client.get(url).status_code == 200
    assert "Cache-Control" not in Client().get("/accounts/reset/done/")
    headers = token_headers(user)
    for url in ("/api/v1/predictions/", "/api/v1/models/", "/api/v1/nothing/", "/v2", "/api/schema/"):
        for response in (Client().get(url, headers=headers), Client().get(url)):
            assert {"private", "no-store"} <= set(response["Cache-Control"].split(", ")), url
    client.force_login(superuser)
    for url in ("/", "/predictions/", "/models/", "/accounts/", "/accounts/tokens/", "/operations/", "/api/docs/"):
        assert client.get(url)["Cache-Control"] == PRIVATE, url
    for url in ("/admin/", "/admin/accounts/user/", reverse("admin:accounts_user_change", args=[user.pk])):
        assert {"private", "no-store"} <= set(client.get(url)["Cache-Control"].split(", ")), url
