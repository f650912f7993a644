"""Forms of alert rules, on the alerts page and in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import remember_shown_values
from monitoring.alerts.metrics import MODEL_METRIC_CHOICES, Metric
from monitoring.models import AlertRule
from monitoring.windows import DAY, HOUR
from registry.models import RegisteredModel

MUTE_CHOICES: dict[str, tuple[Any, timedelta]] = {
    "hour": (_("1 hour"), HOUR),
    "day": (_("1 day"), DAY),
    "week": (_("1 week"), 7 * DAY),
}
THRESHOLD_NAMES = ("threshold", "resolve_threshold")
DECIMALS = 6  # removes errors of floats, such as 28.999999999999996 for 0.29


class MuteForm(forms.Form):
    """For how long to mute an alert."""

    duration = forms.ChoiceField(choices=[(name, label) for name, (label, _duration) in MUTE_CHOICES.items()])

    def get_duration(self) -> timedelta:
        return MUTE_CHOICES[self.cleaned_data["duration"]][1]


class AlertRuleForm(forms.ModelForm):
    """Edit a rule. Thresholds are entered in the unit that people use: percent, milliseconds, or minutes."""

    class Meta:
        model = AlertRule
        fields = ("is_enabled", "threshold", "resolve_threshold", "opens_after", "resolves_after")
        help_texts = {
            "is_enabled": _("A rule that is turned off opens no alerts."),
            "opens_after": _("Number of consecutive evaluations beyond the threshold."),
            "resolves_after": _("Number of consecutive evaluations that have recovered."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        remember_shown_values(self)
        metric = self.instance.definition
        for name in THRESHOLD_NAMES:
            value = getattr(self.instance, name)
            if value is not None:
                self.initial[name] = shorten_number(value * metric.unit.factor)
        self.label_thresholds(metric)

    def label_thresholds(self, metric: Metric) -> None:
        """Name the unit and the direction of the thresholds."""
        opens, resolves = (_("at or below"), _("at or above")) if metric.is_low_bad else (_("at or above"), _("at or below"))
        labels = {"threshold": (_("Alert opens"), opens), "resolve_threshold": (_("Alert resolves"), resolves)}
        for name, (label, direction) in labels.items():
            self.fields[name].label = f"{label} {direction} ({metric.unit.symbol})"
            self.fields[name].widget.attrs |= {"step": "any", "min": 0}

    def clean(self) -> dict[str, Any]:
        """Convert the thresholds to the unit in which they are stored."""
        values = super().clean() or {}
        for name in THRESHOLD_NAMES:
            if values.get(name) is not None:
                values[name] = values[name] / self.instance.definition.unit.factor
        return values


class ModelRuleForm(forms.Form):
    """Add a rule for one model. It starts with the values of the default rule."""

    metric = forms.ChoiceField(label=_("Metric"), choices=MODEL_METRIC_CHOICES)
    model = forms.ModelChoiceField(
        RegisteredModel.objects.order_by("name"), to_field_name="name", label=_("Model"), empty_label=None
    )


def shorten_number(value: float) -> float | int:
    """Return a number without errors of floats, and without decimals if it is an integer."""
    rounded = round(value, DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded
