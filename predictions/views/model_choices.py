"""The models that the Predict page offers."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from registry.models import ModelVersion, RegisteredModel


class ModelChoice(NamedTuple):
    reference: str
    title: str
    is_current: bool


def list_model_choices(version: ModelVersion | None, reference: str) -> list[ModelChoice]:
    """Return the models in production, and last the current version if it has no such name.

    Args:
        version: the version on the page; None if its reference is invalid.
        reference: as requested; empty for the default model.

    The name is added to a title that several models share.
    """
    models = list(RegisteredModel.objects.in_production().order_by("created_at"))
    title_counts = Counter(model.title for model in models)
    current = reference or (version.model.name if version else "")
    choices = [
        ModelChoice(
            model.name,
            model.title if title_counts[model.title] == 1 else f"{model.title} ({model.name})",
            model.name == current,
        )
        for model in models
    ]
    if version and not any(choice.is_current for choice in choices):
        choices.append(ModelChoice(current, f"{version.model.title} ({current})", True))
    return choices
