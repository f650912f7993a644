"""Forms of batch jobs: upload a file, and choose the column of each feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inference.signature import TableInput
from predictions.feature_fields import format_field_label
from registry.references import MAX_REFERENCE_CHARACTERS

ACCEPTED_FILES = ".csv,.tsv,.zip,text/csv,application/zip"
MAX_MAPPING_OPTIONS = 20_000  # columns times features; a larger table must have the names of the features in its header


class BatchFileForm(forms.Form):
    """A model and the file of a batch job."""

    model = forms.CharField(
        required=False,
        max_length=MAX_REFERENCE_CHARACTERS,
        label=_("Model"),
        widget=forms.Select(attrs={"autocomplete": "off"}),
    )
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        max_length=None,
        widget=forms.FileInput(attrs={"accept": ACCEPTED_FILES}),
        error_messages={"required": _("Choose a CSV file or a ZIP file.")},
    )

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], limit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_models = bool(choices)
        self.fields["model"].widget.choices = choices
        self.fields["file"].help_text = gettext(
            "A CSV file for a model that takes rows or texts, or a ZIP file for a model that takes images, up to %(limit)s. "
            "The columns of a CSV file have the names of the features. For a model that takes images with features, add a "
            "CSV file to the ZIP file. Its column “image” has the names of the images."
        ) % {"limit": limit}


class ColumnsForm(forms.Form):
    """The column of each feature. Without fields if the table is too large for a form.

    `get_mapping` returns the chosen column by the name of the feature.
    """

    def __init__(
        self, *args: Any, table: TableInput, columns: Sequence[str], mapping: Mapping[str, str | None], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        names = [name for name in dict.fromkeys(columns) if name]
        self.features = {}
        if len(names) * len(table.features) > MAX_MAPPING_OPTIONS:
            return
        for index, feature in enumerate(table.features):
            field = forms.ChoiceField(
                label=format_field_label(feature),
                required=False,
                choices=[
                    ("", gettext("No column") if feature.required else gettext("No column (use the default)")),
                    *((name, name) for name in names),
                ],
                initial=mapping.get(feature.name) or "",
                error_messages={"invalid_choice": _("The file has no such column.")},
            )
            field.widget.attrs["form"] = "start-form"
            self.fields[f"column-{index}"] = field
            self.features[f"column-{index}"] = feature.name

    def get_mapping(self) -> dict[str, str | None] | None:
        """Return the column of each feature, or None for the columns with the names of the features."""
        if not self.features:
            return None
        return {name: self.cleaned_data.get(field) or None for field, name in self.features.items()}
