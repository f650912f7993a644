"""Pages of the second factor: enter a code at sign-in, set up an app, and manage it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.translation import gettext
from django.views.generic import FormView

from accounts.pending_sign_ins import clear_pending, read_pending
from accounts.requests import AuthenticatedRequest
from accounts.second_factor import (
    SESSION_KEY,
    count_recovery_codes,
    find_device,
    find_new_device,
    format_key,
    is_required,
    render_qr_code,
)
from accounts.second_factor_forms import CodeForm, FirstCodeForm, SetUpForm, SignInCodeForm
from accounts.services.second_factor import (
    CodesLocked,
    begin_set_up,
    check_code,
    confirm_set_up,
    create_recovery_codes,
    remove_second_factor,
)
from accounts.views.limits import render_limited
from accounts.views.sign_in import open_session


class CodeFormView(FormView):
    """Check a code before the form is processed. After too many wrong codes, return a 429."""

    form_class: Any = CodeForm

    def get_code_user(self) -> Any:
        """Return the user whose code is checked."""
        return self.request.user

    def form_valid(self, form: CodeForm) -> HttpResponse:
        try:
            is_right = check_code(request=self.request, user=self.get_code_user(), code=form.cleaned_data["code"])
        except CodesLocked as error:
            return render_locked(self.request, error)
        if is_right:
            return self.code_valid()
        form.add_error("code", gettext("The code is wrong or was already used. Enter the current code of the app."))
        return self.form_invalid(form)

    def code_valid(self) -> HttpResponse:
        """Do what the code was required for."""
        raise NotImplementedError


class SignInCodeView(CodeFormView):
    """Complete a sign-in with a code."""

    template_name = "accounts/second_factor_code.html"
    form_class = SignInCodeForm

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        self.pending = read_pending(request)
        if self.pending is None:
            messages.warning(request, gettext("The sign-in has expired. Start it again."))
            return redirect("accounts:login")
        return super().dispatch(request, *args, **kwargs)

    def get_code_user(self) -> Any:
        return self.pending.user if self.pending else None

    def code_valid(self) -> HttpResponse:
        pending = self.pending
        if pending is None:
            return redirect("accounts:login")
        clear_pending(self.request)
        open_session(self.request, pending.user, by_provider=pending.by_provider)
        self.request.session[SESSION_KEY] = True
        return HttpResponseRedirect(pending.next_url)


class SecondFactorView(LoginRequiredMixin, FormView):
    """Show whether the user has a second factor, and begin to set it up."""

    template_name = "accounts/second_factor.html"
    form_class = SetUpForm
    success_url = reverse_lazy("accounts:second_factor_set_up")
    request: AuthenticatedRequest

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        device = find_device(user)
        codes = count_recovery_codes(user) if device else 0
        return super().get_context_data(
            device=device, code_count=codes, code_form=CodeForm(), is_required=is_required(user), **kwargs
        )

    def form_valid(self, form: SetUpForm) -> HttpResponse:
        if find_device(self.request.user):
            return redirect("accounts:second_factor")
        begin_set_up(user=self.request.user)
        return super().form_valid(form)


class SetUpView(LoginRequiredMixin, FormView):
    """Show the key of the new app, and require its first code."""

    template_name = "accounts/second_factor_set_up.html"
    form_class = FirstCodeForm
    request: AuthenticatedRequest

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        self.device = find_new_device(self.request.user) if request.user.is_authenticated else None
        if request.user.is_authenticated and self.device is None:
            return redirect("accounts:second_factor")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if device := self.device:
            kwargs |= {"qr_code": render_qr_code(device), "key": format_key(device), "key_url": device.config_url}
        return super().get_context_data(**kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        try:
            codes = confirm_set_up(request=self.request, user=self.request.user, code=form.cleaned_data["code"])
        except CodesLocked as error:
            return render_locked(self.request, error)
        if not codes:
            form.add_error("code", gettext("The code is wrong. Check the time of the device, and enter the current code."))
            return self.form_invalid(form)
        self.request.session[SESSION_KEY] = True
        return render_codes(self.request, codes)


class OwnCodeView(LoginRequiredMixin, CodeFormView):
    """Change the own second factor. A code confirms it."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def form_invalid(self, form: CodeForm) -> HttpResponse:
        messages.error(self.request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("accounts:second_factor")


class RecoveryCodesView(OwnCodeView):
    """Replace the recovery codes. They are shown once."""

    def code_valid(self) -> HttpResponse:
        return render_codes(self.request, create_recovery_codes(user=self.request.user))


class RemoveView(OwnCodeView):
    """Remove the second factor."""

    def code_valid(self) -> HttpResponse:
        remove_second_factor(user=self.request.user)
        self.request.session.pop(SESSION_KEY, None)
        messages.success(self.request, gettext("The second factor is removed."))
        return redirect("accounts:second_factor")


def render_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return render(
        request, "accounts/recovery_codes.html", {"codes": codes, "home_url": resolve_url(settings.LOGIN_REDIRECT_URL)}
    )


def render_locked(request: HttpRequest, error: CodesLocked) -> HttpResponse:
    reason = gettext("There were too many wrong passwords or codes for this username or from your network.")
    return render_limited(request, reason, error.seconds)
