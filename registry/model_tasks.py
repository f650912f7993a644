"""The task of a model, by the kinds of its input and output."""

from __future__ import annotations

from inference.signature import Signature
from registry.models import RegisteredModel

Task = RegisteredModel.Task
TASK_BY_KINDS = {  # (kind of input, kind of output)
    ("image", "classes"): Task.IMAGE_CLASSIFICATION,
    ("image", "label"): Task.IMAGE_CLASSIFICATION,
    ("image", "value"): Task.IMAGE_REGRESSION,
    ("image", "labels"): Task.IMAGE_MULTI_LABEL,
    ("image-tabular", "classes"): Task.IMAGE_CLASSIFICATION,
    ("image-tabular", "label"): Task.IMAGE_CLASSIFICATION,
    ("image-tabular", "value"): Task.IMAGE_REGRESSION,
    ("image-tabular", "labels"): Task.IMAGE_MULTI_LABEL,
    ("tabular", "classes"): Task.TABULAR_CLASSIFICATION,
    ("tabular", "label"): Task.TABULAR_CLASSIFICATION,
    ("tabular", "labels"): Task.TABULAR_MULTI_LABEL,
    ("tabular", "value"): Task.TABULAR_REGRESSION,
    ("text", "classes"): Task.TEXT_CLASSIFICATION,
    ("text", "label"): Task.TEXT_CLASSIFICATION,
    ("text", "labels"): Task.TEXT_MULTI_LABEL,
    ("text", "value"): Task.TEXT_REGRESSION,
}


def get_task(signature: Signature) -> str:
    """Return the task of a model with this signature."""
    return TASK_BY_KINDS.get((signature.input.kind, signature.output.kind), Task.OTHER)
