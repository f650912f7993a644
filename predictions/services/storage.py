"""Store a prediction with its input and file."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.core.files.base import ContentFile
from django.db import connection, models, transaction

from core.group_commit import GroupCommit
from predictions.models import Input, Prediction, QueuedPrediction
from predictions.paths import get_input_path
from predictions.services.inputs import PreparedInput
from predictions.services.inserts import insert_predictions

# Measured with `python -m benchmarks.store`: two processes of eight threads, CPU of program and database per prediction.
# SQLite, images: 1.10 ms instead of 1.76 ms, 204/s instead of 127/s, p99 210 ms instead of 1610 ms.
# PostgreSQL: images 1.30 ms instead of 1.61 ms, rows 0.86 ms instead of 1.47 ms, at about the same rate and p99. Two or
# three leaders at a time used more CPU and were not faster.
_group = GroupCommit(insert_predictions)


def store_prediction(prediction: Prediction, prepared: PreparedInput) -> None:
    """Make the file durable, then store both rows in one transaction. A crash leaves at most a file without a row.

    Requests of this process that store at the same time share a transaction. It is committed when this function returns,
    unless the caller has opened a transaction.

    Raises:
        StorageFull: no space is left for the file. Nothing is stored.
        DatabaseError, InterfaceError: the database rejected the rows, or is unavailable. Nothing is stored, except that the
            outcome is unknown if the connection is lost while the database commits.
    """
    row: Input = prepared.row
    _store_input_file(prediction, prepared)
    if connection.in_atomic_block:
        (failure,) = insert_predictions([prediction])
    else:
        failure = _group.submit(prediction)
    if failure is None:
        return
    if prepared.data and failure.is_definite:  # otherwise the rows may exist, so the file must stay
        row.image.delete(save=False)
    # Each thread of a group raises an exception of its own.
    raise type(failure.error)(*failure.error.args) from failure.error


def store_queued_prediction(
    queued: QueuedPrediction, prepared: PreparedInput, *, in_transaction: Callable[[], None] | None = None
) -> None:
    """Make the file durable, then store the input, the prediction, and the work that is left, in one transaction.

    Args:
        in_transaction: called in the transaction, after the inserts.

    Raises:
        StorageFull, DatabaseError, InterfaceError: as `store_prediction` does.
    """
    prediction = queued.prediction
    _store_input_file(prediction, prepared)
    is_written = False
    try:
        with transaction.atomic():
            (failure,) = insert_predictions([prediction])
            if failure is not None:
                raise failure.error
            queued.save(force_insert=True)
            if in_transaction:
                in_transaction()
            is_written = True
    except Exception:
        if prepared.data and not is_written:  # if the COMMIT failed, the rows may exist, so the file must stay
            prepared.row.image.delete(save=False)
        raise


def _store_input_file(prediction: Prediction, prepared: PreparedInput) -> None:
    validate_texts(prepared.row)
    validate_texts(prediction)
    if prepared.data:
        _store_file(prepared.row, prepared.data)


def validate_texts(row: models.Model) -> None:
    """Check the lengths of texts, some of which come from callers or models. Databases check all other fields.

    SQLite stores texts of any length. `clean_fields` of both rows would take 0.15 ms more CPU.

    Raises:
        ValidationError: a text is too long.
    """
    stored = row.__dict__
    for name, max_characters in _get_text_limits(type(row)):
        text = stored[name]
        if text and len(text) > max_characters:
            row.clean_fields(exclude=[field.name for field in row._meta.fields if field.name != name])


@functools.cache
def _get_text_limits(model: type[models.Model]) -> list[tuple[str, int]]:
    fields = [field for field in model._meta.concrete_fields if type(field) is models.CharField]
    return [(field.attname, field.max_length) for field in fields if field.max_length]


def _store_file(row: Input, data: bytes) -> None:
    """Store the file of an input, and set the name of the file."""
    storage = row.image.storage
    if hasattr(storage, "save_bytes"):
        row.image = storage.save_bytes(get_input_path(row, row.original_name), data)
    else:  # another storage than that of the settings, such as S3
        row.image.save(row.original_name, ContentFile(data), save=False)
