"""Tags and comments of a prediction, and its input under other versions."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.generic import View

from accounts.models import User
from accounts.requests import AuthenticatedRequest
from accounts.services.submissions import store_once
from core.fields import parse_uuid
from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError
from predictions.models import Input, Prediction, PredictionTag
from predictions.services.annotations import InvalidAnnotation, add_comment, add_tag, remove_tag
from predictions.services.other_versions import predict_with_version
from predictions.services.stored_files import StoredFileError
from predictions.views.mixins import HtmxLoginRequiredMixin
from predictions.views.submissions import SubmissionMixin
from registry.models import ModelVersion, RegisteredModel

MAX_TAG_SUGGESTIONS = 20
RECENT_TAGS = 200  # of the user, from which the suggestions come
MAX_SHOWN_COMMENTS = 200
MAX_OTHER_INPUTS = 50  # with the same content
MAX_OTHER_PREDICTIONS = 50
MAX_OTHER_VERSIONS = 10


class AnnotationView(HtmxLoginRequiredMixin, View):
    """Store an annotation. htmx requests get the section with all of them; others are redirected to the prediction."""

    http_method_names = ["post"]
    template_name = ""
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        predictions = Prediction.objects.visible_to(request.user)
        prediction = get_object_or_404(predictions, pk=pk)
        error = ""
        try:
            self.save(prediction)
        except InvalidAnnotation as problem:
            error = problem.message
        if request.htmx:
            context = {"prediction": prediction, "replaced": True, **self.get_section_context(prediction, error)}
            return render(request, self.template_name, context, status=400 if error else 200)
        if error:
            messages.error(request, error)
        return HttpResponseRedirect(prediction.get_absolute_url())

    def save(self, prediction: Prediction) -> None:
        raise NotImplementedError

    def get_section_context(self, prediction: Prediction, error: str) -> dict[str, Any]:
        raise NotImplementedError


class TagsView(AnnotationView):
    """Add or remove a tag."""

    template_name = "predictions/_tags.html"

    def save(self, prediction: Prediction) -> None:
        name = self.request.POST.get("remove", "")
        if name:
            remove_tag(prediction=prediction, name=name)
        else:
            add_tag(prediction=prediction, user=self.request.user, name=self.request.POST.get("add", ""))

    def get_section_context(self, prediction: Prediction, error: str) -> dict[str, Any]:
        context = get_tags_context(prediction, self.request.user)
        return {**context, "tag_error": error, "tag_name": self.request.POST.get("add", "")}


class CommentsView(AnnotationView):
    """Add a comment."""

    template_name = "predictions/_comments.html"

    def save(self, prediction: Prediction) -> None:
        add_comment(prediction=prediction, author=self.request.user, text=self.request.POST.get("text", ""))

    def get_section_context(self, prediction: Prediction, error: str) -> dict[str, Any]:
        text = self.request.POST.get("text", "") if error else ""
        return {**get_comments_context(prediction), "comment_error": error, "comment_text": text}


class OtherVersionView(SubmissionMixin, HtmxLoginRequiredMixin, View):
    """Run another version on the input of a prediction, and open the new prediction. A double click runs it once."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        prediction = get_object_or_404(Prediction.objects.visible_to(request.user).with_related(), pk=pk)
        versions = ModelVersion.objects.filter(model=prediction.model_version.model).select_related("model")
        version = get_object_or_404(versions, pk=parse_uuid(request.POST.get("version", "")))
        content = ["version", str(prediction.pk), str(version.pk)]
        try:
            row = store_once(
                user=request.user,
                key=self.choose_submission_key(content),
                content=content,
                run=partial(predict_with_version, prediction=prediction, version=version, user=request.user),
                rows=Prediction.objects.all(),
            )
        except (InferenceError, StoredFileError, StorageUnavailable) as error:
            message = _("%(version)s was not run. %(reason)s") % {"version": version, "reason": error}
            messages.error(request, message)
            return HttpResponseRedirect(prediction.get_absolute_url())
        return HttpResponseRedirect(row.get_absolute_url())


def get_tags_context(prediction: Prediction, user: User) -> dict[str, Any]:
    """Return the tags of a prediction, and those that the user added last, as suggestions."""
    tags = list(PredictionTag.objects.filter(prediction=prediction).order_by("id"))
    recent = PredictionTag.objects.filter(user=user).order_by("-id").values_list("name", flat=True)[:RECENT_TAGS]
    names = dict.fromkeys(recent)
    suggestions = [name for name in names if name not in {tag.name for tag in tags}][:MAX_TAG_SUGGESTIONS]
    return {"tags": tags, "tag_suggestions": suggestions}


def get_comments_context(prediction: Prediction) -> dict[str, Any]:
    """Return the newest comments, oldest first."""
    newest = prediction.comments.select_related("author").order_by("-id")[:MAX_SHOWN_COMMENTS]
    return {"comments": list(newest)[::-1]}


def get_other_versions_context(prediction: Prediction, user: User) -> dict[str, Any]:
    """Return the newest prediction of each other version for the same content, and the versions without one.

    Another model is included if it has the same labels. The result is empty if the data of the input was removed.
    """
    if prediction.input.data_removed_at is not None:
        return {}
    same = Input.objects.visible_to(user).filter(sha256=prediction.input.sha256).values_list("pk", flat=True)
    inputs = {prediction.input_id, *same[:MAX_OTHER_INPUTS]}
    rows = Prediction.objects.visible_to(user).filter(input__in=inputs).exclude(model_version=prediction.model_version_id)
    newest: dict[UUID, Prediction] = {}
    for row in rows.with_related().order_by("-id")[:MAX_OTHER_PREDICTIONS]:
        if is_comparable(row.model_version, prediction.model_version):
            newest.setdefault(row.model_version_id, row)
    models = RegisteredModel.objects.visible_to(user).filter(pk=prediction.model_version.model_id)
    versions = ModelVersion.objects.filter(model__in=models).select_related("model")
    versions = versions.exclude(pk__in=[prediction.model_version_id, *newest])
    parts = prediction.model_version.parsed_signature.input.parts
    other_versions = [
        version
        for version in versions.order_by("-number")[:MAX_OTHER_VERSIONS]
        if version.parsed_signature.input.parts == parts
    ]
    return {"other_predictions": list(newest.values()), "other_versions": other_versions}


def is_comparable(version: ModelVersion, other: ModelVersion) -> bool:
    """Return whether the predictions of two versions can be compared: of one model, or with the same labels."""
    has_same_labels = bool(version.labels) and set(version.labels) == set(other.labels)
    kinds = {version.parsed_signature.output.kind, other.parsed_signature.output.kind}
    return version.model_id == other.model_id or (has_same_labels and len(kinds) == 1)
