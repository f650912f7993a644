"""Verify rows of inputs and predictions, and the responses of idempotency keys."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from accounts.models import IdempotencyKey
from core.fields import parse_uuid
from predictions.digests import hash_stored_values
from predictions.models import BatchJob, Input, Prediction, QueuedPrediction, Review
from predictions.services.verification.report import Report, iterate_chunks

LATENCY_FIELDS = ("decode_ms", "queue_ms", "preprocess_ms", "inference_ms")
CREATED, ACCEPTED = 201, 202


def check_inputs(report: Report) -> None:
    """Check that each input has a prediction (I5), and that features and texts match their SHA-256 (I2)."""
    for chunk in iterate_chunks(Input.objects.only("pk", "kind", "features", "sha256", "data_removed_at")):
        report.checked["inputs"] += len(chunk)
        ids = [row.pk for row in chunk]
        used = set(Prediction.objects.filter(input__in=ids).values_list("input_id", flat=True))
        for row in chunk:
            if row.pk not in used:
                report.add("I5", "The input has no prediction.", id=row.pk)
            if not row.has_image and row.data_removed_at is None and hash_stored_values(row) != row.sha256:
                report.add("I2", "The features of the input do not match its SHA-256.", id=row.pk)


def check_predictions(report: Report) -> None:
    """Check that predictions have their input and, until they are final, their work (I5), and valid values (I8, I13)."""
    fields = ("pk", "input_id", "model_version_id", "status", "output", "label", "confidence", "value", *LATENCY_FIELDS)
    for chunk in iterate_chunks(Prediction.objects.only(*fields)):
        report.checked["predictions"] += len(chunk)
        known = set(Input.objects.filter(pk__in=[row.input_id for row in chunk]).values_list("pk", flat=True))
        queued = set(_find_queued([row.pk for row in chunk]))
        for row in chunk:
            if row.input_id not in known:
                report.add("I5", f"The input {row.input_id} of the prediction does not exist.", id=row.pk)
            if row.is_final == (row.pk in queued) and _is_queued_wrongly(row.pk):
                kind = "is final, but waits for a worker" if row.is_final else f"is {row.status}, but no worker will run it"
                report.add("I5", f"The prediction {kind}.", id=row.pk)
            if min(getattr(row, name) or 0 for name in LATENCY_FIELDS) < 0:
                report.add("I8", "A latency of the prediction is negative.", id=row.pk)
            if (row.label, row.confidence, row.value) != _read_output(row.output or {}, row.label):
                report.add("I13", "The label, confidence, or value of the prediction differs from its output.", id=row.pk)


def _read_output(output: dict[str, Any], label: str) -> tuple[str, float | None, float | None]:
    """Return the label, the confidence, and the value that belong to an output, as in `inference.postprocessing`.

    The model or a threshold has chosen one of the scores, so `label` is right if it has one.
    """
    if "scores" in output and "labels" not in output:
        return (label, output["scores"][label], None) if label in output["scores"] else ("", None, None)
    return output.get("label", ""), None, output.get("value")


def _find_queued(ids: list[UUID]) -> list[UUID]:
    return list(QueuedPrediction.objects.filter(pk__in=ids).values_list("pk", flat=True))


def _is_queued_wrongly(prediction_id: UUID) -> bool:
    """Return whether the status and the work of a prediction contradict each other. Read both in one query."""
    row = Prediction.objects.filter(pk=prediction_id).values_list("status", "queued").first()
    return row is not None and (row[0] in Prediction.FINAL_STATUSES) == (row[1] is not None)


def check_idempotency_keys(report: Report) -> None:
    """Check that the predictions, batch jobs, and reviews exist that stored responses name (I10)."""
    keys = IdempotencyKey.objects.filter(status_code__in=(CREATED, ACCEPTED))
    keys = keys.only("pk", "key", "status_code", "headers", "body")
    for chunk in iterate_chunks(keys):
        report.checked["idempotency_keys"] += len(chunk)
        named = {row.pk: None if _belongs_to_webhook(row) else _read_created_id(bytes(row.body)) for row in chunk}
        ids = [created for created in named.values() if created]
        known = {
            pk
            for model in (Prediction, BatchJob, Review)
            for pk in model._default_manager.filter(pk__in=ids).values_list("pk", flat=True)
        }
        for row in chunk:
            if named[row.pk] and named[row.pk] not in known:
                report.add(
                    "I10", f"The response of the key {row.key!r} names {named[row.pk]}, which does not exist.", id=row.pk
                )


def _belongs_to_webhook(row: IdempotencyKey) -> bool:
    """Return whether the response names a webhook, which its user can delete at any time, or one of its test events."""
    location = row.headers.get("Location", "")
    return "/webhooks/" in location or (row.status_code == ACCEPTED and not location)


def _read_created_id(body: bytes) -> UUID | None:
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return parse_uuid(str(content.get("id", ""))) if isinstance(content, dict) else None
