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
    """Return the models in production, followed by the current version if none of them refers to it.

    Args:
        version: the version on the page; None if its reference is invalid.
        reference: as requested; empty for the default model.

    If several models have the same title, their names are added to it.
    """
    models = list(RegisteredModel.objects.in_production().order_by("created_at"))
    title_counts = Counter(model.title for model in models)
    current = reference or (version.model.name if version else "")
    choices = [
        ModelChoice(
            model.name,
            model.title if title_counts[model.title] == 1 else f"{model.title} ({model.name})",
            is_current=model.name == current,
        )
        for model in models
    ]
    if version and not any(choice.is_current for choice in choices):
        choices.append(ModelChoice(current, f"{version.model.title} ({current})", is_current=True))
    return choices
