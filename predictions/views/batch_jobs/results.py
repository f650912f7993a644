"""The results of a batch job of images as a grid, and the digests of its images."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import View

from accounts.requests import AuthenticatedRequest
from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError
from predictions.batch_jobs.grid import build_grid, has_grid, parse_grid_options
from predictions.batch_jobs.presentation import has_failed_predictions
from predictions.batch_jobs.progress import count_missing
from predictions.models import BatchJob, BatchJobImage, BatchJobItem
from predictions.permissions import EXPORT_DENIED, can_change_job, can_export_job
from predictions.views.mixins import HtmxLoginRequiredMixin

NO_CHANGE_STATUS = 204  # htmx then changes nothing
MAX_DIGESTS = 10_000  # the newest images of a batch job


class BatchJobResultsView(HtmxLoginRequiredMixin, View):
    """The grid of a batch job. Requests without htmx get the page of the batch job, with the same query string.

    An open batch job polls it with `done`: the status and the number of items on the page. If they are the same, there is no
    new grid.
    """

    http_method_names = ["get"]
    request: AuthenticatedRequest

    def get(self, request: HttpRequest, pk: Any) -> HttpResponse:
        job = _get_job(self.request, pk)
        if not self.request.htmx:
            return redirect(f"{job.get_absolute_url()}?{request.GET.urlencode()}")
        if request.GET.get("done") == f"{job.status}-{job.done_items}":
            return HttpResponse(status=NO_CHANGE_STATUS)
        context = get_grid_context(job, self.request)
        response = render(request, "predictions/batch_jobs/_grid.html", context)
        response["Cache-Control"] = "private, no-store"
        return response


class BatchJobDigestsView(HtmxLoginRequiredMixin, View):
    """The names and SHA-256 digests of the uploaded images of a batch job, so that a page does not upload them again."""

    http_method_names = ["get"]
    request: AuthenticatedRequest

    def get(self, request: HttpRequest, pk: Any) -> HttpResponse:
        job = _get_job(self.request, pk)
        if job.kind != BatchJob.Kind.IMAGES or not can_change_job(job, self.request.user):
            raise Http404
        items = BatchJobItem.objects.filter(job=job).order_by("-number")
        images = BatchJobImage.objects.filter(job=job).order_by("-number")
        rows = list(items.values_list("number", "name", "prediction__input__sha256")[:MAX_DIGESTS])
        rows += images.values_list("number", "name", "sha256")[:MAX_DIGESTS]
        next_number = max((number for number, _, _ in rows), default=0) + 1
        known = [[name, sha256] for _, name, sha256 in rows if sha256]
        body = {"status": job.status, "next_number": next_number, "images": known}
        return JsonResponse(body, headers={"Cache-Control": "private, no-store"})


class BatchJobWorkbookView(HtmxLoginRequiredMixin, View):
    """Download the results of a batch job as an Excel workbook."""

    http_method_names = ["get"]
    request: AuthenticatedRequest

    def get(self, request: HttpRequest, pk: Any) -> HttpResponseBase:
        from predictions.batch_jobs.workbook import stream_workbook  # openpyxl takes long to import

        jobs = BatchJob.objects.visible_to(self.request.user).select_related("model_version__model", "user")
        job: BatchJob = get_object_or_404(jobs, pk=pk)
        if not can_export_job(job, self.request.user):
            raise PermissionDenied(EXPORT_DENIED)
        try:
            return stream_workbook(job, reader=self.request.user)
        except (InferenceError, StorageUnavailable) as error:
            messages.error(request, str(error))
            return redirect(job)


def get_grid_context(job: BatchJob, request: AuthenticatedRequest, *, in_card: bool = False) -> dict[str, Any]:
    """Return the context of the grid of a batch job, as the query string describes it.

    Args:
        in_card: whether the grid is in a card of the Predict page, which has no other buttons.
    """
    return build_grid(job, parse_grid_options(request.GET)) | {
        "can_change": can_change_job(job, request.user),
        "can_export": can_export_job(job, request.user),
        "can_retry": job.is_final and can_retry_job(job),
        "missing_count": count_missing(job) if job.status != BatchJob.Status.DRAFT else 0,
        "in_card": in_card or "card" in request.GET,
    }


def can_retry_job(job: BatchJob) -> bool:
    """Return whether the page offers it. The work of a user whose account is not active would be canceled again."""
    if job.user and not job.user.is_active:
        return False
    if job.status == BatchJob.Status.SUCCEEDED:
        return has_failed_predictions(job)
    return job.is_final


def _get_job(request: AuthenticatedRequest, pk: Any) -> BatchJob:
    jobs = BatchJob.objects.visible_to(request.user).select_related("model_version__model", "user")
    job: BatchJob = get_object_or_404(jobs, pk=pk)
    if not has_grid(job):
        raise Http404
    return job
