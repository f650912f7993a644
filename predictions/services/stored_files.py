"""The stored bytes of an input, given out only when they are still the ones that were stored."""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress

from django.core.files.base import ContentFile

from accounts.models import User
from core.storage import StorageFull
from inference.errors import InferenceError
from inference.preprocessing import make_thumbnail
from predictions.models import Input

logger = logging.getLogger(__name__)

THUMBNAIL_SIDE = 256  # pixels


class StoredFileError(InferenceError):
    """The stored file of an input is damaged."""

    code = "stored-file-damaged"
    detail = "The stored file is damaged. Its record is intact, and the operator has been notified in the log."

    def __init__(self) -> None:
        super().__init__(self.detail)


class StoredFileMissing(StoredFileError):
    """The stored file of an input is missing."""

    code = "stored-file-missing"
    detail = "The stored file is missing. Its record is intact, and the operator has been notified in the log."


def read_stored_file(row: Input, *, reader: User | None = None) -> bytes:
    """Return the exact bytes that were uploaded. That somebody else than their owner reads them is logged.

    Raises:
        StoredFileError: when they are gone or changed; never other bytes than those.
    """
    try:
        with row.image.open() as file:
            data: bytes = file.read()
    except OSError as error:
        logger.error("stored file missing", extra={"input": str(row.pk)})
        raise StoredFileMissing from error
    if hashlib.sha256(data).hexdigest() != row.sha256:
        logger.error("stored file damaged", extra={"input": str(row.pk)})
        raise StoredFileError
    if reader and row.user_id != reader.pk:
        logger.info("image seen by a reviewer", extra={"input": str(row.pk), "user": str(reader.pk)})
    return data


def read_thumbnail(row: Input) -> bytes:
    """Return a small WebP picture of an image input, made on first view and kept, without metadata.

    Raises:
        StoredFileError: when the image is gone or damaged and was never seen before.
    """
    storage = row.image.storage
    name = f"thumbnails/{row.pk.hex[-2:]}/{row.pk}.webp"
    try:
        with storage.open(name) as file:
            return file.read()
    except FileNotFoundError:
        pass
    small = make_thumbnail(read_stored_file(row), THUMBNAIL_SIDE)
    with suppress(StorageFull):  # it is made again next time
        if not storage.exists(name):  # another request may have made the same one meanwhile
            storage.save(name, ContentFile(small))
    return small
