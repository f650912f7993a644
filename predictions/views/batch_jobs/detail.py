"""The list of batch jobs, and the page of one: its preview or its progress."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.vary import vary_on_headers
from django.views.generic import DetailView, TemplateView

from accounts.permissions import is_reviewer
from accounts.requests import AuthenticatedRequest
from core.pagination import get_keyset_page
from predictions.batch_job_presentation import MAX_SHOWN_LABELS, count_labels, get_progress, list_failures
from predictions.models import BatchJob
from predictions.views.mixins import HtmxLoginRequiredMixin

PAGE_SIZE = 24  # batch jobs


@method_decorator(vary_on_headers("HX-Request"), "dispatch")
class BatchJobView(HtmxLoginRequiredMixin, DetailView):
    """A batch job. htmx requests get its progress only.

    The page polls it with the status and the number of failed items that it shows, and gets the parts that have changed.
    """

    context_object_name = "job"
    request: AuthenticatedRequest

    def get_queryset(self) -> Any:
        return BatchJob.objects.visible_to(self.request.user).select_related("model_version__model", "user")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response

    def get_template_names(self) -> list[str]:
        return [f"predictions/batch_jobs/{'_progress' if self.request.htmx else 'job'}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        job: BatchJob = self.object
        shown = self.request.GET
        is_page = not self.request.htmx or "status" in shown
        has_new_status = shown.get("status") != job.status
        failures = list_failures(job) if is_page else []
        label_counts = count_labels(job) if job.is_final and is_page and has_new_status else []
        return super().get_context_data(
            progress=get_progress(job),
            is_page=is_page,
            has_new_status=has_new_status,
            failures=failures,
            has_new_failures=shown.get("failures") != str(len(failures)),
            label_counts=label_counts[:MAX_SHOWN_LABELS],
            hidden_label_count=max(0, len(label_counts) - MAX_SHOWN_LABELS),
            can_change=job.user_id == self.request.user.pk,
            shows_user=is_reviewer(self.request.user),
            **kwargs,
        )


class BatchJobListView(HtmxLoginRequiredMixin, TemplateView):
    """Batch jobs, newest first."""

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
        return super().get_context_data(page=page, shows_all_users=is_reviewer(user), **kwargs)
