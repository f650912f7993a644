"""The review queue: one prediction after the other, judged by a key or a click."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.generic import View

from accounts.models import User
from accounts.permissions import is_reviewer
from inference.errors import InferenceError
from predictions.models import Prediction, Review
from predictions.presentation import format_output, format_true_output
from predictions.review_strategies import get_strategies
from predictions.services.review_queue import claim_next, review_claimed, skip, undo
from predictions.services.reviews import parse_true_value
from registry.errors import UnknownModel
from registry.models import ModelVersion
from registry.references import resolve_version

PickedBy = Review.PickedBy
KEYS = "123456789"
MOST_ROWS = 10  # labels with a bar and a key; the rest is in a list to choose from
LATELY = timedelta(hours=12)
BY_LABEL = f"{PickedBy.LABEL}:"
SKIP, UNDO = "skip", "undo"


class QueueForm(forms.Form):
    """Which predictions to go through, and in which order; by label is an order for each label, `label:7`."""

    version = forms.ModelChoiceField(ModelVersion.objects.none(), label="Model version", empty_label=None)
    order = forms.ChoiceField(choices=[], label="Order")

    def __init__(self, data: Any, *, version: ModelVersion) -> None:
        super().__init__(data, label_suffix="")
        fields: Any = self.fields
        fields["version"].queryset = ModelVersion.objects.select_related("model")
        orders = get_strategies(version)
        choices: list[Any] = [(order.value, order.label) for order in orders if order != PickedBy.LABEL]
        if PickedBy.LABEL in orders:
            choices.append(("by label", [(f"{BY_LABEL}{label}", label) for label in version.labels]))
        fields["order"].choices = choices

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        order = asked.get("order", "")
        asked["label"] = order.removeprefix(BY_LABEL) if order.startswith(BY_LABEL) else ""
        return asked

    @property
    def queue(self) -> dict[str, str]:
        """Return the order and the label as the services take them."""
        label = self.cleaned_data["label"]
        return {"order": PickedBy.LABEL if label else self.cleaned_data["order"], "label": label}


class QueueView(View):
    """Show what lies before a reviewer, and keep what they say. A script takes the same answers without new pages."""

    model_admin: ModelAdmin | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not is_reviewer(request.user):
            raise PermissionDenied("You don't have permission. Reviewers only.")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        version = _version(request)
        if version is None:
            return self._page(request, None, None)
        return self._page(request, version, _form(request, version))

    def post(self, request: HttpRequest) -> HttpResponse:
        version = _version(request)
        form = _form(request, version) if version else None
        if version is None or form is None or not form.is_valid():
            raise Http404
        said, error = "", ""
        try:
            said = _act(request, version, form.queue)
        except InferenceError as problem:
            error = problem.message
        if request.headers.get("Accept") == "application/json":
            items, done = self._items(request, version, form), _done_lately(cast(User, request.user))
            return JsonResponse({"said": said, "error": error, "done": done, "items": items})
        (messages.error if error else messages.success)(request, error or said)
        query = {"version": version.pk, "order": form.cleaned_data["order"]}
        return redirect(f"{request.path}?{urlencode(query)}")

    def _items(self, request: HttpRequest, version: ModelVersion, form: QueueForm) -> list[dict[str, str]]:
        rows = claim_next(reviewer=cast(User, request.user), version=version, **form.queue)
        template = "admin/predictions/review/_item.html"
        return [{"id": str(row.pk), "html": render_to_string(template, choices_for(row), request)} for row in rows]

    def _page(self, request: HttpRequest, version: ModelVersion | None, form: QueueForm | None) -> HttpResponse:
        admin: Any = self.model_admin
        valid = version is not None and form is not None and form.is_valid()
        context = {
            **admin.admin_site.each_context(request),
            "title": "Review queue",
            "opts": admin.opts,
            "form": form,
            "version": version,
            "items": self._items(request, version, form) if valid and version and form else [],
            "order": form.queue["order"] if valid and form else "",
            "done": _done_lately(cast(User, request.user)),
        }
        status = 200 if valid or version is None else 400
        return TemplateResponse(request, "admin/predictions/review/review_queue.html", context, status=status)


def choices_for(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction with the labels to choose from: (label, score, key), and those that have no row of their own.

    Few labels stay in the version's order, so that a label keeps its key; of many the likeliest have rows. Labels that
    are digits are typed as they are.
    """
    scores = (prediction.output or {}).get("scores", {})
    labels: list[str] = prediction.model_version.labels
    likeliest = [label for label, _ in prediction.ranked_scores] or [prediction.label]
    shown = labels if len(labels) <= MOST_ROWS else likeliest[: len(KEYS)]
    digits = all(len(label) == 1 and label in f"0{KEYS}" for label in labels)
    keys = shown if digits else [*KEYS, *[""] * len(shown)]
    rows = [(label, scores.get(label), key) for label, key in zip(shown, keys, strict=False)] if prediction.label else []
    return {
        "prediction": prediction,
        "rows": rows,
        "others": [label for label in labels if label not in shown] if prediction.label else [],
    }


def _act(request: HttpRequest, version: ModelVersion, queue: dict[str, str]) -> str:
    """Do what was pressed and return what to tell."""
    reviewer, pressed = cast(User, request.user), request.POST.get("verdict", "")
    if pressed == UNDO:
        undone = undo(reviewer=reviewer, version=version, **queue)
        return "Taken back." if undone else "There is nothing to take back here, or another has it before them."
    prediction = _prediction(request, version)
    if pressed == SKIP:
        skip(prediction=prediction, reviewer=reviewer, order=queue["order"])
        return "Skipped."
    review = review_claimed(
        prediction=prediction,
        reviewer=reviewer,
        verdict=pressed,
        true_label=request.POST.get("true_label", ""),
        true_value=parse_true_value(request.POST.get("true_value", "")),
    )
    return _told(review, format_output(prediction))


def _told(review: Review, answer: str) -> str:
    if review.verdict == Review.Verdict.INCORRECT:
        return f"Stored: not {answer}{f' but {format_true_output(review)}' if format_true_output(review) else ''}."
    return f"Stored: {answer} is right." if review.verdict == Review.Verdict.CORRECT else f"Stored: unsure of {answer}."


def _prediction(request: HttpRequest, version: ModelVersion) -> Prediction:
    try:
        key = UUID(request.POST.get("prediction", ""))
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Prediction.objects.filter(model_version=version).with_related(), pk=key)


def _form(request: HttpRequest, version: ModelVersion) -> QueueForm:
    """Return what is asked for: at random when nothing is."""
    asked = {"version": version.pk, "order": PickedBy.RANDOM, **request.GET.dict()}
    if asked["order"] == PickedBy.LABEL:
        asked["order"] = f"{BY_LABEL}{request.GET.get('label', '')}"
    if asked["order"] in PickedBy.values and asked["order"] not in get_strategies(version):
        asked["order"] = PickedBy.RANDOM  # it was chosen for another version, whose answers can be doubted
    return QueueForm(asked, version=version)


def _version(request: HttpRequest) -> ModelVersion | None:
    """Return the version that is asked for, or the default model's; None when there is no model at all."""
    asked = request.GET.get("version", "")
    if asked:
        try:
            return get_object_or_404(ModelVersion.objects.select_related("model"), pk=UUID(asked))
        except ValueError:
            raise Http404 from None
    try:
        return resolve_version("")
    except UnknownModel:
        return ModelVersion.objects.select_related("model").order_by("-id").first()


def _done_lately(reviewer: User) -> int:
    return Review.objects.active().filter(reviewer=reviewer, created_at__gt=timezone.now() - LATELY).count()
