"""Reviews, to look at: a new opinion withdraws an old one, and none is edited."""

from __future__ import annotations

from django.contrib import admin

from predictions.admin.base import ReadOnlyAdmin, link_to
from predictions.models import Review


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "prediction_link", "verdict", "said", "truth", "reviewer", "picked_by", "withdrawn_at")
    list_select_related = ("prediction__model_version__model", "reviewer")
    list_filter = ("verdict", "picked_by")
    ordering = ("-id",)
    fields = (
        "prediction_link", "said", "verdict", "true_label", "true_value", "comment", "reviewer", "picked_by", "created_at",
        "withdrawn_at",
    )  # fmt: skip
    readonly_fields = ("prediction_link", "said", "created_at")

    @admin.display(description="prediction")
    def prediction_link(self, row: Review) -> str:
        return link_to(row.prediction, f"{row.prediction.model_version}")

    @admin.display(description="answer")
    def said(self, row: Review) -> str:
        return row.prediction.answer
