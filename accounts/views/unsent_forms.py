"""Send a form that was submitted without a session."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from accounts.requests import AuthenticatedRequest
from accounts.unsent_forms import load_form, store_form


class UnsentFormView(LoginRequiredMixin, View):
    """Show what the user has entered, with a button that sends it. Without such a form, redirect to the home page."""

    request: AuthenticatedRequest

    def get(self, request: HttpRequest) -> HttpResponse:
        form = load_form(request, self.request.user)
        if form is None:
            return redirect(settings.LOGIN_REDIRECT_URL)
        response = render(request, "accounts/unsent_form.html", {"unsent_form": form})
        store_form(response, form)
        return response
