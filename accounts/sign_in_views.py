"""Sign-in with a password, and sign-out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext

from accounts.oidc import SESSION_KEY

View = Callable[..., HttpResponseBase]


class SignInView(auth_views.LoginView):
    """The sign-in page. With `OIDC_ONLY`, it only has the link to the provider."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.OIDC_ONLY:
            raise PermissionDenied(gettext("You cannot sign in with a password. Sign in with %s.") % settings.OIDC_NAME)
        return super().post(request, *args, **kwargs)


class SignOutView(auth_views.LogoutView):
    """End the session. If it began at a provider, link to the sign-out of the provider."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.has_provider = bool(settings.OIDC_ISSUER) and request.session.get(SESSION_KEY, False)
        return super().post(request, *args, **kwargs)

    def get_default_redirect_url(self) -> str:
        return reverse("oidc:signed_out") if self.has_provider else super().get_default_redirect_url()


def open_session(request: HttpRequest, user: Any) -> None:
    """Start the session of a user who has signed in at the provider."""
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    request.session[SESSION_KEY] = True


def require_passwords(view: View) -> View:
    """Return a view that is not found if nobody has a password."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.OIDC_ONLY:
            raise Http404("Users have no passwords.")
        return view(request, *args, **kwargs)

    return wrapped
