"""Errors of the model registry."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from inference.errors import InferenceError, ModelError, ModelUnavailable


class InactiveModel(InferenceError):
    """The model has no alias. Only reviewers and commands can use it."""

    code = "inactive-model"
    field = "model"


class UnknownModel(InferenceError):
    """No model, version or alias matches the reference."""

    code = "unknown-model"
    field = "model"


def describe_error(error: Exception) -> str:
    """Return the message of an error with its cause. For operators only: the cause can contain paths of the server."""
    message = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    cause = error.__cause__ if isinstance(error, ModelError | ModelUnavailable) else None
    return f"{message} ({cause})" if cause else message
