"""Pages on which users erase their account with all their data."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import DetailView, FormView

from accounts.forms import ErasureForm
from accounts.models import Erasure
from accounts.requests import AuthenticatedRequest
from accounts.services.erasure import request_erasure, summarize_erasure

REFRESH_SECONDS = 5


@method_decorator(sensitive_post_parameters(), "dispatch")
class EraseView(LoginRequiredMixin, FormView):
    """Show what is erased, and erase it after the user has confirmed it with their password."""

    template_name = "accounts/erase.html"
    form_class = ErasureForm
    request: AuthenticatedRequest

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(summary=summarize_erasure(self.request.user), **kwargs)

    def form_valid(self, form: ErasureForm) -> HttpResponse:
        try:
            erasure = request_erasure(user=self.request.user)
        except ValidationError as error:
            form.add_error(None, error)
            return self.form_invalid(form)
        logout(self.request)
        return redirect("accounts:erasure", pk=erasure.pk)


class ErasureView(DetailView):
    """The progress of an erasure. Whoever knows its random ID can see it: nobody can sign in to the account any more."""

    template_name = "accounts/erasure.html"
    context_object_name = "erasure"

    def get_queryset(self) -> QuerySet[Erasure]:
        return Erasure.objects.all()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        refresh = None if self.object.completed_at else REFRESH_SECONDS
        return super().get_context_data(refresh_seconds=refresh, **kwargs)

    def render_to_response(self, context: dict[str, Any], **options: Any) -> HttpResponse:
        response = super().render_to_response(context, **options)
        response["Cache-Control"] = "no-store"
        return response
