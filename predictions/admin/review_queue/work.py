"""Assignments, goals, and the statistics of reviewers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View

from accounts.permissions import REVIEW_PREDICTIONS, VIEW_PREDICTIONS
from accounts.requests import AuthenticatedRequest
from core.filters import UTCDateTimeField
from predictions.admin.review_queue.forms import AssignmentForm, GoalForm
from predictions.admin.review_queue.progress import (
    compute_statistics,
    get_open_assignments,
    list_assignments,
    measure_query,
)
from predictions.history.query import TIME_FILTERS, replace_named_range
from predictions.models import ReviewAssignment
from predictions.models.review_work import MAX_QUERY_CHARACTERS
from predictions.services.review_assignments import assign_review, close_assignment, set_review_goal


class ReviewerMixin(PermissionRequiredMixin):
    """Require the permissions of the review queue."""

    permission_required = (VIEW_PREDICTIONS, REVIEW_PREDICTIONS)
    model_admin: ModelAdmin | None = None
    request: AuthenticatedRequest

    def redirect_to_queue(self, query: str) -> HttpResponse:
        url = reverse("admin:predictions_review_queue")
        return redirect(f"{url}?{QueryDict(query).urlencode()}" if 0 < len(query) <= MAX_QUERY_CHARACTERS else url)


class AssignView(ReviewerMixin, View):
    """Assign the list of a query to a reviewer. Predictions that are made later are not part of it."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest) -> HttpResponse:
        form, query = AssignmentForm(request.POST), request.POST.get("query", "")
        if not form.is_valid():
            messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
            return self.redirect_to_queue(query)
        frozen, reviewer = freeze_query(form.cleaned_data["query"]), form.cleaned_data["reviewer"]
        if len(frozen) > MAX_QUERY_CHARACTERS:
            messages.error(request, _("Nothing was assigned: the filters are too long. Use fewer or shorter filters."))
            return self.redirect_to_queue(query)
        total = measure_query(request, frozen)
        if total == 0:
            messages.error(request, _("Nothing was assigned: all predictions of this list are reviewed."))
            return self.redirect_to_queue(query)
        note = form.cleaned_data["note"]
        assign_review(reviewer=reviewer, assigned_by=request.user, query=frozen, note=note, total=total)
        messages.success(request, _("The list is assigned to %(reviewer)s.") % {"reviewer": reviewer})
        return self.redirect_to_queue(query)


def freeze_query(query: str) -> str:
    """Return the query of a list whose times depend neither on the current day nor on the time zone of its reader."""
    fields = QueryDict("list=1", mutable=True)
    for name, texts in QueryDict(query).lists():
        if any(texts):
            fields.setlist(name, [text for text in texts if text])
    replace_named_range(fields)
    fields.setdefault("created_before", timezone.now().isoformat())
    for name in fields.keys() & set(TIME_FILTERS):
        with suppress(ValidationError):  # measure_query finds invalid filters
            moment: Any = UTCDateTimeField().clean(fields[name])
            fields[name] = f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
    return fields.urlencode()


class CloseAssignmentView(ReviewerMixin, View):
    """Close an assignment. Its reviewer can do this, and the user who made it."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        own = ReviewAssignment.objects.filter(Q(reviewer=request.user) | Q(assigned_by=request.user))
        close_assignment(assignment=get_object_or_404(own, pk=pk))
        messages.success(request, _("The assignment is closed."))
        return self.redirect_to_queue(request.POST.get("query", ""))


class GoalView(ReviewerMixin, View):
    """Set the daily goal of the reviewer."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest) -> HttpResponse:
        form = GoalForm(request.POST)
        if form.is_valid():
            set_review_goal(reviewer=request.user, reviews_per_day=form.cleaned_data["reviews_per_day"])
        else:
            messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return self.redirect_to_queue(request.POST.get("query", ""))


class ReviewerStatisticsView(ReviewerMixin, TemplateView):
    """The reviews of each reviewer in the past seven days, and all open assignments."""

    template_name = "admin/predictions/review/statistics.html"
    request: AuthenticatedRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        admin: Any = self.model_admin
        context = admin.admin_site.each_context(self.request)
        context |= {"title": _("Reviewer statistics"), "opts": admin.opts, "statistics": compute_statistics()}
        context["assignments"] = list_assignments(self.request, get_open_assignments())
        return super().get_context_data(**context, **kwargs)
