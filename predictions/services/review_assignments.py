"""Assign lists of predictions to reviewers, and set daily goals."""

from __future__ import annotations

from urllib.parse import parse_qsl

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services.submissions import DOUBLE_CLICK_PERIOD
from core.locks import lock_row
from predictions.models import ReviewAssignment, ReviewGoal

END_FILTER = "created_before"  # differs between two clicks, because the page adds the current time


@transaction.atomic
def assign_review(
    *, reviewer: User, assigned_by: User, query: str, note: str = "", total: int | None = None
) -> ReviewAssignment:
    """Assign a list to a reviewer. An open assignment of the same list to the same reviewer gets the new note.

    The second click of a double click returns the assignment of the first one.

    Args:
        query: the query string of the review queue, which selects the list.
        total: how many predictions the list contains; None if there are too many to count.
    """
    lock_row(reviewer)
    open_assignments = ReviewAssignment.objects.filter(reviewer=reviewer, closed_at=None)
    now = timezone.now()
    recent = open_assignments.filter(assigned_by=assigned_by, note=note, created_at__gte=now - DOUBLE_CLICK_PERIOD)
    first = next((row for row in recent if _read_list(row.query) == _read_list(query)), None)
    if first:
        return first
    open_assignments.filter(query=query).update(closed_at=now)
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


def _read_list(query: str) -> list[tuple[str, str]]:
    """Return what selects a list, apart from its end."""
    return sorted(pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != END_FILTER)
