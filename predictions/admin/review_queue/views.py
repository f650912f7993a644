"""The page of the review queue."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView

from accounts.permissions import REVIEW_PREDICTIONS, VIEW_PREDICTIONS
from accounts.requests import AuthenticatedRequest
from core.fields import parse_uuid
from inference.errors import InferenceError
from predictions.admin.review_queue.forms import AssignmentForm, ReviewQueueForm
from predictions.admin.review_queue.presentation import can_hide_prediction, format_saved_message, get_item_context
from predictions.admin.review_queue.progress import get_goal, get_open_assignments, list_assignments
from predictions.models import Prediction, Review
from predictions.review_strategies import ReviewQueue
from predictions.services.annotations import add_comment
from predictions.services.review_fields import parse_true_value, read_true_labels
from predictions.services.review_queue import (
    claim_next,
    count_remaining,
    get_held_predictions,
    has_unclaimed_predictions,
    review_claimed,
    skip_prediction,
    undo_last_action,
)
from predictions.services.review_validation import ReviewInput
from predictions.services.shown_predictions import list_unseen, record_shown
from registry.errors import UnknownModel
from registry.models import ModelVersion
from registry.references import resolve_version


class ReviewQueueView(PermissionRequiredMixin, FormView):
    """Show the predictions that a reviewer has claimed, and perform the reviewer's actions.

    A GET request writes nothing. Each POST request performs one action (start, a verdict, skip or undo), extends the
    reviewer's claims and claims the next predictions. htmx requests get the changed parts of the page, others a redirect.
    The query selects the queue.
    """

    permission_required = (VIEW_PREDICTIONS, REVIEW_PREDICTIONS)
    permission_denied_message = gettext_lazy("You don't have permission. Reviewers only.")
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
        if not form.is_blind and list_unseen(predictions=predictions, reviewer=self.request.user):
            predictions = []  # a POST request records that they are shown
            can_start = True
        else:
            can_start = not predictions and has_unclaimed_predictions(queue=queue, reviewer=self.request.user)
        return self.render_to_response(
            self.get_context_data(form=form, queue=queue, can_start=can_start, **self.get_items_context(form, predictions))
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
        if selected and not (self.request.GET.get("list") and selected.isdigit()):  # the number of a version is a filter
            return get_object_or_404(ModelVersion.objects.select_related("model"), pk=parse_uuid(selected))
        try:
            return resolve_version("")
        except UnknownModel:
            return ModelVersion.objects.select_related("model").order_by("-id").first()

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"request": self.request, "version": self.version}

    def form_valid(self, form: ReviewQueueForm) -> HttpResponse:
        """Perform the action, claim the next predictions, and show them."""
        queue, message, error = form.get_queue(), "", ""
        try:
            message = self.perform_action(queue, form)
        except InferenceError as problem:
            error = problem.message
        predictions = claim_next(queue=queue, reviewer=self.request.user)
        if not form.is_blind:
            record_shown(predictions=predictions, reviewer=self.request.user)
        if self.request.htmx:
            items = self.get_items_context(form, predictions)
            context = {"form": form, "queue": queue, "message": message, "error": error, **items}
            return render(self.request, self.update_template_name, context)
        if message or error:
            messages.add_message(self.request, messages.ERROR if error else messages.SUCCESS, error or message)
        return redirect(self.request.get_full_path())

    def form_invalid(self, form: ReviewQueueForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        admin: Any = self.model_admin
        context = admin.admin_site.each_context(self.request)
        has_values = self.version is not None and self.version.parsed_signature.output.kind == "value"
        context |= {"title": _("Review queue"), "opts": admin.opts, "version": self.version, "has_values": has_values}
        context["assignments"] = list_assignments(self.request, get_open_assignments(self.request.user))
        if kwargs.get("form") is not None and kwargs["form"].is_list:
            context["assignment_form"] = AssignmentForm(initial={"query": self.request.GET.urlencode()})
        return super().get_context_data(**context, **kwargs)

    def get_items_context(self, form: ReviewQueueForm, predictions: list[Prediction]) -> dict[str, Any]:
        return {
            "items": [get_item_context(prediction, is_blind=form.is_blind) for prediction in predictions],
            "is_blind": form.is_blind,
            "blind_query": self.build_query(blind="0" if form.is_blind else "1"),
            "remaining": count_remaining(form.get_queue()),
            "goal": get_goal(self.request.user),
        }

    def build_query(self, **changes: str) -> str:
        """Return the query of the page with other values."""
        query = self.request.GET.copy()
        for name, value in changes.items():
            query[name] = value
        return query.urlencode()

    def perform_action(self, queue: ReviewQueue, form: ReviewQueueForm) -> str:
        """Perform the action of the button, and return a message about it."""
        reviewer, fields = self.request.user, self.request.POST
        action, comment = fields.get("action", ""), fields.get("comment", "").replace("\0", "").strip()
        if action == "start":
            return ""
        if action == "undo":
            if undo_last_action(queue=queue, reviewer=reviewer):
                return _("Undone.")
            return _("There is nothing to undo, or another reviewer has claimed the prediction.")
        prediction = self.get_prediction(queue)
        if action == "skip":
            if comment:  # there is no review that could contain it
                add_comment(prediction=prediction, author=reviewer, text=comment)
            skip_prediction(prediction=prediction, reviewer=reviewer)
            return _("Skipped.")
        has_seen = fields.get("verdict", "") not in ("", Review.Verdict.UNSURE)  # the form of another tab
        is_blind = form.is_blind and can_hide_prediction(prediction) and not has_seen
        review = self.read_review(prediction, comment)
        row = review_claimed(prediction=prediction, reviewer=reviewer, review=review, is_blind=is_blind)
        return format_saved_message(prediction, row)

    def read_review(self, prediction: Prediction, comment: str) -> ReviewInput:
        """Return the review of the button. `none_of_these` means that no label of the model is the true one."""
        fields = self.request.POST
        if fields.get("none_of_these"):
            if prediction.predicted_labels is not None:
                return ReviewInput("", comment=comment, true_labels=())
            return ReviewInput("", comment=comment, has_no_label=True)
        return ReviewInput(
            fields.get("verdict", ""),
            fields.get("true_label", ""),
            parse_true_value(fields.get("true_value", "")),
            comment,
            read_true_labels(fields),
        )

    def get_prediction(self, queue: ReviewQueue) -> Prediction:
        predictions = Prediction.objects.with_related()
        if queue.version:
            predictions = predictions.filter(model_version=queue.version)
        return get_object_or_404(predictions, pk=parse_uuid(self.request.POST.get("prediction", "")))
