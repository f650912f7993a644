"""The user's API tokens."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.generic import FormView, View

from accounts.forms import TokenForm
from accounts.requests import AuthenticatedRequest
from accounts.services import create_token_once, revoke_token
from accounts.services.submissions import SubmissionRunning
from accounts.services.tokens import describe_existing_token
from core.forms import SUBMISSION_KEY_FIELD

MAX_LISTED_TOKENS = 100


class TokensView(LoginRequiredMixin, FormView):
    """List the user's tokens and create new ones. The secret is shown once, in the response that creates the token."""

    template_name = "accounts/tokens.html"
    form_class = TokenForm
    request: AuthenticatedRequest

    def form_valid(self, form: TokenForm) -> HttpResponse:
        user, values = self.request.user, form.cleaned_data
        try:
            token, secret = create_token_once(
                submitted_by=user,
                key=self.request.POST.get(SUBMISSION_KEY_FIELD, ""),
                content=["token", values["name"], values["lifetime"], values["scopes"]],
                user=user,
                name=values["name"],
                expires_at=form.get_expiry(),
                scopes=values["scopes"].split(),
            )
        except SubmissionRunning as error:
            form.add_error("name", str(error))
            return self.form_invalid(form)
        if not secret:
            messages.warning(self.request, describe_existing_token(token))
            return redirect("accounts:tokens")
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
