"""Errors of the model registry."""

from __future__ import annotations

from inference.errors import InferenceError, ModelError


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
    message = getattr(error, "message", None) or " ".join(getattr(error, "messages", [str(error)]))
    cause = error.__cause__ if isinstance(error, ModelError) else None
    return f"{message} ({getattr(cause, 'message', cause)})" if cause else message
