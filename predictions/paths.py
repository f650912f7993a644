"""Paths of stored files below MEDIA_ROOT."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from uuid_utils.compat import uuid7

if TYPE_CHECKING:
    from predictions.models import BatchJob, BatchJobImage, Input

INPUT_FOLDER = "inputs"
BATCH_JOB_FOLDER = "batch-jobs"
THUMBNAIL_FOLDER = "thumbnails"  # created again when they are missing


def get_input_path(instance: Input, filename: str) -> str:
    """Return `inputs/cd/<uuid>.<ext>`: a folder from the random end of the id, the extension from the decoded format.

    256 folders are enough: with 10 million images, each has 40,000 entries. Files stored by earlier versions are one folder
    deeper, and their rows name them there.
    """
    extension = instance.content_type.removeprefix("image/").replace("jpeg", "jpg")
    return f"{INPUT_FOLDER}/{instance.id.hex[-2:]}/{instance.id}.{extension}"


def get_thumbnail_path(input_id: UUID) -> str:
    """Return `thumbnails/cd/<uuid>.webp`."""
    return f"{THUMBNAIL_FOLDER}/{input_id.hex[-2:]}/{input_id}.webp"


def get_batch_job_path(instance: BatchJob, filename: str) -> str:
    """Return `batch-jobs/<uuid>.<ext>`: the extension from the kind of the job."""
    extension = {"table": "csv", "archive": "zip"}[instance.kind]
    return f"{BATCH_JOB_FOLDER}/{instance.id}.{extension}"


def get_batch_job_image_path(instance: BatchJobImage, filename: str) -> str:
    """Return `batch-jobs/<uuid of the job>/<uuid>`. The format of the image is not known yet."""
    return f"{BATCH_JOB_FOLDER}/{instance.job_id}/{uuid7()}"
