"""Make many predictions at once: run the model in batches, and store all inputs and predictions in one transaction."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File
from django.utils import timezone

from accounts.models import User
from accounts.services.usage import count_predictions
from core.file_transactions import atomic_with_files
from inference.errors import (
    MAX_LISTED_ERRORS,
    InferenceError,
    InvalidFeatures,
    InvalidInput,
    ModelNotRun,
)
from inference.messages import MAX_HINTED_ERRORS
from inference.types import PredictionResult
from predictions import metrics
from predictions.models import Prediction
from predictions.models.prediction import MAX_CLIENT_REFERENCE_CHARACTERS
from predictions.services.batch_model import Entry, run_model
from predictions.services.inputs import PreparedInput, prepare_input
from predictions.services.inserts import insert_batch
from predictions.services.predict import set_failure, set_output, set_timings
from predictions.services.rows import build_prediction
from predictions.services.storage import store_files, validate_texts
from predictions.services.unstored import hide_data
from registry.models import ModelVersion
from registry.references import ResolvedModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One input of a batch: the parts that the model takes, as `predict` takes them."""

    image: File | None = None
    features: Any = None
    text: Any = None
    feature_order: Sequence[str] | None = None
    client_reference: str = ""


@dataclass(slots=True)
class BatchResult:
    """The stored prediction of one item, or its error, for which nothing is stored.

    The error is an `InvalidInput` or a `ModelNotRun`: the queue was full for too long after other items had run, or the
    model cannot be loaded and its standby does not accept the input.
    """

    prediction: Prediction | None = None
    error: Exception | None = None


def predict_batch(
    *,
    user: User | None,
    source: str,
    items: Sequence[BatchItem],
    resolved: ResolvedModel,
    is_default_model: bool = False,
    all_or_nothing: bool = False,
    is_counted: bool = False,
    is_stored: bool = True,
    in_transaction: Callable[[list[BatchResult]], object] | None = None,
) -> list[BatchResult]:
    """Run a model on many inputs, and store the valid inputs and their predictions in one transaction.

    Each item has a result, in order. When this function returns, all inputs, files and predictions are durable, unless the
    caller has opened a transaction. If the model fails for an input, a prediction with the status `failed` is stored. An
    invalid input has an error and does not affect the others.

    If this function raises, nothing is stored, except that the outcome is unknown if the connection is lost during COMMIT.

    Args:
        user: the caller; None for commands.
        source: a `Prediction.Source`.
        resolved: the version to run.
        is_default_model: the request named no model; error messages then mention that this is the default.
        all_or_nothing: raise the first error of an item instead of returning it, and then store nothing.
        is_counted: the items have been counted against the quota of the user.
        is_stored: as `predict` takes it.
        in_transaction: called with the results after the inserts, in the same transaction.

    Raises:
        InvalidInput: an item is invalid, with `all_or_nothing`. The message names its row.
        LimitReached: the daily quota of the user is used up.
        Overloaded: the queue of the model is full.
        ModelLoading, ModelUnavailable: the model is not loaded yet, or cannot be loaded.
        StorageUnavailable: the files cannot be stored.
        DatabaseError: the database cannot be written to.
    """
    if not is_counted:
        count_predictions(user=user, count=len(items))
    results = [BatchResult() for _ in items]
    entries: list[Entry] = []
    created_at = timezone.now()  # of all rows, so that the time is formatted once

    def prepare_entries() -> Iterator[Entry]:
        error_count = 0
        for item, result in zip(items, results, strict=True):
            hints = error_count < MAX_HINTED_ERRORS
            try:
                prepared = _prepare_item(item, resolved.version, user=user, is_default_model=is_default_model, hints=hints)
            except InvalidInput as error:
                error_count += len(error.errors) if isinstance(error, InvalidFeatures) else 1
                result.error = _shorten(error)
                if all_or_nothing:
                    return
                continue
            prepared.row.created_at = created_at
            result.prediction = build_prediction(
                prepared.row,
                resolved.version,
                user,
                source=source,
                client_reference=item.client_reference,
                decode_ms=prepared.decode_ms,
                created_at=created_at,
            )
            entries.append(Entry(result.prediction, prepared))
            yield entries[-1]

    run_model(prepare_entries(), resolved)
    _set_outcomes(entries)
    stored = _remove_refused(entries, results)
    if all_or_nothing:
        _raise_first_error(results)
    if not is_stored:
        stored = [Entry(*hide_data(entry.prediction, entry.prepared), entry.outcome) for entry in stored]
    _store(stored, results, in_transaction)
    _record_batch(stored)
    return results


