"""The status that says what a person may have done wrong, on pages."""

from __future__ import annotations

from inference.errors import ImageTooLarge, InvalidInput, Overloaded, UnsupportedFormat
from predictions.registry import InactiveModel, UnknownModel
from predictions.storage import StorageFull

STATUS_OF: tuple[tuple[type[Exception], int], ...] = (
    (ImageTooLarge, 413),
    (UnsupportedFormat, 415),
    (Overloaded, 503),
    (UnknownModel, 404),
    (InactiveModel, 409),
    (StorageFull, 507),
    (InvalidInput, 400),
    (LookupError, 404),
)


def status_of(error: Exception | None) -> int:
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), 500)
