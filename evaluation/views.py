"""The evaluation tab of a model's page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.views.generic import DetailView

from accounts.requests import AuthenticatedRequest
from evaluation.presentation import get_evaluation_context
from registry.models import RegisteredModel


class EvaluationView(LoginRequiredMixin, DetailView):
    """Show the metrics of one version, by default the one in production, and compare it with another."""

    template_name = "evaluation/evaluation.html"
    context_object_name = "model"
    slug_field = slug_url_kwarg = "name"
    request: AuthenticatedRequest

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related("versions__aliases", "versions__model")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        versions = list(self.object.versions.all())
        in_production = (version for version in versions if version.is_in_production)
        default = next(in_production, versions[0] if versions else None)
        evaluation = default and get_evaluation_context(versions, default, data=self.request.GET, reader=self.request.user)
        return super().get_context_data(quality=evaluation, everybody=self.request.user.is_reviewer, **kwargs)
