"""The results of a small table, sorted: a part of the page of a batch job."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import View

from accounts.requests import AuthenticatedRequest
from predictions.batch_jobs.result_table import build_results_table
from predictions.models import BatchJob
from predictions.views.mixins import HtmxLoginRequiredMixin


class BatchJobRowsView(HtmxLoginRequiredMixin, View):
    """The table of the results in an order. Without htmx, or if the job has no such table, redirect to its page."""

    http_method_names = ["get"]
    request: AuthenticatedRequest

    def get(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        jobs = BatchJob.objects.visible_to(request.user).select_related("model_version__model", "user")
        job = get_object_or_404(jobs, pk=pk)
        parameters = request.GET
        table = build_results_table(job, sort=parameters.get("sort", ""), page=parameters.get("page", ""))
        if table is None or not self.request.htmx:
            return redirect(job)
        response = render(request, "predictions/_table_results.html", {"job": job, "table": table})
        response["Cache-Control"] = "private, no-store"
        return response
