"""Start a replay, show its progress and its result, and cancel it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.vary import vary_on_headers
from django.views.generic import DetailView, View
from django_htmx.http import HttpResponseClientRefresh

from accounts.permissions import PROMOTE_MODELS, has_permission
from accounts.requests import AuthenticatedRequest
from evaluation.models import Replay
from evaluation.permissions import REPLAY_DENIED, can_cancel_replay, can_start_replay
from evaluation.replay_presentation import get_replay_context
from evaluation.services.replays import InvalidReplay, cancel_replay, create_replay
from predictions.models import Review
from predictions.views.mixins import HtmxLoginRequiredMixin
from registry.models import MAX_VERSION_NUMBER, ModelVersion, RegisteredModel

MAX_NUMBER = 2**31 - 1
# Pages poll a replay as long as it runs, less often the older it is: (age, interval) in seconds.
POLL_INTERVALS = ((30, 1), (300, 3))
MAX_POLL_SECONDS = 10


class ReplayForm(forms.Form):
    version = forms.IntegerField(min_value=1, max_value=MAX_VERSION_NUMBER)
    baseline = forms.IntegerField(min_value=1, max_value=MAX_VERSION_NUMBER)
    picked_by = forms.ChoiceField(required=False, choices=[("", ""), *Review.PickedBy.choices])


class CreateReplayView(HtmxLoginRequiredMixin, View):
    """Start a replay, or open the same one if it has not ended."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: HttpRequest, name: str) -> HttpResponse:
        model = get_object_or_404(RegisteredModel.objects.visible_to(self.request.user), name=name)
        if not can_start_replay(self.request.user):
            raise PermissionDenied(REPLAY_DENIED)
        form = ReplayForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Choose two versions of this model."))
            return redirect(model)
        version, baseline = (self.get_version(model, form.cleaned_data[field]) for field in ("version", "baseline"))
        try:
            replay = create_replay(
                user=self.request.user, version=version, baseline=baseline, picked_by=form.cleaned_data["picked_by"]
            )
        except InvalidReplay as error:
            messages.error(request, str(error))
            return redirect(model)
        return redirect(replay)

    def get_version(self, model: RegisteredModel, number: int) -> ModelVersion:
        return get_object_or_404(ModelVersion.objects.select_related("model"), model=model, number=number)


@method_decorator(vary_on_headers("HX-Request"), "dispatch")
class ReplayView(HtmxLoginRequiredMixin, DetailView):
    """The progress of a replay, which the page polls, and then the comparison of its two versions."""

    context_object_name = "replay"
    request: AuthenticatedRequest
    object: Replay

    def get_queryset(self) -> Any:
        models = RegisteredModel.objects.visible_to(self.request.user).values("pk")
        rows = Replay.objects.visible_to(self.request.user).filter(model_version__model__in=models)
        return rows.select_related("model_version__model", "baseline__model", "user")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        if self.request.htmx and self.object.is_final:
            return HttpResponseClientRefresh()
        response = self.render_to_response(self.get_context_data(object=self.object))
        response["Cache-Control"] = "private, no-store"
        return response

    def get_template_names(self) -> list[str]:
        return ["evaluation/_replay_progress.html" if self.request.htmx else "evaluation/replay.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(
            model=self.object.model_version.model,
            can_cancel=can_cancel_replay(self.object, self.request.user),
            poll_seconds=get_poll_seconds(self.object),
            can_repeat=can_start_replay(self.request.user),
            can_promote=has_permission(self.request.user, PROMOTE_MODELS),
            **kwargs,
        )
        if self.request.htmx or not self.object.is_final:
            return context
        after = self.request.GET.get("after", "")
        is_number = after.isascii() and after.isdigit() and len(after) < len(str(MAX_NUMBER))
        return context | get_replay_context(
            self.object,
            reader=self.request.user,
            kind=self.request.GET.get("cases", ""),
            after=int(after) if is_number else 0,
        )


def get_poll_seconds(replay: Replay) -> int:
    """Return the seconds until a page shows the progress of a replay again."""
    age = (timezone.now() - replay.created_at).total_seconds()
    return next((interval for limit, interval in POLL_INTERVALS if age < limit), MAX_POLL_SECONDS)


class CancelReplayView(HtmxLoginRequiredMixin, View):
    """Cancel a replay."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        replay = get_object_or_404(Replay.objects.visible_to(self.request.user), pk=pk)
        if not can_cancel_replay(replay, self.request.user):
            raise PermissionDenied(_("You don't have permission to cancel the evaluations of other users."))
        replay = cancel_replay(replay=replay)
        if replay.status == Replay.Status.CANCELED:
            messages.success(request, _("The evaluation was canceled."))
        return redirect(replay)
