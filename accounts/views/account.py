"""The user's own account: preferences, email address, and language."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse_lazy
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import FormView, View

from accounts.forms import EmailForm, PreferencesForm
from accounts.preferences import set_language_cookie
from accounts.requests import AuthenticatedRequest
from accounts.services.preferences import change_email, update_preferences
from core.forms import remember_shown_values


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
