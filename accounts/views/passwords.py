"""Change of the password, and reset of a forgotten one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from accounts.devices import mark_known
from accounts.forms import PasswordChangeForm
from accounts.requests import get_client_network
from accounts.services.attempts import count_attempt
from accounts.services.lockout import forget_failures
from accounts.services.resets import request_password_reset
from accounts.views.limits import render_limited
from core.urls import find_public_url

MAX_RESETS_PER_HOUR = 30  # per network


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
