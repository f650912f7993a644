"""How good a version is, as JSON."""

from __future__ import annotations

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import validate_filters
from evaluation.api.serializers import QualitySerializer
from evaluation.forms import EvaluationForm
from evaluation.report import evaluate_version
from predictions.models import Review
from registry.models import RegisteredModel


class QualityView(GenericAPIView):
    """What people said of a version's answers, as figures."""

    serializer_class = QualitySerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("version", int, description="The one in production when left out, or else the newest."),
            OpenApiParameter("since", str, description="Only answers given since; ISO 8601."),
            OpenApiParameter("picked_by", str, enum=Review.PickedBy.values, description="Only what was come upon so."),
        ]
    )
    def get(self, request: Request, name: str) -> Response:
        """Return the quality of a version over one's own answers, and over everybody's for reviewers."""
        form = EvaluationForm(request.query_params)
        validate_filters(form, form.unknown({"format"}), form.fields)
        asked = form.cleaned_data
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), name=name)
        number = asked["version"]
        version = get_object_or_404(model.versions, number=number) if number else model.main_version
        if version is None:
            raise Http404
        found = evaluate_version(version, reader=request.user, since=asked["since"], picked_by=asked["picked_by"])
        return Response(QualitySerializer(found).data)
