"""Filters for predictions, shared by the pages and the API."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

import django_filters as filters
from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import can_view_all
from core.filters import StrictFilterSet, UTCDateTimeFilter
from predictions.filter_fields import IntegersFilter, LocalTimeInput, TextsFilter, UUIDsFilter
from predictions.models import Prediction, Review
from predictions.models.annotations import normalize_tag_name
from predictions.querysets import PredictionQuerySet
from predictions.search import search_predictions
from registry.errors import UnknownModel
from registry.models import MAX_VERSION_NUMBER, ModelVersion
from registry.references import ModelReference

REPEATABLE_FILTERS = frozenset({
    "id", "model", "version", "label", "status", "source", "verdict", "error_code", "true_label", "picked_by",
    "client_reference", "batch_job", "tag", "user",
})  # fmt: skip
"""Filters that can be given several times. A prediction must match one of the values of each filter."""
OUTPUT_FILTERS = ("label", "min_confidence", "max_confidence", "reviewed", "verdict", "true_label", "picked_by")
"""Filters that only succeeded predictions match."""


class PredictionFilter(StrictFilterSet):
    """Filters of predictions. Every filter uses an index. Only reviewers can filter by `user`."""

    search = filters.CharFilter(method="filter_search", label=_("Search"))
    id = UUIDsFilter(method="filter_id", label=_("ID"))
    model = TextsFilter(method="filter_model", label=_("Model"))
    version = IntegersFilter(
        method="filter_version",
        label=_("Version"),
        item_options={"min_value": 1, "max_value": MAX_VERSION_NUMBER},
    )
    label = TextsFilter(method="filter_any", label=_("Label"), item_options={"strip": False})
    status = filters.MultipleChoiceFilter(choices=Prediction.Status.choices, method="filter_status", label=_("Status"))
    source = filters.MultipleChoiceFilter(choices=Prediction.Source.choices, method="filter_any", label=_("Source"))
    min_confidence = filters.NumberFilter(
        field_name="confidence", lookup_expr="gte", min_value=0, max_value=1, label=_("Minimum confidence")
    )
    max_confidence = filters.NumberFilter(
        field_name="confidence", lookup_expr="lte", min_value=0, max_value=1, label=_("Maximum confidence")
    )
    created_after = UTCDateTimeFilter(method="filter_created_after", label=_("Created from"), widget=LocalTimeInput)
    created_before = UTCDateTimeFilter(method="filter_created_before", label=_("Created before"), widget=LocalTimeInput)
    reviewed = filters.ChoiceFilter(
        choices=[("true", _("Yes")), ("false", _("No"))],
        method="filter_reviewed",
        label=_("Reviewed"),
        empty_label=_("Any"),
    )
    verdict = filters.MultipleChoiceFilter(choices=Review.Verdict.choices, method="filter_verdict", label=_("Verdict"))
    error_code = TextsFilter(method="filter_any", label=_("Error code"))
    true_label = TextsFilter(method="filter_true_label", label=_("True label"), item_options={"strip": False})
    picked_by = filters.MultipleChoiceFilter(
        choices=Review.PickedBy.choices, method="filter_picked_by", label=_("Review strategy")
    )
    client_reference = TextsFilter(method="filter_any", label=_("Client reference"))
    batch_job = UUIDsFilter(method="filter_batch_job", label=_("Batch job"))
    tag = TextsFilter(method="filter_tag", label=_("Tag"))
    user = TextsFilter(method="filter_user", label=_("User"))

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
        self._search_error: ValidationError | None = None
        if request is None or not can_view_all(request.user):
            del self.filters["user"]

    def filter_queryset(self, queryset: PredictionQuerySet) -> PredictionQuerySet:
        """Apply the filters. Start at the user's newest prediction if they only see their own, as `matching` does."""
        rows: PredictionQuerySet = super().filter_queryset(queryset)
        if self._search_error:  # not before: an error removes the value from those that the base class iterates over
            self.form.add_error("search", self._search_error)
        user = getattr(self.request, "user", None)
        return rows if user is None or can_view_all(user) else rows.matching(user=user.pk)

    def filter_search(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        try:
            return search_predictions(queryset, value, reader=getattr(self.request, "user", None))
        except ValidationError as error:
            self._search_error = error  # counting the file names is part of the search
            return queryset.none()

    def filter_id(self, queryset: PredictionQuerySet, name: str, values: list[UUID]) -> PredictionQuerySet:
        return queryset.filter(pk__in=values)

    def filter_model(self, queryset: PredictionQuerySet, name: str, values: list[str]) -> PredictionQuerySet:
        """Accept the same references as a prediction request: name, name:version, name@alias."""
        conditions = [condition for value in values if (condition := build_reference_condition(value))]
        if not conditions:
            return queryset.none()
        versions = self._find_versions(reduce(or_, conditions))
        numbers = self.form.cleaned_data.get("version")
        return queryset.of_versions(versions.filter(number__in=numbers) if numbers else versions)

    def filter_version(self, queryset: PredictionQuerySet, name: str, values: list[int]) -> PredictionQuerySet:
        if self.form.cleaned_data.get("model"):
            return queryset  # filter_model has applied both
        return queryset.of_versions(self._find_versions(Q(number__in=values)))

    def _find_versions(self, condition: Q) -> QuerySet:
        """Return the model versions that meet a condition. With a filter by label, only those that can predict it.

        For a label of another model, PostgreSQL read all predictions with this label (160 ms at 1,000,000 rows).
        """
        versions = ModelVersion.objects.filter(condition)
        labels = self.form.cleaned_data.get("label")
        if not labels or not connection.features.supports_json_field_contains:
            return versions
        return versions.filter(reduce(or_, (Q(labels__contains=[label]) for label in labels)))

    def filter_user(self, queryset: PredictionQuerySet, name: str, values: list[str]) -> PredictionQuerySet:
        users = list(User.objects.filter(username__in=values).values_list("pk", flat=True))
        return queryset.matching_any("user", users) if users else queryset.none()

    def filter_tag(self, queryset: PredictionQuerySet, name: str, values: list[str]) -> PredictionQuerySet:
        return queryset.with_any_tag([normalize_tag_name(value) for value in values])

    def filter_batch_job(self, queryset: PredictionQuerySet, name: str, values: list[UUID]) -> PredictionQuerySet:
        """Select the newest prediction of each item of a batch job."""
        return queryset.in_batch_jobs(values)

    def filter_any(self, queryset: PredictionQuerySet, name: str, values: list[str]) -> PredictionQuerySet:
        return queryset.matching_any(name, values)

    def filter_status(self, queryset: PredictionQuerySet, name: str, values: list[str]) -> PredictionQuerySet:
        """Return no rows if another filter selects an output or a review, which only succeeded predictions have.

        PostgreSQL read all predictions with a label to find failed ones (500 ms at 10,000,000 rows).
        """
        selects_outputs = any(self.form.cleaned_data.get(name) not in EMPTY_VALUES for name in OUTPUT_FILTERS)
        if selects_outputs and Prediction.Status.SUCCEEDED not in values:
            return queryset.none()
        return queryset.matching_any(name, values)

    def filter_created_after(self, queryset: PredictionQuerySet, name: str, value: datetime) -> PredictionQuerySet:
        return queryset.created_in(start=value, end=self.form.cleaned_data.get("created_before"))

    def filter_created_before(self, queryset: PredictionQuerySet, name: str, value: datetime) -> PredictionQuerySet:
        if self.form.cleaned_data.get("created_after"):
            return queryset  # filter_created_after has applied both
        return queryset.created_in(end=value)

    def filter_reviewed(self, queryset: PredictionQuerySet, name: str, value: str) -> PredictionQuerySet:
        """Select succeeded predictions with or without a review. Failed predictions match neither value."""
        return queryset.reviewed() if value == "true" else queryset.awaiting_review()

    def filter_verdict(self, queryset: PredictionQuerySet, name: str, values: list[str]) -> PredictionQuerySet:
        return queryset.reviewed(verdicts=values)

    def filter_true_label(self, queryset: PredictionQuerySet, name: str, values: list[str]) -> PredictionQuerySet:
        return queryset.with_true_labels(values)

    def filter_picked_by(self, queryset: PredictionQuerySet, name: str, values: list[str]) -> PredictionQuerySet:
        return queryset.selected_by(values)

    def find_repeated_names(self) -> list[str]:
        """Return the filters that occur more than once although they have only one value."""
        repeated = [name for name in self.filters if name not in REPEATABLE_FILTERS]
        return [name for name in repeated if len(self.data.getlist(name)) > 1]


def build_reference_condition(text: str) -> Q | None:
    """Return the condition for the versions of a model reference; None if it is not a reference."""
    try:
        reference = ModelReference.parse(text)
    except UnknownModel:
        return None
    condition = Q(model__name=reference.name)
    if reference.number:
        condition &= Q(number=reference.number)
    return condition & Q(aliases__name=reference.alias) if reference.alias else condition
