"""Errors outside API views: problem details under /api/, readable pages elsewhere."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DataError, IntegrityError, connection
from django.test import Client

from core.tests.pages import get_text
from core.tests.problems import assert_problem
from mlsite import errors
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/models/nothing/", "/predictions/01a1fb01-0971-77a1-91ee-40e3b3456e9b/"])
def test_missing_pages_do_not_reveal_whether_an_object_exists(signed_in, path):
    response = signed_in.get(path)
    assert response.status_code == 404
    assert "Page not found, or you don't have access." in unescape(get_text(response))
    assert re.search(r"<title>\s*Page not found\s+· mlsite</title>", response.content.decode())


def test_an_address_that_only_accepts_a_form_shows_a_page(signed_in):
    page = signed_in.get("/accounts/logout/")
    assert (page.status_code, page["Allow"]) == (405, "POST, OPTIONS")
    assert "Open the page that contains the form." in get_text(page)
    assert signed_in.get("/accounts/logout/", headers={"hx-request": "true"})["Content-Type"].startswith("text/plain")
    assert signed_in.put("/accounts/logout/").content == b""


def test_missing_api_urls_return_problem_details(api):
    body = assert_problem(api.get("/api/v1/nothing/"), 404, "not-found")
    assert body["detail"] == "There is no such URL. Check its spelling."


@pytest.mark.parametrize(
    ("method", "path", "other"),
    [
        ("POST", "/predictions/open", "/predictions/open/"),
        ("PUT", "/models", "/models/"),
        ("GET", "/v2/models/shades/", "/v2/models/shades"),
        ("POST", "/v2/models/shades/infer/", "/v2/models/shades/infer"),
    ],
)
def test_a_missing_or_surplus_slash_is_named(signed_in, method, path, other):
    response = signed_in.generic(method, path)
    assert response.status_code == 404
    assert f"There is no such URL. Use {other} instead." in response.content.decode()


@pytest.mark.parametrize(
    ("path", "group"),
    [("/operations/", "Reviewers and operators"), ("/admin/login/", "Staff"), ("/admin/predictions/review/queue/", "Staff")],
)
def test_forbidden_pages_name_who_has_access(signed_in, path, group):
    response = signed_in.get(path, follow=True)
    assert response.status_code == 403
    assert f"You don't have permission. {group} only." in unescape(get_text(response))


def test_expired_form_is_rejected_with_a_page(user):
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/accounts/login/", {"username": "ada", "password": "correct horse"})
    assert response.status_code == 403
    assert "The browser sent no cookie." in unescape(get_text(response))
    strict.get("/accounts/login/")
    response = strict.post("/accounts/login/", {"username": "ada", "csrfmiddlewaretoken": "x" * 32})
    assert "The form has expired." in unescape(get_text(response))
    response = strict.post("/accounts/login/", {"username": "ada"}, headers={"origin": "https://evil.com"})
    assert "sent from another site" in unescape(get_text(response))


def test_htmx_gets_errors_as_text(signed_in):
    response = signed_in.post("/batch-jobs/01a1fb01-0971-77a1-91ee-40e3b3456e9b/start/", headers={"hx-request": "true"})
    assert (response.status_code, response["Content-Type"]) == (404, "text/plain; charset=utf-8")
    assert response.content.decode() == "Page not found, or you don't have access."


def test_an_unknown_host_is_named_and_logged_once_a_minute(client, caplog, monkeypatch):
    monkeypatch.setattr(errors, "_host_log", errors.LogInterval(60))
    for _ in range(3):
        response = client.get("/accounts/login/", headers={"host": "evil.example"})
        assert response.status_code == 400
        assert "This site does not serve the host 'evil.example'." in unescape(get_text(response))
    records = [record for record in caplog.records if record.message == "unknown host"]
    assert [record.host for record in records] == ["evil.example"]
    assert_problem(client.get("/api/v1/models/", headers={"host": "evil.example"}), 400, "unknown-host")


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (b"\x1f\x8b\x08", "Send the header Content-Encoding: gzip"),
        ('{"a": 1}'.encode("utf-16"), "Encode it as UTF-8"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "two byte order marks"),
        (b"[" + b"9" * 5000 + b"]", "thousands of digits"),
    ],
)
def test_malformed_json_has_its_cause(api, body, advice):
    detail = assert_problem(api.post("/api/v1/predictions/", body, content_type="application/json"), 400, "malformed-json")
    assert advice in detail["detail"]


def test_hints_are_those_of_the_endpoint(api):
    images = api.post("/api/v1/predictions/", b"x", content_type="text/plain").json()["detail"]
    assert "image=@picture.png" in images
    reviews = api.post("/api/v1/ground-truth/", b"x", content_type="text/plain").json()["detail"]
    assert "application/json" in reviews
    assert "picture" not in reviews
    assert "Allowed methods: GET, POST" in api.put("/api/v1/predictions/").json()["detail"]
    assert "%2B" in api.get("/api/v1/predictions/?created_after=2026-01-01T00:00:00+01:00").json()["detail"]
    assert "The format 'xyz' is not available." in api.get("/api/v1/predictions/?format=xyz").json()["detail"]


def test_a_refused_session_request_names_the_remedy(user):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    strict.get("/")  # sets the cookie
    missing = strict.post("/api/v1/predictions/")
    for method in ("export/", "?format=json"):  # Django reads the form before the view rejects the method
        assert_problem(strict.post(f"/api/v1/predictions/{method}", {"a": "1"}), 403, "csrf-failed")
    assert "Send the X-CSRFToken header" in assert_problem(missing, 403, "csrf-failed")["detail"]
    foreign = strict.post("/api/v1/predictions/", headers={"origin": "https://evil.com"})
    assert "Send the request from a page of this site" in assert_problem(foreign, 403, "csrf-failed")["detail"]


def reject_inserts(error):
    """Return a wrapper of statements that rejects each new row, as if another request had stored it in the meantime."""

    def execute(execute, sql, *arguments):
        if sql.startswith("INSERT"):
            raise error("rejected")
        return execute(sql, *arguments)

    return execute


@pytest.mark.parametrize(
    ("error", "status", "code"), [(IntegrityError, 409, "conflict"), (DataError, 400, "unstorable-value")]
)
def test_a_row_that_the_database_rejects_is_no_server_error(shades, user, api, signed_in, error, status, code):
    url = f"/api/v1/predictions/{make_prediction(user).pk}/reviews/"
    signed_in.raise_request_exception = False
    with connection.execute_wrapper(reject_inserts(error)):
        response = api.post(url, {"verdict": "correct"}, content_type="application/json")
        page = signed_in.post("/accounts/tokens/", {"name": "a", "lifetime": "90"})
    assert "Nothing was stored" in assert_problem(response, status, code)["detail"]
    assert page.status_code == status
    assert "Nothing was stored" in get_text(page)


def test_the_page_of_a_server_error_shows_the_request_id(signed_in):
    signed_in.raise_request_exception = False
    with connection.execute_wrapper(reject_inserts(ValueError)):
        page = signed_in.post("/accounts/tokens/", {"name": "a", "lifetime": "90"})
    assert page.status_code == 500
    assert page["X-Request-ID"] in get_text(page)
    assert "request ID" not in get_text(signed_in.get("/nothing/"))


def test_the_admin_reports_a_row_that_another_request_has_just_saved(client, superuser):
    client.force_login(superuser)
    with connection.execute_wrapper(reject_inserts(IntegrityError)):
        response = client.post("/admin/auth/group/add/", {"name": "Testers"})
    assert "another request has just saved a row with the same name" in get_text(client.get(response["Location"]))


def test_limit_of_a_large_request_has_a_human_unit(signed_in, api, settings):
    settings.MAX_UPLOAD_BYTES, settings.MAX_FORM_BYTES, settings.FORM_OVERHEAD_BYTES = 2**20, 3 * 2**20, 0
    file = SimpleUploadedFile("large.png", b"x" * 2**20)
    body = assert_problem(api.post("/api/v1/predictions/", {"image": file}), 413, "request-too-large")
    assert body["detail"] == "The request is too large. The limit is 1 MB."
    file = SimpleUploadedFile("large.png", b"x" * 3 * 2**20)
    response = signed_in.post("/", {"images": file})
    assert response.status_code == 413
    assert "The request is too large. The limit is 3 MB." in unescape(get_text(response))


def test_request_without_a_length_is_rejected(api):
    response = api.post("/api/v1/predictions/", {}, headers={"transfer-encoding": "chunked"})
    assert_problem(response, 411, "length-required")


@pytest.mark.parametrize(
    ("code", "heading"),
    [
        ("csrf-failed", "Form not accepted"),
        ("permission-denied", "Permission denied"),
        ("conflict", "Conflict"),
        ("quota-exceeded", "Too many requests"),
    ],
)
def test_pages_have_a_heading_that_fits_the_error(rf, code, heading):
    request = rf.get("/")
    request.user = AnonymousUser()
    assert heading in get_text(errors.build_error_response(request, code=code, detail="…"))
