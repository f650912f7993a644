"""Run queued predictions in a worker."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import DataError
from django.utils import timezone

from core.storage_errors import StorageUnavailable
from inference.errors import InvalidInput, ModelLoading, ModelUnavailable, Overloaded
from predictions.models import Prediction
from predictions.services.background.transitions import Lease, claim_prediction, finish_prediction, return_to_queue
from predictions.services.inactive_users import get_canceled_values, is_inactive
from predictions.services.inputs import prepare_stored_input
from predictions.services.predict import record_prediction, run_model
from predictions.services.storage import validate_texts
from predictions.services.stored_files import StoredFileError
from registry.references import ModelReference, ResolvedModel

logger = logging.getLogger(__name__)

RETRY_DELAY = timedelta(seconds=5)  # if the model is overloaded or loading, or the disk fails
STORED_RESULT_FIELDS = (
    "status", "output", "label", "confidence", "margin", "value", "warnings", "error_code", "error_message", "decode_ms",
    "queue_ms", "preprocess_ms", "inference_ms", "model_version", "started_at", "completed_at",
)  # fmt: skip


def run_queued_prediction(prediction_id: str) -> None:
    """Run a queued prediction and store its final status. Do nothing if it is final, or if another worker runs it.

    If the user has been deactivated, the prediction is canceled. If the model is overloaded or still loading, or the stored
    file cannot be read at the moment, it is queued again, and the sweep enqueues it later.
    """
    lease = claim_prediction(UUID(prediction_id))
    if lease is None:
        return
    rows = Prediction.objects.select_related("input", "model_version__model", "queued")
    prediction = rows.filter(pk=lease.prediction_id, queued__isnull=False).first()
    if prediction is None:  # canceled or deleted in the meantime
        return
    if is_inactive(prediction.user_id):
        finish_prediction(lease.prediction_id, get_canceled_values(), **lease.guard)
        return
    try:
        _run_stored_input(prediction)
    except (Overloaded, ModelLoading, StorageUnavailable) as error:
        logger.warning("prediction queued again", extra={"prediction": prediction_id, "error_code": error.code})
        return_to_queue(lease, enqueue_at=timezone.now() + RETRY_DELAY, attempts=lease.attempts - 1)
        return
    _store_result(prediction, lease)


def _run_stored_input(prediction: Prediction) -> None:
    """Run the model on the stored input, and set the output or the error of the prediction.

    Raises:
        Overloaded, ModelLoading, StorageUnavailable: the model did not run.
    """
    resolved = ResolvedModel(prediction.model_version, ModelReference.parse(prediction.queued.reference))
    try:
        prepared = prepare_stored_input(prediction.input, resolved.version)
    except (InvalidInput, StoredFileError) as error:  # limits and files can change after the upload
        _set_failure(prediction, error.code, error.message)
        return
    prediction.decode_ms = prepared.decode_ms
    try:
        run_model(prediction, prepared, resolved)
    except ModelUnavailable as error:  # the input is stored already, so the prediction must become final
        _set_failure(prediction, error.code, error.message)


def _store_result(prediction: Prediction, lease: Lease) -> None:
    """Store the final status, unless the worker has lost its lease in the meantime."""
    try:
        validate_texts(prediction)
        is_stored = _store_fields(prediction, lease)
    except (ValidationError, DataError, ValueError) as error:
        logger.error("result not storable", exc_info=error, extra={"prediction": str(prediction.pk)})
        _set_failure(prediction, "model-output-invalid", "The database cannot store the output of the model.")
        is_stored = _store_fields(prediction, lease)
    if is_stored:
        record_prediction(prediction)
    else:
        logger.warning("result discarded", extra={"prediction": str(prediction.pk)})


def _store_fields(prediction: Prediction, lease: Lease) -> bool:
    changes = {name: getattr(prediction, name) for name in STORED_RESULT_FIELDS}
    return finish_prediction(lease.prediction_id, changes, **lease.guard)


def _set_failure(prediction: Prediction, code: str, message: str) -> None:
    prediction.status, prediction.completed_at = Prediction.Status.FAILED, timezone.now()
    prediction.error_code, prediction.error_message = code, message
    prediction.output, prediction.label, prediction.warnings = None, "", []
    prediction.confidence = prediction.margin = prediction.value = None
