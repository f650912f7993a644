"""The operations page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from accounts.permissions import VIEW_OPERATIONS
from events.status import get_event_status
from monitoring.alerts.digest import list_open_alerts
from monitoring.charts import build_chart_data, build_charts, have_same_model
from monitoring.forms import OperationsForm
from monitoring.links import HistoryLinks
from monitoring.markers import list_markers
from monitoring.presentation import build_cards, can_compare
from monitoring.report import build_report
from monitoring.types import OperationsMetrics
from monitoring.views.drift import build_drift_id, build_drift_url
from predictions.queue_status import get_queue_status
from registry.models import MULTI_LABEL_TASKS, ModelVersion


class OperationsView(PermissionRequiredMixin, TemplateView):
    permission_required = VIEW_OPERATIONS
    permission_denied_message = _("You don't have permission. Reviewers and operators only.")
    template_name = "monitoring/operations.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        form = OperationsForm(self.request.GET, now=now)
        context = get_operations_context(form) if form.is_valid() else {}
        context |= {
            "open_alerts": list_open_alerts(),
            "queue": get_queue_status(),
            "has_broker": bool(settings.CELERY_BROKER_URL),
            "events": get_event_status(now=now),
            "now": now,
        }
        return super().get_context_data(form=form, **context, **kwargs)


def get_operations_context(form: OperationsForm) -> dict[str, Any]:
    """Return the metrics, cards and charts that a valid form selects, and the version whose drift is shown."""
    window = form.get_window()
    form.name_references(window)
    metrics = build_report(window, versions=form.get_version_ids())
    versions_by_id = ModelVersion.objects.select_related("model").in_bulk(list(metrics.versions))
    versions = [versions_by_id[pk] for pk in metrics.versions]
    cards = build_cards(metrics, free_bytes=get_free_disk_bytes())
    charts = build_charts(metrics, versions)
    markers = list_markers(window, model=form.cleaned_data["model"])
    history = HistoryLinks(window, form.get_model_reference())
    return {
        "metrics": metrics,
        "cards": cards,
        "alarms": [(card, history.build_url(**card.filters)) for card in cards if card.notable],
        "can_compare": can_compare(metrics),
        "charts": charts,
        "markers": markers,
        "chart_data": build_chart_data(charts, window, markers),
        "version_rows": list(zip(versions, metrics.versions.values(), strict=True)),
        "have_same_model": have_same_model(versions),
        # The history cannot be filtered by the labels of multi-label models.
        "label_parameter": "" if any(version.model.task in MULTI_LABEL_TASKS for version in versions) else "label",
        "history_query": history.query,
        "period_query": urlencode(form.get_period_parameters()),
        **get_drift_links(form, metrics, versions),
    }


def get_drift_links(form: OperationsForm, metrics: OperationsMetrics, versions: list[ModelVersion]) -> dict[str, Any]:
    """Return the version whose drift is shown, and the URL and the id of its drift. Without predictions, there is none.

    It is the selected version, or the version with the most predictions in the current window.
    """
    busiest = (version for version in versions if metrics.versions[version.pk].current)
    version = form.cleaned_data["version"] or next(busiest, None)
    if version is None:
        return {}
    return {
        "drift_version": version,
        "drift_url": build_drift_url(version, form),
        "drift_id": build_drift_id(version, metrics.window, form.cleaned_data["against"]),
    }


def get_free_disk_bytes() -> int | None:
    """Return the free space of the disk that stores the inputs, or None if it is not known, or if a bucket stores them."""
    if settings.S3_BUCKET:
        return None
    media_root = Path(settings.MEDIA_ROOT)
    try:
        return shutil.disk_usage(next(folder for folder in (media_root, *media_root.parents) if folder.exists())).free
    except OSError:
        return None
