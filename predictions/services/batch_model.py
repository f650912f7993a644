"""Run a model on the inputs of a batch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.utils.translation import gettext

from inference.errors import (
    InferenceError,
    InvalidInput,
    ModelError,
    ModelLoading,
    ModelNotRun,
    ModelUnavailable,
    Overloaded,
)
from inference.predictor import Predictor
from inference.types import ModelInput, PredictionResult, Timings
from predictions import metrics
from predictions.models import Prediction
from predictions.services.inputs import PreparedInput, convert_item
from registry.models import ModelVersion
from registry.references import ResolvedModel
from registry.serving import get_standby, get_standby_while_loading, lease_predictor

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Entry:
    """A valid item on its way through the model. The decoded image is dropped once the model has taken it."""

    prediction: Prediction
    prepared: PreparedInput
    outcome: PredictionResult | InferenceError | None = None
    timings: Timings = field(default_factory=Timings)


def run_model(entries: Iterator[Entry], resolved: ResolvedModel) -> None:
    """Run the resolved version or, if it is still loading or cannot be loaded, its standby, as `predict`.

    While the version is loading, a standby that takes other inputs is not used: the batch waits for the version then.
    No transaction is open meanwhile. An item that did not run has a `ModelNotRun` as its outcome.

    Raises:
        ModelNotRun: no item ran, because the queue is full, or because the version is not loaded.
    """
    version = resolved.version
    standby = get_standby_while_loading(version, resolved.reference)
    if standby and standby.parsed_signature.input == version.parsed_signature.input:
        _run_standby(
            standby,
            entries,
            ModelLoading(gettext("%(version)s is still loading. Try again in a moment.") % {"version": version}),
        )
        return
    with ExitStack() as stack:
        try:
            predictor = stack.enter_context(_lease(version))
        except ModelUnavailable as error:
            standby = get_standby(version, resolved.reference)
            logger.error("model unavailable", exc_info=error, extra={"model": str(version), "standby": str(standby or "")})
            if standby is None:
                raise
            _run_standby(standby, entries, error)
        except ModelError as error:  # the model fails on its sample input
            _fail(entries, error)
        else:
            _run_entries(predictor, entries)


def _run_standby(standby: ModelVersion, entries: Iterator[Entry], error: ModelNotRun) -> None:
    """Run the standby on the inputs that it accepts. The others have the error of the version itself."""

    def convert_entries() -> Iterator[Entry]:
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


def _run_entries(predictor: Predictor, entries: Iterator[Entry]) -> None:
    accepted: list[Entry] = []
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


def _fail(entries: Iterable[Entry], error: ModelError | ModelNotRun) -> None:
    for entry in entries:
        entry.outcome = error
