"""Progress of reviewers: reviews of today, the goal, assignments, and statistics. All queries are bounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from core.fields import get_first_id, parse_uuid
from predictions.admin.review_queue.forms import ReviewQueueForm
from predictions.admin.review_queue.presentation import describe_list
from predictions.models import Review, ReviewAssignment, ReviewGoal
from predictions.models.review_work import DEFAULT_GOAL_REVIEWS
from predictions.services.review_queue import count_remaining
from registry.models import ModelVersion

STATISTICS_WINDOW = timedelta(days=7)
MAX_STATISTICS_REVIEWS = 10_000  # the newest ones of the window
MAX_COMPARED_REVIEWS = 500  # of predictions with several reviews, newest first
MAX_PAUSE = timedelta(minutes=5)  # between two reviews of one session
MAX_SHOWN_ASSIGNMENTS = 10
MAX_COUNTED_REVIEWS = 10_000

TrueOutput = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Goal:
    """The reviews of a reviewer since midnight in their time zone, and the goal."""

    today: int
    per_day: int


@dataclass(frozen=True, slots=True)
class AssignmentProgress:
    """An assignment, how many predictions of its list are reviewed, and its queue. None if they are too many to count.

    Args:
        title: the note or, without one, the filters of the list.
    """

    assignment: ReviewAssignment
    title: str
    remaining: int | None
    url: str

    @property
    def done(self) -> int | None:
        total = self.assignment.total
        return None if total is None or self.remaining is None else max(0, total - self.remaining)


@dataclass(slots=True)
class ReviewerStatistics:
    """The reviews of one reviewer in the past seven days. The median time leaves out pauses."""

    username: str
    today: int = 0
    count: int = 0
    compared: int = 0
    agreed: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def agreement(self) -> float | None:
        return self.agreed / self.compared if self.compared else None

    @property
    def median_seconds(self) -> float | None:
        return median(self.seconds) if self.seconds else None


def get_goal(reviewer: User) -> Goal:
    """Return the progress of today and the goal of a reviewer."""
    reviews = Review.objects.active().filter(reviewer=reviewer, id__gte=get_first_id(_get_midnight()))
    per_day = ReviewGoal.objects.filter(pk=reviewer.pk).values_list("reviews_per_day", flat=True).first()
    return Goal(reviews.order_by()[:MAX_COUNTED_REVIEWS].count(), per_day or DEFAULT_GOAL_REVIEWS)


def list_assignments(request: HttpRequest, assignments: Iterable[ReviewAssignment]) -> list[AssignmentProgress]:
    """Return the progress of open assignments, oldest first."""
    return [_measure_assignment(request, assignment) for assignment in assignments]


def get_open_assignments(reviewer: User | None = None) -> Sequence[ReviewAssignment]:
    """Return the open assignments of a reviewer or, without one, of all reviewers."""
    rows = ReviewAssignment.objects.filter(closed_at=None).select_related("reviewer", "assigned_by")
    rows = rows.filter(reviewer=reviewer) if reviewer else rows
    return list(rows.order_by("id")[:MAX_SHOWN_ASSIGNMENTS])


def measure_query(request: HttpRequest, query: str) -> int | None:
    """Return how many predictions of the queue with this query string have no review; None if they are too many."""
    queue_request = HttpRequest()
    queue_request.GET = QueryDict(query)
    queue_request.user = request.user
    version = _find_version(queue_request.GET.get("version", ""))
    form = ReviewQueueForm(queue_request, version=version)
    return count_remaining(form.get_queue()) if form.is_valid() else 0


def compute_statistics() -> list[ReviewerStatistics]:
    """Return the statistics of the reviewers of the past seven days, most reviews first."""
    newest = Review.objects.filter(id__gte=get_first_id(timezone.now() - STATISTICS_WINDOW)).order_by("-id")
    ids = list(newest.values_list("pk", flat=True)[:MAX_STATISTICS_REVIEWS])
    if not ids:
        return []
    # By range: a list of 10,000 IDs would have too many parameters.
    rows = Review.objects.active().filter(id__gte=ids[-1], id__lte=ids[0], reviewer__isnull=False)
    reviews = list(rows.exclude(picked_by=Review.PickedBy.API).select_related("reviewer").order_by("id"))
    others = _find_other_reviews(ids)
    by_reviewer: dict[UUID, ReviewerStatistics] = {}
    last: dict[UUID, datetime] = {}
    midnight = _get_midnight()
    for review in reviews:
        reviewer: Any = review.reviewer
        key = reviewer.pk
        entry = by_reviewer.setdefault(key, ReviewerStatistics(reviewer.username))
        entry.count += 1
        entry.today += review.created_at >= midnight
        if key in last and (gap := review.created_at - last[key]) <= MAX_PAUSE:
            entry.seconds.append(gap.total_seconds())
        last[key] = review.created_at
        outputs = [output for other, output in others.get(review.prediction_id, ()) if other != key]
        if outputs and review.verdict != Review.Verdict.UNSURE:
            entry.compared += len(outputs)
            entry.agreed += outputs.count(_get_true_output(review))
    return sorted(by_reviewer.values(), key=lambda entry: -entry.count)


def _find_other_reviews(ids: Sequence[UUID]) -> dict[UUID, list[tuple[UUID | None, TrueOutput]]]:
    """Return the decided reviews of the predictions that several people have reviewed, one of them in a range of reviews."""
    others: dict[UUID, list[tuple[UUID | None, TrueOutput]]] = defaultdict(list)
    another = Review.objects.decided().filter(prediction=OuterRef("prediction")).exclude(pk=OuterRef("pk"))
    rows = Review.objects.decided().filter(Exists(another), id__gte=ids[-1], id__lte=ids[0])
    predictions = rows.order_by("-id").values_list("prediction", flat=True)[:MAX_COMPARED_REVIEWS]
    for review in Review.objects.decided().filter(prediction__in=set(predictions)):
        others[review.prediction_id].append((review.reviewer_id, _get_true_output(review)))
    return others


def _get_true_output(review: Review) -> TrueOutput:
    labels = None if review.true_labels is None else tuple(review.true_labels)
    return review.verdict, review.true_label, review.true_value, labels


def _measure_assignment(request: HttpRequest, assignment: ReviewAssignment) -> AssignmentProgress:
    url = f"{reverse('admin:predictions_review_queue')}?{assignment.query}"
    title = assignment.note or describe_list(assignment.query)
    return AssignmentProgress(assignment, title, measure_query(request, assignment.query), url)


def _get_midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def _find_version(text: str) -> ModelVersion | None:
    pk = parse_uuid(text)
    return ModelVersion.objects.filter(pk=pk).first() if pk else None
