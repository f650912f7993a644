"""Queue predictions, wait for them, and cancel them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.utils import timezone

from accounts.models import User
from accounts.services.usage import count_predictions
from core.locks import RowDeleted, refresh_row
from core.tasks import enqueue
from inference.errors import InferenceError
from predictions.models import Prediction, QueuedPrediction
from predictions.services.background.transitions import finish_prediction, finish_predictions
from predictions.services.inputs import prepare_input
from predictions.services.rows import build_prediction
from predictions.services.storage import store_prediction
from registry.references import ModelReference, ResolvedModel, resolve_model

logger = logging.getLogger(__name__)

TASK_NAME = "predictions.run_prediction"
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.01, 0.25  # between two looks at a prediction that a request waits for


class AlreadyFinal(InferenceError):
    """The prediction has a final status, which never changes."""

    code = "already-final"


def queue_prediction(
    *,
    user: User | None,
    source: str,
    image: File | None = None,
    features: Any = None,
    text: Any = None,
    feature_order: Sequence[str] | None = None,
    model: str = "",
    resolved: ResolvedModel | None = None,
    client_reference: str = "",
    expires_in: float | None = None,
    in_transaction: Callable[[Prediction], object] | None = None,
) -> Prediction:
    """Validate an input, store it with a queued prediction, and enqueue the task that runs the model.

    When this function returns, the input, its file, and the prediction are durable. The version is resolved now. The other
    arguments and errors are those of `predict`.

    Args:
        expires_in: seconds after which the prediction fails if it has not started; `settings.MAX_EXPIRES_IN` by default,
            so that no prediction stays open, and its day uncounted, forever.
        in_transaction: called with the prediction in the transaction that stores it.
    """
    resolved = resolved or resolve_model(model, user=user)
    prepared = prepare_input(
        resolved.version,
        user=user,
        image=image,
        features=features,
        text=text,
        feature_order=feature_order,
        is_default_model=not model,
    )
    count_predictions(user=user)
    prediction = build_prediction(prepared.row, resolved.version, user, source=source, client_reference=client_reference)
    prediction.status = Prediction.Status.QUEUED

    def complete_transaction(prediction: Prediction) -> None:
        _store_work(prediction, resolved.reference, expires_in)
        if in_transaction:
            in_transaction(prediction)

    store_prediction(prediction, prepared, in_transaction=complete_transaction)
    return prediction


def _store_work(prediction: Prediction, reference: ModelReference, expires_in: float | None) -> None:
    """Store the work that is left for a prediction, and enqueue its task after the commit."""
    created_at = prediction.created_at
    QueuedPrediction.objects.create(
        prediction=prediction,
        reference=str(reference),
        created_at=created_at,
        expires_at=created_at + timedelta(seconds=settings.MAX_EXPIRES_IN if expires_in is None else expires_in),
        enqueue_at=created_at + timedelta(seconds=settings.TASK_REPEAT_SECONDS),
    )
    enqueue(TASK_NAME, str(prediction.pk))


def cancel_prediction(*, prediction: Prediction) -> Prediction:
    """Cancel a queued or running prediction, and return it as stored. The result of a running model is discarded.

    Raises:
        AlreadyFinal: the prediction has a final status.
        RowDeleted: the prediction was removed.
    """
    is_canceled = finish_prediction(prediction.pk, _get_canceled_values())
    refresh_row(prediction, fields=["status", "completed_at", "started_at"])
    if not is_canceled:
        raise AlreadyFinal(f"The status of the prediction is already final: {prediction.status}.")
    logger.info("prediction canceled", extra={"prediction": str(prediction.pk)})
    return prediction


def cancel_predictions(*, prediction_ids: Sequence[UUID]) -> int:
    """Cancel those of many predictions that are queued or running, and return their number.

    The results of running models are discarded. If the function is interrupted, the other predictions are unchanged.
    """
    count = finish_predictions(prediction_ids, _get_canceled_values())
    logger.info("predictions canceled", extra={"count": count})
    return count


def _get_canceled_values() -> dict[str, Any]:
    return {"status": Prediction.Status.CANCELED, "completed_at": timezone.now()}


def wait_for_final(prediction: Prediction, *, seconds: float) -> Prediction:
    """Wait until a prediction has a final status, or until the time is over. Return it as stored then.

    The row is read again and again, in growing intervals and without a transaction, because any process can run it.

    Raises:
        RowDeleted: the prediction was removed meanwhile.
    """
    deadline = monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    statuses = Prediction.objects.filter(pk=prediction.pk).values_list("status", flat=True)
    while statuses.first() in Prediction.OPEN_STATUSES and (remaining := deadline - monotonic()) > 0:
        sleep(min(pause, remaining))
        pause = min(1.5 * pause, MAX_PAUSE_SECONDS)
    stored: Prediction | None = Prediction.objects.with_related().filter(pk=prediction.pk).first()
    if stored is None:
        raise RowDeleted
    return stored
