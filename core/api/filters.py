"""Refuse a filter that is not there: a misspelt one would answer with everything."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.forms import BaseForm
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

FILTERED = {"list", "export"}  # actions
NOT_FILTERS = {"cursor", "page_size", "format", "include"}


class StrictFilterBackend(DjangoFilterBackend):
    def filter_queryset(self, request: Request, queryset: QuerySet, view: GenericViewSet) -> QuerySet:
        filterset = self.get_filterset(request, queryset, view) if view.action in FILTERED else None
        if filterset is None:
            return queryset
        validate_filters(filterset.form, filterset.unknown(NOT_FILTERS), filterset.filters)
        return filterset.qs


def validate_filters(form: BaseForm, unknown: Iterable[str], known: Iterable[str]) -> None:
    """Refuse names that are no filters, and values that cannot be.

    Raises:
        ValidationError: naming each of them.
    """
    names = ", ".join(sorted(known))
    if told := {name[:100]: [f"There is no filter {name[:100]!r}. There are: {names}."] for name in unknown}:
        raise ValidationError(told, code="unknown-filter")
    if not form.is_valid():
        raise ValidationError(
            {
                name: [ErrorDetail(" ".join(error.messages), error.code or "invalid") for error in errors]
                for name, errors in form.errors.as_data().items()
            }
        )
