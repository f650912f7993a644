"""What somebody asks about, checked and ready: for the model, and for the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.base import File

from accounts.models import User
from inference.errors import InvalidInput
from inference.preprocessing import ImageLimits, canonical_json, check_size, read_features, read_image
from inference.signature import TableInput
from predictions.models import Input, ModelVersion
from predictions.registry import spec_of
from predictions.validators import clean_file_name

HOW = {"image": "image, as a file part of multipart/form-data", "features": "features, as JSON"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One input: a row of the ledger that is not stored yet, what the model is given, and the file to keep."""

    row: Input
    item: Any
    data: bytes = b""


def read_input(
    version: ModelVersion,
    *,
    user: User | None,
    image: File | None = None,
    features: Any = None,
    feature_order: Sequence[str] | None = None,
    named: bool = True,
) -> Asked:
    """Check the one input that the model takes; another kind, both or neither are refused.

    Raises:
        InvalidInput: naming all that is wrong.
    """
    taken = spec_of(version).signature.input
    wanted = "features" if isinstance(taken, TableInput) else "image"
    given = {name: value for name, value in {"image": image, "features": features}.items() if value is not None}
    if given.keys() != {wanted}:
        raise InvalidInput(
            f"Expected {HOW[wanted]}, for the model {version.model.name}{'' if named else ', the default'}. "
            f"Received: {' and '.join(given) or 'neither'}.",
            code="wrong-input" if given else "required",
            field=wanted,
        )
    if isinstance(taken, TableInput):
        return _of_features(read_features(features, taken, order=feature_order), user)
    if feature_order is not None:
        raise InvalidInput("Expected feature_order beside features only.", code="wrong-input", field="feature_order")
    return _of_image(given["image"], user)


def as_taken_by(version: ModelVersion, asked: Asked) -> Any:
    """Return what another version would be given for the same input.

    Raises:
        InvalidInput: when it takes something else.
    """
    taken = spec_of(version).signature.input
    return read_features(asked.item, taken) if isinstance(taken, TableInput) else asked.item


def image_limits() -> ImageLimits:
    """Return what an uploaded image may be, as configured."""
    return ImageLimits(max_bytes=settings.MAX_UPLOAD_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS)


def _of_image(image: File, user: User | None) -> Asked:
    limits = image_limits()
    check_size(image.size, limits)
    data = image.read()
    picture = read_image(data, limits)
    row = Input(
        user=user,
        kind=Input.Kind.IMAGE,
        sha256=hashlib.sha256(data).hexdigest(),
        content_type=picture.content_type,
        width=picture.width,
        height=picture.height,
        size=len(data),
        original_name=clean_file_name(image.name),
    )
    return Asked(row, picture.image, data)


def _of_features(features: dict[str, Any], user: User | None) -> Asked:
    data = canonical_json(features)
    row = Input(
        user=user,
        kind=Input.Kind.TABULAR,
        features=features,
        sha256=hashlib.sha256(data).hexdigest(),
        content_type="application/json",
        size=len(data),
    )
    return Asked(row, features)
