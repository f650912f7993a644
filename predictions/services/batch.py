"""Make many predictions at once: run the model in batches, and store all inputs and predictions in one transaction."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models import User
from inference.errors import (
    MAX_LISTED_ERRORS,
    InferenceError,
    InvalidFeatures,
    InvalidInput,
    ModelError,
    ModelUnavailable,
    Overloaded,
)
from inference.predictor import Predictor
from inference.types import ModelInput, PredictionResult, Timings
from predictions import metrics
from predictions.models import Prediction
from predictions.models.prediction import MAX_CLIENT_REFERENCE_CHARACTERS
from predictions.services.inputs import PreparedInput, convert_item, prepare_input
from predictions.services.inserts import insert_batch
from predictions.services.predict import set_failure, set_output, set_timings
from predictions.services.rows import clone_row
from predictions.services.storage import remove_files, store_files, validate_texts
from registry.models import ModelVersion
from registry.references import ResolvedModel
from registry.serving import get_standby, lease_predictor

logger = logging.getLogger(__name__)

MAX_HINTED_ERRORS = 20  # further errors of a batch do not suggest corrections, because finding these takes time


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

    The error is an `InvalidInput`, or `Overloaded` if the queue was full for too long after other items had run.
    """

    prediction: Prediction | None = None
    error: Exception | None = None


@dataclass(slots=True)
class _Entry:
    """A valid item on its way through the model. The decoded image is dropped once the model has taken it."""

    prediction: Prediction
    prepared: PreparedInput
    outcome: PredictionResult | InferenceError | None = None
    timings: Timings = field(default_factory=Timings)


def predict_batch(
    *,
    user: User | None,
    source: str,
    items: Sequence[BatchItem],
    resolved: ResolvedModel,
    is_default_model: bool = False,
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
        in_transaction: called with the results after the inserts, in the same transaction.

    Raises:
        Overloaded: the queue of the model is full.
        StorageFull: no space is left for files.
        DatabaseError: the database cannot be written to.
    """
    results = [BatchResult() for _ in items]
    entries: list[_Entry] = []

    def prepare_entries() -> Iterator[_Entry]:
        error_count = 0
        template = Prediction(model_version=resolved.version, user=user, source=source)
        for item, result in zip(items, results, strict=True):
            hints = error_count < MAX_HINTED_ERRORS
            try:
                prepared = _prepare_item(item, resolved.version, user=user, is_default_model=is_default_model, hints=hints)
            except InvalidInput as error:
                result.error = _shorten(error)
                error_count += 1
                continue
            result.prediction = clone_row(
                template,
                related={"input": prepared.row},
                id=uuid7(),
                input_id=prepared.row.id,
                client_reference=item.client_reference,
                created_at=timezone.now(),
                warnings=[],
            )
            entries.append(_Entry(result.prediction, prepared))
            yield entries[-1]

    _run_model(prepare_entries(), resolved)
    _set_outcomes(entries)
    stored = _remove_refused(entries, results)
    _store(stored, results, in_transaction)
    _record_batch(stored)
    return results


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


def _run_model(entries: Iterator[_Entry], resolved: ResolvedModel) -> None:
    """Run the resolved version or, if it cannot be loaded, the version that its alias pointed to before, as `predict`.

    No transaction is open meanwhile.
    """
    with ExitStack() as stack:
        try:
            predictor = stack.enter_context(_lease(resolved.version))
        except ModelUnavailable as error:
            standby = get_standby(resolved.version, resolved.reference)
            if standby is not None:
                logger.error("model unavailable, using the standby", exc_info=error, extra={"model": str(resolved.version)})
                _run_standby(standby, entries, error)
            _fail(entries, error)
        except ModelError as error:  # such as a timeout while the version is loading
            _fail(entries, error)
        else:
            _run_entries(predictor, entries)


def _run_standby(standby: ModelVersion, entries: Iterator[_Entry], error: ModelUnavailable) -> None:
    """Run the standby on the inputs that it accepts. The others fail with the error of the version itself."""

    def convert_entries() -> Iterator[_Entry]:
        for entry in entries:
            try:
                item = convert_item(entry.prepared, standby)
            except InvalidInput:
                _fail([entry], error)
                continue
            entry.prepared = replace(entry.prepared, item=item)
            entry.prediction.model_version = standby
            yield entry

    with ExitStack() as stack:
        try:
            predictor = stack.enter_context(_lease(standby))
        except ModelError as standby_error:
            _fail(convert_entries(), standby_error)
        else:
            _run_entries(predictor, convert_entries())


@contextmanager
def _lease(version: ModelVersion) -> Iterator[Predictor]:
    labels = version.model.name, version.number
    try:
        with (
            lease_predictor(version, timeout=settings.PREDICT_TIMEOUT) as predictor,
            metrics.QUEUE_DEPTH.labels(*labels).track_inprogress(),
        ):
            yield predictor
    except Overloaded:
        metrics.OVERLOADED.labels(*labels).inc()
        raise


def _run_entries(predictor: Predictor, entries: Iterator[_Entry]) -> None:
    accepted: list[_Entry] = []
    timings: list[Timings] = []

    def read_items() -> Iterator[ModelInput]:
        for entry in entries:
            accepted.append(entry)
            item = entry.prepared.item
            if entry.prepared.data:  # drop the decoded image
                entry.prepared = replace(entry.prepared, item="")
            yield item

    outcomes = predictor.predict_many(read_items(), timeout=settings.PREDICT_TIMEOUT, timings=timings)
    for entry, outcome, durations in zip(accepted, outcomes, timings, strict=True):
        entry.outcome, entry.timings = outcome, durations


def _fail(entries: Iterable[_Entry], error: ModelError) -> None:
    for entry in entries:
        entry.outcome = error


def _set_outcomes(entries: Sequence[_Entry]) -> None:
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


def _remove_refused(entries: Sequence[_Entry], results: Sequence[BatchResult]) -> list[_Entry]:
    """Return the entries to store. Those that found no place in the queue have an error, as in `predict`."""
    refused = {id(entry.prediction): entry.outcome for entry in entries if isinstance(entry.outcome, Overloaded)}
    for result in results if refused else ():
        if id(result.prediction) in refused:
            result.error, result.prediction = refused[id(result.prediction)], None
    return [entry for entry in entries if not isinstance(entry.outcome, Overloaded)]


def _store(
    entries: Sequence[_Entry],
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
    is_committing = False
    try:
        with transaction.atomic():
            insert_batch(predictions)
            if in_transaction is not None:
                in_transaction(results)
            is_committing = True
    except BaseException as error:
        # Foreign keys are checked at COMMIT. An IntegrityError there has rolled the transaction back.
        if not is_committing or connection.in_atomic_block or isinstance(error, IntegrityError):
            remove_files(rows)  # otherwise the rows may exist, so the files must stay
        raise


def _record_batch(entries: Sequence[_Entry]) -> None:
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
