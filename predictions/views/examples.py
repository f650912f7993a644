"""A model's own examples, to try it with."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import View

from accounts.requests import SignedInRequest
from inference.errors import InferenceError
from predictions.models import RegisteredModel
from predictions.registry import InactiveModel, UnknownModel, resolve
from predictions.services import ask_example
from predictions.services.examples import read_example_thumbnail
from predictions.storage import StorageFull


class ExampleView(LoginRequiredMixin, View):
    """Ask a model one of its examples: a script gets a fragment back, others the page of the answer."""

    http_method_names = ["post"]

    def post(self, request: SignedInRequest, name: str) -> HttpResponse:
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), name=name)
        try:
            version = resolve(request.POST.get("model", "") or model.name, user=request.user)
            if version.model_id != model.pk:
                raise Http404
            prediction = ask_example(version=version, user=request.user, number=_number(request.POST.get("number", "1")))
        except (InferenceError, StorageFull, LookupError, OSError) as error:
            problem = f"The example could not be asked. {error}"
            if request.htmx:
                return HttpResponse(problem, status=400, content_type="text/plain; charset=utf-8")
            messages.error(request, problem)
            return redirect(model)
        if request.htmx:
            return render(request, "predictions/_result.html", {"prediction": prediction}, status=201)
        return redirect(prediction)


class ExamplePictureView(LoginRequiredMixin, View):
    """A small picture of an example of a version that one may ask."""

    def get(self, request: SignedInRequest, name: str, number: int) -> HttpResponse:
        try:
            version = resolve(request.GET.get("model", "") or name, user=request.user)
            if version.model.name != name:
                raise Http404
            small = read_example_thumbnail(version, number)
        except (UnknownModel, InactiveModel, InferenceError, LookupError, OSError):
            raise Http404 from None
        headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return HttpResponse(small, content_type="image/webp", headers=headers)


def _number(text: str) -> int:
    """Return which example is meant; 0, which there is not, for what is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
