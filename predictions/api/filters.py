"""Refuse a filter that is not there: a misspelt one would answer with everything."""

from __future__ import annotations

from django.db.models import QuerySet
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
        if unknown := filterset.unknown(NOT_FILTERS):
            known = ", ".join(sorted(filterset.filters))
            raise ValidationError(
                {name[:100]: [f"There is no filter {name[:100]!r}. There are: {known}."] for name in unknown},
                code="unknown-filter",
            )
        if not filterset.is_valid():
            raise ValidationError(
                {
                    name: [ErrorDetail(" ".join(error.messages), error.code or "invalid") for error in errors]
                    for name, errors in filterset.form.errors.as_data().items()
                }
            )
        return filterset.qs
