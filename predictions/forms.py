"""The upload form. The rules of a single image are the service's; here is only what a form can know."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

ACCEPT = "image/jpeg,image/png,image/webp"


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files by one input."""

    widget = FilesInput(attrs={"accept": ACCEPT, "multiple": True})

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data]
        # An empty file passes here: the service's rule names it.
        return [file for file in files if file] or [super().clean(None, initial)]


class UploadForm(forms.Form):
    image = FilesField(
        label="Images",
        allow_empty_file=True,
        error_messages={"required": "Choose an image first: JPEG, PNG or WebP."},
    )
    model = forms.ChoiceField(label="Model", required=False)
    client_reference = forms.CharField(
        label="Reference", required=False, max_length=255, help_text="Optional: your own id or a note, kept with the answer."
    )

    def __init__(self, *args: Any, models: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"].choices = models  # type: ignore[attr-defined]
