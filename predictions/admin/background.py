"""Background work in the admin: queued predictions and batch jobs. A permission allows canceling and repeating it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.permissions import (
    CANCEL_PREDICTIONS,
    CHANGE_BATCH_JOBS,
    VIEW_BATCH_JOBS,
    VIEW_PREDICTIONS,
    has_permission,
)
from core.admin import ReadOnlyAdmin, render_json, render_link
from core.formatting import format_count
from inference.errors import InferenceError
from predictions.batch_jobs.presentation import format_job_title
from predictions.models import BatchJob, QueuedPrediction
from predictions.services.background import cancel_predictions, requeue_prediction
from predictions.services.batch_jobs import cancel_batch_job, retry_batch_job

MAX_TITLE_CHARACTERS = 40


class BackgroundAdmin(ReadOnlyAdmin):
    """Rows that background workers process."""

    view_permission: ClassVar[str]
    manage_permission: ClassVar[str]
    ordering = ("-created_at",)
    sortable_by = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_permission(request.user, self.view_permission)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return has_permission(request.user, self.view_permission)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return has_permission(request.user, self.manage_permission)

    def change_selected(self, request: HttpRequest, queryset: QuerySet, change: Callable[[Any], object], done: str) -> None:
        """Call a service for each selected row, and show the number of changed rows and each error once."""
        count, messages = 0, set()
        for row in queryset:
            try:
                change(row)
                count += 1
            except InferenceError as error:
                messages.add(error.message)
        for message in sorted(messages):
            self.message_user(request, message, level="error")
        if count:
            self.message_user(request, f"{done}: {count}")

    @admin.display(description=_("age"), ordering="created_at")
    def age(self, row: Any) -> str:
        return timesince(row.created_at)


@admin.register(QueuedPrediction)
class QueuedPredictionAdmin(BackgroundAdmin):
    view_permission, manage_permission = VIEW_PREDICTIONS, CANCEL_PREDICTIONS
    list_display = ("prediction_link", "state", "age", "attempts", "reference", "user", "leased_until", "expires_at")
    list_select_related = ("prediction__user",)
    fields = ("prediction_link", "state", "reference", "user", "attempts", "created_at", "leased_until", "expires_at")
    readonly_fields = ("prediction_link", "state", "user", "created_at")
    actions = ("cancel", "requeue")

    @admin.display(description=_("prediction"))
    def prediction_link(self, row: QueuedPrediction) -> str:
        return render_link(row.prediction, str(row.pk))

    @admin.display(description=_("user"))
    def user(self, row: QueuedPrediction) -> Any:
        return row.prediction.user

    @admin.display(description=_("state"))
    def state(self, row: QueuedPrediction) -> str:
        if row.leased_until is None:
            return gettext("queued")
        return gettext("running") if row.leased_until >= timezone.now() else gettext("running, worker lost")

    @admin.action(description=_("Cancel selected predictions"), permissions=["manage"])
    def cancel(self, request: HttpRequest, queryset: QuerySet) -> None:
        ids = list(queryset.order_by().values_list("pk", flat=True))
        self.message_user(request, f"{gettext('Canceled')}: {cancel_predictions(prediction_ids=ids)}")

    @admin.action(description=_("Enqueue selected predictions again"), permissions=["manage"])
    def requeue(self, request: HttpRequest, queryset: QuerySet) -> None:
        self.change_selected(request, queryset, lambda row: requeue_prediction(queued=row), gettext("Enqueued"))


@admin.register(BatchJob)
class BatchJobAdmin(BackgroundAdmin):
    view_permission, manage_permission = VIEW_BATCH_JOBS, CHANGE_BATCH_JOBS
    list_display = ("title", "status", "model_version", "user", "age", "progress", "failed_items", "id")
    list_select_related = ("model_version__model", "user")
    list_filter = ("status", "kind")
    ordering = ("-id",)
    fields = (
        "id", "status", "error_code", "error_message", "kind", "original_name", "size", "sha256", "model_link", "reference",
        "user", "source", "total_items", "succeeded_items", "failed_items", "attempts", "leased_until", "created_at",
        "started_at", "completed_at", "options_json",
    )  # fmt: skip
    readonly_fields = ("id", "model_link", "created_at", "options_json")
    actions = ("cancel", "retry")

    @admin.display(description=_("name"))
    def title(self, row: BatchJob) -> str:
        return truncatechars(format_job_title(row), MAX_TITLE_CHARACTERS)

    @admin.display(description=_("progress"))
    def progress(self, row: BatchJob) -> str:
        text = format_count(row.done_items)
        if row.total_items is not None:
            text = gettext("%(done)s of %(total)s") % {"done": text, "total": format_count(row.total_items)}
        return text.replace(" ", "\N{NO-BREAK SPACE}")

    @admin.display(description=_("model version"))
    def model_link(self, row: BatchJob) -> str:
        return render_link(row.model_version)

    @admin.display(description=_("options"))
    def options_json(self, row: BatchJob) -> str:
        return render_json(row.options)

    @admin.action(description=_("Cancel selected batch jobs"), permissions=["manage"])
    def cancel(self, request: HttpRequest, queryset: QuerySet) -> None:
        self.change_selected(request, queryset, lambda row: cancel_batch_job(job=row), gettext("Canceled"))

    @admin.action(description=_("Retry selected batch jobs"), permissions=["manage"])
    def retry(self, request: HttpRequest, queryset: QuerySet) -> None:
        self.change_selected(request, queryset, lambda row: retry_batch_job(job=row), gettext("Queued"))
