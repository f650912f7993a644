"""Inputs and predictions in the admin. Read-only."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.admin import render_json, render_link
from core.fields import parse_uuid
from core.formatting import NOT_AVAILABLE, format_percent, join_values
from predictions.admin.display import format_features, format_review, render_input, render_whole_input
from predictions.admin.indexed_lists import IndexedChoicesFilter, ModelFilter, SearchableAdmin
from predictions.admin.review_actions import ReviewActionsAdmin, ReviewInline, ReviewStateFilter
from predictions.models import Input, Prediction, Review
from predictions.permissions import can_cancel, can_review
from predictions.presentation import format_output
from predictions.stored_errors import describe_warning
from registry.models import MULTI_LABEL_TASKS, ModelVersion

MAX_LISTED_PREDICTIONS = 20  # on the page of an input
MAX_LISTED_LABELS = 100  # in the label filter
MAX_OUTPUT_CHARACTERS = 60  # in the list of predictions
MAX_LISTED_SCORES = 3  # in the list of predictions
MAX_LISTED_REVIEWS = 3  # in the list of predictions
SMALL_SIDE_PIXELS, LARGE_SIDE_PIXELS = 48, 256  # of a thumbnail


class LabelFilter(admin.SimpleListFilter):
    """Filter by a label of the versions in use. Reading the labels from the predictions would read the whole table."""

    title = _("label")
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        versions = ModelVersion.objects.served().exclude(model__task__in=MULTI_LABEL_TASKS).values_list("labels", flat=True)
        known_labels = {label for labels in versions for label in labels}
        return [(label, label) for label in sorted(known_labels)[:MAX_LISTED_LABELS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> QuerySet[Prediction]:
        known_labels = {label for label, _ in self.lookup_choices}
        rows: Any = queryset
        return rows.matching(label=self.value()) if self.value() in known_labels else queryset


@admin.register(Input)
class InputAdmin(SearchableAdmin):
    change_list_template = "admin/predictions/change_list.html"
    list_display = ("small_input", "id", "original_name", "user", "kind", "content_type", "size", "created_time")
    list_display_links = ("small_input", "id")
    list_select_related = ("user",)
    list_filter = (("kind", IndexedChoicesFilter),)
    sortable_by = ("created_time",)
    search_fields = ("id",)
    search_help_text = _("Search by ID, SHA-256, or username. Enter the whole value.")
    fields = (
        "large_input", "id", "user", "kind", "original_name", "sha256", "content_type", "width", "height",
        "size", "created_at", "prediction_links",
    )  # fmt: skip
    readonly_fields = ("large_input", "prediction_links", "id", "created_at")

    def build_text_query(self, term: str) -> Q:
        return Q(sha256=term.lower())

    @admin.display(description=_("input"))
    def small_input(self, row: Input) -> str:
        return render_input(row, SMALL_SIDE_PIXELS)

    @admin.display(description=_("input"))
    def large_input(self, row: Input) -> str:
        return render_whole_input(row, LARGE_SIDE_PIXELS)

    @admin.display(description=_("predictions"))
    def prediction_links(self, row: Input) -> SafeString | str:
        predictions = row.predictions.select_related("model_version__model").order_by("-id")[:MAX_LISTED_PREDICTIONS]
        links = [(render_link(prediction, _describe_prediction(prediction)),) for prediction in predictions]
        return format_html_join("", "<div>{}</div>", links) or NOT_AVAILABLE


@admin.register(Prediction)
class PredictionAdmin(ReviewActionsAdmin, SearchableAdmin):
    change_list_template = "admin/predictions/prediction/change_list.html"
    change_form_template = "admin/predictions/prediction/change_form.html"
    list_display = (
        "small_input",
        "output_text",
        "confidence_text",
        "review_text",
        "short_output",
        "model_version",
        "user",
        "status",
        "created_time",
    )
    list_display_links = ("small_input", "output_text")
    list_select_related = ("input", "model_version__model", "user")
    list_filter = (
        ReviewStateFilter,
        ("status", IndexedChoicesFilter),
        ("source", IndexedChoicesFilter),
        ("model_version__model", ModelFilter),
        LabelFilter,
    )
    sortable_by = ("confidence_text", "created_time")
    inlines = (ReviewInline,)
    search_fields = ("id",)
    search_help_text = _("Search by prediction ID, input ID, client reference, or username. Enter the whole value.")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "large_input",
                    "full_output",
                    "confidence_text",
                    "value",
                    "status",
                    "error_code",
                    "error_message",
                    "warnings_text",
                )
            },
        ),
        (_("Request"), {"fields": ("id", "input_link", "version_link", "user", "source", "client_reference")}),
        (_("Output"), {"fields": ("output_json",)}),
        (
            _("Times"),
            {
                "fields": (
                    *("created_at", "started_at", "completed_at"),
                    *("decode_ms", "preprocess_ms", "queue_ms", "inference_ms"),
                )
            },
        ),
    )
    readonly_fields = (
        "id",
        "created_at",
        "large_input",
        "full_output",
        "confidence_text",
        "input_link",
        "version_link",
        "output_json",
        "warnings_text",
    )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the user's own review, and the buttons to review or cancel the prediction."""
        reviews = Review.objects.active().filter(reviewer=cast(User, request.user))
        prediction_id = parse_uuid(object_id)
        own_review = reviews.filter(prediction_id=prediction_id).first() if prediction_id else None
        prediction = Prediction.objects.filter(pk=prediction_id).first() if prediction_id else None
        context = {
            **(extra_context or {}),
            "mine": own_review,
            "can_review": prediction is not None and can_review(prediction, cast(User, request.user)),
            "can_cancel": prediction is not None and can_cancel(prediction, cast(User, request.user)),
        }
        return super().change_view(request, object_id, form_url, context)

    def build_id_query(self, value: UUID) -> Q:
        return Q(pk=value) | Q(input=value)

    def build_text_query(self, term: str) -> Q:
        return Q(client_reference=term) & ~Q(client_reference="")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request).select_related(*self.list_select_related)
        return rows.with_reviews()

    @admin.display(description=_("input"))
    def small_input(self, row: Prediction) -> str:
        return render_input(row.input, SMALL_SIDE_PIXELS)

    @admin.display(description=_("input"))
    def large_input(self, row: Prediction) -> str:
        return render_whole_input(row.input, LARGE_SIDE_PIXELS)

    @admin.display(description=_("prediction"))
    def output_text(self, row: Prediction) -> str:
        text = format_output(row) or row.error_code or row.status
        return Truncator(text).chars(MAX_OUTPUT_CHARACTERS)

    @admin.display(description=_("prediction"))
    def full_output(self, row: Prediction) -> str:
        return format_output(row) or NOT_AVAILABLE

    @admin.display(description=_("review"))
    def review_text(self, row: Prediction) -> str:
        """Return the reviews, newest first, and equal ones once, so that a list shows how they conflict."""
        texts = dict.fromkeys(format_review(review) for review in row.active_reviews)
        return " · ".join(list(texts)[:MAX_LISTED_REVIEWS]) or NOT_AVAILABLE

    @admin.display(description=_("output"))
    def short_output(self, row: Prediction) -> str:
        """Return the output in one line, with the highest scores first."""
        output = {**(row.output or {})}
        if "scores" in output:
            return join_values(f"{label}: {format_percent(score)}" for label, score in row.ranked_scores[:MAX_LISTED_SCORES])
        return format_features(output)

    @admin.display(description=_("confidence"), ordering="confidence")
    def confidence_text(self, row: Prediction) -> str:
        return format_percent(row.confidence)

    @admin.display(description=_("warnings"))
    def warnings_text(self, row: Prediction) -> str:
        return " ".join(map(describe_warning, row.warnings)) or NOT_AVAILABLE

    @admin.display(description=_("input"))
    def input_link(self, row: Prediction) -> str:
        return render_link(row.input, row.input.original_name or str(row.input_id))

    @admin.display(description=_("model version"))
    def version_link(self, row: Prediction) -> str:
        return render_link(row.model_version)

    @admin.display(description=_("output"))
    def output_json(self, row: Prediction) -> str:
        return render_json(row.output)


def _describe_prediction(row: Prediction) -> str:
    values = {"output": row.label or row.get_status_display(), "version": row.model_version, "id": row.pk}
    return gettext("%(output)s by %(version)s (%(id)s)") % values
