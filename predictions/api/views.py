"""API views of predictions, inputs and reviews."""

from __future__ import annotations

from functools import partial
from typing import Any, cast
from urllib.parse import quote

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import get_claim, idempotent
from accounts.models import User
from accounts.scopes import PREDICT
from core.api.filters import StrictFilterBackend
from core.api.negotiation import IgnoreAcceptNegotiation
from core.filters import UTCDateTimeField
from core.urls import get_site_url
from predictions.api.background import CancelMixin, add_poll_headers, create_in_background, read_preference
from predictions.api.direct import accept_direct_requests
from predictions.api.raw_images import BinaryParser, ImageParser, reject_query_fields
from predictions.api.responses import build_created_response
from predictions.api.reviews import ReviewsMixin
from predictions.api.schema import CREATE
from predictions.api.serializers import (
    InputSerializer,
    PredictionRequestSerializer,
    PredictionSerializer,
    PredictionWithFeaturesSerializer,
    PredictionWithImageSerializer,
)
from predictions.api.store_parameter import read_store
from predictions.exports.names import build_export_name
from predictions.exports.stream import CONTENT_TYPES, FORMAT_NAMES, stream_export
from predictions.filters import PredictionFilter
from predictions.models import Input, Prediction
from predictions.permissions import select_exportable
from predictions.services import predict
from predictions.services.references import create_unique
from predictions.services.stored_files import build_signed_url, read_stored_file
from registry.versions import get_version

IMAGE_KINDS = (Input.Kind.IMAGE, Input.Kind.IMAGE_TABULAR)
IMAGE_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
INCLUDE_SERIALIZERS: dict[str, dict[str, type[PredictionSerializer]]] = {
    "list": {"features": PredictionWithFeaturesSerializer},
    "retrieve": {"image": PredictionWithImageSerializer, "features": PredictionWithFeaturesSerializer},
}


