"""The page of a prediction, and the thumbnail of an input."""

from __future__ import annotations

import mimetypes
from typing import Any
from uuid import UUID

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.views.generic import DetailView, View

from accounts.requests import AuthenticatedRequest
from core.storage_errors import StorageUnavailable
from core.urls import get_site_url
from inference.errors import Overloaded
from predictions.filters import PredictionFilter
from predictions.models import Input, Prediction
from predictions.permissions import can_cancel
from predictions.services.stored_files import StoredFileError, read_thumbnail
from predictions.snippets import build_snippets
from predictions.views.annotations import get_comments_context, get_other_versions_context, get_tags_context
from predictions.views.mixins import build_thumbnail_error_response, build_thumbnail_response
from predictions.views.review import get_review_context


class PredictionView(LoginRequiredMixin, DetailView):
    """The record of a prediction, its reviews, and the API request that repeats it."""

    template_name = "predictions/detail.html"
    context_object_name = "prediction"
    request: AuthenticatedRequest

    def get_queryset(self) -> QuerySet[Prediction]:
        return Prediction.objects.visible_to(self.request.user).with_related().with_reviews()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        version = self.object.model_version
        snippets = build_snippets(
            version.parsed_signature,
            reference=str(version),
            site_url=get_site_url(self.request),
            row=None if self.object.input.is_erased else self.object.input,
        )
        user = self.request.user
        return super().get_context_data(
            snippets=snippets,
            share_url=get_site_url(self.request) + self.object.get_absolute_url(),
            download_name=get_download_name(self.object.input),
            **self.get_neighbors(),
            **get_tags_context(self.object, user),
            **get_comments_context(self.object),
            **get_other_versions_context(self.object, user),
            can_cancel=can_cancel(self.object, self.request.user),
            **get_review_context(self.object, self.request.user),
            **kwargs,
        )

    def get_neighbors(self) -> dict[str, Any]:
        """Return the newer and the older prediction in the list of the history with the same query.

        Both queries are those of a page of the history that starts at this prediction, so the same indexes serve them.
        """
        data = self.request.GET
        filterset = PredictionFilter(data, Prediction.objects.visible_to(self.request.user), request=self.request)
        filters = QueryDict(mutable=True)
        for name in filterset.filters:
            if texts := [text for text in data.getlist(name) if text]:
                filters.setlist(name, texts)
        rows = filterset.qs if filterset.is_valid() else Prediction.objects.none()
        return {
            "newer": rows.filter(pk__gt=self.object.pk).order_by("pk").values_list("pk", flat=True).first(),
            "older": rows.filter(pk__lt=self.object.pk).order_by("-pk").values_list("pk", flat=True).first(),
            "query": filters.urlencode(),
        }


def get_download_name(row: Input) -> str:
    """Return the name of the downloaded file of an image: the name of the upload, or the ID with the usual suffix."""
    return row.original_name or f"{row.pk}{mimetypes.guess_extension(row.content_type) or ''}"


class ThumbnailView(LoginRequiredMixin, View):
    """A small, re-encoded copy of an image input."""

    def get(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        row = get_object_or_404(Input.objects.visible_to(request.user), pk=pk)
        if not row.has_image and row.data_removed_at is None:
            raise Http404
        try:
            thumbnail = read_thumbnail(row)
        except (StoredFileError, StorageUnavailable, Overloaded) as error:
            return build_thumbnail_error_response(error)
        return build_thumbnail_response(thumbnail)
