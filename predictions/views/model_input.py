"""The image that a model received for a prediction."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.views.generic import View

from accounts.requests import AuthenticatedRequest
from core.storage_errors import StorageUnavailable
from inference.errors import Overloaded
from predictions.models import Prediction
from predictions.presentation import get_shown_signature
from predictions.services.model_inputs import read_model_input
from predictions.services.stored_files import StoredFileError
from predictions.views.mixins import build_thumbnail_error_response, build_thumbnail_response


class ModelInputView(LoginRequiredMixin, View):
    """The preprocessed image as a PNG, which the browser of its reader may cache for a day."""

    def get(self, request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
        prediction = get_object_or_404(Prediction.objects.visible_to(request.user).with_related(), pk=pk)
        signature = get_shown_signature(prediction)
        if signature is None:
            raise Http404(gettext("This prediction has no image that can be shown as the model received it."))
        try:
            png = read_model_input(prediction, signature, owner=request.user.pk)
        except (StoredFileError, StorageUnavailable, Overloaded) as error:
            return build_thumbnail_error_response(error)
        return build_thumbnail_response(png, content_type="image/png")
