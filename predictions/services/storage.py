"""Store a prediction with its input and file."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Callable, Sequence

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import DEFAULT_DB_ALIAS, connections, models

from core.file_transactions import atomic_with_files, remove_field_files
from core.group_commit import GroupCommit
from predictions.models import Input, Prediction
from predictions.paths import get_input_path
from predictions.services.inputs import PreparedInput
from predictions.services.inserts import insert_predictions

# Measured with `python -m benchmarks.store`: two processes of eight threads, CPU of program and database per prediction.
# SQLite, images: 1.10 ms instead of 1.76 ms, 204/s instead of 127/s, p99 210 ms instead of 1610 ms.
# PostgreSQL: images 1.30 ms instead of 1.61 ms, rows 0.86 ms instead of 1.47 ms, at about the same rate and p99. Two or
# three leaders at a time used more CPU and were not faster.
_group = GroupCommit(insert_predictions, wait_seconds=settings.DATABASE_TIMEOUT)


def store_prediction(
    prediction: Prediction, prepared: PreparedInput, *, in_transaction: Callable[[Prediction], object] | None = None
) -> None:
    """Make the file durable, then store both rows in one transaction. A crash leaves at most a file without a row.

    Requests of this process that store at the same time share a transaction. It is committed when this function returns,
    unless the caller has opened a transaction.

    Args:
        in_transaction: called after the rows are inserted, in their transaction, which is then not shared. If it raises,
            nothing is stored.

    Raises:
        StorageUnavailable: the file cannot be stored. Nothing is stored.
        DatabaseError, InterfaceError: the database rejected the rows, or is unavailable. Nothing is stored, except that the
            outcome is unknown if the connection is lost while the database commits.
    """
    row: Input = prepared.row
    validate_texts(row)
    validate_texts(prediction)
    if prepared.data:
        _store_file(row, prepared.data)
    if in_transaction:
        _insert_with(prediction, in_transaction)
        return
    if connections[DEFAULT_DB_ALIAS].in_atomic_block:
        (failure,) = insert_predictions([prediction])
    else:
        failure = _group.submit(prediction)
    if failure is None:
        return
    if failure.is_definite:  # otherwise the rows may exist, so the file must stay
        remove_field_files([row.image])
    if not isinstance(failure.error, Exception):  # this thread is interrupted
        raise failure.error
    # Each thread of a group raises an exception of its own.
    raise type(failure.error)(*failure.error.args) from failure.error


def store_files(prepared_inputs: Sequence[PreparedInput]) -> list[Input]:
    """Make the files of many inputs durable, and set their names. Return the inputs that have a file.

    All files are in the folder of the first one, so that only one folder must be synced.

    Raises:
        StorageUnavailable: a file cannot be stored. No file is stored.
    """
    with_files = [prepared for prepared in prepared_inputs if prepared.data]
    rows = [prepared.row for prepared in with_files]
    if not rows:
        return []
    storage = rows[0].image.storage
    if hasattr(storage, "save_all"):
        folder = posixpath.dirname(get_input_path(rows[0], ""))
        paths = [posixpath.join(folder, posixpath.basename(get_input_path(row, ""))) for row in rows]
        names = storage.save_all([(path, prepared.data) for path, prepared in zip(paths, with_files, strict=True)])
        for row, name in zip(rows, names, strict=True):
            row.image = name
        return rows
    stored: list[Input] = []
    try:
        for prepared in with_files:
            _store_file(prepared.row, prepared.data)
            stored.append(prepared.row)
    except BaseException:
        remove_field_files(row.image for row in stored)
        raise
    return rows


def _insert_with(prediction: Prediction, in_transaction: Callable[[Prediction], object]) -> None:
    """Insert a prediction and call a function in one transaction. Delete the file if neither is stored."""
    with atomic_with_files(lambda: [prediction.input.image]):
        (failure,) = insert_predictions([prediction])
        if failure:
            raise failure.error
        in_transaction(prediction)


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
    else:  # another storage than those of core
        row.image.save(row.original_name, ContentFile(data), save=False)
