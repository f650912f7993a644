"""A model's own examples, to try it with."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.generic import View

from accounts.requests import AuthenticatedRequest
from core.errors import get_status
from core.storage import StorageFull
from inference.errors import InferenceError
from predictions.services import predict_example
from predictions.services.examples import read_example_thumbnail
from registry.errors import InactiveModel, UnknownModel
from registry.models import ModelVersion, RegisteredModel
from registry.references import resolve_model, resolve_version

logger = logging.getLogger(__name__)


class ExampleView(LoginRequiredMixin, View):
    """Ask a model one of its examples: a script gets a fragment back, others the page of the answer."""

    http_method_names = ["post"]

    def post(self, request: AuthenticatedRequest, name: str) -> HttpResponse:
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), name=name)
        reference = request.POST.get("model", "") or model.name
        try:
            _version_of(request, name, reference)
            # What was shown on the page is asked, even if another version has come into production meanwhile.
            shown = _version_of(request, name, request.POST.get("of", "") or reference)
            resolved = resolve_model(reference, user=request.user)
            number = _number(request.POST.get("number", "1"))
            prediction = predict_example(version=shown, user=request.user, number=number, resolved=resolved)
        except OSError as error:
            logger.exception("an example is gone", exc_info=error)
            return self._refuse(request, model, "Its picture is gone.", 410)
        except (InferenceError, StorageFull, LookupError) as error:
            return self._refuse(request, model, str(error), get_status(error))
        if request.htmx:
            back = f"{reverse('predictions:predict')}?{urlencode({'model': reference})}"
            context = {"prediction": prediction, "back": back}
            return render(request, "predictions/_result.html", context, status=201)
        return redirect(prediction)

    def _refuse(self, request: AuthenticatedRequest, model: RegisteredModel, why: str, status: int) -> HttpResponse:
        problem = f"The example could not be asked. {why}"
        if request.htmx:
            return HttpResponse(problem, status=status, content_type="text/plain; charset=utf-8")
        messages.error(request, problem)
        return redirect(model)


def _version_of(request: AuthenticatedRequest, name: str, reference: str) -> ModelVersion:
    """Return the version that is meant, which must be one of the model in the address."""
    version = resolve_version(reference, user=request.user)
    if version.model.name != name:
        raise Http404
    return version


class ExamplePictureView(LoginRequiredMixin, View):
    """A small picture of an example of a version that one may ask."""

    def get(self, request: AuthenticatedRequest, name: str, number: int) -> HttpResponse:
        try:
            version = _version_of(request, name, request.GET.get("model", "") or name)
            small = read_example_thumbnail(version, number)
        except (UnknownModel, InactiveModel, InferenceError, LookupError, OSError):
            raise Http404 from None
        headers = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
        return HttpResponse(small, content_type="image/webp", headers=headers)


def _number(text: str) -> int:
    """Return which example is meant; 0, which there is not, for what is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
