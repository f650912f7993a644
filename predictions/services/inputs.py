"""Validate an input and prepare it for the model and for storage."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File

from accounts.models import User
from core.limits import get_image_limits
from core.validators import clean_file_name
from inference.errors import InvalidInput
from inference.preprocessing import check_file_size, read_features, read_image, to_canonical_json
from inference.signature import TableInput
from inference.types import ModelInput
from predictions.models import Input
from registry.models import ModelVersion

INPUT_DESCRIPTIONS = {
    "image": "an image, sent as a file part of multipart/form-data",
    "features": "features, sent as JSON",
}


@dataclass(frozen=True, slots=True)
class PreparedInput:
    """A validated input.

    Args:
        row: the unsaved `Input`.
        item: the input of the predictor.
        data: the bytes of the file to store; empty for features.
    """

    row: Input
    item: ModelInput
    data: bytes = b""


def prepare_input(
    version: ModelVersion,
    *,
    user: User | None,
    image: File | None = None,
    features: Any = None,
    feature_order: Sequence[str] | None = None,
    is_default_model: bool = False,
) -> PreparedInput:
    """Validate an input and prepare it for a version. Exactly one of `image` and `features` is expected.

    Args:
        is_default_model: the request named no model; error messages then mention that this is the default.

    Raises:
        InvalidInput: the input is missing, invalid, or of the wrong kind, or both kinds are given. The message lists all
            errors.
    """
    signature_input = version.parsed_signature.input
    expected = "features" if isinstance(signature_input, TableInput) else "image"
    received = {name: value for name, value in {"image": image, "features": features}.items() if value is not None}
    if received.keys() != {expected}:
        raise InvalidInput(
            f"The {'default model' if is_default_model else 'model'} {version.model.name} takes "
            f"{INPUT_DESCRIPTIONS[expected]}. Received: {' and '.join(received) or 'no input'}.",
            code="wrong-input" if received else "required",
            field=expected,
        )
    if isinstance(signature_input, TableInput):
        return prepare_features(read_features(features, signature_input, order=feature_order), user=user)
    if feature_order is not None:
        raise InvalidInput("feature_order is only valid with features.", code="wrong-input", field="feature_order")
    return prepare_image(received["image"], user=user)


def prepare_image(image: File, *, user: User | None) -> PreparedInput:
    """Check an uploaded image and decode it.

    Raises:
        InvalidInput: the file is too large, of another format, damaged, or has too many pixels.
    """
    limits = get_image_limits()
    check_file_size(image.size, limits)
    data = image.read()
    decoded = read_image(data, limits)
    row = Input(
        user=user,
        kind=Input.Kind.IMAGE,
        sha256=hashlib.sha256(data).hexdigest(),
        content_type=decoded.content_type,
        width=decoded.width,
        height=decoded.height,
        size=len(data),
        original_name=clean_file_name(image.name),
    )
    return PreparedInput(row, decoded.image, data)


def prepare_features(features: dict[str, Any], *, user: User | None) -> PreparedInput:
    """Prepare a row of features that `read_features` has validated."""
    data = to_canonical_json(features)
    row = Input(
        user=user,
        kind=Input.Kind.TABULAR,
        features=features,
        sha256=hashlib.sha256(data).hexdigest(),
        content_type="application/json",
        size=len(data),
    )
    return PreparedInput(row, features)


def convert_item(prepared: PreparedInput, version: ModelVersion) -> ModelInput:
    """Convert a prepared input for another version.

    Raises:
        InvalidInput: that version does not accept this input.
    """
    signature_input = version.parsed_signature.input
    if isinstance(signature_input, TableInput):
        return read_features(prepared.item, signature_input)
    return prepared.item
