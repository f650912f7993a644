"""One click to see a model answer: its own example."""

from __future__ import annotations

from typing import Any

from django.core.files.base import ContentFile

from accounts.models import User
from inference.examples import Example
from inference.signature import TableInput
from predictions.models import ModelVersion, Prediction
from predictions.registry import spec_of
from predictions.services.predict import predict
from predictions.services.verify import example_path


def has_example(version: ModelVersion) -> bool:
    """Return whether a version brought an example, or examples of all features that it needs."""
    return bool(version.examples) or example_row(version) is not None


def example_row(version: ModelVersion) -> dict[str, Any] | None:
    """Return the features of a version's first example, or of its features' own; None for images, or when one is missing."""
    taken = spec_of(version).signature.input
    if not isinstance(taken, TableInput):
        return None
    if version.examples:
        return dict(version.examples[0]["features"])
    if any(one.required and one.example is None for one in taken.features):
        return None
    return {one.name: one.default if one.example is None else one.example for one in taken.features}


def ask_example(*, version: ModelVersion, user: User) -> Prediction:
    """Ask a version its example and keep the answer like any other.

    Raises:
        LookupError: when it has none.
        InferenceError: as `predict` does.
    """
    row = example_row(version)
    if row is None and not version.examples:
        raise LookupError(f"{version} has no example")
    asked = {"features": row} if row is not None else {"image": _picture(Example.from_dict(version.examples[0]))}
    return predict(user=user, source=Prediction.Source.WEB, model=str(version), client_reference="example", **asked)


def _picture(example: Example) -> ContentFile:
    path = example_path(example.image)
    return ContentFile(path.read_bytes(), name=f"example{path.suffix}")
