"""One click to see a model answer: its own examples."""

from __future__ import annotations

from typing import Any

from django.core.files.base import ContentFile

from accounts.models import User
from inference.examples import Example
from inference.preprocessing import make_thumbnail
from inference.signature import TableInput
from predictions.models import Prediction
from predictions.services.predict import predict
from predictions.services.stored_files import THUMBNAIL_SIDE
from registry.models import ModelVersion
from registry.services.model_files import get_example_path

MOST_SHOWN = 6


def has_example(version: ModelVersion) -> bool:
    """Return whether a version brought an example, or examples of all features that it needs."""
    return bool(version.examples) or example_row(version) is not None


def example_names(version: ModelVersion) -> list[str]:
    """Return what the first few examples are known to be, in their order: a label, a value, or their number."""
    known = [(one.get("label"), one.get("value")) for one in version.examples[:MOST_SHOWN]]
    return [
        str(place if value is None else value) if label is None else label for place, (label, value) in enumerate(known, 1)
    ]


def example_row(version: ModelVersion, number: int = 1) -> dict[str, Any] | None:
    """Return the features of an example, or else of the features' own examples; None for images, or when one is missing."""
    taken = version.parsed_signature.input
    if not isinstance(taken, TableInput):
        return None
    if version.examples:
        return dict(_example(version, number)["features"])
    if any(one.required and one.example is None for one in taken.features):
        return None
    return {one.name: one.default if one.example is None else one.example for one in taken.features}


def predict_example(*, version: ModelVersion, user: User, number: int = 1, model: str = "") -> Prediction:
    """Ask one of a version's examples and keep the answer like any other.

    Args:
        model: who is asked, if not that very version: by its name the one answers that answers all, a standby too.

    Raises:
        LookupError: when it has no such example.
        OSError: when its picture is gone.
        InferenceError: as `predict` does.
    """
    row = example_row(version, number)
    asked = {"features": row} if row is not None else {"image": _picture(version, number)}
    return predict(user=user, source=Prediction.Source.WEB, model=model or str(version), client_reference="example", **asked)


def read_example_thumbnail(version: ModelVersion, number: int) -> bytes:
    """Return a small WebP picture of an example.

    Raises:
        LookupError: when it has no such picture.
        OSError: when the file is gone.
        InvalidInput: when it is damaged.
    """
    return make_thumbnail(_picture(version, number).read(), THUMBNAIL_SIDE)


def _picture(version: ModelVersion, number: int) -> ContentFile:
    example = Example.from_dict(_example(version, number))
    if not example.image:
        raise LookupError(f"Example {number} of {version} is no picture.")
    path = get_example_path(example.image)
    return ContentFile(path.read_bytes(), name=f"example{path.suffix}")


def _example(version: ModelVersion, number: int) -> dict[str, Any]:
    if not 1 <= number <= len(version.examples):
        raise LookupError(f"{version} has no example {number}.")
    return version.examples[number - 1]
