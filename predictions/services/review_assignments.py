"""Assign lists of predictions to reviewers, and set daily goals."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from predictions.models import ReviewAssignment, ReviewGoal


def assign_review(
    *, reviewer: User, assigned_by: User, query: str, note: str = "", total: int | None = None
) -> ReviewAssignment:
    """Assign a list to a reviewer. An open assignment of the same list to the same reviewer gets the new note.

    Args:
        query: the query string of the review queue, which selects the list.
        total: how many predictions the list contains; None if there are too many to count.
    """
    ReviewAssignment.objects.filter(reviewer=reviewer, query=query, closed_at=None).update(closed_at=timezone.now())
    assignment: ReviewAssignment = ReviewAssignment.objects.create(
        reviewer=reviewer, assigned_by=assigned_by, query=query, note=note, total=total
    )
    return assignment


def close_assignment(*, assignment: ReviewAssignment) -> None:
    """Close an assignment: the reviewer no longer sees it."""
    ReviewAssignment.objects.filter(pk=assignment.pk, closed_at=None).update(closed_at=timezone.now())


def set_review_goal(*, reviewer: User, reviews_per_day: int) -> ReviewGoal:
    """Set how many predictions a reviewer wants to review on one day."""
    goal, _ = ReviewGoal.objects.update_or_create(reviewer=reviewer, defaults={"reviews_per_day": reviews_per_day})
    return goal
