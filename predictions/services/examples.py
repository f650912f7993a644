"""Predict the examples that a model version was registered with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.base import ContentFile
from django.utils.translation import gettext

from accounts.models import User
from core.storage_errors import translate_read_errors
from inference.examples import Example
from inference.preprocessing import make_thumbnail
from inference.signature import TEXT_KEY, TextInput, get_table_part
from predictions.models import Prediction
from predictions.services.inputs import prepare_input
from predictions.services.predict import run_prediction
from predictions.services.stored_files import THUMBNAIL_SIDE_PIXELS
from registry.models import ModelVersion
from registry.references import ResolvedModel, resolve_model
from registry.services.model_files import get_example_path

MAX_SHOWN_EXAMPLES = 6
EXAMPLE_REFERENCE = "example"  # the client reference of predictions of examples


def has_example(version: ModelVersion) -> bool:
    """Return whether a version has an example, or its signature has an example text or row."""
    return bool(version.examples) or bool(get_example_parts(version))


def get_example_names(version: ModelVersion) -> list[str]:
    """Return the names of the first examples: the label or value or, if an example has neither, its number."""
    names = []
    for number, example in enumerate(version.examples[:MAX_SHOWN_EXAMPLES], 1):
        label, value = example.get("label"), example.get("value")
        names.append(label if label is not None else str(number if value is None else value))
    return names


def get_example_parts(version: ModelVersion, number: int = 1) -> dict[str, Any]:
    """Return the `features` and the `text` of an example or, for a version without examples, those of its signature.

    Returns:
        Empty for models that take images, and if the signature has no complete example.

    Raises:
        LookupError: the version has examples, but none with this number.
    """
    signature_input = version.parsed_signature.input
    if version.examples:
        example = _get_example(version, number)
        return {name: example[name] for name in ("features", TEXT_KEY) if example.get(name) is not None}
    if isinstance(signature_input, TextInput):
        return {TEXT_KEY: signature_input.example} if signature_input.example else {}
    table = get_table_part(signature_input)
    is_row_only = signature_input.parts == ("features",)
    if not table or not is_row_only or any(feature.required and feature.example is None for feature in table.features):
        return {}
    row = {feature.name: feature.default if feature.example is None else feature.example for feature in table.features}
    return {"features": row}


def predict_example(
    *,
    version: ModelVersion,
    user: User,
    number: int = 1,
    resolved: ResolvedModel | None = None,
    in_transaction: Callable[[Prediction], object] | None = None,
) -> Prediction:
    """Predict one of a version's examples and store the prediction like any other.

    Args:
        resolved: the model to run, which may be a newer version than that of the example. Default: `version`.
        in_transaction: as `predict` takes it.

    Raises:
        LookupError: the version has no example with this number.
        FileNotFoundError: the image of the example is missing.
        InferenceError, StorageUnavailable, DatabaseError: as `predict` does.
    """
    parts = get_example_parts(version, number)
    if "image" in version.parsed_signature.input.parts:
        parts["image"] = _open_image(version, number)
    resolved = resolved or resolve_model(str(version), user=user)
    prepared = prepare_input(resolved.version, user=user, **parts)
    return run_prediction(
        resolved=resolved,
        prepared=prepared,
        user=user,
        source=Prediction.Source.WEB,
        client_reference=EXAMPLE_REFERENCE,
        in_transaction=in_transaction,
    )


def read_example_thumbnail(version: ModelVersion, number: int) -> bytes:
    """Return the image of an example as a small WebP.

    Raises:
        LookupError: the version has no example image with this number.
        FileNotFoundError: the file is missing.
        StorageUnavailable: the file cannot be read at the moment.
        InvalidInput: the file is damaged.
    """
    return make_thumbnail(_open_image(version, number).read(), THUMBNAIL_SIDE_PIXELS)


def _open_image(version: ModelVersion, number: int) -> ContentFile:
    example = Example.from_dict(_get_example(version, number))
    if not example.image:
        raise LookupError(
            gettext("Example %(number)s of %(version)s is not an image.") % {"number": number, "version": version}
        )
    path = get_example_path(example.image)
    with translate_read_errors():
        data = path.read_bytes()
    return ContentFile(data, name=f"example{path.suffix}")


def _get_example(version: ModelVersion, number: int) -> dict[str, Any]:
    if not 1 <= number <= len(version.examples):
        raise LookupError(gettext("%(version)s has no example %(number)s.") % {"version": version, "number": number})
    return version.examples[number - 1]
