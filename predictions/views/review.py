"""Was this right? The owner and reviewers say so on the page of a prediction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import View

from accounts.models import User
from accounts.permissions import is_reviewer
from accounts.requests import AuthenticatedRequest
from predictions.models import Prediction, Review
from predictions.services import review_prediction, withdraw_review
from predictions.services.reviews import MAX_COMMENT, InvalidReview, NotReviewable, parse_true_value

WITHDRAW = "withdraw"


class ReviewView(LoginRequiredMixin, View):
    """Keep what one button says: a verdict, or what would have been right."""

    http_method_names = ["post"]

    def post(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        prediction = get_object_or_404(Prediction.objects.visible_to(request.user).with_related(), pk=pk)
        error = ""
        try:
            _act(request, prediction)
        except (InvalidReview, NotReviewable) as problem:
            error = str(problem)
        if request.htmx:
            return self._section(request, prediction, error)
        if error:
            messages.error(request, error)
        return HttpResponseRedirect(_back_to(request, prediction))

    def _section(self, request: AuthenticatedRequest, prediction: Prediction, error: str) -> HttpResponse:
        judged = Prediction.objects.with_related().with_reviews().get(pk=prediction.pk)
        asked = {name: request.POST.get(name, "") for name in ("small", "next")}
        context = {"prediction": judged, "error": error, **asked, **get_review_context(judged, request.user)}
        return render(request, "predictions/_review.html", context, status=400 if error else 200)


def get_review_context(prediction: Prediction, person: User) -> dict[str, Any]:
    """Return what the section shows of a prediction that was fetched `with_reviews`: one's own opinion, and the others'."""
    opinions: list[Review] = getattr(prediction, "active_reviews")  # noqa: B009  the query has fetched them
    mine = next((one for one in opinions if one.reviewer_id == person.pk), None)
    others = [one for one in opinions if one is not mine]
    return {"mine": mine, "others": others, "everybody": is_reviewer(person)}


def _act(request: AuthenticatedRequest, prediction: Prediction) -> None:
    """Keep or withdraw what was pressed."""
    if request.POST.get("verdict") == WITHDRAW:
        withdraw_review(prediction=prediction, reviewer=request.user)
        return
    review_prediction(
        prediction=prediction,
        reviewer=request.user,
        verdict=request.POST.get("verdict", ""),
        true_label=request.POST.get("true_label", ""),
        true_value=parse_true_value(request.POST.get("true_value", "")),
        comment=request.POST.get("comment", "").replace("\0", "")[:MAX_COMMENT],
    )


def _back_to(request: AuthenticatedRequest, prediction: Prediction) -> str:
    """Return the page of this site that the button was on."""
    page = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return page if safe and page.startswith("/") else prediction.get_absolute_url()
