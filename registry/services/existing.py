"""Compare a version that is being registered with the versions of its model that exist."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings

from inference.errors import InvalidSignature
from inference.loader import find_converted_problem
from registry.integrity import find_artifact_problem
from registry.models import ModelVersion, RegisteredModel
from registry.serving import get_converted_file

TABULAR_KIND_STEP = (
    'A model with a single column of text becomes a text model. To keep it tabular, set kind = "tabular" in [input] of '
    "model.toml, or set another name with --name."
)
COMPARED_FIELDS = ("runtime", "trusted", "signature", "labels", "examples", "notes")


def find_existing_version(version: ModelVersion, *, is_converted: bool) -> ModelVersion | None:
    """Return the newest intact version of the same model with the same artifact and description.

    Args:
        is_converted: whether a converted network runs in place of the artifact.
    """
    expected = {name: _to_json(getattr(version, name)) for name in COMPARED_FIELDS}
    for row in ModelVersion.objects.filter(model__name=version.model.name, sha256=version.sha256).select_related("model"):
        is_equal = {name: getattr(row, name) for name in COMPARED_FIELDS} == expected
        if is_equal and bool(row.conversion) == is_converted and _is_intact(row):
            return row
    return None


def is_in_use(model: RegisteredModel) -> bool:
    """Return whether any row refers to a version of the model: an alias, also an earlier one, or a prediction."""
    versions = ModelVersion.objects.filter(model=model)
    # Apps above this one refer to versions too, and are not imported here.
    relations: list[Any] = [field for field in ModelVersion._meta.get_fields(include_hidden=True) if field.one_to_many]
    return any(
        relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": versions}).exists()
        for relation in relations
    )


def check_task(model: RegisteredModel, task: str) -> None:
    """Check that a new version of an existing model has the task of the model, or that the task can still be changed.

    Raises:
        InvalidSignature: the tasks differ, and a version of the model is or was in use.
    """
    if model.task != task and is_in_use(model):
        is_text = model.task.startswith("tabular") and task.startswith("text")
        raise InvalidSignature(
            f"All versions of {model.name} must be models for {model.task}. This model is for {task}. "
            f"{TABULAR_KIND_STEP if is_text else 'Set another name with --name.'}"
        )


def _is_intact(version: ModelVersion) -> bool:
    converted = get_converted_file(version, settings.MODEL_ROOT)
    return not find_artifact_problem(version) and not (converted and find_converted_problem(converted))


def _to_json(value: Any) -> Any:
    """Return a value as the database returns it: tuples become lists."""
    return json.loads(json.dumps(value))
