"""The metrics of a version as JSON."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import reject_empty_values, validate_filters
from evaluation.api.serializers import QualitySerializer
from evaluation.forms import EvaluationForm
from evaluation.report import evaluate_version
from predictions.models import Review
from registry.models import MAX_VERSION_NUMBER, RegisteredModel
from registry.references import select_main_version


class QualityView(GenericAPIView):
    """The metrics of a model version, calculated from reviews."""

    queryset = RegisteredModel.objects.none()
    serializer_class = QualitySerializer
    lookup_field = "name"

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "version",
                {"type": "integer", "minimum": 1, "maximum": MAX_VERSION_NUMBER},
                description="The version number. If omitted, the version in production or the newest one.",
            ),
            OpenApiParameter(
                "since", str, description="Only predictions created at or after this time. ISO 8601, UTC by default."
            ),
            OpenApiParameter(
                "picked_by",
                str,
                enum=Review.PickedBy.values,
                description="Only predictions selected by this review strategy.",
            ),
        ]
    )
    def get(self, request: Request, name: str) -> Response:
        """Get the metrics of a version. They include your own predictions or, for reviewers, all predictions."""
        form = EvaluationForm(request.query_params)
        reject_empty_values(request, form.fields)
        validate_filters(form, form.find_unknown_names({"format"}), form.fields)
        filters = form.cleaned_data
        model = self.get_object()
        number = filters["version"]
        if number:
            version = get_object_or_404(model.versions, number=number)
        else:
            version = select_main_version(list(model.versions.prefetch_related("aliases")))
        if version is None:
            raise Http404
        evaluation = evaluate_version(version, reader=request.user, since=filters["since"], picked_by=filters["picked_by"])
        return Response(QualitySerializer(evaluation).data)
