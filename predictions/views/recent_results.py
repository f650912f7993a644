"""The newest results of a user that the Predict page of a model shows again: single predictions and a batch job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.requests import AuthenticatedRequest
from predictions.batch_jobs.grid import has_grid
from predictions.batch_jobs.progress import get_progress
from predictions.models import BatchJob, Prediction
from predictions.views.batch_jobs.results import get_grid_context
from registry.models import ModelVersion
from registry.references import ResolvedModel

MAX_RECENT_PREDICTIONS = 6
MAX_SEARCHED_PREDICTIONS = 1000  # newest predictions of a user in which single ones of the model are searched
MAX_SEARCHED_JOBS = 20
SHOWN_FOR = timedelta(days=1)  # after its end, a batch job is only linked


def get_recent_results(request: AuthenticatedRequest, resolved: ResolvedModel | None, *, with_job: bool) -> dict[str, Any]:
    """Return the context of the newest results of a user and a model, so that they survive a reload."""
    if resolved is None:
        return {"recent": []}
    job = find_last_job(request.user, resolved.version) if with_job else None
    context: dict[str, Any] = {"recent": list_recent_predictions(request.user, resolved.version), "last_job": job}
    if job and is_current_job(job):
        context |= {"progress": get_progress(job), "is_current": True, "grid": get_grid_context(job, request, in_card=True)}
    return context


def list_recent_predictions(user: User, version: ModelVersion) -> list[Prediction]:
    """Return the newest single predictions of a model by a user, without scanning all predictions of either."""
    newest = Prediction.objects.filter(user=user).order_by("-id").values("pk")[:MAX_SEARCHED_PREDICTIONS]
    rows = Prediction.objects.filter(pk__in=newest, model_version__model=version.model_id, batch_job_item=None)
    return list(rows.with_related().with_reviews().order_by("-id")[:MAX_RECENT_PREDICTIONS])


def find_last_job(user: User, version: ModelVersion) -> BatchJob | None:
    """Return the newest batch job of images of a model by a user, without drafts to which no image was uploaded."""
    jobs = BatchJob.objects.filter(user=user).select_related("model_version__model", "user").order_by("-id")
    for job in jobs[:MAX_SEARCHED_JOBS]:
        is_empty = job.status == BatchJob.Status.DRAFT and not job.total_items
        if job.model_version.model_id == version.model_id and has_grid(job) and not is_empty:
            return job
    return None


def is_current_job(job: BatchJob) -> bool:
    """Return whether the Predict page shows the results of a batch job: it is open, or has ended recently."""
    return job.completed_at is None or timezone.now() - job.completed_at < SHOWN_FOR
