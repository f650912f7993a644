"""Errors outside API views: problem details under /api/, readable pages elsewhere."""

from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.tests.pages import get_text
from core.tests.problems import assert_problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/nothing/", "/models/nothing/", "/predictions/01a1fb01-0971-77a1-91ee-40e3b3456e9b/"])
def test_missing_pages_do_not_reveal_whether_an_object_exists(signed_in, path):
    response = signed_in.get(path)
    assert response.status_code == 404
    assert "Page not found, or you don't have access." in unescape(get_text(response))


def test_missing_api_urls_return_problem_details(api):
    body = assert_problem(api.get("/api/v1/nothing/"), 404, "not-found")
    assert body["detail"] == "Not found, or you don't have access."


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
    assert "The form has expired or was sent from another site." in unescape(get_text(response))


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
