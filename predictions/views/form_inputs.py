"""The forms of the Predict page by kind of input, and the inputs of a submitted form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.conf import settings

from accounts.models import User
from core.formatting import format_bytes
from inference.signature import TEXT_KEY, AnyInput, TextInput, get_image_part, get_table_part
from predictions.feature_fields import get_initial_features
from predictions.forms import (
    FeaturesForm,
    ImageFeaturesForm,
    PredictionForm,
    TextForm,
    UploadForm,
)
from predictions.models import Input
from predictions.services.examples import get_example_parts
from predictions.services.inputs import PreparedInput, prepare_features, prepare_image, prepare_text
from registry.models import ModelVersion

FORM_CLASSES: dict[tuple[str, ...], type[PredictionForm]] = {
    ("image",): UploadForm,
    ("features",): FeaturesForm,
    (TEXT_KEY,): TextForm,
    ("image", "features"): ImageFeaturesForm,
}


def get_form_arguments(signature_input: AnyInput) -> dict[str, Any]:
    """Return the keyword arguments that the form of an input takes in addition to those of Django's forms."""
    if isinstance(signature_input, TextInput):
        return {"signature": signature_input}
    table = get_table_part(signature_input)
    return {"table": table} if table else {}


def get_job_limits(signature_input: AnyInput) -> dict[str, Any] | None:
    """Return the limits of the file of a batch job; None for images with features, whose form takes no such file."""
    if FORM_CLASSES[signature_input.parts] is ImageFeaturesForm:
        return None
    return {"bytes": settings.MAX_BATCH_FILE_BYTES, "size": format_bytes(settings.MAX_BATCH_FILE_BYTES)}


def get_initial_input(version: ModelVersion, *, row: Input | None, example: str) -> dict[str, Any]:
    """Return the initial values of the form: those of a stored input or, if there is none, of an example by its number."""
    parts: dict[str, Any] = {"features": row.features, TEXT_KEY: row.text} if row else _find_example_parts(version, example)
    if isinstance(version.parsed_signature.input, TextInput):
        return {TEXT_KEY: parts.get(TEXT_KEY) or ""}
    table = get_table_part(version.parsed_signature.input)
    return get_initial_features(parts["features"], table) if table and parts.get("features") else {}


def iterate_inputs(
    form: PredictionForm, user: User, signature_input: AnyInput
) -> Iterator[tuple[str, Callable[[], PreparedInput]]]:
    """Yield the inputs of a valid form: the name of the file, and a function that prepares the input or rejects it."""
    values = form.cleaned_data
    prepare_any_image = partial(prepare_image, user=user, signature=get_image_part(signature_input))
    if isinstance(form, TextForm):
        yield "", partial(prepare_text, values[TEXT_KEY], user=user)
    elif isinstance(form, ImageFeaturesForm):
        yield "", partial(prepare_any_image, values["image"], features=values["features"])
    elif isinstance(form, FeaturesForm):
        yield "", partial(prepare_features, values["features"], user=user)
    else:
        for file in values["image"]:
            yield file.name, partial(prepare_any_image, file)


def _find_example_parts(version: ModelVersion, number: str) -> dict[str, Any]:
    try:
        return get_example_parts(version, int(number)) if number else {}
    except (LookupError, ValueError):
        return {}
