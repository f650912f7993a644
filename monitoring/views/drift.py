"""The drift of one version: a part of the operations page, and a page of its own for browsers without JavaScript.

The comparison of two samples takes longer than all other metrics together, so the operations page loads it afterwards.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from accounts.permissions import VIEW_OPERATIONS
from accounts.requests import AuthenticatedRequest
from monitoring.charts import build_chart_data, build_trend_chart
from monitoring.drift.report import MIN_VALUES, ColumnDrift, DriftReport, build_drift_report
from monitoring.forms import OperationsForm
from monitoring.links import HistoryLinks
from monitoring.markers import list_markers
from monitoring.windows import HOUR, Window, round_down
from registry.models import ModelVersion


class DriftView(PermissionRequiredMixin, TemplateView):
    """Show the drift of the version in the query. Without a version, redirect to the operations page, which selects one."""

    request: AuthenticatedRequest
    permission_required = VIEW_OPERATIONS
    permission_denied_message = _("You don't have permission. Reviewers and operators only.")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = OperationsForm(request.GET, now=timezone.now())
        if not form.is_valid() or not form.cleaned_data["version"]:
            return redirect(f"{reverse('monitoring:operations')}?{request.GET.urlencode()}")
        response = self.render_to_response(self.get_context_data(form=form, **get_drift_context(form)))
        response["Cache-Control"] = "private, no-store"  # otherwise, the back button could show the part without the page
        return response

    def get_template_names(self) -> list[str]:
        return ["monitoring/_drift_report.html" if self.request.htmx else "monitoring/drift.html"]


def get_drift_context(form: OperationsForm) -> dict[str, Any]:
    """Return the drift report of a valid form that has a version, and its chart."""
    window = form.get_window()
    form.name_references(window)
    version, against = form.cleaned_data["version"], form.cleaned_data["against"]
    drift = build_drift_report(version, window, against=against)
    trend_chart = build_trend_chart(drift.trends, window)
    markers = list_markers(window, model=version.model) if trend_chart else []
    return {
        "drift": drift,
        "drift_id": build_drift_id(version, window, against),
        "drifted": list_drift_alarms(drift),
        "min_values": MIN_VALUES,
        "trend_chart": trend_chart,
        "chart_data": build_chart_data([trend_chart], window, markers) if trend_chart else None,
    }


def build_drift_url(version: ModelVersion, form: OperationsForm) -> str:
    """Return the URL of the drift of a version in the selected period."""
    parameters = {"model": version.model.name, "version": version.number, "against": form.cleaned_data["against"]}
    return f"{reverse('monitoring:drift')}?{urlencode(form.get_period_parameters() | parameters)}"


def build_drift_id(version: ModelVersion, window: Window, against: str) -> str:
    """Return the id of the element that shows the drift. It changes once an hour, so that htmx loads the drift again.

    The operations page is refreshed more often. An element with the same id stays.
    """
    start, end = (int(moment.timestamp()) for moment in (window.start, round_down(window.end, HOUR)))
    return f"drift-{version.pk}-{start}-{end}-{against}"


def list_drift_alarms(drift: DriftReport) -> list[tuple[str, str]]:
    """Return the sentence of each column with drift, and the URL of its predictions in the history."""
    history = HistoryLinks(drift.window, str(drift.version))
    return [(column.sentence, history.build_url(**get_drift_filters(column))) for column in drift.drifted]


def get_drift_filters(drift: ColumnDrift) -> dict[str, str]:
    """Return the filters of the history that select the predictions of a drifted column, as far as it has such filters."""
    return {"label": drift.category} if drift.column.source == "label" and drift.category else {}
