"""Make one prediction: resolve the model, prepare the input, run the model, and store the input and the prediction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.utils import timezone

from accounts.models import User
from accounts.services.usage import count_predictions
from inference.errors import InferenceError, InvalidInput, ModelError, ModelUnavailable, Overloaded
from inference.types import ModelInput, PredictionResult, Timings
from predictions import metrics
from predictions.models import Prediction
from predictions.services.inputs import TIMING_DECIMALS, PreparedInput, convert_item, prepare_input
from predictions.services.rows import build_prediction
from predictions.services.storage import store_prediction
from predictions.services.unstored import hide_data
from registry.models import ModelVersion
from registry.references import ResolvedModel, resolve_model
from registry.serving import get_standby, get_standby_while_loading, lease_predictor

logger = logging.getLogger(__name__)


def predict(
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
    is_stored: bool = True,
    in_transaction: Callable[[Prediction], object] | None = None,
) -> Prediction:
    """Run a model on one input and store the input and the prediction.

    When this function returns, the input, its file and the prediction are durable. If the model fails, a prediction with
    the status `failed` is stored and returned. If this function raises, nothing is stored, except that the outcome is
    unknown if the connection is lost during COMMIT.

    Args:
        user: the caller; None for commands.
        source: a `Prediction.Source`.
        image: an uploaded file, read once.
        features: values by name, or a list in the order of the signature.
        text: the text, for models that take text. Models can take one of these, or an image and features.
        feature_order: the feature names, if `features` is a list.
        model: `name`, `name@alias` or `name:number`; empty for the default model.
        resolved: the version that `model` refers to, if the caller has already resolved it for this user.
        client_reference: the caller's own id for the prediction.
        is_stored: otherwise, only the user, the version, the status, and the timings are stored, see `hide_data`.
        in_transaction: called with the prediction in the transaction that stores it. If it raises, nothing is stored.

    Raises:
        UnknownModel, InactiveModel: the model version does not exist, or this user cannot use it.
        InvalidInput: the image or a feature is invalid, or the model takes another kind of input.
        LimitReached: the daily quota of the user is used up.
        Overloaded: the queue of the model is full.
        ModelLoading: the model is still being loaded.
        ModelUnavailable: the model cannot be loaded, and has no standby that accepts the input.
        StorageUnavailable: the file cannot be stored.
        DatabaseError: the database cannot be written to.
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
    return run_prediction(
        resolved=resolved,
        prepared=prepared,
        user=user,
        source=source,
        client_reference=client_reference,
        is_stored=is_stored,
        in_transaction=in_transaction,
    )


def run_prediction(
    *,
    resolved: ResolvedModel,
    prepared: PreparedInput,
    user: User | None,
    source: str,
    client_reference: str = "",
    is_stored: bool = True,
    in_transaction: Callable[[Prediction], object] | None = None,
) -> Prediction:
    """Run a model on a prepared input and store both. For callers that have already resolved the model.

    `is_stored` and `in_transaction` are those of `predict`.

    Raises:
        LimitReached, ModelNotRun, StorageUnavailable, DatabaseError: as `predict` does.
    """
    count_predictions(user=user)
    prediction = build_prediction(
        prepared.row,
        resolved.version,
        user,
        source=source,
        client_reference=client_reference,
        decode_ms=prepared.decode_ms,
    )
    run_model(prediction, prepared, resolved)
    stored, stored_input = (prediction, prepared) if is_stored else hide_data(prediction, prepared)
    store_prediction(stored, stored_input, in_transaction=in_transaction)
    record_prediction(stored)
    return prediction


def run_model(prediction: Prediction, prepared: PreparedInput, resolved: ResolvedModel) -> None:
    """Run the model and set the output or the error of the prediction. No transaction is open meanwhile.

    Raises:
        ModelNotRun: the queue is full, or no version that can serve the request is loaded.
    """
    timings = Timings()
    prediction.started_at = timezone.now()
    try:
        set_output(prediction, _run_with_standby(prediction, prepared, resolved, timings))
    except ModelError as error:
        set_failure(prediction, error)
        logger.error("model failed", exc_info=error, extra={"prediction": str(prediction.id)})
    set_timings(prediction, timings)
    prediction.completed_at = timezone.now()


