"""The way of one prediction: resolve, decode, ask, store, in this order and top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from accounts.models import User
from inference.errors import InvalidInput, ModelError, ModelUnavailable, Overloaded
from inference.types import Answer, Timings
from predictions import metrics
from predictions.models import Input, ModelVersion, Prediction
from predictions.registry import lease, resolve, standby_for
from predictions.services.inputs import Asked, as_taken_by, read_input

logger = logging.getLogger(__name__)


def predict(
    *,
    user: User | None,
    source: str,
    image: File | None = None,
    features: Any = None,
    feature_order: Sequence[str] | None = None,
    model: str = "",
    client_reference: str = "",
) -> Prediction:
    """Ask a model about one input and keep both.

    When this returns, the input, its file and the prediction survive a crash. A model that fails is kept as a prediction
    with the status `failed`. What raises has stored nothing, except that a connection lost during COMMIT leaves open which.

    Args:
        user: who asks.
        source: a `Prediction.Source`.
        image: an uploaded file, read once.
        features: for models that take a table's row: values by name, or a list in the signature's order.
        feature_order: the names that go with a list of features.
        model: `name`, `name@alias` or `name:number`; empty for the default.
        client_reference: the caller's own id for this prediction.

    Raises:
        UnknownModel, InactiveModel: no such model version, or none that this user may ask.
        InvalidInput: the image or a feature breaks a rule, or the model takes another kind of input.
        Overloaded: the model's queue is full.
        StorageFull: the disk is.
        DatabaseError: the database cannot be written to.
    """
    version = resolve(model, user=user)
    asked = read_input(version, user=user, image=image, features=features, feature_order=feature_order, named=bool(model))
    prediction = Prediction(
        input=asked.row,
        model_version=version,
        user=user,
        source=source,
        client_reference=client_reference,
    )
    _ask(prediction, asked, model)
    _store(asked.row, prediction, asked.data)
    _report(prediction)
    return prediction


def _ask(prediction: Prediction, asked: Asked, reference: str) -> None:
    """Fill in the model's answer, or its failure. No transaction is open meanwhile."""
    timings = Timings()
    prediction.started_at = timezone.now()
    try:
        _fill_answer(prediction, _answer_or_standby(prediction, asked, reference, timings))
    except ModelError as error:
        prediction.status = Prediction.Status.FAILED
        prediction.error_code, prediction.error_message = error.code, error.message
        logger.error("model failed", exc_info=error, extra={"prediction": str(prediction.id)})
    for name in ("preprocess_ms", "queue_ms", "inference_ms"):
        milliseconds = getattr(timings, name)
        setattr(prediction, name, milliseconds and round(milliseconds, 3))
    prediction.completed_at = timezone.now()


def _answer_or_standby(prediction: Prediction, asked: Asked, reference: str, timings: Timings) -> Answer:
    """Answer by the version asked for or, when that does not load, by the one that its alias pointed at before.

    The prediction names the version that answered. Who asks for a version by its number gets that one or none.
    """
    version = prediction.model_version
    try:
        return _answer(version, asked.item, timings)
    except ModelUnavailable as error:
        standby = standby_for(version, reference)
        if standby is None:
            raise
        logger.error("model unavailable, the version before it answers", exc_info=error, extra={"model": str(version)})
        try:
            item = as_taken_by(standby, asked)
        except InvalidInput:
            raise error from None
        prediction.model_version = standby
        return _answer(standby, item, timings)


def _answer(version: ModelVersion, item: Any, timings: Timings) -> Answer:
    labels = {"model": version.model.name, "version": version.number}
    try:
        with (
            lease(version, timeout=settings.PREDICT_TIMEOUT) as predictor,
            metrics.QUEUE_DEPTH.labels(**labels).track_inprogress(),
        ):
            return predictor.predict(item, timeout=settings.PREDICT_TIMEOUT, timings=timings)
    except Overloaded:
        metrics.OVERLOADED.labels(**labels).inc()
        raise


def _fill_answer(prediction: Prediction, answer: Answer) -> None:
    prediction.status = Prediction.Status.SUCCEEDED
    prediction.output = answer.output
    prediction.label = answer.label
    prediction.confidence = answer.confidence
    prediction.margin = prediction.measured_margin
    prediction.value = answer.value


def _store(row: Input, prediction: Prediction, data: bytes) -> None:
    """Make the file durable, then both rows in one transaction. A crash leaves at most a file without a row."""
    row.clean_fields(exclude=["user", "image"])
    prediction.clean_fields(exclude=["user", "input", "model_version"])
    if data:
        row.image.save(row.original_name, ContentFile(data), save=False)
    written = False
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            prediction.save(force_insert=True)
            written = True
    except (DatabaseError, InterfaceError):
        if data and not written:  # else COMMIT itself failed, the rows may be there all the same, and the file must stay
            row.image.delete(save=False)
        raise


def _report(prediction: Prediction) -> None:
    version = prediction.model_version
    labels = {"model": version.model.name, "version": version.number}
    metrics.PREDICTIONS.labels(**labels, status=prediction.status).inc()
    stages = {"preprocess": prediction.preprocess_ms, "queue": prediction.queue_ms, "inference": prediction.inference_ms}
    for stage, milliseconds in stages.items():
        if milliseconds is not None:
            metrics.STAGE_SECONDS.labels(**labels, stage=stage).observe(milliseconds / 1000)
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
            **{f"{stage}_ms": milliseconds and round(milliseconds, 2) for stage, milliseconds in stages.items()},
        },
    )
