"""The models: what each does, takes and answers, and what its versions are."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.views.generic import DetailView, ListView

from core.urls import get_site_url
from predictions.services.examples import has_example
from predictions.snippets import build_snippets
from predictions.usage import count_usage
from registry.integrity import find_artifact_problem, get_serving_version
from registry.models import ModelVersion, RegisteredModel
from registry.references import ModelReference

MOST_VERSIONS = 20  # the newest, and those that an alias points at


class ModelListView(LoginRequiredMixin, ListView):
    template_name = "predictions/models.html"
    context_object_name = "models"

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related("aliases__version")


class ModelDetailView(LoginRequiredMixin, DetailView):
    template_name = "predictions/model.html"
    context_object_name = "model"
    slug_field = slug_url_kwarg = "name"

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related(
            "aliases__version", "versions__aliases", "versions__created_by", "versions__model"
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        versions = list(self.object.versions.all())
        shown = [one for place, one in enumerate(versions) if place < MOST_VERSIONS or one.aliases.all()]
        current = next((version for version in shown if version.is_in_production), None)
        described = current or (shown[0] if shown else None)
        reference = self.object.name if current else str(described)
        return super().get_context_data(
            versions=[(one, count_usage(one), find_artifact_problem(one)) for one in shown],
            older=len(versions) - len(shown),
            current=current,
            get_serving_version=current and get_serving_version(current, ModelReference(self.object.name)),
            described=described,
            reference=reference,
            may_try=described and (current or self.request.user.is_reviewer),
            everybody=self.request.user.is_reviewer,
            has_example=described and has_example(described),
            snippets=described and self._snippets(described, reference),
            **kwargs,
        )

    def _snippets(self, version: ModelVersion, reference: str) -> Any:
        return build_snippets(version.parsed_signature, reference=reference, site_url=get_site_url(self.request))
