"""How the site runs, for those who see everything: figures, charts, drift."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin, UserPassesTestMixin
from django.http import QueryDict
from django.utils import timezone
from django.views.generic import TemplateView

from accounts.permissions import is_reviewer
from monitoring.charts import are_of_one_model, charts_of, data_of
from monitoring.drift.report import BEFORE, EARLIER, LEAST, build_drift_report
from monitoring.metrics import Operations
from monitoring.presentation import are_comparable, cards_of
from monitoring.report import build_report
from monitoring.windows import CHOICES, DEFAULT, get_window
from registry.models import ModelVersion, RegisteredModel

logger = logging.getLogger(__name__)

AGAINST = [(BEFORE, "the time just before"), (EARLIER, "four weeks earlier")]
SPAN_NAMES = {"1d": "24 hours", "7d": "7 days", "30d": "30 days"}
FIRST = {"window": DEFAULT, "model": "", "version": "", "span": "7d", "against": BEFORE}


class OperationsForm(forms.Form):
    """Which time and which model is looked at, and with what drift is looked for."""

    window = forms.ChoiceField(label="Time", choices=[(key, words) for key, (words, _, _) in CHOICES.items()])
    model = forms.ModelChoiceField(
        RegisteredModel.objects.all(), to_field_name="name", required=False, empty_label="all models"
    )
    version = forms.ModelChoiceField(
        ModelVersion.objects.none(), to_field_name="number", required=False, empty_label="all versions"
    )
    span = forms.ChoiceField(label="Drift of the last", choices=list(SPAN_NAMES.items()))
    against = forms.ChoiceField(label="Compared with", choices=AGAINST)

    def __init__(self, data: QueryDict) -> None:
        asked = {name: data.get(name, "").replace("\0", "") or first for name, first in FIRST.items()}
        if not asked["model"]:
            asked["version"] = ""
        super().__init__(asked, label_suffix="")
        fields: Any = self.fields
        fields["version"].queryset = ModelVersion.objects.filter(model__name=self.data["model"]).select_related("model")
        fields["version"].label_from_instance = lambda version: f"version {version.number}"
        for name in ("span", "against"):
            fields[name].widget.attrs["form"] = "operations-form"


class OperationsView(LoginRequiredMixin, UserPassesTestMixin, TemplateView):
    template_name = "monitoring/operations.html"
    permission_denied_message = "You don't have permission. Reviewers only."

    def test_func(self) -> bool:
        return is_reviewer(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = OperationsForm(self.request.GET)
        found = _measured(form.cleaned_data) if form.is_valid() else {}
        return super().get_context_data(form=form, **found, **kwargs)


def _measured(asked: dict[str, Any]) -> dict[str, Any]:
    """Return everything the page shows of a window."""
    now = timezone.now()
    window = get_window(asked["window"], now=now)
    figures = build_report(window, versions=_versions(asked))
    by_version = _by_version(figures)
    versions = [one for one, _ in by_version]
    charts = charts_of(figures, versions)
    version = _drifting(asked, figures)
    cards = cards_of(figures, free=_free())
    return {
        "figures": figures,
        "cards": cards,
        "comparable": are_comparable(figures),
        "noticed": [one for one in cards if one.notable],
        "one_model": are_of_one_model(versions),
        "charts": charts,
        "data": data_of(charts, figures),
        "by_version": by_version,
        "asked_of": str(asked["version"] or (asked["model"] and asked["model"].name) or ""),
        "drift": version and build_drift_report(version, now=now, span=asked["span"], against=asked["against"]),
        "span": SPAN_NAMES[asked["span"]],
        "least": LEAST,
    }


def _versions(asked: dict[str, Any]) -> list[UUID] | None:
    if asked["version"]:
        return [asked["version"].pk]
    return [one.pk for one in asked["model"].versions.all()] if asked["model"] else None


def _drifting(asked: dict[str, Any], figures: Operations) -> ModelVersion | None:
    """Return the version to look for drift in: the one asked for, or the one that was asked most."""
    if asked["version"]:
        return asked["version"]
    busiest = next((key for key, pair in figures.versions.items() if pair.now), None)
    return ModelVersion.objects.select_related("model").filter(pk__in=[busiest] if busiest else []).first()


def _by_version(figures: Operations) -> list[tuple[ModelVersion, Any]]:
    found = ModelVersion.objects.select_related("model").in_bulk(list(figures.versions))
    return [(found[key], pair) for key, pair in figures.versions.items()]


def _free() -> int | None:
    """Return the bytes that are free where inputs are stored; None where that is not known."""
    folder = Path(settings.MEDIA_ROOT)
    try:
        return shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists())).free
    except OSError:
        return None
