"""Read the stored files of inputs. A file that does not match the stored SHA-256 is never returned."""

from __future__ import annotations

import logging
import posixpath
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile

from accounts.models import User
from core.storage_errors import translate_read_errors
from inference.errors import InferenceError, InvalidImage
from inference.preprocessing import make_thumbnail
from predictions.digests import hash_stored_image
from predictions.models import Input
from predictions.paths import get_thumbnail_path

logger = logging.getLogger(__name__)

THUMBNAIL_SIDE_PIXELS = 256


class StoredFileError(InferenceError):
    """The stored file of an input is damaged."""

    code = "stored-file-damaged"
    detail = "The stored file is damaged. The prediction is not affected. The error has been logged for the operator."

    def __init__(self) -> None:
        super().__init__(self.detail)


class StoredFileMissing(StoredFileError):
    """The stored file of an input is missing."""

    code = "stored-file-missing"
    detail = "The stored file is missing. The prediction is not affected. The error has been logged for the operator."


class StoredDataRemoved(StoredFileError):
    """The file was removed on purpose: its user was erased, or it was older than the retention policy allows."""

    code = "data-removed"
    detail = "The data of this input was removed."


def read_stored_file(row: Input, *, reader: User | None = None) -> bytes:
    """Return the exact bytes that were uploaded.

    Args:
        reader: the user who reads the file. If they are not its owner, the access is logged.

    Raises:
        StoredFileError: the file was removed, is missing, or has changed.
        StorageUnavailable: the file cannot be read at the moment.
    """
    check_data_is_stored(row)
    try:
        with translate_read_errors(), row.image.open() as file:
            data: bytes = file.read()
    except FileNotFoundError as error:
        logger.error("stored file missing", extra={"input": str(row.pk)})
        raise StoredFileMissing from error
    if hash_stored_image(row, data) != row.sha256:
        logger.error("stored file damaged", extra={"input": str(row.pk)})
        raise StoredFileError
    _log_access(row, reader)
    return data


def build_signed_url(row: Input, *, reader: User) -> str | None:
    """Return a URL of S3_URL_SECONDS for the file of an input; None if files are on disk, or if the setting is 0.

    The type and the disposition of the response are part of the signature. The SHA-256 is not compared.

    Args:
        reader: the user who gets the URL. If they are not the owner of the file, the access is logged.

    Raises:
        StoredDataRemoved: the file was removed.
    """
    check_data_is_stored(row)
    storage: Any = row.image.storage
    if not storage.is_remote or not settings.S3_URL_SECONDS:
        return None
    _log_access(row, reader)
    options = {
        "ResponseContentType": row.content_type,
        # The other site does not send `nosniff` or a content security policy, so the file is never shown as a page.
        "ResponseContentDisposition": f'attachment; filename="{posixpath.basename(str(row.image))}"',
        "ResponseCacheControl": "private, no-store",
    }
    url: str = storage.url(str(row.image), parameters=options, expire=settings.S3_URL_SECONDS)
    return url


def _log_access(row: Input, reader: User | None) -> None:
    if reader and row.user_id != reader.pk:
        logger.info("image viewed by a reviewer", extra={"input": str(row.pk), "user": str(reader.pk)})


def check_data_is_stored(row: Input) -> None:
    """Check that the data of an input was not removed.

    Raises:
        StoredDataRemoved: it was.
    """
    if row.data_removed_at is not None:
        raise StoredDataRemoved


def read_thumbnail(row: Input) -> bytes:
    """Return an image input as a small WebP without metadata. It is created on first use and stored.

    Raises:
        StoredFileError: the image is missing or damaged or can no longer be decoded, and no thumbnail is stored.
        StorageUnavailable: the files cannot be read at the moment.
        Overloaded: the image is large, and the server decodes others for too long.
    """
    check_data_is_stored(row)
    storage = row.image.storage
    name = get_thumbnail_path(row.pk)
    try:
        with translate_read_errors(), storage.open(name) as file:
            thumbnail: bytes = file.read()
        if thumbnail:
            return thumbnail
    except FileNotFoundError:
        pass
    data = read_stored_file(row)
    try:
        thumbnail = make_thumbnail(data, THUMBNAIL_SIDE_PIXELS)
    except InvalidImage as error:  # decoders and limits may have changed since the upload
        logger.error("stored file not decodable", extra={"input": str(row.pk)})
        raise StoredFileError from error
    with suppress(OSError):  # the next request creates it again
        if not storage.exists(name):  # another request may have created it in the meantime
            storage.save(name, ContentFile(thumbnail))
        if not Input.objects.filter(pk=row.pk, data_removed_at=None).exists():  # the image was removed meanwhile
            storage.delete(name)
    return thumbnail
