"""The pages about models: the list, and the overview of one model."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.views.generic import DetailView, ListView

from accounts.requests import AuthenticatedRequest
from core.urls import get_site_url
from predictions.services.examples import has_example
from predictions.snippets import build_snippets
from predictions.usage import Usage, count_usage
from registry.integrity import find_artifact_problem, get_serving_version
from registry.models import ModelVersion, RegisteredModel
from registry.presentation import DescriptionRow, describe_version
from registry.references import ModelReference, select_main_version

MAX_LISTED_VERSIONS = 20  # the newest, plus all versions with an alias


class VersionRow(NamedTuple):
    version: ModelVersion
    usage: Usage
    artifact_problem: str
    description: list[DescriptionRow]


class ModelListView(LoginRequiredMixin, ListView):
    """The models that the user can see."""

    template_name = "predictions/models.html"
    context_object_name = "models"
    request: AuthenticatedRequest

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related("aliases__version")


class ModelDetailView(LoginRequiredMixin, DetailView):
    """A model: its signature, its versions, and how to call it."""

    template_name = "predictions/model.html"
    context_object_name = "model"
    slug_field = slug_url_kwarg = "name"
    request: AuthenticatedRequest

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related(
            "aliases__version", "versions__aliases", "versions__created_by", "versions__model"
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        versions = list(self.object.versions.all())
        listed = [version for index, version in enumerate(versions) if index < MAX_LISTED_VERSIONS or version.aliases.all()]
        production = next((version for version in listed if version.is_in_production), None)
        described = select_main_version(listed)
        usage = count_usage(listed)
        problems = {version.pk: find_artifact_problem(version) for version in listed}
        return super().get_context_data(
            rows=[
                VersionRow(version, usage[version.pk], problems[version.pk], describe_version(version)) for version in listed
            ],
            hidden_count=len(versions) - len(listed),
            production=production,
            production_problem=production and problems[production.pk],
            serving=production and get_serving_version(production, ModelReference(self.object.name)),
            described=described,
            **(self.get_call_context(described, in_production=bool(production)) if described else {}),
            **kwargs,
        )

    def get_call_context(self, version: ModelVersion, *, in_production: bool) -> dict[str, Any]:
        """Return how to run a version: its reference, its example and the API requests."""
        reference = self.object.name if in_production else str(version)
        signature = version.parsed_signature
        snippets = build_snippets(signature, reference=reference, site_url=get_site_url(self.request))
        return {
            "reference": reference,
            "can_try": in_production or self.request.user.can_view_models,
            "has_example": has_example(version),
            "snippets": snippets,
        }