def _raise_first_error(results: Sequence[BatchResult]) -> None:
    for number, result in enumerate(results, 1):
        if isinstance(result.error, InvalidInput):
            message = f"Row {number:,} of {len(results):,}: {result.error.message}"
            raise InvalidInput(message, code=result.error.code, field=result.error.field) from result.error
        if result.error is not None:
            raise result.error


def _prepare_item(
    item: BatchItem, version: ModelVersion, *, user: User | None, is_default_model: bool, hints: bool
) -> PreparedInput:
    if len(item.client_reference) > MAX_CLIENT_REFERENCE_CHARACTERS:
        raise InvalidInput(
            f"Expected at most {MAX_CLIENT_REFERENCE_CHARACTERS} characters. Received: {len(item.client_reference):,}.",
            code="max-length",
            field="client_reference",
        )
    return prepare_input(
        version,
        user=user,
        image=item.image,
        features=item.features,
        text=item.text,
        feature_order=item.feature_order,
        is_default_model=is_default_model,
        hints=hints,
    )


def _shorten(error: InvalidInput) -> InvalidInput:
    """Drop the errors of a row that its message does not list, because many wide rows could fill the memory with them."""
    if isinstance(error, InvalidFeatures):
        del error.errors[MAX_LISTED_ERRORS:]
    error.__traceback__ = None  # refers to the row
    return error


def _set_outcomes(entries: Sequence[Entry]) -> None:
    """Set the output or the error of each prediction."""
    completed_at = timezone.now()
    for entry in entries:
        prediction = entry.prediction
        prediction.started_at, prediction.completed_at = prediction.created_at, completed_at
        set_timings(prediction, entry.timings)
        if isinstance(entry.outcome, PredictionResult):
            set_output(prediction, entry.outcome)
        elif entry.outcome is not None:
            set_failure(prediction, entry.outcome)


def _remove_refused(entries: Sequence[Entry], results: Sequence[BatchResult]) -> list[Entry]:
    """Return the entries to store. Those on which the model did not run have an error, as in `predict`."""
    refused = {id(entry.prediction): entry.outcome for entry in entries if isinstance(entry.outcome, ModelNotRun)}
    for result in results if refused else ():
        if id(result.prediction) in refused:
            result.error, result.prediction = refused[id(result.prediction)], None
    return [entry for entry in entries if not isinstance(entry.outcome, ModelNotRun)]


def _store(
    entries: Sequence[Entry],
    results: list[BatchResult],
    in_transaction: Callable[[list[BatchResult]], object] | None,
) -> None:
    """Make the files durable, then store all rows in one transaction. A crash leaves at most files without rows."""
    if not entries and in_transaction is None:
        return
    predictions = [entry.prediction for entry in entries]
    for prediction in predictions:
        validate_texts(prediction.input)
        validate_texts(prediction)
    rows = store_files([entry.prepared for entry in entries])
    with atomic_with_files(lambda: [row.image for row in rows]):
        insert_batch(predictions)
        if in_transaction is not None:
            in_transaction(results)


def _record_batch(entries: Sequence[Entry]) -> None:
    """Update the metrics, and write one log line per version and status, and one per kind of failure of the model."""
    failures: dict[str, tuple[InferenceError, Prediction]] = {}
    groups: dict[tuple[ModelVersion, str], list[Prediction]] = defaultdict(list)
    for entry in entries:
        prediction = entry.prediction
        groups[prediction.model_version, str(prediction.status)].append(prediction)
        if isinstance(entry.outcome, InferenceError):
            failures.setdefault(entry.outcome.code, (entry.outcome, prediction))
    for error, prediction in failures.values():
        logger.error("model failed", exc_info=error, extra={"prediction": str(prediction.id)})
    for (version, status), predictions in groups.items():
        metrics.PREDICTIONS.labels(version.model.name, version.number, status).inc(len(predictions))
        metrics.observe_stages(predictions)
        logger.info(
            "batch",
            extra={
                "user": str(predictions[0].user_id or ""),
                "model": str(version),
                "status": status,
                "count": len(predictions),
                "first_prediction": str(predictions[0].id),
                "last_prediction": str(predictions[-1].id),
            },
        )
