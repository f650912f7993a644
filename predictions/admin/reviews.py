"""Reviews in the admin. Read-only: reviews are created in the review queue and are never edited."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from core.admin import ReadOnlyAdmin, render_link
from predictions.admin.review_queue import ReviewQueueView
from predictions.models import Review
from predictions.presentation import format_output, format_true_output


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    change_list_template = "admin/predictions/prediction/change_list.html"
    list_display = (
        "created_at",
        "prediction_link",
        "verdict",
        "output_text",
        "true_output",
        "reviewer",
        "picked_by",
        "withdrawn_at",
    )
    list_select_related = ("prediction__model_version__model", "reviewer")
    list_filter = ("verdict", "picked_by")
    ordering = ("-id",)
    fields = (
        "prediction_link", "output_text", "verdict", "true_label", "true_value", "true_labels", "comment", "reviewer",
        "picked_by", "created_at", "withdrawn_at",
    )  # fmt: skip
    readonly_fields = ("prediction_link", "output_text", "created_at")

    def get_urls(self) -> list[URLPattern]:
        queue = self.admin_site.admin_view(ReviewQueueView.as_view(model_admin=self))
        return [path("queue/", queue, name="predictions_review_queue"), *super().get_urls()]

    @admin.display(description=_("prediction"))
    def prediction_link(self, row: Review) -> str:
        return render_link(row.prediction, f"{row.prediction.model_version}")

    @admin.display(description=_("output"))
    def output_text(self, row: Review) -> str:
        return format_output(row.prediction)

    @admin.display(description=_("true output"))
    def true_output(self, row: Review) -> str:
        return format_true_output(row)
