"""Sign-in with a password, and sign-out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.generic import View

from accounts.oidc import SESSION_KEY as OIDC_SESSION_KEY
from accounts.pending_sign_ins import PendingSignIn, store_pending
from accounts.second_factor import SESSION_KEY as SECOND_FACTOR_SESSION_KEY
from accounts.second_factor import find_device

ViewFunction = Callable[..., HttpResponseBase]


class SignInView(auth_views.LoginView):
    """The sign-in page. With `OIDC_ONLY`, it only has the link to the provider."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.OIDC_ONLY:
            raise PermissionDenied(gettext("You cannot sign in with a password. Sign in with %s.") % settings.OIDC_NAME)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        return complete_sign_in(self.request, form.get_user(), next_url=self.get_success_url())


class SignOutView(auth_views.LogoutView):
    """End the session. If it began at a provider, link to the sign-out of the provider."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.has_provider = bool(settings.OIDC_ISSUER) and request.session.get(OIDC_SESSION_KEY, False)
        return super().post(request, *args, **kwargs)

    def get_default_redirect_url(self) -> str:
        return reverse("oidc:signed_out") if self.has_provider else super().get_default_redirect_url()


class StaffLoginView(View):
    """Replace the login page of the admin: redirect to the sign-in page, and reject signed-in users who are not staff."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            raise PermissionDenied(gettext("You don't have permission. Staff only."))
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))


def complete_sign_in(request: HttpRequest, user: Any, *, next_url: str, by_provider: bool = False) -> HttpResponse:
    """Sign a user in who has proved their identity. Require a code first if they have a second factor."""
    if find_device(user):
        store_pending(request, PendingSignIn(user, next_url, by_provider))
        return redirect("accounts:second_factor_code")
    open_session(request, user, by_provider=by_provider)
    return HttpResponseRedirect(next_url)


def open_session(request: HttpRequest, user: Any, *, by_provider: bool) -> None:
    """Start the session of a user. A provider has its own second factor, so none is required from its users."""
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    if by_provider:
        request.session[OIDC_SESSION_KEY] = request.session[SECOND_FACTOR_SESSION_KEY] = True


def require_passwords(view: ViewFunction) -> ViewFunction:
    """Return a view that is not found if nobody has a password."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.OIDC_ONLY:
            raise Http404("Users have no passwords.")
        return view(request, *args, **kwargs)

    return wrapped
