"""Add uploaded images to a batch job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db.models import Max

from accounts.services.usage import count_predictions
from core.file_transactions import atomic_with_files, remove_field_files
from core.limits import get_image_limits
from core.streamed_uploads import StreamedFile
from core.validators import clean_file_name
from inference.errors import InvalidInput
from inference.preprocessing import check_file_size
from predictions.models import BatchJob, BatchJobImage, BatchJobItem
from predictions.paths import get_batch_job_image_path
from predictions.services.batch_jobs.create import hash_file
from predictions.services.batch_jobs.states import Status, WrongJobStatus, enqueue_job, get_queued_values, lock_job

MAX_NUMBER = 2**31 - 1  # that the database can store


@dataclass(frozen=True, slots=True)
class AddedImage:
    """The result of one uploaded image.

    Args:
        is_new: whether the image was added; if not, an earlier request has added it.
        error: why the image was not accepted. It is then a failed item of the job, unless its number is in use.
    """

    number: int
    name: str
    is_new: bool = True
    error: InvalidInput | None = None


def add_images(
    *,
    job: BatchJob,
    files: Sequence[File],
    first_number: int | None = None,
    in_transaction: Callable[[list[AddedImage]], object] | None = None,
) -> list[AddedImage]:
    """Store uploaded images as items to predict, and return one result per file, in order.

    When this function returns, the images are durable. A job that has succeeded is queued again.

    Args:
        first_number: the number of the first file in the job, from 1; the next files have the next numbers. If the request
            is sent again with the same numbers and files, nothing is added twice. If None, the files are appended.
        in_transaction: called with the results in the transaction that stores the images. If it raises, nothing is stored.

    Raises:
        WrongJobStatus: the job has failed or was canceled, or is not a job of images.
        InvalidInput: there are no files, or too many, or their numbers are too large.
        StorageUnavailable: a file cannot be stored. Nothing is stored.
    """
    if job.kind != BatchJob.Kind.IMAGES:
        raise WrongJobStatus("Images can only be added to batch jobs of the kind images.")
    if not files:
        raise InvalidInput("Expected at least one file in the field images.", code="required", field="images")
    _check_status(job)
    waiting: list[Waiting] = []
    try:
        for file in files:
            waiting.append(_store_image(job, file))
    except BaseException:
        remove_field_files(image.file for image, _ in waiting)
        raise
    with atomic_with_files(lambda: [image.file for image, _ in waiting]):
        results = _insert_images(lock_job(job), waiting, first_number)
        if in_transaction:
            in_transaction(results)
    pairs = zip(waiting, results, strict=True)
    remove_field_files(image.file for (image, _), result in pairs if not result.is_new or result.error)
    return results


Waiting = tuple[BatchJobImage, InvalidInput | None]


def _store_image(job: BatchJob, file: File) -> Waiting:
    """Make the file of an image durable, or return why it is not accepted."""
    image = BatchJobImage(job=job, name=clean_file_name(file.name))
    try:
        check_file_size(file.size, get_image_limits())
    except InvalidInput as error:
        return image, error
    if isinstance(file, StreamedFile):
        image.sha256 = file.sha256
        image.file = file.store(get_batch_job_image_path(image, image.name))
    else:
        image.sha256 = hash_file(file)
        file.seek(0)
        image.file.save(image.name or "image", file, save=False)
    return image, None


def _insert_images(job: BatchJob, waiting: Sequence[Waiting], first_number: int | None) -> list[AddedImage]:
    """Insert the images that the job does not have yet. The job is locked."""
    _check_status(job)
    first = first_number or _get_last_number(job) + 1
    numbers = range(first, first + len(waiting))
    if numbers[-1] > MAX_NUMBER:
        raise InvalidInput(f"The number of an image can be at most {MAX_NUMBER:,}.", code="max-value", field="first_number")
    known = _fetch_known_images(job, numbers)
    results: list[AddedImage] = []
    images, items = [], []
    for number, (image, error) in zip(numbers, waiting, strict=True):
        image.number = number
        if number in known:
            results.append(_compare_images(image, error, known[number]))
            continue
        results.append(AddedImage(number, image.name, error=error))
        if error is None:
            images.append(image)
        else:
            items.append(
                BatchJobItem(job=job, number=number, name=image.name, error_code=error.code, error_message=error.message)
            )
    _update_counters(job, added=len(images), rejected=len(items))
    BatchJobImage.objects.bulk_create(images)
    BatchJobItem.objects.bulk_create(items)
    return results


def _update_counters(job: BatchJob, *, added: int, rejected: int) -> None:
    job.total_items = (job.total_items or 0) + added + rejected
    job.failed_items += rejected
    if job.total_items > settings.MAX_BATCH_JOB_ITEMS:
        limit = f"{settings.MAX_BATCH_JOB_ITEMS:,}"
        raise InvalidInput(f"A batch job can have at most {limit} images.", code="too-many-items", field="images")
    if added and job.status != Status.DRAFT:
        count_predictions(user=job.user, count=added)  # those of a draft are counted when it starts
    changed = ["total_items", "failed_items"]
    if added and job.status == Status.SUCCEEDED:
        values = {**get_queued_values(), "completed_at": None}
        for name, value in values.items():
            setattr(job, name, value)
        changed += values
        enqueue_job(job)
    job.save(update_fields=changed)


def _check_status(job: BatchJob) -> None:
    if job.status in (Status.FAILED, Status.CANCELED):
        raise WrongJobStatus(f"The batch job has ended. Its status is {job.status}. Create a new one.")


def _get_last_number(job: BatchJob) -> int:
    rows = (BatchJobImage.objects.filter(job=job), BatchJobItem.objects.filter(job=job))
    return max(row.aggregate(last=Max("number"))["last"] or 0 for row in rows)


def _fetch_known_images(job: BatchJob, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return the name and the SHA-256 of the images with these numbers; an empty SHA-256 if it was not accepted."""
    condition: dict[str, Any] = {"job": job, "number__in": numbers}
    images = BatchJobImage.objects.filter(**condition).values_list("number", "name", "sha256")
    items = BatchJobItem.objects.filter(**condition).values_list("number", "name", "prediction__input__sha256")
    return {number: (name, sha256 or "") for number, name, sha256 in (*images, *items)}


def _compare_images(image: BatchJobImage, error: InvalidInput | None, known: tuple[str, str]) -> AddedImage:
    name, sha256 = known
    if name == image.name and sha256 in ("", image.sha256):
        return AddedImage(image.number, image.name, is_new=False, error=error)
    conflict = InvalidInput(
        f"The batch job has another image with the number {image.number}: {name}. Send the image with a new number.",
        code="number-in-use",
        field="images",
    )
    return AddedImage(image.number, image.name, is_new=False, error=conflict)
