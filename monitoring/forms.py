"""The form of the operations page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict

from monitoring.drift.report import REFERENCE_CHOICES, SPAN_CHOICES
from monitoring.windows import DEFAULT_WINDOW, WINDOW_CHOICES
from registry.models import ModelVersion, RegisteredModel

DEFAULTS = {"window": DEFAULT_WINDOW, "model": "", "version": "", "span": "7d", "against": "before"}


class OperationsForm(forms.Form):
    """The period, model and version of the operations page, and the windows that drift detection compares.

    Missing parameters have a default. A version without a model is ignored.
    """

    window = forms.ChoiceField(label="Period", choices=[(key, choice.label) for key, choice in WINDOW_CHOICES.items()])
    model = forms.ModelChoiceField(
        RegisteredModel.objects.all(), to_field_name="name", required=False, empty_label="All models"
    )
    version = forms.ModelChoiceField(
        ModelVersion.objects.none(), to_field_name="number", required=False, empty_label="All versions"
    )
    span = forms.ChoiceField(label="Drift in the last", choices=list(SPAN_CHOICES.items()))
    against = forms.ChoiceField(label="Compared with", choices=list(REFERENCE_CHOICES.items()))

    def __init__(self, data: QueryDict) -> None:
        values = {name: data.get(name, "").replace("\0", "") or default for name, default in DEFAULTS.items()}
        if not values["model"]:
            values["version"] = ""
        super().__init__(values, label_suffix="")
        fields: Any = self.fields
        fields["version"].queryset = ModelVersion.objects.filter(model__name=values["model"]).select_related("model")
        fields["version"].label_from_instance = lambda version: f"Version {version.number}"
        for name in ("span", "against"):
            fields[name].widget.attrs["form"] = "operations-form"

    def get_version_ids(self) -> list[UUID] | None:
        """Return the ids of the selected versions, or None if all models are selected."""
        model, version = self.cleaned_data["model"], self.cleaned_data["version"]
        if version:
            return [version.pk]
        return list(model.versions.values_list("pk", flat=True)) if model else None

    def get_model_reference(self) -> str:
        """Return the selected model or version as a reference such as `digits:3`, or an empty string."""
        return str(self.cleaned_data["version"] or (self.cleaned_data["model"] and self.cleaned_data["model"].name) or "")
