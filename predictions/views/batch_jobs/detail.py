"""The list of batch jobs, and the page of one: its preview or its progress."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.vary import vary_on_headers
from django.views.generic import DetailView, TemplateView

from accounts.requests import AuthenticatedRequest
from core.pagination import get_keyset_page
from predictions.batch_jobs.grid import has_grid
from predictions.batch_jobs.presentation import (
    MAX_SHOWN_FAILURES,
    MAX_SHOWN_LABELS,
    count_labels,
    format_page_title,
    list_failures,
)
from predictions.batch_jobs.progress import get_progress
from predictions.batch_jobs.result_table import build_results_table
from predictions.models import BatchJob
from predictions.permissions import can_change_job, can_export_job
from predictions.views.batch_jobs.preview import get_preview_context, has_preview
from predictions.views.batch_jobs.results import can_retry_job, get_grid_context
from predictions.views.mixins import HtmxLoginRequiredMixin

PAGE_SIZE = 24  # batch jobs


@method_decorator(vary_on_headers("HX-Request"), "dispatch")
class BatchJobView(HtmxLoginRequiredMixin, DetailView):
    """The preview of a draft, or the progress of any other batch job. htmx requests get the progress only.

    The page polls it with the status and the number of failed items that it shows, and gets the parts that have changed.
    """

    context_object_name = "job"
    request: AuthenticatedRequest
    object: BatchJob

    def get_queryset(self) -> Any:
        return BatchJob.objects.visible_to(self.request.user).select_related("model_version__model", "user")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"  # otherwise, the back button shows an outdated page
        return response

    def get_template_names(self) -> list[str]:
        if self.request.htmx:
            return ["predictions/batch_jobs/_progress.html"]
        return [f"predictions/batch_jobs/{'preview' if has_preview(self.object) else 'job'}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        job = self.object
        may_change = can_change_job(job, self.request.user)
        if has_preview(job) and not self.request.htmx:
            return super().get_context_data(**get_preview_context(job), can_change=may_change, **kwargs)
        shown = self.request.GET
        is_page = not self.request.htmx or "status" in shown
        has_new_status = is_page and shown.get("status") != job.status
        failure_count = min(job.failed_items, MAX_SHOWN_FAILURES)
        # If nothing has changed, polling needs no query for them.
        has_new_failures = is_page and shown.get("failures") != str(failure_count)
        shows_labels = job.is_final and has_new_status and not has_grid(job)
        label_counts = count_labels(job) if shows_labels else []
        grid = get_grid_context(job, self.request) if has_grid(job) and not self.request.htmx else {}
        table = None
        if has_new_status:
            table = build_results_table(job, sort=shown.get("sort", ""), page=shown.get("page", ""))
        progress = get_progress(job)
        return super().get_context_data(
            grid=grid,
            progress=progress,
            table=table,
            page_title=format_page_title(job, progress),
            is_page=is_page,
            has_new_status=has_new_status,
            failures=list_failures(job) if has_new_failures else [],
            failure_count=failure_count,
            has_new_failures=has_new_failures,
            label_counts=label_counts[:MAX_SHOWN_LABELS],
            hidden_label_count=max(0, len(label_counts) - MAX_SHOWN_LABELS),
            can_change=may_change,
            can_export=can_export_job(job, self.request.user),
            can_retry=has_new_status and can_retry_job(job),
            shows_user=self.request.user.can_view_batch_jobs,
            **kwargs,
        )


class BatchJobListView(HtmxLoginRequiredMixin, TemplateView):
    """Batch jobs, newest first. The page polls itself while some of them are open."""

    template_name = "predictions/batch_jobs/list.html"
    request: AuthenticatedRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        parameters, user = self.request.GET, self.request.user
        page = get_keyset_page(
            BatchJob.objects.visible_to(user).select_related("model_version__model", "user"),
            older_than=parameters.get("older", ""),
            newer_than=parameters.get("newer", ""),
            size=PAGE_SIZE,
        )
        # Drafts with a preview, and those without an image, wait for their user.
        open_jobs = [job for job in page.rows if not job.is_final and not has_preview(job) and job.total_items != 0]
        return super().get_context_data(page=page, open_jobs=open_jobs, shows_all_users=user.can_view_batch_jobs, **kwargs)
