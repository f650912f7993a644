"""The evaluation tab of a model's page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.views.generic import DetailView

from accounts.permissions import can_view_all
from accounts.requests import AuthenticatedRequest
from evaluation.permissions import can_start_replay
from evaluation.presentation import get_evaluation_context
from registry.models import RegisteredModel
from registry.references import select_main_version


class EvaluationView(LoginRequiredMixin, DetailView):
    """Show the metrics of one version, by default the one in production, and compare it with another."""

    template_name = "evaluation/evaluation.html"
    context_object_name = "model"
    slug_field = slug_url_kwarg = "name"
    request: AuthenticatedRequest

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related(
            "versions__aliases", "aliases__version"
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        versions = list(self.object.versions.all())
        if default := select_main_version(versions):
            context |= get_evaluation_context(versions, default, data=self.request.GET, reader=self.request.user)
            context["can_view_all"] = can_view_all(self.request.user)
            context["can_start_replay"] = can_start_replay(self.request.user)
        return context
