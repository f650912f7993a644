"""The examples of a model: run one with a click, and show its image."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.generic import FormView, View

from accounts.requests import AuthenticatedRequest
from core.errors import get_status
from core.storage import StorageFull
from inference.errors import InferenceError
from predictions.forms import ExampleForm
from predictions.services import predict_example
from predictions.services.examples import read_example_thumbnail
from predictions.views.mixins import HtmxLoginRequiredMixin, build_error_response
from registry.errors import InactiveModel, UnknownModel
from registry.models import RegisteredModel
from registry.references import ResolvedModel, resolve_model

logger = logging.getLogger(__name__)


class ExampleView(HtmxLoginRequiredMixin, FormView):
    """Run a model on one of its examples.

    The response to an htmx request is the result. Other requests are redirected to the page of the prediction.
    """

    http_method_names = ["post"]
    form_class = ExampleForm
    request: AuthenticatedRequest

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.model = get_object_or_404(RegisteredModel.objects.visible_to(self.request.user), name=kwargs["name"])
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: ExampleForm) -> HttpResponse:
        reference = form.cleaned_data["model"] or self.model.name
        try:
            resolved = _resolve(self.request, self.model.name, reference)
            # The page may be older than the last promotion. Its example is run, by the version in production now.
            shown = form.cleaned_data["version"]
            version = _resolve(self.request, self.model.name, shown).version if shown else resolved.version
            number = form.cleaned_data["number"]
            prediction = predict_example(version=version, user=self.request.user, number=number, resolved=resolved)
        except (InferenceError, StorageFull, LookupError) as error:
            return self.reject(str(error), status=get_status(error))
        except OSError as error:  # after StorageFull, which is one too
            logger.exception("example file missing", exc_info=error)
            return self.reject("Its file is missing.", status=410)
        if not self.request.htmx:
            return redirect(prediction)
        next_url = f"{reverse('predictions:predict')}?{urlencode({'model': reference})}"
        context = {"results": [prediction], "next_url": next_url}
        return render(self.request, "predictions/_results.html", context, status=201)

    def form_invalid(self, form: ExampleForm) -> HttpResponse:
        return self.reject("There is no such example.", status=404)

    def reject(self, reason: str, *, status: int) -> HttpResponse:
        message = f"The example could not be run. {reason}"
        if self.request.htmx:
            return build_error_response(message, status=status)
        messages.error(self.request, message)
        return redirect(self.model)


class ExampleImageView(LoginRequiredMixin, View):
    """A small image of an example."""

    def get(self, request: AuthenticatedRequest, name: str, number: int) -> HttpResponse:
        try:
            resolved = _resolve(request, name, request.GET.get("model", "") or name)
            thumbnail = read_example_thumbnail(resolved.version, number)
        except (UnknownModel, InactiveModel, InferenceError, LookupError, OSError):
            raise Http404 from None
        headers = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
        return HttpResponse(thumbnail, content_type="image/webp", headers=headers)


def _resolve(request: AuthenticatedRequest, name: str, reference: str) -> ResolvedModel:
    """Resolve a reference, which must lead to the model in the address."""
    resolved = resolve_model(reference, user=request.user)
    if resolved.version.model.name != name:
        raise Http404
    return resolved
