"""Start, cancel, and retry a batch job."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.generic import View

from accounts.requests import AuthenticatedRequest
from core.errors import get_status
from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError
from predictions.batch_jobs.files import build_preview
from predictions.models import BatchJob
from predictions.permissions import JOB_CHANGE_DENIED, can_change_job
from predictions.services.batch_jobs import (
    can_run_directly,
    cancel_batch_job,
    retry_batch_job,
    run_batch_job,
    start_batch_job,
)
from predictions.views.batch_jobs.preview import (
    UNREADABLE_MESSAGE,
    build_columns_form,
    get_preview_context,
    has_preview,
)
from predictions.views.mixins import HtmxLoginRequiredMixin, get_next_url

logger = logging.getLogger(__name__)


class BatchJobActionView(HtmxLoginRequiredMixin, View):
    """Change a batch job, and return to its page. A permission to see the batch jobs of other users does not allow this."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        jobs = BatchJob.objects.visible_to(self.request.user).select_related("model_version__model", "user")
        job = get_object_or_404(jobs, pk=pk)
        if not can_change_job(job, self.request.user):
            raise PermissionDenied(JOB_CHANGE_DENIED)
        try:
            return self.change_job(job)
        except (InferenceError, StorageUnavailable) as error:
            messages.error(request, str(error))
        except OSError:
            logger.exception("batch job file cannot be read", extra={"job": str(job.pk)})
            messages.error(request, UNREADABLE_MESSAGE)
        return redirect(job)

    def change_job(self, job: BatchJob) -> HttpResponse:
        raise NotImplementedError


class StartBatchJobView(BatchJobActionView):
    """Start a draft with the chosen columns, and run it if it is small. If they are rejected, show the preview with them."""

    def change_job(self, job: BatchJob) -> HttpResponse:
        if not has_preview(job):
            return redirect(start_batch_job(job=job))  # a second click
        preview = build_preview(job)
        if job.kind != BatchJob.Kind.TABLE or preview is None:
            return redirect(start_batch_job(job=job))
        form = build_columns_form(job, preview, self.request.POST)
        if not form.is_valid():
            return self.show_preview(job, status=400, form=form, error=_("Choose other columns."))
        try:
            is_direct = can_run_directly(job)
            job = start_batch_job(job=job, mapping=form.get_mapping(), is_enqueued=not is_direct)
        except InferenceError as error:
            return self.show_preview(job, status=get_status(error), form=form, error=str(error))
        if is_direct:
            run_batch_job(str(job.pk), is_direct=True)
        return redirect(job)

    def show_preview(self, job: BatchJob, *, status: int, **context: Any) -> HttpResponse:
        context = get_preview_context(job, **context) | {"job": job, "can_change": True}
        return render(self.request, "predictions/batch_jobs/preview.html", context, status=status)


class CancelBatchJobView(BatchJobActionView):
    """Cancel a batch job."""

    def change_job(self, job: BatchJob) -> HttpResponse:
        is_draft = has_preview(job)
        job = cancel_batch_job(job=job)
        messages.success(self.request, _("The batch job was canceled."))
        return redirect("predictions:batch-jobs") if is_draft else redirect(job)


class RetryBatchJobView(BatchJobActionView):
    """Predict the failed items again, or continue a batch job that has failed or was canceled."""

    def change_job(self, job: BatchJob) -> HttpResponse:
        job = retry_batch_job(job=job)
        return HttpResponseRedirect(get_next_url(self.request, default=job.get_absolute_url()))
