"""The tour: choose a sample image, and see its prediction and the stored record. Visitors need no account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.generic import TemplateView, View

from core.storage_errors import StorageUnavailable
from core.urls import get_site_url
from demo.services.tour import MODEL_NAME, get_sample_prediction, list_samples, predict_sample
from inference.errors import InferenceError
from predictions.snippets import build_snippets
from registry.errors import UnknownModel
from registry.references import resolve_version

MAX_AGE_SECONDS = 86400  # browsers cache sample images this long


class TourMixin(View):
    """Respond with 404 if the site has no tour."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.TOUR:
            raise Http404
        return super().dispatch(request, *args, **kwargs)


class TourView(TourMixin, TemplateView):
    """The tour. Without its model, visitors, whom the home page sends here, are sent to the sign-in page."""

    template_name = "demo/tour.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().get(request, *args, **kwargs)
        except UnknownModel as error:
            if request.user.is_authenticated:
                raise Http404 from error
            return redirect_to_login(reverse("predictions:predict"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        version = resolve_version(MODEL_NAME)
        samples, sample = list_samples(), self.request.GET.get("sample", "")
        prediction = get_sample_prediction(sample, version=version) if sample in samples else None
        context = super().get_context_data(samples=list(samples), sample=sample, prediction=prediction, **kwargs)
        if prediction:
            site_url = get_site_url(self.request)
            context["snippets"] = build_snippets(version.parsed_signature, reference=MODEL_NAME, site_url=site_url)[:1]
        return context

    def post(self, request: HttpRequest) -> HttpResponse:
        sample = request.POST.get("sample", "")
        try:
            predict_sample(sample=sample)
        except (InferenceError, StorageUnavailable) as error:
            messages.error(request, str(error))
            return redirect("demo:tour")
        return redirect(f"{reverse('demo:tour')}?{urlencode({'sample': sample})}#prediction")


class SampleView(TourMixin):
    """Return a sample image."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        path = list_samples().get(name)
        if path is None:
            raise Http404
        cache = f"public, max-age={MAX_AGE_SECONDS}"
        headers = {"Accept-Ranges": "none", "Cache-Control": cache, "X-Content-Type-Options": "nosniff"}
        return HttpResponse(path.read_bytes(), content_type="image/png", headers=headers)
