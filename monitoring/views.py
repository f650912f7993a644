"""The operations page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.utils import timezone
from django.views.generic import TemplateView

from accounts.permissions import VIEW_OPERATIONS
from monitoring.charts import build_chart_data, build_charts, have_same_model
from monitoring.drift.report import MIN_VALUES, DriftReport, build_drift_report
from monitoring.forms import OperationsForm
from monitoring.presentation import build_cards, can_compare
from monitoring.report import build_report
from monitoring.types import OperationsMetrics
from monitoring.windows import get_window
from predictions.queue_status import get_queue_status
from registry.models import MULTI_LABEL_TASKS, ModelVersion


class OperationsView(PermissionRequiredMixin, TemplateView):
    permission_required = VIEW_OPERATIONS
    permission_denied_message = "You don't have permission. Reviewers and operators only."
    template_name = "monitoring/operations.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = OperationsForm(self.request.GET)
        context = get_operations_context(form) if form.is_valid() else {}
        context |= {"queue": get_queue_status(), "has_broker": bool(settings.CELERY_BROKER_URL)}
        return super().get_context_data(form=form, **context, **kwargs)


def get_operations_context(form: OperationsForm) -> dict[str, Any]:
    """Return the metrics, cards, charts and drift report that a valid form selects."""
    now = timezone.now()
    metrics = build_report(get_window(form.cleaned_data["window"], now=now), versions=form.get_version_ids())
    versions_by_id = ModelVersion.objects.select_related("model").in_bulk(list(metrics.versions))
    versions = [versions_by_id[pk] for pk in metrics.versions]
    charts = build_charts(metrics, versions)
    cards = build_cards(metrics, free_bytes=get_free_disk_bytes())
    return {
        "metrics": metrics,
        "cards": cards,
        "notable_cards": [card for card in cards if card.notable],
        "can_compare": can_compare(metrics),
        "charts": charts,
        "chart_data": build_chart_data(charts, metrics),
        "version_rows": list(zip(versions, metrics.versions.values(), strict=True)),
        "have_same_model": have_same_model(versions),
        # The history cannot be filtered by the labels of multi-label models.
        "label_parameter": "" if any(version.model.task in MULTI_LABEL_TASKS for version in versions) else "label",
        "model_reference": form.get_model_reference(),
        "drift": get_drift_report(form, metrics, versions),
        "min_values": MIN_VALUES,
    }


def get_drift_report(form: OperationsForm, metrics: OperationsMetrics, versions: list[ModelVersion]) -> DriftReport | None:
    """Return the drift of the selected version, or of the version with the most predictions in the current window."""
    busiest = (version for version in versions if metrics.versions[version.pk].current)
    version = form.cleaned_data["version"] or next(busiest, None)
    if version is None:
        return None
    return build_drift_report(
        version, now=metrics.window.end, span=form.cleaned_data["span"], against=form.cleaned_data["against"]
    )


def get_free_disk_bytes() -> int | None:
    """Return the free space of the disk that stores the inputs, or None if it is not known."""
    media_root = Path(settings.MEDIA_ROOT)
    try:
        return shutil.disk_usage(next(folder for folder in (media_root, *media_root.parents) if folder.exists())).free
    except OSError:
        return None
