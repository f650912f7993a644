"""Pages of one's own account."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.views.generic import FormView, TemplateView, View

from accounts.forms import SignUpForm, TokenForm
from accounts.requests import AuthenticatedRequest
from accounts.services import create_token, create_user, revoke_token


class SignUpView(FormView):
    """Create an account and sign in; not there at all when `ALLOW_SIGNUP` is off."""

    template_name = "accounts/signup.html"
    form_class = SignUpForm
    success_url = reverse_lazy(settings.LOGIN_REDIRECT_URL)

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not settings.ALLOW_SIGNUP:
            raise Http404("Sign-up is closed.")
        if request.user.is_authenticated:
            return redirect(self.success_url)
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        data = form.cleaned_data
        user = create_user(username=data["username"], password=data["password1"], email=data["email"])
        login(self.request, user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        messages.success(self.request, f"Welcome, {user.username}. What you ask from here on is kept under your name.")
        return super().form_valid(form)


class StaffLoginView(View):
    """Where the admin sends those whom it does not know: to the site's own page, or, signed in, to where it says no."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            raise PermissionDenied("You don't have permission. Staff only.")
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))


class ProfileView(LoginRequiredMixin, TemplateView):
    template_name = "accounts/profile.html"


class TokensView(LoginRequiredMixin, FormView):
    """List one's tokens and make new ones. A secret is shown once, in the answer to the request that made it."""

    template_name = "accounts/tokens.html"
    form_class = TokenForm
    request: AuthenticatedRequest

    def form_valid(self, form: TokenForm) -> HttpResponse:
        token, secret = create_token(user=self.request.user, name=form.cleaned_data["name"], expires_at=form.expires_at())
        context = self.get_context_data(form=TokenForm(), new_token=token, secret=secret)
        response = render(self.request, self.template_name, context)
        response["Cache-Control"] = "no-store"
        return response

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(tokens=self.request.user.tokens.all()[:100], **kwargs)


class RevokeTokenView(LoginRequiredMixin, View):
    def post(self, request: AuthenticatedRequest, pk: str) -> HttpResponse:
        token = get_object_or_404(request.user.tokens, pk=pk)
        revoke_token(token=token)
        messages.success(request, f"Revoked {token}.")
        return redirect("accounts:tokens")
