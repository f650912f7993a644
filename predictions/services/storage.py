"""Store a prediction with its input and file."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.db import DatabaseError, InterfaceError, transaction

from predictions.models import Input, Prediction
from predictions.services.inputs import PreparedInput


def store_prediction(prediction: Prediction, prepared: PreparedInput) -> None:
    """Make the file durable, then store both rows in one transaction. A crash leaves at most a file without a row."""
    row: Input = prepared.row
    row.clean_fields(exclude=["user", "image"])
    prediction.clean_fields(exclude=["user", "input", "model_version"])
    if prepared.data:
        row.image.save(row.original_name, ContentFile(prepared.data), save=False)
    is_written = False
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            prediction.save(force_insert=True)
            is_written = True
    except (DatabaseError, InterfaceError):
        if prepared.data and not is_written:  # after a failed COMMIT the rows may exist, so the file must stay
            row.image.delete(save=False)
        raise
