"""Sign-ins with an OpenID Connect provider, as far as they need no provider."""

import pytest
from django.http import HttpResponse

from accounts.models import AuditEntry
from accounts.oidc import Attempt, delete_attempt, store_attempt
from accounts.views.oidc import MAX_RECORDED_ERRORS

ATTEMPT = Attempt("state", "nonce", "verifier", "/")


def test_the_cookie_of_an_attempt_is_sent_below_the_path_of_the_site(settings):
    settings.SESSION_COOKIE_PATH = "/models-site/"
    response = HttpResponse()
    store_attempt(response, ATTEMPT)
    assert (response.cookies["oidc"]["path"], response.cookies["oidc"]["max-age"]) == ("/models-site/accounts/oidc/", 600)
    delete_attempt(response)
    assert (response.cookies["oidc"]["path"], response.cookies["oidc"]["max-age"]) == ("/models-site/accounts/oidc/", 0)


@pytest.mark.django_db
def test_errors_that_visitors_repeat_do_not_fill_the_audit_log(settings, client):
    settings.ROOT_URLCONF, settings.OIDC_ISSUER = "accounts.tests.oidc_urls", "https://login.example.org"
    response = HttpResponse()
    store_attempt(response, ATTEMPT)
    for _ in range(MAX_RECORDED_ERRORS + 2):
        client.cookies["oidc"] = response.cookies["oidc"].value
        assert client.get("/accounts/oidc/callback/", {"error": "access_denied", "state": "state"}).status_code == 403
    assert AuditEntry.objects.filter(action="sign-in-failed").count() == MAX_RECORDED_ERRORS