class PredictionViewSet(
    CancelMixin, ReviewsMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Create, list, export, cancel, and review predictions."""

    queryset = Prediction.objects.none()
    serializer_class = PredictionSerializer
    filter_backends = (StrictFilterBackend,)
    filterset_class = PredictionFilter
    lookup_value_converter = "uuid"
    write_scope = PREDICT

    @classmethod
    def as_view(cls, *args: Any, **kwargs: Any) -> Any:
        """Return the view. Most requests that create a prediction do not reach this class: see `predictions.api.direct`."""
        view: Any = super().as_view(*args, **kwargs)
        return accept_direct_requests(view) if "create" in view.actions.values() else view

    def get_parsers(self) -> list[BaseParser]:
        """Return the parsers. Only the list of predictions takes an image as the body."""
        image_parsers = (
            [ImageParser(), BinaryParser()] if "create" in (getattr(self, "action_map", None) or {}).values() else []
        )
        return [*super().get_parsers(), *image_parsers]

    def get_queryset(self) -> QuerySet[Prediction]:
        return Prediction.objects.visible_to(self.request.user).select_related("input").with_reviews().with_tags()

    def get_object(self) -> Prediction:
        return attach_versions([super().get_object()])[0]

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        return page and attach_versions(page)

    def get_serializer_class(self) -> type[PredictionSerializer]:
        include = self.request.query_params.get("include")
        if include is None:
            return PredictionSerializer
        choices = INCLUDE_SERIALIZERS.get(self.action, {})
        if include not in choices:
            expected = f"Expected {' or '.join(choices)}." if choices else "This endpoint does not accept include."
            raise ValidationError({"include": f"{expected} Received: {include[:50]}"}, code="unknown-include")
        return choices[include]

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "include", str, enum=["features"], description="Add the features of the input next to the output."
            )
        ]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List predictions, newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(**CREATE)
    @idempotent
    def create(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Run a model on one input, and store the input and the prediction.

        Send an image as the part `image` of `multipart/form-data`, as base64 in the JSON key `image`, or as the body itself
        with its media type. Send features or a text as JSON. Send an image with features as `image` and `features`, in
        `multipart/form-data` or in JSON. With `Prefer: respond-async`, the model runs in the
        background. With `store=false`, the input and the output are not stored.
        """
        serializer = PredictionRequestSerializer(data=request.data)
        reject_query_fields(request)
        serializer.is_valid(raise_exception=True)
        is_unique = read_unique_reference(request, serializer.validated_data["client_reference"])
        preference = read_preference(request, serializer.validated_data)
        is_stored = read_store(request, needs_storage=is_unique or preference.is_background)
        if preference.is_background:
            return create_in_background(request, serializer.validated_data, preference, is_unique=is_unique)
        user, claim = cast(User, request.user), get_claim(request)
        build = partial(build_created_response, request=request, reader=user)
        respond = claim.record(build)
        arguments: dict[str, Any] = {"user": user, "source": Prediction.Source.API, "in_transaction": respond.in_transaction}
        if not is_unique:
            return respond(predict(**arguments, is_stored=is_stored, **serializer.validated_data))
        prediction, is_created = create_unique(predict, **arguments, **serializer.validated_data)
        return respond(prediction) if is_created else claim.complete(build(prediction, status=200))

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "include",
                str,
                enum=["image", "features"],
                description="Add the image as a data URL, or the features of the input.",
            )
        ]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get a prediction. If it is queued or running, wait as long as `Retry-After` before you get it again."""
        return add_poll_headers(super().retrieve(request, *args, **kwargs))

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=[*FORMAT_NAMES], description="If omitted, csv.")],
        responses={(200, content_type): OpenApiTypes.BINARY for content_type in CONTENT_TYPES},
    )
    @action(detail=False, pagination_class=None, content_negotiation_class=IgnoreAcceptNegotiation)
    def export(self, request: Request) -> StreamingHttpResponse:
        """Download all predictions that match the filters as CSV, JSON Lines, or an Excel workbook, newest first.

        The predictions of other users are included if you have the permission to export them.
        """
        format_name = request.query_params.get("format", "csv")
        if format_name not in FORMAT_NAMES:
            raise ValidationError(
                {"format": f"Expected {' or '.join(FORMAT_NAMES)}. Received: {format_name[:50]}"}, code="unknown-format"
            )
        predictions = select_exportable(cast(Any, self.filter_queryset(self.get_queryset()).order_by("-id")), request.user)
        parameters = request.query_params
        names = ("created_after", "created_before")
        start, end = (UTCDateTimeField(required=False).clean(parameters.get(name, "")) for name in names)
        name = build_export_name(models=parameters.getlist("model"), start=start, end=end)
        return stream_export(
            predictions, reader=request.user, format_name=format_name, name=name, site_url=get_site_url(request)
        )


def read_unique_reference(request: Request, client_reference: str) -> bool:
    """Return whether the client reference of a request must be unique."""
    text = request.query_params.get("unique_reference", "false")
    if text not in ("true", "false"):
        raise ValidationError({"unique_reference": f"Expected true or false. Received: {text[:50]}"}, code="invalid-choice")
    if text == "true" and not client_reference:
        raise ValidationError({"client_reference": "unique_reference=true needs a client_reference."}, code="required")
    return text == "true"


def attach_versions(predictions: list[Prediction]) -> list[Prediction]:
    """Set the model versions, which are cached.

    Joining them and parsing their signatures and labels for each row took 5 of 22 ms of CPU time per 100 predictions.
    """
    for prediction in predictions:
        prediction.model_version = get_version(prediction.model_version_id)
    return predictions


class InputViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Get an input: an image, a row of features, a text, or an image with features."""

    queryset = Input.objects.none()
    serializer_class = InputSerializer
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Input]:
        return Input.objects.visible_to(self.request.user)

    @extend_schema(
        responses={
            (200, "image/*"): OpenApiTypes.BINARY,
            302: OpenApiResponse(description="The signed URL of the image, if the site redirects programs to its bucket."),
            410: OpenApiResponse(description="The image was removed."),
            500: OpenApiResponse(description="The stored image is missing or damaged."),
        }
    )
    @action(detail=True, content_negotiation_class=IgnoreAcceptNegotiation)
    def image(self, request: Request, pk: str) -> HttpResponse:
        """Get the original bytes of an image. Only its owner and reviewers have access."""
        row = get_object_or_404(self.get_queryset(), pk=pk, kind__in=IMAGE_KINDS)
        reader = cast(User, request.user)
        # Pages need the image from this site, because of their content security policy and of the image editor.
        if request.auth and request.method == "GET" and (url := build_signed_url(row, reader=reader)):
            return HttpResponseRedirect(url, headers=IMAGE_HEADERS)
        data = read_stored_file(row, reader=reader)
        name = str(row.image)
        headers = {**IMAGE_HEADERS, "Content-Disposition": f'inline; filename="{name.rpartition("/")[2]}"'}
        storage: Any = row.image.storage
        if settings.X_ACCEL_LOCATION and not storage.is_remote:  # the file is intact, and nginx sends it
            headers["X-Accel-Redirect"] = settings.X_ACCEL_LOCATION + quote(name)
            data = b""
        else:  # the whole file was read, because its SHA-256 is compared; nginx sends ranges itself
            headers["Accept-Ranges"] = "none"
        return HttpResponse(data, content_type=row.content_type, headers=headers)