def _round_milliseconds(duration: float | None) -> float | None:
    return None if duration is None else round(duration, TIMING_DECIMALS)


def _run_with_standby(
    prediction: Prediction, prepared: PreparedInput, resolved: ResolvedModel, timings: Timings
) -> PredictionResult:
    """Run the resolved version or, if it is still loading or cannot be loaded, its standby.

    The prediction names the version that ran. A reference by version number has no standby.
    """
    version = resolved.version
    standby = get_standby_while_loading(version, resolved.reference)
    if standby and (item := _convert_for_standby(prepared, standby)) is not None:
        prediction.model_version = standby
        return _run_version(standby, item, timings)
    try:
        return _run_version(version, prepared.item, timings)
    except ModelUnavailable as error:
        standby = get_standby(version, resolved.reference)
        logger.error("model unavailable", exc_info=error, extra={"model": str(version), "standby": str(standby or "")})
        if standby is None or (item := _convert_for_standby(prepared, standby)) is None:
            raise
        prediction.model_version = standby
        return _run_version(standby, item, timings)


def _convert_for_standby(prepared: PreparedInput, standby: ModelVersion) -> ModelInput | None:
    """Return the input as the standby takes it, or None if it does not accept it."""
    try:
        return convert_item(prepared, standby)
    except InvalidInput:
        return None


def _run_version(version: ModelVersion, item: ModelInput, timings: Timings) -> PredictionResult:
    labels = version.model.name, version.number
    try:
        with (
            lease_predictor(version, timeout=settings.PREDICT_TIMEOUT) as predictor,
            metrics.get_series(metrics.QUEUE_DEPTH, *labels).track_inprogress(),
        ):
            return predictor.predict(item, timeout=settings.PREDICT_TIMEOUT, timings=timings)
    except Overloaded:
        metrics.OVERLOADED.labels(*labels).inc()
        raise


def set_output(prediction: Prediction, result: PredictionResult) -> None:
    """Set the output of a prediction, which has then succeeded."""
    prediction.status = Prediction.Status.SUCCEEDED
    prediction.output = result.output
    prediction.label = result.label
    prediction.confidence = result.confidence
    prediction.margin = prediction.compute_margin()
    prediction.value = result.value
    prediction.warnings = [asdict(warning) for warning in result.warnings]


def set_failure(prediction: Prediction, error: InferenceError) -> None:
    """Set the error of a prediction, which has then failed."""
    prediction.status = Prediction.Status.FAILED
    prediction.error_code, prediction.error_message = error.code, error.message


def set_timings(prediction: Prediction, timings: Timings) -> None:
    """Set the durations of a prediction."""
    prediction.preprocess_ms = _round_milliseconds(timings.preprocess_ms)
    prediction.queue_ms = _round_milliseconds(timings.queue_ms)
    prediction.inference_ms = _round_milliseconds(timings.inference_ms)


def record_prediction(prediction: Prediction) -> None:
    """Update the metrics and write a log line for a stored prediction."""
    version = prediction.model_version
    metrics.get_series(metrics.PREDICTIONS, version.model.name, version.number, prediction.status).inc()
    metrics.observe_stages([prediction])
    logger.info(
        "prediction",
        extra={
            "prediction": str(prediction.id),
            "user": str(prediction.user_id or ""),
            "model": str(version),
            "status": prediction.status,
            "label": prediction.label,
            "confidence": prediction.confidence,
            "error_code": prediction.error_code,
            "decode_ms": prediction.decode_ms,
            "preprocess_ms": prediction.preprocess_ms,
            "queue_ms": prediction.queue_ms,
            "inference_ms": prediction.inference_ms,
        },
    )
