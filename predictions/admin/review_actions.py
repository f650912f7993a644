"""Judge and export predictions from their admin list; what people said of one, on its page."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html, format_html_join

from accounts.models import User
from accounts.permissions import is_reviewer
from core.fields import is_uuid
from inference.errors import InferenceError
from predictions.export import stream_export
from predictions.models import Prediction, Review
from predictions.presentation import format_output, format_true_output
from predictions.services.ground_truth import Result, review_many
from predictions.services.reviews import parse_true_value

AT_ONCE = 200  # predictions that one press judges


class ReviewActionForm(ActionForm):
    """What is true of all that are selected."""

    truth = forms.CharField(label="True label or value:", required=False, max_length=100, strip=False)


class ReviewStateFilter(admin.SimpleListFilter):
    """What people said of a prediction."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("unreviewed", "Unreviewed"),
            ("agreed", "Reviewers agreed with it"),
            ("disagreed", "Reviewers disagreed with it"),
            ("differ", "Reviewers differ"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Prediction]:
        states = {
            "unreviewed": queryset.awaiting_review,
            "agreed": queryset.unanimously_correct,
            "disagreed": queryset.unanimously_incorrect,
            "differ": queryset.with_conflicting_reviews,
        }
        chosen = self.value() or ""
        return states[chosen]() if chosen in states else queryset


class PredictionChangeList(ChangeList):
    """Without the bar of months when the list is filtered by reviews: for it the whole ledger would be read."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        if request.GET.get(ReviewStateFilter.parameter_name):
            self.date_hierarchy = None


class ReviewInline(admin.TabularInline):
    """The opinions of a prediction, the withdrawn ones too."""

    model = Review
    fields = readonly_fields = ("verdict", "true_output", "reviewer", "picked_by", "comment", "created_at", "withdrawn_at")
    ordering = ("-id",)
    extra = 0
    can_delete = False

    @admin.display(description="true label or value")
    def true_output(self, row: Review) -> str:
        return format_true_output(row)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        return super().get_queryset(request).select_related("reviewer")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReviewActionsAdmin(admin.ModelAdmin):
    """Actions on a list of predictions. They store by the service that the API and the pages use."""

    action_form = ReviewActionForm
    actions = ("judge_correct", "judge_incorrect", "judge_unsure", "export_as_csv")

    def response_action(self, request: HttpRequest, queryset: QuerySet, *more: Any) -> Any:
        """Refuse ids that are none, which the admin would look up all the same."""
        if not all(is_uuid(one) for one in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise SuspiciousOperation("A selected id is none.")
        return super().response_action(request, queryset, *more)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PredictionChangeList

    def has_review_permission(self, request: HttpRequest) -> bool:
        return is_reviewer(request.user)

    @admin.action(description="Judge: correct", permissions=["review"])
    def judge_correct(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> None:
        self._judge(request, queryset, Review.Verdict.CORRECT)

    @admin.action(description="Judge: incorrect", permissions=["review"])
    def judge_incorrect(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> None:
        self._judge(request, queryset, Review.Verdict.INCORRECT)

    @admin.action(description="Judge: unsure", permissions=["review"])
    def judge_unsure(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> None:
        self._judge(request, queryset, Review.Verdict.UNSURE)

    @admin.action(description="Export as CSV", permissions=["review"])
    def export_as_csv(self, request: HttpRequest, queryset: Any) -> StreamingHttpResponse:
        rows = queryset.with_related().order_by("-id")  # the list has fetched the reviews
        return stream_export(rows, reader=request.user, format_name="csv")

    def _judge(self, request: HttpRequest, queryset: Any, verdict: str) -> None:
        truth = request.POST.get("truth", "")
        rows = list(queryset.with_related()[: AT_ONCE + 1])
        if len(rows) > AT_ONCE:
            messages.error(request, f"Select at most {AT_ONCE} at once: nobody looks at more. Nothing was stored.")
            return
        try:
            items = [{"id": row.pk, "verdict": verdict, **_truth_for(row, truth)} for row in rows]
        except InferenceError as error:
            messages.error(request, f"{error.message} Nothing was stored.")
            return
        results = review_many(items=items, reviewer=cast(User, request.user), picked_by=Review.PickedBy.MANUAL)
        told = list(zip(rows, results, strict=True))
        _tell(request, messages.SUCCESS, "judged", [pair for pair in told if pair[1].review])
        _tell(request, messages.ERROR, "not judged", [pair for pair in told if pair[1].error])


def _truth_for(row: Prediction, truth: str) -> dict[str, Any]:
    if not truth.strip():
        return {}
    return {"true_value": parse_true_value(truth)} if row.value is not None else {"true_label": truth}


def _tell(request: HttpRequest, level: int, what: str, told: list[tuple[Prediction, Result]]) -> None:
    """Say of each row what became of it."""
    if not told:
        return
    lines = format_html_join(
        "",
        '<div><a href="{}">{}</a> ({}, {}): {}</div>',
        (
            (
                row.get_absolute_url(),
                format_output(row) or row.status,
                row.model_version,
                row.input.original_name or str(row.pk),
                _outcome(result),
            )
            for row, result in told
        ),
    )
    messages.add_message(request, level, format_html("{} {}.{}", len(told), what, lines))


def _outcome(result: Result) -> str:
    if result.error:
        return result.error.message
    review = result.review
    assert review  # noqa: S101  a result has the one or the other
    incorrect = review.verdict == Review.Verdict.INCORRECT
    true_output = format_true_output(review)
    return f"{review.verdict}, it is {true_output}" if incorrect and true_output else review.verdict
