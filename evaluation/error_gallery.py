"""The errors that the evaluation page shows: the newest incorrect predictions, or those with the largest errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from core.formatting import format_number
from evaluation.sql.sample import SampleRow
from predictions.models import Prediction
from predictions.presentation import format_labels

MAX_ERRORS = 24


class ListedError(NamedTuple):
    """A wrong prediction, with its output and the true one as texts. `error` is the predicted minus the true value."""

    prediction: Prediction
    output: str
    true: str
    error: float | None = None


def list_errors(
    rows: Sequence[SampleRow], *, is_regression: bool, reader: AbstractBaseUser | AnonymousUser
) -> list[ListedError]:
    """Return the newest incorrect predictions of the sample or, for regression, those with the largest errors.

    Predictions that the reader can no longer see are left out.
    """
    if is_regression:
        measured = [row for row in rows if row.error]
        chosen = sorted(measured, key=lambda row: -abs(row.error or 0))[:MAX_ERRORS]
    else:
        chosen = [row for row in rows if row.verdict == "incorrect"][:MAX_ERRORS]
    predictions = _read_predictions([row.prediction for row in chosen], reader)
    return [
        _build_error(predictions[row.prediction], row, is_regression=is_regression)
        for row in chosen
        if row.prediction in predictions
    ]


def _read_predictions(ids: Sequence[UUID], reader: AbstractBaseUser | AnonymousUser) -> dict[UUID, Prediction]:
    if not ids:
        return {}
    rows = (
        Prediction.objects.visible_to(reader).filter(pk__in=ids, input__data_removed_at=None).with_related().with_reviews()
    )
    return {prediction.pk: prediction for prediction in rows}


def _build_error(prediction: Prediction, row: SampleRow, *, is_regression: bool) -> ListedError:
    if is_regression:
        return ListedError(prediction, format_number(row.value), format_number(row.true_value), row.error)
    review = next((review for review in prediction.active_reviews if review.verdict != "unsure"), None)
    labels = prediction.predicted_labels
    if labels is not None:
        true_labels = review.true_labels if review else None
        return ListedError(prediction, format_labels(labels), "–" if true_labels is None else format_labels(true_labels))
    return ListedError(prediction, prediction.label, (review and review.true_label) or "–")
