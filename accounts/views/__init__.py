"""Pages of the user's own account."""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse, reverse_lazy
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, View

from accounts.devices import mark_known
from accounts.forms import EmailForm, PasswordChangeForm, PreferencesForm, SignUpForm, TokenForm
from accounts.preferences import set_language_cookie
from accounts.requests import AuthenticatedRequest, get_client_network
from accounts.services import create_token, create_user, revoke_token
from accounts.services.attempts import count_attempt
from accounts.services.lockout import forget_failures
from accounts.services.preferences import change_email, update_preferences
from accounts.services.resets import request_password_reset
from core.forms import remember_shown_values
from core.urls import find_public_url

MAX_LISTED_TOKENS = 100
MAX_RESETS_PER_HOUR = 30  # per network


class SignUpView(FormView):
    """Create an account and sign in. The page returns 404 if `ALLOW_SIGNUP` is false."""

    template_name = "accounts/signup.html"
    form_class = SignUpForm

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not settings.ALLOW_SIGNUP:
            raise Http404("Sign-up is closed.")
        if request.user.is_authenticated:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_success_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        limit, key = settings.MAX_SIGNUPS_PER_HOUR, get_client_network(self.request)
        if seconds := count_attempt(kind="sign-up", key=key, limit=limit):
            return render_limited(self.request, gettext("There were too many sign-ups from your network."), seconds)
        data = form.cleaned_data
        try:
            user = create_user(username=data["username"], password=data["password1"], email=data["email"])
        except ValidationError as error:
            form.add_error(None if hasattr(error, "error_dict") else "username", error)
            return self.form_invalid(form)
        login(self.request, user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        text = gettext("Welcome, %(name)s. Your account is ready.") % {"name": user.username}
        messages.success(self.request, text)
        return super().form_valid(form)


@method_decorator([sensitive_post_parameters(), csrf_exempt], "dispatch")
class SignUpCheckView(SignUpView):
    """Return the mistakes of the field that the user has left. Nothing is looked up in the database, and nothing stored.

    A check can arrive after the form was sent. The CSRF token has changed then, and the user is signed in.
    """

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated:
            return HttpResponse(status=204)
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        form = SignUpForm(request.POST, is_check=True)
        name = request.POST.get("field", "")
        if name not in form.fields:
            raise Http404("There is no such field.")
        return HttpResponse(str(form.errors.get(name, "")))


class PasswordChangeView(auth_views.PasswordChangeView):
    form_class = PasswordChangeForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}


class PasswordResetView(auth_views.PasswordResetView):
    """Request a link by email. The response is the same for every address, and does not wait for the email."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(is_configured=find_public_url() is not None, **kwargs)

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        if find_public_url() is None:
            return self.render_to_response(self.get_context_data(form=form), status=503)
        key = get_client_network(self.request)
        if seconds := count_attempt(kind="reset", key=key, limit=MAX_RESETS_PER_HOUR):
            return render_limited(self.request, gettext("There were too many requests from your network."), seconds)
        request_password_reset(email=form.cleaned_data["email"])
        return redirect(self.get_success_url())


class PasswordResetConfirmView(auth_views.PasswordResetConfirmView):
    """Set a new password. This ends the lock of the username, so that nobody can be locked out for long."""

    def form_valid(self, form: SetPasswordForm) -> HttpResponse:
        response = super().form_valid(form)
        forget_failures(username=form.user.get_username())
        mark_known(self.request, form.user.get_username())
        return response


class StaffLoginView(View):
    """Replace the login page of the admin: redirect to the sign-in page, and reject signed-in users who are not staff."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            raise PermissionDenied(gettext("You don't have permission. Staff only."))
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))


class ProfileView(LoginRequiredMixin, FormView):
    """Show the account, and change its preferences."""

    template_name = "accounts/profile.html"
    form_class = PreferencesForm
    success_url = reverse_lazy("accounts:profile")
    request: AuthenticatedRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        has_password = self.request.user.has_usable_password() and not settings.OIDC_ONLY
        return super().get_context_data(has_password=has_password, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        user = self.request.user
        return {name: getattr(user, name) for name in PreferencesForm.base_fields}

    def get_form(self, form_class: Any = None) -> PreferencesForm:
        form: PreferencesForm = super().get_form(form_class)
        remember_shown_values(form)
        return form

    def form_valid(self, form: PreferencesForm) -> HttpResponse:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        user = update_preferences(user=self.request.user, changes=changes)
        with translation.override(user.language or translation.get_language()):
            messages.success(self.request, gettext("Your preferences are saved."))
        response = super().form_valid(form)
        if not user.language:  # the browser decides again
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, settings.LANGUAGE_COOKIE_PATH, samesite="Lax")
        return response


class EmailView(LoginRequiredMixin, FormView):
    """Change the email address."""

    template_name = "accounts/email.html"
    form_class = EmailForm
    success_url = reverse_lazy("accounts:profile")
    request: AuthenticatedRequest

    def get_initial(self) -> dict[str, Any]:
        return {"email": self.request.user.email}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_form(self, form_class: Any = None) -> EmailForm:
        form: EmailForm = super().get_form(form_class)
        remember_shown_values(form)
        return form

    def form_valid(self, form: EmailForm) -> HttpResponse:
        if "email" in form.changed_data:
            change_email(user=self.request.user, email=form.cleaned_data["email"])
        messages.success(self.request, gettext("Your email address is saved."))
        return super().form_valid(form)


@method_decorator(csrf_exempt, "dispatch")  # the token would need a cookie, and so keep every public page out of caches
class LanguageView(View):
    """Remember the language that a visitor chose in the footer, in a cookie."""

    def post(self, request: HttpRequest) -> HttpResponse:
        target, language = request.POST.get("next", ""), request.POST.get("language", "")
        is_allowed = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
        if not (is_allowed and target.startswith("/")):
            target = resolve_url(settings.LOGIN_REDIRECT_URL)
        response = HttpResponseRedirect(target)  # `redirect` would look up the name of a page
        if language in dict(settings.LANGUAGES):
            set_language_cookie(request, response, language)
        return response


class TokensView(LoginRequiredMixin, FormView):
    """List the user's tokens and create new ones. The secret is shown once, in the response that creates the token."""

    template_name = "accounts/tokens.html"
    form_class = TokenForm
    request: AuthenticatedRequest

    def form_valid(self, form: TokenForm) -> HttpResponse:
        name, scopes = form.cleaned_data["name"], form.cleaned_data["scopes"].split()
        token, secret = create_token(user=self.request.user, name=name, expires_at=form.get_expiry(), scopes=scopes)
        context = self.get_context_data(form=TokenForm(), new_token=token, secret=secret)
        return render(self.request, self.template_name, context)

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(tokens=self.request.user.tokens.all()[:MAX_LISTED_TOKENS], **kwargs)


class RevokeTokenView(LoginRequiredMixin, View):
    def post(self, request: AuthenticatedRequest, pk: str) -> HttpResponse:
        token = get_object_or_404(request.user.tokens, pk=pk)
        revoke_token(token=token)
        messages.success(request, gettext("Revoked %(token)s.") % {"token": token})
        return redirect("accounts:tokens")


def render_limited(request: HttpRequest, reason: str, seconds: int) -> HttpResponse:
    """Return a 429 with the reason and the time after which the request is accepted."""
    context = {"reason": reason, "minutes": math.ceil(seconds / 60)}
    response = render(request, "accounts/limited.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
