"""Review a prediction on its own page or next to its result."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.views.generic import View

from accounts.models import User
from accounts.permissions import can_view_all
from accounts.requests import AuthenticatedRequest
from predictions.models import Prediction
from predictions.models.review import MAX_COMMENT_CHARACTERS
from predictions.permissions import REVIEW_DENIED, can_review
from predictions.presentation import find_own_review
from predictions.services import review_prediction, withdraw_review
from predictions.services.review_fields import parse_true_value, read_true_labels
from predictions.services.review_validation import InvalidReview, NotReviewable
from predictions.views.mixins import HtmxLoginRequiredMixin, get_next_url

WITHDRAW = "withdraw"  # the value of the button that undoes a review


class ReviewView(HtmxLoginRequiredMixin, View):
    """Store or withdraw the user's review of a prediction.

    htmx requests get the review section; others are redirected to the page that contained the button.
    """

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        prediction = get_object_or_404(Prediction.objects.visible_to(request.user).with_related(), pk=pk)
        if not can_review(prediction, request.user):
            raise PermissionDenied(REVIEW_DENIED)
        error = ""
        try:
            if request.POST.get("verdict") == WITHDRAW:
                withdraw_review(prediction=prediction, reviewer=request.user)
            else:
                self.save_review(prediction)
        except (InvalidReview, NotReviewable) as problem:
            error = str(problem)
        if request.htmx:
            return self.render_section(prediction, error)
        if error:
            messages.error(request, error)
        return HttpResponseRedirect(get_next_url(request, default=prediction.get_absolute_url()))

    def save_review(self, prediction: Prediction) -> None:
        fields = self.request.POST
        review_prediction(
            prediction=prediction,
            reviewer=self.request.user,
            verdict=fields.get("verdict", ""),
            true_label=fields.get("true_label", ""),
            true_value=parse_true_value(fields.get("true_value", "")),
            true_labels=read_true_labels(fields),
            comment=fields.get("comment", "").replace("\0", "")[:MAX_COMMENT_CHARACTERS],
            ignores_double_clicks=True,
        )

    def render_section(self, prediction: Prediction, error: str) -> HttpResponse:
        prediction = get_object_or_404(Prediction.objects.with_related().with_reviews(), pk=prediction.pk)
        context = {
            "prediction": prediction,
            "error": error,
            "checked_labels": read_true_labels(self.request.POST) if error else None,
            "replaced": True,
            "small": self.request.POST.get("small", ""),
            "next": self.request.POST.get("next", ""),
            **get_review_context(prediction, self.request.user),
        }
        return render(self.request, "predictions/_review.html", context, status=400 if error else 200)


def get_review_context(prediction: Prediction, user: User) -> dict[str, Any]:
    """Return the context of the review section for a prediction that was fetched `with_reviews`."""
    own_review = find_own_review(prediction, user)
    other_reviews = [review for review in prediction.active_reviews if review is not own_review]
    return {
        "mine": own_review,
        "other_reviews": other_reviews,
        "show_reviewers": can_view_all(user),
        "can_review": can_review(prediction, user),
    }
