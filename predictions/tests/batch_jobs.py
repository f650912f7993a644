"""Builders of batch jobs and their files for tests."""

from __future__ import annotations

import io
import zipfile

from django.core.files.base import ContentFile

from inference.tests.factories import make_image
from predictions.services.batch_jobs import create_batch_job, run_batch_job
from registry.references import resolve_model

JOBS_URL = "/api/v1/batch-jobs/"
HEADER = "length,petals,colour\n"


def make_rows(count, start=0):
    """Return a table for the model flowers whose value is the number of the row plus 2."""
    return HEADER + "".join(f"{(start + n) % 10},{2 + (start + n) // 10},white\n" for n in range(count))


def make_zip(members, **options):
    """Return a ZIP archive with the members, a mapping from names to bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **{"compression": zipfile.ZIP_DEFLATED, **options}) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def make_image_zip(count, **more):
    return make_zip({**{f"images/{n:04}.png": make_image(n % 256) for n in range(count)}, **more})


def make_job(user, data, model="flowers", **options):
    data = data.encode() if isinstance(data, str) else data
    file = None if data is None else ContentFile(data, name="rows.csv")
    return create_batch_job(user=user, resolved=resolve_model(model, user=user), file=file, **options)


def run_job(job):
    """Run a job to its end, slice by slice, and return it."""
    for _ in range(100):
        run_batch_job(str(job.pk))
        job.refresh_from_db()
        if job.is_final:
            return job
    raise AssertionError(f"the job has not ended: {job.status}")


def list_items(job):
    """Return the number and the value, the label, or the error of each item."""
    items = job.items.order_by("number").select_related("prediction")
    return [(item.number, _describe(item)) for item in items]


def _describe(item):
    prediction = item.prediction
    if prediction is None:
        return item.error_code
    if prediction.status != "succeeded":
        return prediction.error_code
    return prediction.value if prediction.value is not None else prediction.label
