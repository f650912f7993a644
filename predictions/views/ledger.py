"""What was asked and answered: history, one prediction, its picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.vary import vary_on_headers
from django.views.generic import DetailView, TemplateView, View

from accounts.requests import SignedInRequest
from predictions.filters import PredictionFilter
from predictions.models import Input, Prediction
from predictions.paging import page_of
from predictions.querysets import sees_everything
from predictions.registry import spec_of
from predictions.services.files import StoredFileError, read_thumbnail
from predictions.snippets import snippets_for
from predictions.views.review import opinions_for

HISTORY_PAGE = 24  # predictions


@method_decorator(vary_on_headers("HX-Request"), "dispatch")  # or the back button shows a cached fragment
class HistoryView(LoginRequiredMixin, TemplateView):
    """Predictions, newest first, with the filters of the API."""

    template_name = "predictions/history.html"
    request: SignedInRequest

    def get_template_names(self) -> list[str]:
        return ["predictions/_history.html"] if self.request.htmx else [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET
        rows = Prediction.objects.visible_to(self.request.user).complete().with_reviews()
        filterset = PredictionFilter(asked, rows, request=self.request)
        unknown = filterset.unknown({"older", "newer"})
        valid = filterset.is_valid() and not unknown
        page = page_of(
            filterset.qs if valid else rows.none(),
            older_than=asked.get("older", ""),
            newer_than=asked.get("newer", ""),
            size=HISTORY_PAGE,
        )
        filters = {name: asked[name] for name in filterset.filters if asked.get(name)}
        return super().get_context_data(
            page=page,
            filter=filterset,
            filters=filters,
            chips=list(_chips(filterset, filters)),
            unknown=unknown,
            query=urlencode(filters),
            everybody=sees_everything(self.request.user),
            **kwargs,
        )


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, and the query that is left without it."""

    name: str
    value: str
    without: str


def _chips(filterset: PredictionFilter, filters: dict[str, str]) -> Iterator[Chip]:
    for name, value in filters.items():
        left = {other: kept for other, kept in filters.items() if other != name}
        choices = dict(getattr(filterset.form.fields[name], "choices", ()))
        yield Chip(str(filterset.filters[name].label), str(choices.get(value, value)), urlencode(left))


class PredictionView(LoginRequiredMixin, DetailView):
    """Everything stored about one prediction, and how a program would ask the same."""

    template_name = "predictions/detail.html"
    context_object_name = "prediction"
    request: SignedInRequest

    def get_queryset(self) -> QuerySet[Prediction]:
        return Prediction.objects.visible_to(self.request.user).complete().with_reviews()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        version = self.object.model_version
        snippets = snippets_for(
            spec_of(version).signature,
            reference=str(version),
            site=self.request.build_absolute_uri("/").rstrip("/"),
            features=self.object.input.features,
        )
        return super().get_context_data(snippets=snippets, **opinions_for(self.object, self.request.user), **kwargs)


class ThumbnailView(LoginRequiredMixin, View):
    """A small, re-encoded picture of an image input."""

    def get(self, request: SignedInRequest, pk: UUID) -> HttpResponse:
        row = get_object_or_404(Input.objects.visible_to(request.user), pk=pk, kind=Input.Kind.IMAGE)
        try:
            small = read_thumbnail(row)
        except StoredFileError as error:
            return HttpResponse(error.message, status=410, content_type="text/plain")
        return HttpResponse(
            small,
            content_type="image/webp",
            headers={"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"},
        )
