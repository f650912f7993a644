"""The tour: pick a sample digit, see it answered, see what is kept of it. For people without an account too."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.generic import View

from core.storage import StorageFull
from core.urls import get_site_url
from demo.services.tour import MODEL, get_sample_prediction, predict_sample, samples
from inference.errors import InferenceError
from predictions.models import Prediction
from predictions.snippets import build_snippets
from registry.errors import UnknownModel
from registry.references import resolve_version


class TourPage(View):
    """What is there only where the site says so."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.TOUR:
            raise Http404
        return super().dispatch(request, *args, **kwargs)


class TourView(TourPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            version = resolve_version(MODEL)
        except UnknownModel:
            raise Http404 from None
        sample = request.GET.get("sample", "")
        prediction = get_sample_prediction(sample, version=version) if sample in samples() else None
        context = {"samples": list(samples()), "sample": sample, "prediction": prediction, "version": version}
        return render(request, "demo/tour.html", context | self._program(request, prediction))

    def post(self, request: HttpRequest) -> HttpResponse:
        sample = request.POST.get("sample", "")
        try:
            predict_sample(sample)
        except (InferenceError, StorageFull) as error:
            messages.error(request, str(error))
            return redirect("demo:tour")
        return redirect(f"{reverse('demo:tour')}?{urlencode({'sample': sample})}#answer")

    def _program(self, request: HttpRequest, prediction: Prediction | None) -> dict[str, Any]:
        if prediction is None:
            return {}
        version = prediction.model_version
        snippets = build_snippets(version.parsed_signature, reference=MODEL, site_url=get_site_url(request))
        return {"snippets": snippets[:1]}


class SampleView(TourPage):
    """A picture of the tour."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        path = samples().get(name)
        if path is None:
            raise Http404
        headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
        return HttpResponse(path.read_bytes(), content_type="image/png", headers=headers)
