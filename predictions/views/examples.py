"""The examples of a model: run one with a click, and show its image."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.generic import FormView, View

from accounts.requests import AuthenticatedRequest
from accounts.services.submissions import store_once
from core.errors import get_status
from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError, ModelLoading, Overloaded
from predictions.forms import ExampleForm
from predictions.models import Prediction
from predictions.services import predict_example
from predictions.services.examples import read_example_thumbnail
from predictions.views.mixins import (
    HtmxLoginRequiredMixin,
    build_error_response,
    build_loading_response,
    build_thumbnail_error_response,
    build_thumbnail_response,
)
from predictions.views.submissions import SubmissionMixin
from registry.models import RegisteredModel
from registry.references import ResolvedModel, resolve_model
from registry.serving import check_loaded

logger = logging.getLogger(__name__)


class ExampleView(SubmissionMixin, HtmxLoginRequiredMixin, FormView):
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
            resolved = _resolve_reference(self.request, self.model.name, reference)
            # The page may be older than the last promotion. Run its example with the version that is in production now.
            shown = form.cleaned_data["version"]
            version = _resolve_reference(self.request, self.model.name, shown).version if shown else resolved.version
            number = form.cleaned_data["number"]
            content = ["example", reference, shown, number]
            if self.request.htmx:
                check_loaded(version, resolved.reference)
            prediction = store_once(
                user=self.request.user,
                key=self.choose_submission_key(content),
                content=content,
                run=partial(predict_example, version=version, user=self.request.user, number=number, resolved=resolved),
                rows=Prediction.objects.with_related().with_reviews(),
            )
        except ModelLoading as error:
            return build_loading_response(error) if self.request.htmx else self.reject_example(str(error), status=503)
        except (InferenceError, StorageUnavailable, LookupError) as error:
            return self.reject_example(str(error), status=get_status(error))
        except FileNotFoundError as error:
            logger.exception("example file missing", exc_info=error)
            return self.reject_example(_("Its file is missing."), status=410)
        if not self.request.htmx:
            return redirect(prediction)
        next_url = f"{reverse('predictions:predict')}?{urlencode({'model': reference})}"
        context = {"results": [prediction], "next_url": next_url}
        return render(self.request, "predictions/_results.html", context, status=201)

    def form_invalid(self, form: ExampleForm) -> HttpResponse:
        return self.reject_example(_("The example does not exist."), status=404)

    def reject_example(self, reason: str, *, status: int) -> HttpResponse:
        message = _("The example could not be run. %(reason)s") % {"reason": reason}
        if self.request.htmx:
            return build_error_response(message, status=status)
        messages.error(self.request, message)
        return redirect(self.model)


class ExampleImageView(LoginRequiredMixin, View):
    """A small image of an example."""

    def get(self, request: AuthenticatedRequest, name: str, number: int) -> HttpResponse:
        try:
            resolved = _resolve_reference(request, name, request.GET.get("model", "") or name)
            thumbnail = read_example_thumbnail(resolved.version, number)
        except Overloaded as error:
            return build_thumbnail_error_response(error)
        except (InferenceError, LookupError, FileNotFoundError):
            raise Http404 from None
        return build_thumbnail_response(thumbnail)


def _resolve_reference(request: AuthenticatedRequest, name: str, reference: str) -> ResolvedModel:
    """Resolve a reference to a version of the model in the URL."""
    resolved = resolve_model(reference, user=request.user)
    if resolved.version.model.name != name:
        raise Http404
    return resolved
