"""The pages about models: the list, and the overview of one model."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Prefetch, QuerySet
from django.utils.module_loading import import_string
from django.views.generic import DetailView, ListView

from accounts.permissions import PROMOTE_MODELS, can_view_all, has_permission
from accounts.requests import AuthenticatedRequest
from core.pagination import get_keyset_page
from core.urls import get_site_url
from predictions.model_usage import Sparkline, build_sparklines, find_last_uses
from predictions.services.examples import has_example
from predictions.snippets import build_snippets
from predictions.usage import Usage, count_usage
from registry.integrity import find_artifact_problem, get_serving_version
from registry.models import AliasChange, ModelCard, ModelVersion, RegisteredModel
from registry.presentation import DescriptionRow, describe_version
from registry.querysets import PRODUCTION
from registry.references import ModelReference, select_main_version
from registry.serving import get_previous_version

MODELS_PER_PAGE = 50
CHANGES_PER_PAGE = 10  # of aliases
MAX_LISTED_VERSIONS = 20  # the newest, plus all versions with an alias


class VersionRow(NamedTuple):
    version: ModelVersion
    usage: Usage
    artifact_problem: str
    description: list[DescriptionRow]
    measured: Any
    card: ModelCard | None


class ModelRow(NamedTuple):
    """A line of the list: the version in production, or else the newest one; the newest one; and how they are used."""

    model: RegisteredModel
    version: ModelVersion | None
    newest: ModelVersion | None
    measured: Any
    sparkline: Sparkline
    last_used: datetime | None


class ModelListView(LoginRequiredMixin, ListView):
    """The models that the user can see: what is in production, how good it is, and how it is used."""

    template_name = "predictions/models.html"
    context_object_name = "models"
    paginate_by = MODELS_PER_PAGE
    request: AuthenticatedRequest

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        versions = ModelVersion.objects.select_related("model").prefetch_related("aliases").order_by("-number")
        models = RegisteredModel.objects.visible_to(self.request.user).order_by("name")
        return models.prefetch_related("aliases__version", Prefetch("versions", versions))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        models, reader = list(context["models"]), self.request.user
        versions = {model.pk: select_main_version(list(model.versions.all())) for model in models}
        shown = [version for version in versions.values() if version]
        measured = _call_hook("measure_versions", shown, reader=reader)
        sparklines = build_sparklines([model.pk for model in models], reader=reader)
        used = [version for model in models for version in model.versions.all() if version in shown or version.aliases.all()]
        last_uses = find_last_uses(used)
        return context | {
            "can_view_all": can_view_all(reader),
            "rows": [
                ModelRow(
                    model,
                    version := versions[model.pk],
                    next(iter(model.versions.all()), None),
                    measured.get(version.pk) if version else None,
                    sparklines[model.pk],
                    last_uses.get(model.pk),
                )
                for model in models
            ],
        }


class ModelDetailView(LoginRequiredMixin, DetailView):
    """A model: its signature, its versions, and how to call it."""

    template_name = "predictions/model.html"
    context_object_name = "model"
    slug_field = slug_url_kwarg = "name"
    request: AuthenticatedRequest

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related(
            "aliases__version", "versions__aliases", "versions__created_by", "versions__model", "versions__card"
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        versions = list(self.object.versions.all())
        listed = [version for index, version in enumerate(versions) if index < MAX_LISTED_VERSIONS or version.aliases.all()]
        production = next((version for version in listed if version.is_in_production), None)
        described = select_main_version(listed)
        usage = count_usage(listed)
        problems = {version.pk: find_artifact_problem(version) for version in listed}
        extension = _call_hook("get_page_context", listed, production, reader=self.request.user)
        return super().get_context_data(
            rows=[
                VersionRow(
                    version,
                    usage[version.pk],
                    problems[version.pk],
                    describe_version(version),
                    extension["measured"].get(version.pk),
                    getattr(version, "card", None),
                )
                for version in listed
            ],
            hidden_count=len(versions) - len(listed),
            versions=listed,
            production=production,
            production_problem=production and problems[production.pk],
            serving=production and get_serving_version(production, ModelReference(self.object.name)),
            described=described,
            card=getattr(described, "card", None) if described else None,
            **extension,
            **self.get_alias_context(production),
            **(self.get_call_context(described, in_production=bool(production)) if described else {}),
            **kwargs,
        )

    def get_alias_context(self, production: ModelVersion | None) -> dict[str, Any]:
        """Return the alias changes, and what the user can do with them."""
        changes = AliasChange.objects.filter(model=self.object).select_related("from_version", "to_version", "changed_by")
        parameters = self.request.GET
        may_promote = has_permission(self.request.user, PROMOTE_MODELS)
        return {
            "changes": get_keyset_page(
                changes,
                older_than=parameters.get("older", ""),
                newer_than=parameters.get("newer", ""),
                size=CHANGES_PER_PAGE,
            ),
            "can_promote": may_promote,
            "previous": get_previous_version(production, alias=PRODUCTION) if production and may_promote else None,
        }

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


def _call_hook(name: str, *arguments: Any, **options: Any) -> Any:
    """Call a function of a higher app."""
    return import_string(settings.MODEL_PAGE_HOOKS[name])(*arguments, **options)
