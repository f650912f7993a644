"""The forms of the home page: images to upload, or a row of features. The rules are the service's and the signature's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import escape

from core.formatting import format_value
from inference.errors import InvalidFeatures
from inference.preprocessing import parse_strings, read_features
from inference.signature import Feature, TableInput

ACCEPT = "image/jpeg,image/png,image/webp"
MAX_ON_A_FORM = 200  # features; more are asked by program


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files by one input."""

    widget = FilesInput(attrs={"accept": ACCEPT, "multiple": True})

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data]
        # An empty file passes here: the service's rule names it.
        return [file for file in files if file] or [super().clean(None, initial)]


class PredictionForm(forms.Form):
    """What every question may say beside its input."""

    model = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)
    client_reference = forms.CharField(
        label="Reference", required=False, max_length=255, help_text="Optional: your own id or a note, kept with the answer."
    )


class UploadForm(PredictionForm):
    image = FilesField(
        label="Images",
        allow_empty_file=True,
        error_messages={"required": "Choose an image first: JPEG, PNG or WebP."},
    )


class FeaturesForm(PredictionForm):
    """One field per feature of a signature; `cleaned_data["features"]` is the validated row."""

    def __init__(self, *args: Any, table: TableInput, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table
        self.fields |= {field_name(number): _field_of(feature) for number, feature in enumerate(table.features)}

    @property
    def feature_fields(self) -> list[forms.BoundField]:
        return [self[field_name(number)] for number in range(len(self.table.features))]

    def clean(self) -> dict[str, Any]:
        texts = {name: self.cleaned_data.get(field_name(number), "") for number, name in enumerate(self.table.names)}
        try:
            self.cleaned_data["features"] = read_features(parse_strings(texts, self.table), self.table)
        except InvalidFeatures as error:
            for one in error.errors:
                message = "Missing." if one.code == "required" else one.message  # what it may be stands beside the field
                self.add_error(field_name(self.table.names.index(one.field)), message)
        return self.cleaned_data


def field_name(number: int) -> str:
    """Return the name of the field of a feature; features may be called anything."""
    return f"feature-{number}"


def initial_of(features: Mapping[str, Any], table: TableInput) -> dict[str, str]:
    """Return a row as the texts that a form shows."""
    return {field_name(number): _as_text(features.get(name)) for number, name in enumerate(table.names)}


def _as_text(value: Any) -> str:
    return "" if value is None else format_value(value)


def _field_of(feature: Feature) -> forms.CharField:
    return forms.CharField(
        label=_label_of(feature),
        required=False,
        strip=False,
        widget=_widget_of(feature),
        help_text=escape(_help_on(feature)),
    )


def _label_of(feature: Feature) -> str:
    words = feature.display_name
    return words[:1].upper() + words[1:] + (f" ({feature.unit})" if feature.unit else "")


def _widget_of(feature: Feature) -> forms.Widget:
    attrs: dict[str, Any] = {"required": True} if feature.required else {}
    if feature.type == "boolean" or feature.values:
        allowed = [(_as_text(value), _as_text(value)) for value in feature.values] or [("true", "yes"), ("false", "no")]
        empty = (
            "choose"
            if feature.required
            else "left out"
            if feature.default is None
            else f"default: {_as_text(feature.default)}"
        )
        return forms.Select(attrs=attrs, choices=[("", f"({empty})"), *allowed])
    example = feature.example if feature.example is not None else feature.default
    if example is not None:
        attrs["placeholder"] = f"such as {_as_text(example)}"
    if feature.type == "text":
        return forms.TextInput(attrs=attrs)
    bounds = {name: getattr(feature, name) for name in ("min", "max") if getattr(feature, name) is not None}
    return forms.NumberInput(attrs={**attrs, **bounds, "step": "1" if feature.type == "integer" else "any"})


def _help_on(feature: Feature) -> str:
    """Return what the feature is and what is allowed, in few words."""
    bounds = (None, None) if feature.values else (feature.min, feature.max)
    low, high = (None if bound is None else _as_text(bound) for bound in bounds)
    reach = f"{low} to {high}" if low and high else f"{low} or more" if low else f"up to {high}" if high else ""
    whole = "whole number" if feature.type == "integer" and not feature.values else ""
    allowed = ", ".join(part for part in (whole, reach) if part)
    left_out = (
        ""
        if feature.required
        else "May be left out."
        if feature.default is None
        else f"Default: {_as_text(feature.default)}."
    )
    return " ".join(
        part
        for part in (feature.description.strip(), f"{allowed[:1].upper()}{allowed[1:]}." if allowed else "", left_out)
        if part
    )
