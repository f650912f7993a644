"""The way of one prediction: resolve, decode, ask, store, in this order and top to bottom."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from accounts.models import User
from inference.errors import InvalidInput, ModelError, Overloaded
from inference.preprocessing import ImageLimits, Picture, check_size, read_image
from inference.types import Answer, Timings
from predictions import metrics
from predictions.models import Input, ModelVersion, Prediction
from predictions.registry import get_predictor, resolve
from predictions.validators import clean_file_name

logger = logging.getLogger(__name__)

HOW = {"image": ", as a file part of multipart/form-data"}


def predict(
    *,
    user: User | None,
    source: str,
    image: File | None = None,
    features: Any = None,
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
        features: for models that take a table's row.
        model: `name`, `name@alias` or `name:number`; empty for the default.
        client_reference: the caller's own id for this prediction.

    Raises:
        UnknownModel, InactiveModel: no such model version, or none that this user may ask.
        InvalidInput: the image breaks a rule, or the model takes another kind of input.
        Overloaded: the model's queue is full.
        StorageFull: the disk is.
        DatabaseError: the database cannot be written to.
    """
    version = resolve(model, user=user)
    file = _the_one_asked_for(version, image=image, features=features)
    data, picture = _read(file)
    row = _new_input(user, data, picture, file.name)
    prediction = Prediction(
        input=row,
        model_version=version,
        user=user,
        source=source,
        client_reference=client_reference,
    )
    _ask(prediction, picture)
    _store(row, prediction, data)
    _report(prediction)
    return prediction


def image_limits() -> ImageLimits:
    """Return what an uploaded image may be, as configured."""
    return ImageLimits(max_bytes=settings.MAX_UPLOAD_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS)


def _the_one_asked_for(version: ModelVersion, **given: Any) -> Any:
    """Return the one input that the model takes; another kind, both or neither are refused."""
    kind = version.signature["input"]["kind"]
    present = {name: value for name, value in given.items() if value is not None}
    if present.keys() != {kind}:
        raise InvalidInput(
            f"Expected {kind} for the model {version.model.name}{HOW[kind]}. "
            f"Received: {' and '.join(present) or 'neither'}.",
            code="wrong-input" if present else "required",
            field=kind,
        )
    return present[kind]


def _read(image: File) -> tuple[bytes, Picture]:
    limits = image_limits()
    check_size(image.size, limits)
    data = image.read()
    return data, read_image(data, limits)


def _new_input(user: User | None, data: bytes, picture: Picture, name: str | None) -> Input:
    return Input(
        user=user,
        kind=Input.Kind.IMAGE,
        sha256=hashlib.sha256(data).hexdigest(),
        content_type=picture.content_type,
        width=picture.width,
        height=picture.height,
        size=len(data),
        original_name=clean_file_name(name),
    )


def _ask(prediction: Prediction, picture: Picture) -> None:
    """Fill in the model's answer, or its failure. No transaction is open meanwhile."""
    timings = Timings()
    prediction.started_at = timezone.now()
    try:
        _fill_answer(prediction, _answer(prediction.model_version, picture, timings))
    except ModelError as error:
        prediction.status = Prediction.Status.FAILED
        prediction.error_code, prediction.error_message = error.code, error.message
        logger.error("model failed", exc_info=error, extra={"prediction": str(prediction.id)})
    for name in ("preprocess_ms", "queue_ms", "inference_ms"):
        milliseconds = getattr(timings, name)
        setattr(prediction, name, milliseconds and round(milliseconds, 3))
    prediction.completed_at = timezone.now()


def _answer(version: ModelVersion, picture: Picture, timings: Timings) -> Answer:
    labels = {"model": version.model.name, "version": version.number}
    predictor = get_predictor(version, timeout=settings.PREDICT_TIMEOUT)
    try:
        with metrics.QUEUE_DEPTH.labels(**labels).track_inprogress():
            return predictor.predict(picture.image, timeout=settings.PREDICT_TIMEOUT, timings=timings)
    except Overloaded:
        metrics.OVERLOADED.labels(**labels).inc()
        raise


def _fill_answer(prediction: Prediction, answer: Answer) -> None:
    prediction.status = Prediction.Status.SUCCEEDED
    prediction.output = answer.output
    prediction.label = answer.label
    prediction.confidence = answer.confidence
    prediction.value = answer.value


def _store(row: Input, prediction: Prediction, data: bytes) -> None:
    """Make the file durable, then both rows in one transaction. A crash leaves at most a file without a row."""
    row.clean_fields(exclude=["user", "image"])
    prediction.clean_fields(exclude=["user", "input", "model_version"])
    row.image.save(row.original_name, ContentFile(data), save=False)
    written = False
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            prediction.save(force_insert=True)
            written = True
    except (DatabaseError, InterfaceError):
        if not written:  # else COMMIT itself failed, the rows may be there all the same, and the file must stay
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
