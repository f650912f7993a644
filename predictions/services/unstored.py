"""Predictions whose data is not stored: their rows contain only the user, the version, the status, and the timings."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from core.rows import clone_row
from predictions.models import Prediction
from predictions.models.input import EMPTY_INPUT
from predictions.models.prediction import EMPTY_OUTPUT
from predictions.paths import get_input_path
from predictions.services.inputs import PreparedInput


def hide_data(prediction: Prediction, prepared: PreparedInput) -> tuple[Prediction, PreparedInput]:
    """Return copies to store in place of a prediction and its input: without any data of the input and the output.

    They have the same IDs. The originals are what the response contains, and show that the data is not stored.
    """
    prepared.row.data_removed_at = timezone.now()
    row = clone_row(
        prepared.row,
        related={},
        **EMPTY_INPUT,
        features=None if prepared.row.features is None else {},
        image=get_input_path(prepared.row, "") if prepared.data else "",  # a path without a file, as of removed images
    )
    output: dict[str, Any] | None = {} if prediction.output is not None else None
    stored = clone_row(prediction, related={"input": row}, **EMPTY_OUTPUT, output=output)
    return stored, PreparedInput(row, prepared.item)
