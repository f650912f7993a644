"""What may be asked of the ledger, the same on the pages and in the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField

from accounts.permissions import is_reviewer
from predictions.models import Prediction, Review
from registry.errors import UnknownModel
from registry.references import ModelReference

MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"})


class MomentField(IsoDateTimeField):
    """An ISO 8601 date or time that a database can hold."""

    def clean(self, value: Any) -> datetime | None:
        moment = super().clean(value)
        try:
            return moment and moment.astimezone(UTC)
        except (OverflowError, ValueError) as error:
            raise ValidationError(f"Expected a time such as 2026-01-31T12:00:00Z. Received: {value}") from error


class MomentFilter(filters.IsoDateTimeFilter):
    field_class = MomentField


class IntegerFilter(filters.NumberFilter):
    field_class = forms.IntegerField


class PredictionFilter(filters.FilterSet):
    """The filters; an index serves each but `source`. `user` is there for reviewers only."""

    model = filters.CharFilter(method="by_reference", label="Model")
    version = IntegerFilter(field_name="model_version__number", label="Version", min_value=1, max_value=2**31 - 1)
    label = filters.CharFilter(label="Label", strip=False)
    status = filters.ChoiceFilter(choices=Prediction.Status.choices, label="Status", empty_label="any")
    source = filters.ChoiceFilter(choices=Prediction.Source.choices, label="Source", empty_label="any")
    min_confidence = filters.NumberFilter(
        field_name="confidence", lookup_expr="gte", min_value=0, max_value=1, label="Confidence from"
    )
    max_confidence = filters.NumberFilter(
        field_name="confidence", lookup_expr="lte", min_value=0, max_value=1, label="Confidence to"
    )
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte", label="From (UTC)", widget=MOMENT)
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt", label="Until (UTC)", widget=MOMENT)
    reviewed = filters.ChoiceFilter(
        choices=[("true", "yes"), ("false", "no")], method="by_review", label="Reviewed", empty_label="any"
    )
    verdict = filters.ChoiceFilter(choices=Review.Verdict.choices, method="by_verdict", label="Verdict", empty_label="any")
    error_code = filters.CharFilter(label="Error code")
    true_label = filters.CharFilter(method="by_truth", label="True label", strip=False)
    picked_by = filters.ChoiceFilter(
        choices=Review.PickedBy.choices, method="by_pick", label="Picked for review", empty_label="any"
    )
    client_reference = filters.CharFilter(label="Reference")
    user = filters.CharFilter(field_name="user__username", label="User")

    class Meta:
        model = Prediction
        fields: list[str] = []

    def __init__(
        self, data: Any = None, queryset: QuerySet | None = None, *, request: Any = None, prefix: str | None = None
    ) -> None:
        super().__init__(data, queryset, request=request, prefix=prefix)
        if request is None or not is_reviewer(request.user):
            del self.filters["user"]

    def by_reference(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """Take what a request takes for a model: name, name:version, name@alias."""
        try:
            reference = ModelReference.parse(value)
        except UnknownModel:
            return queryset.none()
        queryset = queryset.filter(model_version__model__name=reference.name)
        if reference.number:
            return queryset.filter(model_version__number=reference.number)
        return queryset.filter(model_version__aliases__name=reference.alias) if reference.alias else queryset

    def by_review(self, queryset: Any, name: str, value: str) -> Any:
        """Split the answers into judged and not judged; what failed is neither."""
        return queryset.reviewed() if value == "true" else queryset.awaiting_review()

    def by_verdict(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.reviewed(verdict=value)

    def by_truth(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.truly(value)

    def by_pick(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.picked(value)

    def unknown(self, allowed: set[str]) -> list[str]:
        """Return the names asked for that are neither filters nor `allowed`."""
        return sorted(set(self.data) - set(self.filters) - allowed)
