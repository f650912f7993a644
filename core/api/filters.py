"""Strict query parameters: a misspelled filter is an error instead of an unfiltered list."""

from __future__ import annotations

from collections.abc import Container, Iterable

from django.db.models import QuerySet
from django.forms import BaseForm
from django_filters.rest_framework import CharFilter, DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from core.api.fields import MAX_QUOTED_CHARACTERS

FILTERED_ACTIONS = {"list", "export", "deliveries"}
NON_FILTER_PARAMETERS = {"cursor", "page_size", "format", "include"}
EMPTY_MESSAGE = "Enter a value, or omit the parameter."


class StrictFilterBackend(DjangoFilterBackend):
    """Filter lists and exports, and reject unknown query parameters.

    The filter set of the view is a `StrictFilterSet`.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet, view: GenericViewSet) -> QuerySet:
        if request.query_params.keys() <= NON_FILTER_PARAMETERS:
            return queryset  # a form of 16 filters without values takes 1.2 of 8.2 ms of CPU time for a list of 20
        filterset = self.get_filterset(request, queryset, view) if view.action in FILTERED_ACTIONS else None
        if filterset is None:
            return queryset
        filters = filterset.filters.items()  # the text of a filter can be empty
        reject_empty_values(request, {name for name, item in filters if not isinstance(item, CharFilter)})
        validate_filters(filterset.form, filterset.find_unknown_names(NON_FILTER_PARAMETERS), filterset.filters)
        rows = filterset.qs
        validate_filters(filterset.form, (), filterset.filters)  # a search can find too much
        return rows


def reject_empty_values(request: Request, names: Container[str]) -> None:
    """Reject query parameters without a value, which forms ignore.

    Args:
        names: of the parameters that cannot be empty.

    Raises:
        ValidationError: `blank`.
    """
    empty = [name for name, values in request.query_params.lists() if "" in values and name in names]
    if errors := {name: [EMPTY_MESSAGE] for name in empty}:
        raise ValidationError(errors, code="blank")


def validate_filters(form: BaseForm, unknown: Iterable[str], known: Iterable[str]) -> None:
    """Reject unknown filter names and invalid filter values.

    Raises:
        ValidationError: one error per unknown name or invalid value.
    """
    names = ", ".join(sorted(known))
    quoted = [name[:MAX_QUOTED_CHARACTERS] for name in unknown]
    if errors := {name: [f"There is no filter {name!r}. Available filters: {names}."] for name in quoted}:
        raise ValidationError(errors, code="unknown-filter")
    if not form.is_valid():
        raise ValidationError(
            {
                name: [ErrorDetail(" ".join(error.messages), error.code or "invalid") for error in errors]
                for name, errors in form.errors.as_data().items()
            }
        )
