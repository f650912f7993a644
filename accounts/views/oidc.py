"""Pages of the sign-in with the provider of an organization. They exist only if `OIDC_ISSUER` is set."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.generic import TemplateView, View

from accounts.oidc import (
    IdentityError,
    begin_attempt,
    build_sign_out_url,
    delete_attempt,
    fetch_claims,
    read_attempt,
    store_attempt,
)
from accounts.requests import get_client_network
from accounts.services.attempts import count_attempt
from accounts.services.audit import Action, record_action
from accounts.services.identities import sign_in_identity
from accounts.views.sign_in import complete_sign_in
from core.urls import get_site_url

MAX_RECORDED_ERRORS = 20  # per hour and network
STATUSES = {
    "expired": 400,
    "denied": 403,
    "invalid-token": 502,
    "provider-unavailable": 503,
    "not-allowed": 403,
    "inactive": 403,
}


class BeginView(View):
    """Redirect to the provider."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        next_url = find_next_url(request)
        if request.user.is_authenticated:
            return HttpResponseRedirect(next_url)
        try:
            url, attempt = begin_attempt(redirect_uri=build_callback_url(request), next_url=next_url)
        except IdentityError as error:
            return render_error(request, error)
        response = HttpResponseRedirect(url)
        store_attempt(response, attempt)
        return response


class CallbackView(View):
    """Sign in the user who returns from the provider. An attempt can be completed once."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            response = self.sign_in(request)
        except IdentityError as error:
            response = render_error(request, error)
        delete_attempt(response)
        return response

    def sign_in(self, request: HttpRequest) -> HttpResponse:
        attempt = read_attempt(request)
        try:
            if request.GET.get("error") or not request.GET.get("code"):
                text = gettext("%(provider)s has canceled the sign-in. Start it again.")
                raise IdentityError("denied", text % {"provider": settings.OIDC_NAME})
            code, redirect_uri = request.GET["code"], build_callback_url(request)
            user = sign_in_identity(claims=fetch_claims(attempt=attempt, code=code, redirect_uri=redirect_uri))
        except IdentityError as error:
            details = {"provider": settings.OIDC_NAME, "code": error.code}
            # Anybody can send an error in place of the provider, again and again.
            if not count_attempt(kind="oidc-error", key=get_client_network(request), limit=MAX_RECORDED_ERRORS):
                record_action(action=Action.SIGN_IN_FAILED, actor=AnonymousUser(), details=details)
            raise
        return complete_sign_in(request, user, next_url=attempt.next_url, by_provider=True)


class SignedOutView(TemplateView):
    """State that the session at the provider has not ended, with a link that ends it."""

    template_name = "accounts/signed_out.html"

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect(settings.LOGIN_REDIRECT_URL)
        url = build_sign_out_url(return_url=get_site_url(request) + reverse("accounts:login"))
        return render(request, self.template_name, {"sign_out_url": url})


def find_next_url(request: HttpRequest) -> str:
    """Return the page of this site to open after the sign-in."""
    target = request.GET.get(REDIRECT_FIELD_NAME, "")
    is_allowed = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_allowed else resolve_url(settings.LOGIN_REDIRECT_URL)


def build_callback_url(request: HttpRequest) -> str:
    """Return the URL to which the provider returns, which is registered there."""
    return (settings.SITE_URL or get_site_url(request)) + reverse("oidc:callback")


def render_error(request: HttpRequest, error: IdentityError) -> HttpResponse:
    """Return a page that describes the error, with a link to try again."""
    status = STATUSES[error.code]
    return render(request, "accounts/oidc_error.html", {"message": error.message}, status=status)
