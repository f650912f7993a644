"""Queued and running predictions on the pages: parts that htmx polls until they are final, and the Cancel button."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext
from django.views.generic import View
from django_htmx.http import HttpResponseClientRefresh

from accounts.requests import AuthenticatedRequest
from core.fields import parse_uuid
from predictions.history.query import HistoryQuery
from predictions.models import Prediction
from predictions.permissions import can_cancel
from predictions.services.background import AlreadyFinal, cancel_prediction
from predictions.views.history import get_row_context
from predictions.views.mixins import HtmxLoginRequiredMixin, get_next_url

MAX_POLLED_PREDICTIONS = 100  # the history shows fewer on a page
NO_CHANGE_STATUS = 204  # htmx then changes nothing, so that the focus and screen readers are not disturbed


class CancelView(HtmxLoginRequiredMixin, View):
    """Cancel a prediction, and return to the page that contained the button."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        prediction = get_object_or_404(Prediction.objects.visible_to(request.user), pk=pk)
        if not can_cancel(prediction, request.user):
            raise PermissionDenied
        try:
            cancel_prediction(prediction=prediction)
        except AlreadyFinal:
            messages.error(request, gettext("The prediction was final before you canceled it."))
        else:
            messages.success(request, gettext("The prediction is canceled."))
        return HttpResponseRedirect(get_next_url(request, default=prediction.get_absolute_url()))


class OpenPredictionView(HtmxLoginRequiredMixin, View):
    """The section of the detail page that shows the status of an open prediction. A final one reloads the page."""

    http_method_names = ["get"]
    request: AuthenticatedRequest

    def get(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        prediction = get_object_or_404(Prediction.objects.visible_to(request.user).with_related(), pk=pk)
        if not request.htmx:
            return HttpResponseRedirect(prediction.get_absolute_url())
        if prediction.is_final:
            return HttpResponseClientRefresh()
        if prediction.status == request.GET.get("shown"):
            return HttpResponse(status=NO_CHANGE_STATUS)
        context = {"prediction": prediction, "can_cancel": can_cancel(prediction, request.user)}
        return render(request, "predictions/_open_prediction.html", context)


class OpenRowsView(HtmxLoginRequiredMixin, View):
    """The rows of the history whose status has changed, and the element that polls the others."""

    http_method_names = ["get"]
    request: AuthenticatedRequest

    def get(self, request: AuthenticatedRequest) -> HttpResponse:
        shown = read_shown_statuses(request.GET.getlist("shown"))
        rows = Prediction.objects.visible_to(request.user).with_related().with_reviews().filter(pk__in=shown)
        predictions = list(rows.order_by("-id"))
        changed = [prediction for prediction in predictions if prediction.status != shown[prediction.pk]]
        if not changed and len(predictions) == len(shown) and predictions:
            return HttpResponse(status=NO_CHANGE_STATUS)
        context: dict[str, Any] = {
            "changed": changed,
            "rows": predictions,
            **get_row_context(HistoryQuery(request, ignored=("shown",))),
        }
        return render(request, "predictions/_open_rows.html", context)


def read_shown_statuses(values: list[str]) -> dict[UUID, str]:
    """Return the statuses that a page shows, by prediction, from texts such as `<id>.queued`. Ignore invalid texts."""
    pairs = (value.partition(".") for value in values[:MAX_POLLED_PREDICTIONS])
    return {key: status for text, _, status in pairs if (key := parse_uuid(text))}
