"""Exceptions of this package. Each has a stable code, which the caller maps to an HTTP status."""

from __future__ import annotations

from collections.abc import Sequence

from inference.messages import clean_name

MAX_LISTED_ERRORS = 12  # errors in the message of `InvalidFeatures`; its `errors` attribute has all of them


class InferenceError(Exception):
    """Base class of all errors of this package: a stable `code` for programs and a `message` for people."""

    code = "inference-failed"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class InvalidInput(InferenceError):
    """The caller sent an invalid input. Nothing is stored."""

    code = "invalid-input"
    field = ""

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field or self.field


class InvalidImage(InvalidInput):
    """The image is damaged or not allowed."""

    code = "invalid-image"
    field = "image"


class ImageTooLarge(InvalidImage):
    """The file has more bytes than the limit."""

    code = "file-too-large"


class UnsupportedFormat(InvalidImage):
    """The file is an image, but its format is not accepted."""

    code = "unsupported-image-format"


class InvalidFeatures(InvalidInput):
    """A row of features has one or more errors, listed in `errors`. The field of each error is the feature's name."""

    code = "invalid-features"
    field = "features"

    def __init__(self, errors: Sequence[InvalidInput]) -> None:
        listed = [
            f"{clean_name(error.field)}: {error.message}" if error.field else error.message
            for error in errors[:MAX_LISTED_ERRORS]
        ]
        more = f" And {len(errors) - MAX_LISTED_ERRORS:,} more errors." if len(errors) > MAX_LISTED_ERRORS else ""
        super().__init__(" ".join(listed) + more, code=errors[0].code if len(errors) == 1 else None)
        self.errors = list(errors)


class ModelNotRun(InferenceError):
    """The input is valid, but the model did not run. Nothing is stored, and the caller can send the same request again."""


class Overloaded(ModelNotRun):
    """The model's queue is full."""

    code = "overloaded"


class ModelLoading(ModelNotRun):
    """The model is still being loaded."""

    code = "model-loading"


class ModelUnavailable(ModelNotRun):
    """The artifact is missing or cannot be loaded."""

    code = "model-unavailable"


class ArtifactMismatch(ModelUnavailable):
    """The artifact differs from the registered one."""

    code = "artifact-mismatch"


class ModelError(InferenceError):
    """The input is valid, but the model failed. The input is stored with a failed prediction."""

    code = "model-failed"


class ModelFailed(ModelError):
    """The model raised an exception while it ran."""


class InvalidOutput(ModelError):
    """The model returned an output that its signature does not allow."""

    code = "model-output-invalid"


class InferenceTimeout(ModelError):
    """The model did not respond in time."""

    code = "inference-timeout"


class InvalidSignature(InferenceError):
    """A signature contradicts itself or its artifact."""

    code = "invalid-signature"


class InvalidArtifact(InferenceError):
    """A model file must not be loaded, or its format is unknown."""

    code = "invalid-artifact"


class ConversionRefused(InferenceError):
    """A network is not converted, although it could be: it is too large, or the result would behave differently."""

    code = "conversion-refused"
