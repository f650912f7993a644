"""Forms for images, rows of features, texts, and examples. Signatures and services define the validation rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import escape
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inference.errors import InvalidFeatures, InvalidInput
from inference.preprocessing import find_unused_names, parse_csv_line, parse_strings, read_features
from inference.signature import TableInput, TextInput
from predictions.feature_fields import build_field, get_field_name
from predictions.input_errors import describe_feature_error, describe_text_error
from predictions.models.prediction import MAX_CLIENT_REFERENCE_CHARACTERS
from registry.references import MAX_REFERENCE_CHARACTERS

ACCEPTED_TYPES = "image/jpeg,image/png,image/webp"
MAX_FORM_FEATURES = 200  # a model with more features takes a CSV row, or requests to the API
MAX_LISTED_ERRORS = 5  # of a CSV row for such a model
MAX_LISTED_CHARACTERS = 200


class MultipleFileInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class MultipleFileField(forms.FileField):
    """Several files from one input element."""

    widget = MultipleFileInput(attrs={"accept": ACCEPTED_TYPES, "multiple": True})

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data]
        # Keep empty files: the image check reports them.
        return [file for file in files if file] or [super().clean(None, initial)]


class PredictionForm(forms.Form):
    """Fields of all prediction forms, regardless of the input.

    Attributes:
        input_field: the form field that shows the errors of an input; None for errors of the whole form.
        input_template_name: the template of the whole form.
    """

    input_field: str | None = None
    input_template_name = "predictions/_features_form.html"

    model = forms.CharField(required=False, max_length=MAX_REFERENCE_CHARACTERS, widget=forms.HiddenInput)
    client_reference = forms.CharField(
        label=_("Client reference"),
        required=False,
        max_length=MAX_CLIENT_REFERENCE_CHARACTERS,
        help_text=_("Optional. A note or your own ID, saved with the prediction."),
    )


class UploadForm(PredictionForm):
    input_field = "image"
    input_template_name = "predictions/_upload_form.html"

    image = MultipleFileField(
        label=_("Images"),
        allow_empty_file=True,
        error_messages={"required": _("Choose a JPEG, PNG, or WebP image.")},
    )


class FeaturesForm(PredictionForm):
    """One field per feature of a signature. `cleaned_data["features"]` is the validated row."""

    def __init__(self, *args: Any, table: TableInput, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table
        self.fields |= {get_field_name(index): build_field(feature) for index, feature in enumerate(table.features)}

    @property
    def feature_fields(self) -> list[forms.BoundField]:
        return [self[get_field_name(index)] for index in range(len(self.table.features))]

    @property
    def is_too_wide(self) -> bool:
        """Return whether the model takes more features than a page shows."""
        return len(self.table.features) > MAX_FORM_FEATURES

    def clean(self) -> dict[str, Any]:
        texts = {name: self.cleaned_data.get(get_field_name(index), "") for index, name in enumerate(self.table.names)}
        try:
            self.cleaned_data["features"] = read_features(parse_strings(texts, self.table), self.table)
        except InvalidFeatures as error:
            positions = {name: index for index, name in enumerate(self.table.names)}
            for problem in error.errors:
                position, text = positions[problem.field], texts[problem.field]
                message = describe_feature_error(problem, self.table.features[position], text)
                self.add_error(get_field_name(position), message)
        return self.cleaned_data

    def list_errors(self) -> list[str]:
        """Return the first errors of the fields, with the names of their features."""
        names = {get_field_name(index): name for index, name in enumerate(self.table.names)}
        errors = [f"{names[field]}: {messages[0]}" for field, messages in self.errors.items() if field in names]
        return errors[:MAX_LISTED_ERRORS]


class ImageFeaturesForm(FeaturesForm):
    """An image and one field per feature. The browser keeps the chosen image when htmx replaces the form."""

    input_field = "image"

    image = forms.FileField(
        label=_("Image"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ACCEPTED_TYPES, "hx-preserve": True}),
        error_messages={"required": _("Choose a JPEG, PNG, or WebP image.")},
    )


class TextForm(PredictionForm):
    """One text. `cleaned_data["text"]` has the line breaks of the page, `\\n`, not those of HTTP forms, `\\r\\n`."""

    input_field = "text"
    input_template_name = "predictions/_text_form.html"

    text = forms.CharField(strip=False, widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}))

    def __init__(self, *args: Any, signature: TextInput, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.signature = signature
        field = self.fields["text"]
        field.label = signature.title or gettext("Text")
        field.help_text = escape(signature.description)
        field.widget.attrs |= {"data-max-length": signature.max_length, "placeholder": signature.placeholder}

    def clean_text(self) -> str:
        try:
            return self.signature.read(self.cleaned_data["text"].replace("\r\n", "\n"))
        except InvalidInput as error:
            message = describe_text_error(error, self.signature.max_length)
            raise forms.ValidationError(message, code=error.code) from error


class CsvRowForm(forms.Form):
    """A pasted CSV row. `cleaned_data["csv"]` has its values by feature name."""

    csv = forms.CharField(
        label=_("Rows, with or without a header. Without one, the values are in the order of the fields."),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, table: TableInput, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def clean_csv(self) -> dict[str, str]:
        try:
            return parse_csv_line(self.cleaned_data["csv"], self.table)
        except InvalidInput as error:
            raise forms.ValidationError(error.message, code=error.code) from error

    def get_features_data(self) -> dict[str, str]:
        """Return the values of a valid row under the field names of FeaturesForm."""
        values = self.cleaned_data["csv"]
        return {get_field_name(index): values.get(name, "") for index, name in enumerate(self.table.names)}

    def get_unused_columns_message(self) -> str:
        """Return a message about the columns of a valid row that the model does not use; empty if there are none."""
        unused = find_unused_names(self.cleaned_data["csv"], self.table)
        names = ", ".join(name or gettext("(without a name)") for name in unused)[:MAX_LISTED_CHARACTERS]
        if not unused:
            return ""
        return gettext("The model does not use these columns: %(names)s. They were ignored.") % {"names": names}


class ExampleForm(forms.Form):
    """An example of a model version.

    Fields:
        model: the reference to run.
        version: the version whose examples the page showed, as `name:number`; empty for the one that `model` refers to.
        number: the position of the example, from 1.
    """

    model = forms.CharField(required=False)
    version = forms.CharField(required=False)
    number = forms.RegexField(r"\A[1-9][0-9]{0,2}\Z", required=False, empty_value="1")

    def clean_number(self) -> int:
        return int(self.cleaned_data["number"])
