"""Stream all data of a user as a ZIP archive: one JSON and one CSV file per table, and the files that the user uploaded.

Memory use does not depend on the amount of data. Rows that are created meanwhile can be in some files only.
"""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext

from accounts.models import User
from core.database_limits import use_job_limits
from core.storage_errors import StorageUnavailable
from core.zip_streams import CHUNK_BYTES, ZipStream
from events.models import Webhook
from predictions.exports.stream import LineBuffer, format_cell, join_lines
from predictions.models import BatchJob, Input, Prediction, PredictionComment, PredictionTag, Review, SavedFilter
from predictions.services.stored_files import StoredFileError, read_stored_file

logger = logging.getLogger(__name__)

ROWS_PER_FETCH = 200  # a row of features can be large
MAX_LISTED_FILES = 100
MODEL_COLUMNS = {"model": "model_version__model__name", "model_version": "model_version__number"}


class Table(NamedTuple):
    """The rows of one table that belong to a user.

    Args:
        rows: in any order; their primary keys are in the order of time.
        columns: the field of each column after the ID.
    """

    rows: QuerySet
    columns: Mapping[str, str]


def stream_own_data(*, user: User, language: str) -> Iterator[bytes]:
    """Yield the archive in parts.

    Args:
        language: of the text that describes the archive.
    """
    logger.info("own data", extra={"user": str(user.pk)})
    missing: list[str] = []
    with use_job_limits(), ZipStream() as archive:
        yield from archive.write("account.json", [_dump_json(describe_account(user), indent=2).encode()])
        for name, table in list_tables(user).items():
            yield from archive.write(f"{name}.json", _encode(write_json(table)))
            yield from archive.write(f"{name}.csv", _encode(write_csv(table)))
        yield from _write_images(archive, user, missing)
        yield from _write_job_files(archive, user, missing)
        yield from archive.write("README.txt", [_describe_archive(missing, language).encode()])
        yield from archive.finish()


def describe_account(user: User) -> dict[str, Any]:
    """Return the account as it is stored, without secrets."""
    names = ("username", "email", "first_name", "last_name", "date_joined", "last_login", "language", "time_zone", "theme")
    tokens = user.tokens.values("name", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    return {
        "id": user.pk,
        **{name: getattr(user, name) for name in (*names, "page_size", "daily_quota")},
        "groups": list(user.groups.values_list("name", flat=True)),
        "tokens": list(tokens),
        "identities": list(user.identities.values("issuer", "subject", "created_at")),
    }


def list_tables(user: User) -> dict[str, Table]:
    """Return the tables by the name of their files. Reviews, comments, and tags are those that the user has written.

    The secrets of webhooks are left out: they are shown only once.
    """
    times = ("created_at", "completed_at")
    return {
        "inputs": _make_table(
            Input.objects.filter(user=user),
            *("created_at", "kind", "original_name", "content_type", "width", "height", "size", "sha256", "features"),
        ),
        "predictions": _make_table(
            Prediction.objects.owned_by(user),  # not those of others' inputs
            *(*times, "status", "source", "label", "confidence", "margin", "value", "output", "warnings"),
            *("error_code", "error_message", "client_reference"),
            input="input_id",
            **MODEL_COLUMNS,
        ),
        "reviews": _make_table(
            Review.objects.filter(reviewer=user),
            *("created_at", "withdrawn_at", "verdict", "true_label", "true_value", "true_labels", "comment"),
            *("picked_by", "is_blind"),
            prediction="prediction_id",
        ),
        "comments": _make_table(
            PredictionComment.objects.filter(author=user), "created_at", "text", prediction="prediction_id"
        ),
        "tags": _make_table(PredictionTag.objects.filter(user=user), "created_at", "name", prediction="prediction_id"),
        "batch_jobs": _make_table(
            BatchJob.objects.filter(user=user),
            *(*times, "kind", "status", "original_name", "size", "sha256"),
            *("total_items", "succeeded_items", "failed_items", "error_code", "error_message"),
            **MODEL_COLUMNS,
        ),
        "saved_filters": _make_table(SavedFilter.objects.filter(user=user), "name", "query"),
        "webhooks": _make_table(
            Webhook.objects.filter(user=user),
            *("created_at", "url", "description", "event_types", "state", "disabled_at", "disabled_reason"),
        ),
    }


def _make_table(rows: QuerySet, *names: str, **columns: str) -> Table:
    return Table(rows, columns | dict(zip(names, names, strict=True)))


def iterate_rows(rows: QuerySet, *fields: str) -> Iterator[tuple[Any, ...]]:
    """Yield the primary key and the fields of rows, newest first, some rows per query."""
    values = rows.order_by("-pk").values_list("pk", *fields)
    chunk = list(values[:ROWS_PER_FETCH])
    while chunk:
        yield from chunk
        chunk = list(values.filter(pk__lt=chunk[-1][0])[:ROWS_PER_FETCH])


def write_json(table: Table) -> Iterator[str]:
    """Yield a JSON list of objects, one per line."""
    names, separator = ("id", *table.columns), "[\n"
    for row in iterate_rows(table.rows, *table.columns.values()):
        yield separator + _dump_json(dict(zip(names, row, strict=True)))
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def write_csv(table: Table) -> Iterator[str]:
    """Yield a header and one line per row."""
    writer = csv.writer(LineBuffer())
    yield writer.writerow(("id", *table.columns))
    for row in iterate_rows(table.rows, *table.columns.values()):
        yield writer.writerow([format_cell(_to_plain(value)) for value in row])


def _write_images(archive: ZipStream, user: User, missing: list[str]) -> Iterator[bytes]:
    """Add the image of each input, with the ID of the input as its name."""
    fields = ("sha256", "image", "kind", "features")
    for pk, *values in iterate_rows(Input.objects.filter(user=user, data_removed_at=None).exclude(image=""), *fields):
        row = Input(pk=pk, **dict(zip(fields, values, strict=True)))
        try:
            data = read_stored_file(row)
        except (StoredFileError, StorageUnavailable):
            missing.append(f"images/{row.pk}")
            del missing[MAX_LISTED_FILES:]
            continue
        yield from archive.write(f"images/{row.pk}{PurePath(str(row.image)).suffix}", [data], is_compressed=False)


def _write_job_files(archive: ZipStream, user: User, missing: list[str]) -> Iterator[bytes]:
    """Add the file of each batch job, with the ID of the job as its name."""
    storage = BatchJob._meta.get_field("file").storage
    for pk, stored in iterate_rows(BatchJob.objects.filter(user=user).exclude(file=""), "file"):
        name = f"batch_jobs/{pk}{PurePath(stored).suffix}"
        try:
            file = storage.open(stored)
        except OSError:
            missing.append(name)
            del missing[MAX_LISTED_FILES:]
            continue
        with file:
            is_table = name.endswith(".csv")
            yield from archive.write(name, file.chunks(CHUNK_BYTES), is_compressed=is_table)


def _describe_archive(missing: list[str], language: str) -> str:
    with translation.override(language):
        lines = [
            gettext("Your data. Each table is a JSON file and a CSV file with the same rows, newest first."),
            gettext(
                "Times are in UTC. Images are named after the ID of their input, and files of batch jobs after the "
                "ID of the job."
            ),
        ]
        if missing:
            text = gettext("These files cannot be read. At most %(count)s of them are listed:") % {"count": MAX_LISTED_FILES}
            lines += [text, *missing]
    return "\n".join(lines) + "\n"


def _encode(lines: Iterable[str]) -> Iterator[bytes]:
    return (text.encode() for text in join_lines(lines))


def _to_plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _dump_json(value: Any, *, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_to_plain)
