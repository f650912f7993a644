"""Delete files after their rows: a crash in between delays the deletion, and never leaves a row without its file."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.core.files.storage import Storage

from core.storage_errors import StorageUnavailable, translate_read_errors
from predictions.models import Input, RemovedFile

logger = logging.getLogger(__name__)

FILES_PER_QUERY = 500


def remove_files(*, names: Iterable[str]) -> None:
    """Record files that are to be deleted. Call it in the transaction that removes what refers to them."""
    RemovedFile.objects.bulk_create(RemovedFile(name=name) for name in names if name)


def delete_removed_files() -> int:
    """Delete the files that were recorded; return their number. Also a background job of the server.

    Several processes can run this at the same time. Files that cannot be deleted now are tried again by the next run.
    """
    storage, count, last = Input._meta.get_field("image").storage, 0, None
    while rows := list(_select_rows(last)):
        last = rows[-1].pk
        deleted = [row.pk for row in rows if _delete_file(storage, row.name)]
        RemovedFile.objects.filter(pk__in=deleted).delete()
        count += len(deleted)
    return count


def _select_rows(last: object) -> Iterable[RemovedFile]:
    rows = RemovedFile.objects.order_by("pk")
    return (rows.filter(pk__gt=last) if last else rows)[:FILES_PER_QUERY]


def _delete_file(storage: Storage, name: str) -> bool:
    try:
        with translate_read_errors():
            storage.delete(name)  # no error if it does not exist
    except (OSError, StorageUnavailable) as error:
        logger.warning("file not deleted", extra={"path": name, "reason": str(error)})
        return False
    return True
