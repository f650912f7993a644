"""Filters for predictions, shared by the pages and the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField

from accounts.models import User
from accounts.permissions import can_view_all
from predictions.models import Prediction, Review
from predictions.querysets import PredictionQuerySet
from registry.errors import UnknownModel
from registry.models import MAX_VERSION_NUMBER, ModelVersion
from registry.references import ModelReference

DATETIME_WIDGET = forms.DateTimeInput(attrs={"type": "datetime-local"})


class UTCDateTimeField(IsoDateTimeField):
    """A date or time in ISO 8601 that a database can store."""

    default_error_messages = {
        "invalid": "Expected a date or time such as 2026-01-31 or 2026-01-31T12:00:00Z. In a URL, write + as %2B."
    }

    def clean(self, value: Any) -> datetime | None:
        moment = super().clean(value)
        try:
            return moment and moment.astimezone(UTC)
        except (OverflowError, ValueError) as error:
            raise ValidationError(f"Expected a time such as 2026-01-31T12:00:00Z. Received: {value}") from error


class UTCDateTimeFilter(filters.IsoDateTimeFilter):
    field_class = UTCDateTimeField


class IntegerFilter(filters.NumberFilter):
    field_class = forms.IntegerField


class PredictionFilter(filters.FilterSet):
    """Filters of predictions. Every filter uses an index. Only reviewers can filter by `user`."""

    model = filters.CharFilter(method="filter_model", label="Model")
    version = IntegerFilter(method="filter_version", label="Version", min_value=1, max_value=MAX_VERSION_NUMBER)
    label = filters.CharFilter(method="filter_equal", label="Label", strip=False)
    status = filters.ChoiceFilter(
        choices=Prediction.Status.choices, method="filter_equal", label="Status", empty_label="Any"
    )
    source = filters.ChoiceFilter(
        choices=Prediction.Source.choices, method="filter_equal", label="Source", empty_label="Any"
    )
    min_confidence = filters.NumberFilter(
        field_name="confidence", lookup_expr="gte", min_value=0, max_value=1, label="Minimum confidence"
    )
    max_confidence = filters.NumberFilter(
        field_name="confidence", lookup_expr="lte", min_value=0, max_value=1, label="Maximum confidence"
    )
    created_after = UTCDateTimeFilter(method="filter_created_after", label="Created from (UTC)", widget=DATETIME_WIDGET)
    created_before = UTCDateTimeFilter(method="filter_created_before", label="Created before (UTC)", widget=DATETIME_WIDGET)
    reviewed = filters.ChoiceFilter(
        choices=[("true", "Yes"), ("false", "No")], method="filter_reviewed", label="Reviewed", empty_label="Any"
    )
    verdict = filters.ChoiceFilter(
        choices=Review.Verdict.choices, method="filter_verdict", label="Verdict", empty_label="Any"
    )
    error_code = filters.CharFilter(method="filter_equal", label="Error code")
    true_label = filters.CharFilter(method="filter_true_label", label="True label", strip=False)
    picked_by = filters.ChoiceFilter(
        choices=Review.PickedBy.choices, method="filter_picked_by", label="Review strategy", empty_label="Any"
    )
    client_reference = filters.CharFilter(method="filter_equal", label="Client reference")
    batch_job = filters.UUIDFilter(method="filter_batch_job", label="Batch job")
    tag = filters.CharFilter(method="filter_tag", label=_("Tag"))
    user = filters.CharFilter(method="filter_user", label="User")

    class Meta:
        model = Prediction
        fields: list[str] = []

    def __init__(
        self,
        data: Any = None,
        queryset: QuerySet | None = None,
        *,
        request: HttpRequest | None = None,
        prefix: str | None = None,
    ) -> None:
        super().__init__(data, queryset, request=request, prefix=prefix)
        if request is None or not can_view_all(request.user):
            del self.filters["user"]

    def filter_queryset(self, queryset: PredictionQuerySet) -> PredictionQuerySet:
        """Apply the filters. Start at the user's newest prediction if they only see their own, as `matching` does."""
        rows: PredictionQuerySet = super().filter_queryset(queryset)
        user = getattr(self.request, "user", None)
        return rows if user is None or can_view_all(user) else rows.matching(user=user.pk)

    def filter_model(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        """Accept the same references as a prediction request: name, name:version, name@alias."""
        try:
            reference = ModelReference.parse(value)
        except UnknownModel:
            return queryset.none()
        versions = ModelVersion.objects.filter(model__name=reference.name)
        if reference.number:
            versions = versions.filter(number=reference.number)
        if reference.alias:
            versions = versions.filter(aliases__name=reference.alias)
        number = self.form.cleaned_data.get("version")
        return queryset.of_versions(versions.filter(number=number) if number else versions)

    def filter_version(self, queryset: PredictionQuerySet, name: str, value: int) -> PredictionQuerySet:
        if self.form.cleaned_data.get("model"):
            return queryset  # filter_model has applied both
        return queryset.of_versions(ModelVersion.objects.filter(number=value))

    def filter_user(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        user = User.objects.filter(username=value).values_list("pk", flat=True).first()
        return queryset.matching(user=user) if user else queryset.none()

    def filter_tag(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        return queryset.with_tag(value.lower())

    def filter_batch_job(self, queryset: PredictionQuerySet, name: str, value: UUID) -> PredictionQuerySet:
        """Select the newest prediction of each item of a batch job."""
        return queryset.filter(batch_job_item__job=value)

    def filter_equal(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        return queryset.matching(**{name: value})

    def filter_created_after(self, queryset: PredictionQuerySet, name: str, value: datetime) -> PredictionQuerySet:
        return queryset.created_in(start=value)

    def filter_created_before(self, queryset: PredictionQuerySet, name: str, value: datetime) -> PredictionQuerySet:
        return queryset.created_in(end=value)

    def filter_reviewed(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        """Select succeeded predictions with or without a review. Failed predictions match neither value."""
        return queryset.reviewed() if value == "true" else queryset.awaiting_review()

    def filter_verdict(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        return queryset.reviewed(verdict=value)

    def filter_true_label(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        return queryset.with_true_label(value)

    def filter_picked_by(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        return queryset.selected_by(value)

    def find_unknown_names(self, allowed: set[str]) -> list[str]:
        """Return the query parameters that are neither filters nor in `allowed`."""
        return sorted(set(self.data) - set(self.filters) - allowed)
