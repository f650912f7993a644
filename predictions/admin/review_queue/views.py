"""The page of the review queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.views.generic import FormView

from accounts.permissions import REVIEW_PREDICTIONS, VIEW_PREDICTIONS
from accounts.requests import AuthenticatedRequest
from core.fields import parse_uuid
from inference.errors import InferenceError
from predictions.admin.review_queue.forms import ReviewQueueForm
from predictions.admin.review_queue.presentation import format_saved_message, get_item_context
from predictions.models import Prediction, Review
from predictions.review_strategies import ReviewQueue
from predictions.services.review_fields import parse_true_value, read_true_labels
from predictions.services.review_queue import (
    claim_next,
    get_held_predictions,
    has_unclaimed_predictions,
    review_claimed,
    skip_prediction,
    undo_last_action,
)
from predictions.services.review_validation import ReviewInput
from registry.errors import UnknownModel
from registry.models import ModelVersion
from registry.references import resolve_version

RECENT_REVIEWS_WINDOW = timedelta(hours=12)  # for the number of reviews on the page


class ReviewQueueView(PermissionRequiredMixin, FormView):
    """Show the predictions that a reviewer has claimed, and perform the reviewer's actions.

    A GET request writes nothing. Each POST request performs one action (start, a verdict, skip or undo), extends the
    reviewer's claims and claims the next predictions. htmx requests get the changed parts of the page, others a redirect.
    The query selects the queue.
    """

    permission_required = (VIEW_PREDICTIONS, REVIEW_PREDICTIONS)
    permission_denied_message = "You don't have permission. Reviewers only."
    form_class = ReviewQueueForm
    template_name = "admin/predictions/review/review_queue.html"
    update_template_name = "admin/predictions/review/_queue_update.html"
    model_admin: ModelAdmin | None = None
    request: AuthenticatedRequest

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form() if self.version else None
        if form is None:
            return self.render_to_response(self.get_context_data(form=None))
        if not form.is_valid():
            return self.form_invalid(form)
        queue = form.get_queue()
        predictions = get_held_predictions(queue=queue, reviewer=self.request.user)
        can_start = not predictions and has_unclaimed_predictions(queue=queue, reviewer=self.request.user)
        return self.render_to_response(
            self.get_context_data(form=form, queue=queue, can_start=can_start, **self.get_items_context(predictions))
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form() if self.version else None
        if form is None or not form.is_valid():
            raise Http404
        return self.form_valid(form)

    @cached_property
    def version(self) -> ModelVersion | None:
        """Return the selected version, by default that of the default model. None if no model is registered."""
        selected = self.request.GET.get("version", "")
        if selected:
            return get_object_or_404(ModelVersion.objects.select_related("model"), pk=parse_uuid(selected))
        try:
            return resolve_version("")
        except UnknownModel:
            return ModelVersion.objects.select_related("model").order_by("-id").first()

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"data": self.request.GET, "version": self.version}

    def form_valid(self, form: ReviewQueueForm) -> HttpResponse:
        """Perform the action, claim the next predictions, and show them."""
        queue, message, error = form.get_queue(), "", ""
        try:
            message = self.perform_action(queue)
        except InferenceError as problem:
            error = problem.message
        predictions = claim_next(queue=queue, reviewer=self.request.user)
        if self.request.htmx:
            context = {"queue": queue, "message": message, "error": error, **self.get_items_context(predictions)}
            return render(self.request, self.update_template_name, context)
        if message or error:
            messages.add_message(self.request, messages.ERROR if error else messages.SUCCESS, error or message)
        query = {"version": queue.version.pk, "order": form.cleaned_data["order"]}
        return redirect(f"{self.request.path}?{urlencode(query)}")

    def form_invalid(self, form: ReviewQueueForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        admin: Any = self.model_admin
        context = admin.admin_site.each_context(self.request)
        has_values = self.version is not None and self.version.parsed_signature.output.kind == "value"
        context |= {"title": "Review queue", "opts": admin.opts, "version": self.version, "has_values": has_values}
        return super().get_context_data(**context, **kwargs)

    def get_items_context(self, predictions: list[Prediction]) -> dict[str, Any]:
        recent = {"reviewer": self.request.user, "created_at__gt": timezone.now() - RECENT_REVIEWS_WINDOW}
        return {
            "items": [get_item_context(prediction) for prediction in predictions],
            "recent_reviews": Review.objects.active().filter(**recent).count(),
        }

    def perform_action(self, queue: ReviewQueue) -> str:
        """Perform the action of the button, and return a message about it."""
        reviewer, fields = self.request.user, self.request.POST
        action = fields.get("action", "")
        if action == "start":
            return ""
        if action == "undo":
            undone = undo_last_action(queue=queue, reviewer=reviewer)
            return "Undone." if undone else "There is nothing to undo, or another reviewer has claimed the prediction."
        prediction = self.get_prediction(queue.version)
        if action == "skip":
            skip_prediction(prediction=prediction, reviewer=reviewer)
            return "Skipped."
        true_value = parse_true_value(fields.get("true_value", ""))
        review = ReviewInput(
            fields.get("verdict", ""), fields.get("true_label", ""), true_value, true_labels=read_true_labels(fields)
        )
        return format_saved_message(prediction, review_claimed(prediction=prediction, reviewer=reviewer, review=review))

    def get_prediction(self, version: ModelVersion) -> Prediction:
        predictions = Prediction.objects.filter(model_version=version).with_related()
        return get_object_or_404(predictions, pk=parse_uuid(self.request.POST.get("prediction", "")))
