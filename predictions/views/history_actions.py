"""Actions of the History page: export, reviews of selected predictions, and saved filters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import View

from accounts.requests import AuthenticatedRequest
from core.fields import parse_uuid
from core.urls import get_site_url
from inference.errors import InferenceError
from predictions.export import FORMAT_NAMES, stream_export
from predictions.export_names import build_export_name
from predictions.filter_fields import MAX_FILTER_VALUES
from predictions.history_query import CURSOR_PARAMETERS, HistoryQuery, build_history_url
from predictions.history_selection import keep_selection
from predictions.models import Prediction, Review, SavedFilter
from predictions.permissions import can_review, select_exportable
from predictions.presentation import format_output
from predictions.querysets import PredictionQuerySet
from predictions.services.ground_truth import ReviewResult, review_predictions
from predictions.services.review_fields import parse_true_labels, parse_true_value
from predictions.services.saved_filters import delete_filter, rename_filter, save_filter
from predictions.views.mixins import HtmxLoginRequiredMixin, get_next_url


class HistoryExportView(HtmxLoginRequiredMixin, View):
    """Download the predictions that match the filters of the page, with times in the reader's time zone."""

    http_method_names = ["get"]
    request: AuthenticatedRequest

    def get(self, request: AuthenticatedRequest) -> HttpResponseBase:
        query = HistoryQuery(request, ignored=("format",))
        format_name = request.GET.get("format", "csv")
        if format_name not in FORMAT_NAMES:
            raise Http404
        rows = query.get_rows()
        if query.filterset.errors or query.unknown_names or query.repeated_names:
            return HttpResponseRedirect(build_history_url(query.kept))  # the page shows the errors
        times = (query.filterset.form.cleaned_data.get(name) for name in ("created_after", "created_before"))
        name = build_export_name(models=query.values.get("model", []), **dict(zip(("start", "end"), times, strict=True)))
        return export_rows(request, rows, format_name=format_name, name=name, error_url=build_history_url(query.kept))


def export_rows(
    request: AuthenticatedRequest, rows: PredictionQuerySet, *, format_name: str, name: str, error_url: str
) -> HttpResponseBase:
    """Return the download, newest first. If it is impossible, redirect to a page that shows the reason."""
    rows = select_exportable(rows.select_related("input").order_by("-id"), request.user)
    try:
        return stream_export(rows, reader=request.user, format_name=format_name, name=name, site_url=get_site_url(request))
    except InferenceError as error:
        messages.error(request, error.message)
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
        elif action in FORMAT_NAMES:
            rows = Prediction.objects.visible_to(request.user).filter(pk__in=ids)
            name = build_export_name()  # not a redirect: the IDs of a whole page are too long for a URL
            return export_rows(request, rows, format_name=action, name=name, error_url=next_url)
        elif action in Review.Verdict.values:
            failed = self.review_selected(ids, action)
            next_url = keep_selection(request, next_url, failed)
        return HttpResponseRedirect(next_url)

    def review_selected(self, ids: list[UUID], verdict: str) -> list[UUID]:
        """Store a review of each prediction, show the result of each, and return those that have no new review."""
        visible = Prediction.objects.visible_to(self.request.user).with_related().filter(pk__in=ids)
        rows: list[Prediction] = list(visible.order_by("-id"))
        text = self.request.POST.get("true_output", "") if verdict == Review.Verdict.INCORRECT else ""
        try:
            items = [{"id": row.pk, "verdict": verdict, **_parse_true_output(row, text)} for row in rows]
        except InferenceError as error:
            messages.error(self.request, error.message)
            return ids
        results = review_predictions(
            items=items, reviewer=self.request.user, picked_by=Review.PickedBy.MANUAL, is_allowed=can_review
        )
        pairs = list(zip(rows, results, strict=True))
        saved = [_format_result(row, result) for row, result in pairs if not result.error]
        failed = [_format_result(row, result) for row, result in pairs if result.error]
        if saved:
            title = ngettext("%(count)s review is saved.", "%(count)s reviews are saved.", len(saved))
            messages.success(self.request, _join_results(title % {"count": len(saved)}, saved))
        if failed:
            title = ngettext("%(count)s review is not saved.", "%(count)s reviews are not saved.", len(failed))
            messages.error(self.request, _join_results(title % {"count": len(failed)}, failed))
        return [row.pk for row, result in pairs if result.error]


def _parse_true_output(row: Prediction, text: str) -> dict[str, Any]:
    if not text.strip(" ,"):
        return {}
    if row.predicted_labels is not None:
        return {"true_labels": parse_true_labels(text, row.model_version.labels)}
    return {"true_value": parse_true_value(text)} if row.value is not None else {"true_label": text}


def _format_result(row: Prediction, result: ReviewResult) -> SafeString:
    text = result.error.message if result.error else result.review and result.review.get_verdict_display()
    name = row.input.original_name or str(row.pk)
    return format_html(
        '<li><a href="{}">{}, {}</a>: {}</li>', row.get_absolute_url(), format_output(row) or row.status, name, text
    )


def _join_results(title: str, lines: list[SafeString]) -> SafeString:
    return format_html("{}<details><ul>{}</ul></details>", title, format_html_join("", "{}", ((line,) for line in lines)))


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
        return HttpResponseRedirect(build_history_url(query.kept))


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
