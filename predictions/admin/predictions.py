"""Inputs and predictions."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from core.admin import ReadOnlyAdmin, render_json, render_link
from core.fields import is_uuid
from core.formatting import format_percent
from predictions.admin.display import input_of, row_of
from predictions.admin.review_actions import ReviewActionsAdmin, ReviewInline, ReviewStateFilter
from predictions.models import Input, Prediction, Review
from predictions.presentation import format_output, format_true_output
from registry.models import ModelVersion

FAMILY = 20  # predictions of one input that its page lists


class LabelFilter(admin.SimpleListFilter):
    """Labels as the served versions name them; asking the rows themselves would read the whole table."""

    title = "label"
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        known = {label for labels in ModelVersion.objects.served().values_list("labels", flat=True) for label in labels}
        return [(label, label) for label in sorted(known)[:100]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> QuerySet[Prediction]:
        known = {label for label, _ in self.lookup_choices}
        return queryset.filter(label=self.value()) if self.value() in known else queryset


class SearchableAdmin(ReadOnlyAdmin):
    """Find rows by what an index answers: a whole id, the caller's reference, a user name."""

    date_hierarchy = "created_at"
    ordering = ("-id",)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(self.by_id(UUID(term))), False
        except ValueError:
            users = User.objects.filter(username=term).values("pk")
            return queryset.filter(Q(user__in=users) | self.by_text(term)), False

    @admin.display(description="created (UTC)", ordering="created_at")
    def when(self, row: Any) -> str:
        return f"{row.created_at:%Y-%m-%d %H:%M:%S}"

    def by_id(self, value: UUID) -> Q:
        return Q(pk=value)

    def by_text(self, term: str) -> Q:
        raise NotImplementedError(f"{type(self).__name__} must override by_text()")


@admin.register(Input)
class InputAdmin(SearchableAdmin):
    list_display = ("asked", "id", "original_name", "user", "kind", "content_type", "size", "when")
    list_display_links = ("id",)
    list_select_related = ("user",)
    list_filter = ("kind",)
    search_fields = ("id",)
    search_help_text = "A whole id, a sha256 or a user name."
    fields = (
        "large_input", "id", "user", "kind", "original_name", "sha256", "content_type", "width", "height",
        "size", "created_at", "answers",
    )  # fmt: skip
    readonly_fields = ("large_input", "answers", "id", "created_at")

    def by_text(self, term: str) -> Q:
        return Q(sha256=term.lower())

    @admin.display(description="input")
    def asked(self, row: Input) -> str:
        return input_of(row, 48)

    @admin.display(description="input")
    def large_input(self, row: Input) -> str:
        return render_json(row.features) if row.features is not None else input_of(row, 256)

    @admin.display(description="predictions")
    def answers(self, row: Input) -> SafeString | str:
        family = row.predictions.select_related("model_version__model").order_by("-id")[:FAMILY]
        text = "{} by {} ({})"
        named = [(render_link(one, text.format(one.label or one.status, one.model_version, one.id)),) for one in family]
        return format_html_join("", "<div>{}</div>", named) or "–"


@admin.register(Prediction)
class PredictionAdmin(ReviewActionsAdmin, SearchableAdmin):
    change_list_template = "admin/predictions/prediction/change_list.html"
    change_form_template = "admin/predictions/prediction/change_form.html"
    list_display = ("asked", "said", "percent", "judged", "short_output", "model_version", "user", "status", "when")
    list_display_links = ("said",)
    list_select_related = ("input", "model_version__model", "user")
    list_filter = (ReviewStateFilter, "status", "source", "model_version__model", LabelFilter)
    inlines = (ReviewInline,)
    search_fields = ("id",)
    search_help_text = "A whole id (of the prediction or its input), a client reference or a user name."
    fieldsets = (
        (None, {"fields": ("large_input", "label", "percent", "value", "status", "error_code", "error_message")}),
        ("Asked", {"fields": ("id", "input_link", "version_link", "user", "source", "client_reference")}),
        ("Answered", {"fields": ("pretty_output",)}),
        ("Times", {"fields": ("created_at", "started_at", "completed_at", "preprocess_ms", "queue_ms", "inference_ms")}),
    )
    readonly_fields = ("id", "created_at", "large_input", "percent", "input_link", "version_link", "pretty_output")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show with a prediction the buttons to judge it."""
        opinions = Review.objects.active().filter(reviewer=cast(User, request.user))
        mine = opinions.filter(prediction_id=UUID(object_id)).first() if is_uuid(object_id) else None
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "mine": mine})

    def by_id(self, value: UUID) -> Q:
        return Q(pk=value) | Q(input=value)

    def by_text(self, term: str) -> Q:
        return Q(client_reference=term)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request).select_related(*self.list_select_related)
        return rows.with_reviews()

    @admin.display(description="input")
    def asked(self, row: Prediction) -> str:
        return input_of(row.input, 48)

    @admin.display(description="input")
    def large_input(self, row: Prediction) -> str:
        return render_json(dict(row.input.features)) if row.input.features is not None else input_of(row.input, 256)

    @admin.display(description="answer", ordering="label")
    def said(self, row: Prediction) -> str:
        return format_output(row) or row.error_code or row.status

    @admin.display(description="judged")
    def judged(self, row: Any) -> str:
        opinion = next(iter(row.active_reviews), None)
        if opinion is None:
            return "–"
        verdict, true_output = opinion.get_verdict_display(), format_true_output(opinion)
        return f"{verdict}: {true_output}" if true_output else verdict

    @admin.display(description="output")
    def short_output(self, row: Prediction) -> str:
        """Return the output in one line, the best scores first."""
        output = {**(row.output or {})}
        if "scores" in output:
            output = {label: round(score, 4) for label, score in row.ranked_scores[:3]}
        return row_of(output)

    @admin.display(description="confidence", ordering="confidence")
    def percent(self, row: Prediction) -> str:
        return format_percent(row.confidence)

    @admin.display(description="input")
    def input_link(self, row: Prediction) -> str:
        return render_link(row.input, row.input.original_name or str(row.input_id))

    @admin.display(description="model version")
    def version_link(self, row: Prediction) -> str:
        return render_link(row.model_version)

    @admin.display(description="output")
    def pretty_output(self, row: Prediction) -> str:
        return render_json(row.output)
