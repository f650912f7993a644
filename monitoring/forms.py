"""The form of the operations page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from monitoring.drift.report import REFERENCES, list_reference_choices
from monitoring.windows import (
    CUSTOM_WINDOW,
    DEFAULT_WINDOW,
    MAX_CUSTOM_DAYS,
    WINDOW_CHOICES,
    Window,
    get_custom_window,
    get_window,
)
from registry.models import ModelVersion, RegisteredModel

DEFAULTS = {"window": DEFAULT_WINDOW, "model": "", "version": "", "against": "before", "start": "", "end": ""}
PERIOD_CHOICES = [*((key, choice.label) for key, choice in WINDOW_CHOICES.items()), (CUSTOM_WINDOW, _("Custom"))]
FIRST_DATE = date(1970, 1, 1)


class DateInput(forms.DateInput):
    """A date in ISO 8601 in each language, as browsers expect it."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class OperationsForm(forms.Form):
    """The period, model and version of the operations page, and the window that drift detection compares with.

    Missing parameters have a default. A version without a model is ignored, and so are dates without a custom period.
    """

    window = forms.ChoiceField(label=_("Period"), choices=PERIOD_CHOICES)
    start = forms.DateField(label=_("From (UTC)"), required=False, input_formats=["%Y-%m-%d"], widget=DateInput)
    end = forms.DateField(label=_("To (UTC)"), required=False, input_formats=["%Y-%m-%d"], widget=DateInput)
    model = forms.ModelChoiceField(
        RegisteredModel.objects.all(), to_field_name="name", required=False, empty_label=_("All models"), label=_("Model")
    )
    version = forms.ModelChoiceField(
        ModelVersion.objects.none(),
        to_field_name="number",
        required=False,
        empty_label=_("All versions"),
        label=_("Version"),
    )
    against = forms.ChoiceField(label=_("Compare with"), choices=[(name, name) for name in REFERENCES])

    def __init__(self, data: QueryDict, *, now: datetime) -> None:
        values = {name: data.get(name, "").replace("\0", "") or default for name, default in DEFAULTS.items()}
        if not values["model"]:
            values["version"] = ""
        if values["window"] != CUSTOM_WINDOW:
            values["start"] = values["end"] = ""
        elif not (values["start"] or values["end"]):  # the period has just been selected
            window = get_window(DEFAULT_WINDOW, now=now)
            values |= {"start": f"{window.start:%Y-%m-%d}", "end": f"{now.astimezone(UTC):%Y-%m-%d}"}
        super().__init__(values, label_suffix="")
        self.now = now
        fields: Any = self.fields
        fields["version"].queryset = ModelVersion.objects.filter(model__name=values["model"]).select_related("model")
        fields["version"].label_from_instance = lambda version: gettext("Version %(number)s") % {"number": version.number}
        fields["against"].widget.attrs["form"] = "operations-form"
        today = f"{now.astimezone(UTC):%Y-%m-%d}"
        for name in ("start", "end"):
            fields[name].widget.attrs |= {"min": f"{FIRST_DATE:%Y-%m-%d}", "max": today}

    @property
    def is_custom(self) -> bool:
        return self.data["window"] == CUSTOM_WINDOW

    def clean(self) -> dict[str, Any]:
        """Complete a custom period: without a first day it has one day, and without a last day it ends today."""
        values: dict[str, Any] = super().clean() or {}
        if not self.is_custom or self.errors.keys() & {"start", "end"}:
            return values
        today = self.now.astimezone(UTC).date()
        end = min(values["end"] or today, today)
        start = values["start"] or end
        if not FIRST_DATE <= start <= end:
            self.add_error("start", _("Select a first day that is not after the last day, and not in the future."))
        elif (end - start).days >= MAX_CUSTOM_DAYS:
            message = ngettext("Select at most %(days)d day.", "Select at most %(days)d days.", MAX_CUSTOM_DAYS)
            self.add_error("end", message % {"days": MAX_CUSTOM_DAYS})
        return values | {"start": start, "end": end}

    def get_window(self) -> Window:
        """Return the selected window. It ends now, except that a custom window may end earlier."""
        if self.is_custom:
            return get_custom_window(self.cleaned_data["start"], self.cleaned_data["end"], now=self.now)
        return get_window(self.cleaned_data["window"], now=self.now)

    def name_references(self, window: Window) -> None:
        """Name the windows to compare with. The names depend on the selected window."""
        fields: Any = self.fields
        fields["against"].choices = list_reference_choices(window)

    def get_version_ids(self) -> list[UUID] | None:
        """Return the ids of the selected versions, or None if all models are selected."""
        model, version = self.cleaned_data["model"], self.cleaned_data["version"]
        if version:
            return [version.pk]
        return list(model.versions.values_list("pk", flat=True)) if model else None

    def get_model_reference(self) -> str:
        """Return the selected model or version as a reference such as `digits:3`, or an empty string."""
        return str(self.cleaned_data["version"] or (self.cleaned_data["model"] and self.cleaned_data["model"].name) or "")

    def get_period_parameters(self) -> dict[str, str]:
        """Return the query parameters of the selected period, to link to this page for another model."""
        names = ("window", "start", "end") if self.is_custom else ("window",)
        return {name: self.data[name] for name in names if self.data[name]}
