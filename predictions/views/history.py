"""The History page: predictions with the filters of the API."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.vary import vary_on_headers
from django.views.generic import TemplateView

from accounts.permissions import can_view_all
from accounts.preferences import PAGE_SIZES
from accounts.requests import AuthenticatedRequest
from core.pagination import KeysetPage
from predictions.exports.stream import FORMAT_NAMES
from predictions.filter_fields import format_input_time
from predictions.history.columns import drop_default_columns, list_available_columns, select_columns
from predictions.history.query import RANGE, TIME_FILTERS, HistoryQuery, build_history_url
from predictions.history.selection import get_selection
from predictions.models import SavedFilter
from predictions.sorting import MAX_COUNT, MAX_SHORT_COUNT, count_rows, get_sorted_page
from predictions.views.bulk_reviews import build_true_output_field
from predictions.views.history_links import CONFIDENCE_FILTERS, build_export_switch_url, build_sort_links, list_chips
from predictions.views.mixins import HtmxLoginRequiredMixin
from registry.models import MULTI_LABEL_TASKS, ModelVersion, RegisteredModel

MAX_SUGGESTED_LABELS = 200
MAIN_FILTERS = ("model", "label", "search", RANGE, "verdict")  # the others are behind "More filters"
MORE_FIELDS = ("version", "min_confidence", "max_confidence", "true_label", "client_reference", "error_code", "user")
CHECKED_FIELDS = ("status", "source", "verdict", "picked_by")
FORMAT_TITLES = {"csv": "CSV", "xlsx": "Excel", "jsonl": "JSON Lines"}


@method_decorator(vary_on_headers("HX-Request"), "dispatch")  # otherwise, the back button shows a cached fragment
class HistoryView(HtmxLoginRequiredMixin, TemplateView):
    """Predictions, newest first or in another order, as a table or as a gallery."""

    template_name = "predictions/history.html"
    request: AuthenticatedRequest

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.query = HistoryQuery(request)
        response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"  # otherwise, the back button shows an outdated list
        if self.request.htmx:  # a form submits its empty fields too; keep them out of the address
            response["HX-Push-Url"] = build_history_url(self.query.parameters)
        return response

    def get_template_names(self) -> list[str]:
        return ["predictions/_history.html"] if self.request.htmx else [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query, rows = self.query, self.query.get_rows()
        kwargs |= get_row_context(query)  # first, because it drops default columns, which links must not contain
        is_sorted_by_id = "confidence" not in query.sort
        count = 0 if is_sorted_by_id else count_rows(rows.filter(confidence__isnull=False))
        page = get_sorted_page(
            rows.with_related().with_reviews(),
            sort=query.sort,
            older_than=query.get("older"),
            newer_than=query.get("newer"),
            size=query.size,
            is_short=count <= MAX_SHORT_COUNT,
        )
        if not self.request.htmx:
            kwargs |= self.get_form_context()
        return super().get_context_data(
            page=page,
            count=self.count(page) if is_sorted_by_id else count,
            max_count=MAX_COUNT,
            filter=query.filterset,
            filters=query.filters,
            chips=list_chips(query),
            sort_links=build_sort_links(query),
            hidden_filter_count=len(query.filters.keys() - {*MAIN_FILTERS, *query.unknown_names}),
            unknown_names=query.unknown_names,
            repeated_names=query.repeated_names,
            selection=get_selection(self.request),
            true_output_field=build_true_output_field(page.rows),
            export_switch_url=build_export_switch_url(query),
            export_formats=[(name, FORMAT_TITLES[name]) for name in FORMAT_TITLES if name in FORMAT_NAMES],
            **kwargs,
        )

    def count(self, page: KeysetPage) -> int:
        is_complete = not page.older_than and not page.newer_than
        return len(page.rows) if is_complete else count_rows(self.query.get_counted_rows())

    def get_form_context(self) -> dict[str, Any]:
        query = self.query
        form, models = query.filterset.form, RegisteredModel.objects.visible_to(self.request.user)
        choices = [(model.name, model.title) for model in models]
        chosen = query.values.get("model", [])
        choices += [(value, value) for value in chosen if value not in dict(choices)]
        typed = query.values.keys() & set(TIME_FILTERS) if query.filterset.is_valid() else set()
        times = {name: form.cleaned_data[name] for name in TIME_FILTERS if name in typed}  # not those of a named range
        return {
            "single_names": CONFIDENCE_FILTERS,
            "models": choices,
            "labels": _list_served_labels(),
            "checked_fields": [form[name] for name in CHECKED_FIELDS],
            "more_fields": [form[name] for name in MORE_FIELDS if name in form.fields],
            "times": {name: format_input_time(time) for name, time in times.items() if time},
            "sizes": sorted({*PAGE_SIZES, query.default_size}),
            "saved_filters": SavedFilter.objects.filter(user=self.request.user),
        }


def get_row_context(query: HistoryQuery) -> dict[str, Any]:
    """Return the context of the rows or tiles, which the request that polls open rows needs too."""
    shows_all_users = can_view_all(query.request.user)
    available = list_available_columns(query, shows_users=shows_all_users)
    drop_default_columns(query, available)
    columns = select_columns(query, available)
    return {
        "query": query,
        "columns": columns,
        "available_columns": available,
        "column_keys": [column.key for column in columns],
        "shows_all_users": shows_all_users,
        "titles": {"prediction": gettext("Prediction"), "confidence": gettext("Confidence"), "time": gettext("Time")},
    }


def _list_served_labels() -> list[str]:
    """Return the labels of all versions with an alias, without duplicates, except multi-label models.

    The filter does not find their labels, because their predictions have no single label.
    """
    label_lists = (
        ModelVersion.objects.served()
        .exclude(model__task__in=MULTI_LABEL_TASKS)
        .order_by("id")
        .values_list("labels", flat=True)
    )
    return list(dict.fromkeys(chain.from_iterable(label_lists)))[:MAX_SUGGESTED_LABELS]
