"""Actions of the History page: export, reviews of selected predictions, and saved filters."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import View

from accounts.permissions import can_view_all
from accounts.requests import AuthenticatedRequest
from core.fields import parse_uuid
from core.urls import get_site_url
from inference.errors import InferenceError
from predictions.exports.columns import list_shown_columns
from predictions.exports.names import build_export_name
from predictions.exports.stream import FORMAT_NAMES, stream_export
from predictions.filter_fields import MAX_FILTER_VALUES
from predictions.history.columns import list_available_columns, select_columns
from predictions.history.query import CURSOR_PARAMETERS, HistoryQuery, build_history_url
from predictions.history.selection import drop_selection, keep_selection
from predictions.models import Prediction, Review, SavedFilter
from predictions.permissions import select_exportable
from predictions.querysets import PredictionQuerySet
from predictions.services.saved_filters import delete_filter, rename_filter, save_filter
from predictions.views.bulk_reviews import review_in_bulk
from predictions.views.mixins import HtmxLoginRequiredMixin, get_next_url


class HistoryExportView(HtmxLoginRequiredMixin, View):
    """Download the list of the page: its filters and its order, with all data or its columns, in the reader's time zone."""

    http_method_names = ["get"]
    request: AuthenticatedRequest

    def get(self, request: AuthenticatedRequest) -> HttpResponseBase:
        query = HistoryQuery(request, ignored=("format",))
        format_name = request.GET.get("format", "csv")
        if format_name not in FORMAT_NAMES:
            raise Http404
        rows = query.get_rows()
        if query.filterset.errors or query.unknown_names or query.repeated_names:
            return HttpResponseRedirect(build_history_url(query.parameters))  # the page shows the errors
        times = (query.filterset.form.cleaned_data.get(name) for name in ("created_after", "created_before"))
        name = build_export_name(models=query.values.get("model", []), **dict(zip(("start", "end"), times, strict=True)))
        return export_rows(query, rows, format_name=format_name, name=name, error_url=build_history_url(query.parameters))


def export_rows(
    query: HistoryQuery, rows: PredictionQuerySet, *, format_name: str, name: str, error_url: str
) -> HttpResponseBase:
    """Return the download in the order of the list. If it is impossible, redirect to a page that shows the reason."""
    reader: Any = query.request.user
    columns: list[str] = []
    if not query.exports_all:
        shown = select_columns(query, list_available_columns(query, shows_users=can_view_all(reader)))
        columns = list_shown_columns([column.key for column in shown])
    try:
        return stream_export(
            select_exportable(rows.select_related("input"), reader),
            reader=reader,
            format_name=format_name,
            name=name,
            site_url=get_site_url(query.request),
            sort=query.sort,
            columns=columns,
        )
    except InferenceError as error:
        messages.error(query.request, error.message)
        return HttpResponseRedirect(error_url)


class SelectionView(HtmxLoginRequiredMixin, View):
    """Review or export the predictions that are selected on the page."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest) -> HttpResponseBase:
        next_url = get_next_url(request, default=reverse("predictions:history"))
        ids = [row_id for text in request.POST.getlist("id") if (row_id := parse_uuid(text))]
        action = request.POST.get("action", "")
        if not ids or len(ids) > MAX_FILTER_VALUES:
            messages.error(request, _("Select 1 to %(count)s predictions.") % {"count": MAX_FILTER_VALUES})
            next_url = keep_selection(request, next_url, [])
        elif action in FORMAT_NAMES:
            query = HistoryQuery(request, QueryDict(urlsplit(next_url).query))
            rows = Prediction.objects.visible_to(request.user).filter(pk__in=ids)
            name = build_export_name()  # not a redirect: the IDs of a whole page are too long for a URL
            return export_rows(query, rows, format_name=action, name=name, error_url=next_url)
        elif action in Review.Verdict.values:
            failed = self.review_selected(ids, action)
            next_url = keep_selection(request, next_url, failed) if failed else drop_selection(request, next_url)
        return HttpResponseRedirect(next_url)

    def review_selected(self, ids: list[UUID], verdict: str) -> list[UUID]:
        """Store a review of each prediction, show the results, and return those that have no new review."""
        visible = Prediction.objects.visible_to(self.request.user).with_related().filter(pk__in=ids)
        text = self.request.POST.get("true_output", "") if verdict == Review.Verdict.INCORRECT else ""
        result = review_in_bulk(rows=[*visible.order_by("-id")], reviewer=self.request.user, verdict=verdict, text=text)
        failed_level = messages.WARNING if result.saved else messages.ERROR
        level = failed_level if result.errors else messages.SUCCESS
        messages.add_message(self.request, level, result.message)
        return [row.pk for row, _error in result.errors]


class SaveFilterView(HtmxLoginRequiredMixin, View):
    """Save the filters, columns, and order of the page under a name, and open the page with them."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest) -> HttpResponse:
        query = HistoryQuery(request, QueryDict(request.POST.get("query", "")), ignored=CURSOR_PARAMETERS)
        try:
            row = save_filter(user=request.user, name=request.POST.get("name", ""), query=query.encoded)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("The filter “%(name)s” is saved.") % {"name": row.name})
        return HttpResponseRedirect(build_history_url(query.parameters))


class SavedFilterView(HtmxLoginRequiredMixin, View):
    """Rename or delete a saved filter."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        row = get_object_or_404(SavedFilter, pk=pk, user=request.user)
        try:
            if request.POST.get("action") == "delete":
                delete_filter(saved_filter=row)
                messages.success(request, _("The filter “%(name)s” is deleted.") % {"name": row.name})
            else:
                rename_filter(saved_filter=row, name=request.POST.get("name", ""))
                messages.success(request, _("The filter is renamed to “%(name)s”.") % {"name": row.name})
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return HttpResponseRedirect(get_next_url(request, default=reverse("predictions:history")))
