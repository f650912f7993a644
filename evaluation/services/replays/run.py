"""Run replays in the background, chunk by chunk. A task is only a hint: see `core.tasks`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import F

from core import leases
from core.leases import LeaseLost, extend_lease, iterate_delays
from core.storage_errors import StorageUnavailable
from core.tasks import stopping
from evaluation.models import Replay, ReplayResult
from evaluation.replay_results import get_review_kind
from evaluation.services.replays.selection import select_results, sort_labels
from evaluation.services.replays.states import claim_replay, end_replay, release_replay
from inference.errors import InferenceError, InferenceTimeout, InvalidInput, ModelNotRun, ModelUnavailable
from inference.types import ModelInput, PredictionResult
from predictions.services.inactive_users import CANCELED_ERROR, is_inactive
from predictions.services.inputs import read_stored_input
from predictions.services.stored_files import StoredFileError
from registry.models import ModelVersion
from registry.serving import lease_predictor

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5  # to start a replay without progress
FIRST_CHUNK_ITEMS, MAX_CHUNK_ITEMS = 4, 100
RESULT_FIELDS = [
    *("label", "value", "baseline_label", "baseline_value", "is_correct", "baseline_is_correct", "is_done"),
    *("error_code", "error_message"),
]
Status = Replay.Status


def run_replay(replay_id: str) -> None:
    """Process a replay that waits for a worker, until it ends or other tasks get a turn. Do nothing for any other one.

    The results of each chunk are stored in one transaction with the counter, and with it the lease is extended. If this
    process dies, `requeue_lost_replays` queues the replay again, and it continues with the next chunk.
    """
    replay = claim_replay(replay_id)
    if replay is None:
        return
    try:
        _ReplayRun(replay).run()
    except LeaseLost:
        logger.info("replay given up", extra={"replay": replay_id})


class _ReplayRun:
    """One slice of work on a replay. This worker holds its lease."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.kind = get_review_kind(replay.model_version)
        self.deadline = time.monotonic() + leases.SLICE_SECONDS
        self.chunk_items = FIRST_CHUNK_ITEMS

    def run(self) -> None:
        """Process chunks until none are left, the slice is over, this process stops, or the replay fails.

        Raises:
            LeaseLost: the replay was canceled, or another worker has taken it.
        """
        if self.replay.attempts > MAX_ATTEMPTS:
            message = f"A worker stopped {MAX_ATTEMPTS} times after {self.replay.done_items:,} inputs, without progress."
            end_replay(self.replay, Status.FAILED, error_code="worker-lost", error_message=message)
            return
        try:
            self._process_all()
        except (InferenceError, StorageUnavailable) as error:
            end_replay(self.replay, Status.FAILED, error_code=error.code, error_message=str(error))

    def _process_all(self) -> None:
        self._select()
        while chunk := self._read_chunk():
            if stopping.is_set() or time.monotonic() > self.deadline:
                release_replay(self.replay)
                return
            if is_inactive(self.replay.user_id):
                end_replay(self.replay, Status.CANCELED, **CANCELED_ERROR)
                return
            started = time.monotonic()
            self._process(chunk)
            self._adapt_chunk(len(chunk), time.monotonic() - started)
        end_replay(self.replay, Status.SUCCEEDED)

    def _select(self) -> None:
        """Store the inputs of the replay before the first one runs, so that later reviews do not change them."""
        if self.replay.total_items is not None:
            return
        results = select_results(self.replay)
        with transaction.atomic():
            extend_lease(self.replay, total_items=len(results))
            ReplayResult.objects.bulk_create(results, batch_size=500)
        self.replay.total_items = len(results)

    def _read_chunk(self) -> list[ReplayResult]:
        rows = ReplayResult.objects.filter(replay=self.replay, number__gt=self.replay.done_items).order_by("number")
        return list(rows.select_related("prediction__input", "prediction__model_version")[: self.chunk_items])

    def _adapt_chunk(self, count: int, seconds: float) -> None:
        """Choose the size of the next chunk, so that it takes a small part of the lease."""
        expected = settings.BATCH_JOB_LEASE_SECONDS * leases.LEASES_PER_CHUNK * count / max(seconds, 0.001)
        self.chunk_items = max(1, min(MAX_CHUNK_ITEMS, int(expected)))

    def _process(self, chunk: list[ReplayResult]) -> None:
        """Run both versions where their output is not known, and store the results."""
        versions = ((self.replay.model_version, ""), (self.replay.baseline, "baseline_"))
        for version, prefix in versions:
            missing = [row for row in chunk if not self._has_output(row, prefix)]
            if missing:
                self._run_version(version, prefix, missing)
        for row in chunk:
            row.is_done = True
            if self.kind != "value" and not row.error_code:
                row.is_correct, row.baseline_is_correct = (
                    label == row.true_label for label in (row.label, row.baseline_label)
                )
        with transaction.atomic():
            extend_lease(self.replay, done_items=F("done_items") + len(chunk), attempts=0)
            ReplayResult.objects.bulk_update(chunk, RESULT_FIELDS)
        self.replay.done_items += len(chunk)

    def _has_output(self, row: ReplayResult, prefix: str) -> bool:
        if self.kind == "value":
            return getattr(row, f"{prefix}value") is not None
        return bool(getattr(row, f"{prefix}label"))

    def _run_version(self, version: ModelVersion, prefix: str, rows: list[ReplayResult]) -> None:
        """Run a version. Wait while it is busy or loading, or while files cannot be read."""
        for delay in iterate_delays():
            try:
                outcomes = _predict(version, rows)
                break
            except (ModelNotRun, InferenceTimeout, StorageUnavailable) as error:
                if delay is None or (isinstance(error, ModelUnavailable) and delay > leases.MAX_DELAY_SECONDS / 4):
                    raise
                time.sleep(delay)
                extend_lease(self.replay)
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, InferenceError):
                row.error_code, row.error_message = outcome.code, f"{version}: {outcome.message}"
            elif self.kind == "value":
                setattr(row, f"{prefix}value", outcome.value)
            else:
                label = sort_labels(outcome.output["labels"]) if self.kind == "labels" else outcome.label
                setattr(row, f"{prefix}label", label)


def _predict(version: ModelVersion, rows: list[ReplayResult]) -> list[PredictionResult | InferenceError]:
    """Return the output of a version, or the error, for each input.

    Raises:
        ModelNotRun, InferenceTimeout: it did not run, or not on all inputs.
        ModelError: it fails on its sample input.
        StorageUnavailable: a file cannot be read at the moment.
    """
    outcomes: dict[int, PredictionResult | InferenceError] = {}
    accepted: list[int] = []

    def read_items() -> Iterator[ModelInput]:
        for row in rows:
            try:
                item = read_stored_input(row.prediction.input, version)
            except (InvalidInput, StoredFileError) as error:
                outcomes[row.number] = error
            else:
                accepted.append(row.number)
                yield item

    with lease_predictor(version, timeout=settings.PREDICT_TIMEOUT) as predictor:
        results = predictor.predict_many(read_items(), timeout=settings.PREDICT_TIMEOUT)
    for result in results:
        if isinstance(result, ModelNotRun | InferenceTimeout):
            raise result
    outcomes.update(zip(accepted, results, strict=True))
    return [outcomes[row.number] for row in rows]
