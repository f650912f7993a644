"""What can go wrong between a file and an answer. The core raises meaning; each door gives it a status."""

from __future__ import annotations

from collections.abc import Sequence

MOST_TOLD = 12  # mistakes of one row that its message spells out; `errors` has them all


class InferenceError(Exception):
    """Base of all errors of this package: a stable `code` for programs, a sentence for people."""

    code = "inference-failed"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class InvalidInput(InferenceError):
    """The caller sent something that cannot be asked about. Nothing is stored."""

    code = "invalid-input"
    field = ""

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field or self.field


class InvalidImage(InvalidInput):
    code = "invalid-image"
    field = "image"


class ImageTooLarge(InvalidImage):
    """More bytes than the limit."""

    code = "file-too-large"


class UnsupportedFormat(InvalidImage):
    """An image, but not of a format that is accepted."""

    code = "unsupported-image-format"


class InvalidFeatures(InvalidInput):
    """A row of features with one or more mistakes, in `errors`; the field of each is the feature's name."""

    code = "invalid-features"
    field = "features"

    def __init__(self, errors: Sequence[InvalidInput]) -> None:
        told = " ".join(f"{error.field}: {error.message}" if error.field else error.message for error in errors[:MOST_TOLD])
        more = f" And {len(errors) - MOST_TOLD:,} more mistakes." if len(errors) > MOST_TOLD else ""
        super().__init__(told + more, code=errors[0].code if len(errors) == 1 else None)
        self.errors = list(errors)


class Overloaded(InferenceError):
    """The model's queue is full: nothing was run, the same request may be sent again."""

    code = "overloaded"


class ModelError(InferenceError):
    """The model, not the caller, is at fault. The input is kept with a failed prediction."""

    code = "model-failed"


class ModelFailed(ModelError):
    """The model raised an error of its own while it ran."""


class ModelUnavailable(ModelError):
    """The artifact is missing or does not load."""

    code = "model-unavailable"


class ArtifactMismatch(ModelUnavailable):
    """The artifact's bytes are not the registered ones."""

    code = "artifact-mismatch"


class InvalidOutput(ModelError):
    """The model answered something that its signature excludes."""

    code = "model-output-invalid"


class InferenceTimeout(ModelError):
    code = "inference-timeout"


class InvalidSignature(InferenceError):
    """A signature that contradicts itself or its artifact."""

    code = "invalid-signature"


class InvalidArtifact(InferenceError):
    """A model file that must not be loaded or is of no known kind."""

    code = "invalid-artifact"
