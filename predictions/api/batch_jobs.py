"""API views of batch jobs."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import django_filters as filters
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import IDEMPOTENCY_PARAMETER, get_claim, idempotent
from accounts.models import User
from accounts.scopes import PREDICT
from core.api.filters import StrictFilterBackend
from core.api.negotiation import IgnoreAcceptNegotiation
from core.filters import StrictFilterSet
from predictions.api.raw_images import reject_query_fields
from predictions.api.serializers.batch_job import (
    AddedImagesSerializer,
    BatchJobDetailSerializer,
    BatchJobRequestSerializer,
    BatchJobSerializer,
    ImagesRequestSerializer,
    StartRequestSerializer,
)
from predictions.api.store_parameter import require_storage
from predictions.batch_jobs.results import stream_results
from predictions.models import BatchJob
from predictions.permissions import EXPORT_DENIED, JOB_CHANGE_DENIED, can_change_job, can_export_job
from predictions.services.batch_jobs import (
    AddedImage,
    add_images,
    cancel_batch_job,
    create_batch_job,
    retry_batch_job,
    start_batch_job,
)
from registry.references import resolve_model


class BatchJobFilter(StrictFilterSet):
    """Filters of batch jobs."""

    status = filters.ChoiceFilter(choices=BatchJob.Status.choices)
    kind = filters.ChoiceFilter(choices=BatchJob.Kind.choices)

    class Meta:
        model = BatchJob
        fields: list[str] = []


class BatchJobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Create and follow batch jobs. Other users need a permission to see or change a job."""

    queryset = BatchJob.objects.none()
    serializer_class = BatchJobSerializer
    filter_backends = (StrictFilterBackend,)
    filterset_class = BatchJobFilter
    lookup_value_converter = "uuid"
    write_scope = PREDICT

    def get_queryset(self) -> QuerySet[BatchJob]:
        return BatchJob.objects.visible_to(self.request.user).select_related("model_version__model")

    def get_changeable_object(self) -> BatchJob:
        """Return the job if the user may change it.

        Raises:
            PermissionDenied: the user can see the job, but it belongs to another user.
        """
        job: BatchJob = self.get_object()
        if not can_change_job(job, cast(User, self.request.user)):
            raise PermissionDenied(JOB_CHANGE_DENIED)
        return job

    def check_replay(self, pk: str | None = None) -> None:
        """Check that the user can still change a job.

        Raises:
            Http404, PermissionDenied: the user cannot see or change it.
        """
        if pk is not None:
            self.get_changeable_object()

    def build_response(self, job: BatchJob, status: int = 200) -> Response:
        """Return a job that has changed."""
        body = BatchJobDetailSerializer(job, context=self.get_serializer_context()).data
        return Response(body, status=status, headers={"Location": body["url"]} if status == 201 else None)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List batch jobs, newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(responses=BatchJobDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get a batch job with its progress and, if it is a draft, the preview of its file."""
        return self.build_response(self.get_object())

    @extend_schema(
        # JSON is accepted too, for a job without a file. Clients of OpenAPI Generator would send it instead of the file.
        request={"multipart/form-data": BatchJobRequestSerializer()},
        responses={201: BatchJobDetailSerializer},
        parameters=[IDEMPOTENCY_PARAMETER],
    )
    @idempotent
    def create(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Create a batch job from a table (CSV) or a ZIP archive of images, or for images that you upload later.

        Without a file, the job is a draft: add images with `images/`, then call `start/`. With `start=false`, a job with a
        file is a draft too, and has a preview.
        """
        require_storage(request)
        reject_query_fields(request)
        serializer = BatchJobRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        resolved = resolve_model(values.pop("model"), user=cast(User, request.user))
        respond = get_claim(request).record(partial(self.build_response, status=201))
        job = create_batch_job(
            user=cast(User, request.user), resolved=resolved, in_transaction=respond.in_transaction, **values
        )
        return respond(job)

    @extend_schema(
        operation_id="batch_jobs_add_images",
        request={"multipart/form-data": ImagesRequestSerializer()},
        responses={201: AddedImagesSerializer},
        parameters=[IDEMPOTENCY_PARAMETER],
    )
    @action(detail=True, methods=["post"], filter_backends=())
    @idempotent
    def images(self, request: Request, pk: str) -> HttpResponse:
        """Add images to a batch job of images.

        The accepted images are on disk when you receive the response. They are processed after `start/`, or if no image
        arrives for two minutes.
        """
        job = self.get_changeable_object()
        serializer = ImagesRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        respond = get_claim(request).record(build_images_response)
        results = add_images(
            job=job,
            files=values["images"],
            first_number=values.get("first_number"),
            in_transaction=respond.in_transaction,
        )
        return respond(results)

    @extend_schema(operation_id="batch_jobs_start", request=StartRequestSerializer, responses=BatchJobDetailSerializer)
    @action(detail=True, methods=["post"], filter_backends=())
    def start(self, request: Request, pk: str) -> Response:
        """Start a draft. For a table, you can choose the column of each feature."""
        job = self.get_changeable_object()
        serializer = StartRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self.build_response(start_batch_job(job=job, **serializer.validated_data))

    @extend_schema(operation_id="batch_jobs_cancel", request=None, responses=BatchJobDetailSerializer)
    @action(detail=True, methods=["post"], filter_backends=())
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a batch job. The results of the items that are done remain."""
        return self.build_response(cancel_batch_job(job=self.get_changeable_object()))

    @extend_schema(operation_id="batch_jobs_retry", request=None, responses=BatchJobDetailSerializer)
    @action(detail=True, methods=["post"], filter_backends=())
    def retry(self, request: Request, pk: str) -> Response:
        """Run the model again for items whose prediction failed, and continue a failed or canceled job where it stopped."""
        return self.build_response(retry_batch_job(job=self.get_changeable_object()))

    @extend_schema(operation_id="batch_jobs_results", responses={(200, "text/csv"): OpenApiTypes.BINARY})
    @action(detail=True, filter_backends=(), content_negotiation_class=IgnoreAcceptNegotiation)
    def results(self, request: Request, pk: str) -> StreamingHttpResponse:
        """Stream the results as CSV: the columns of the table or the file names of the images, and the predictions."""
        job = self.get_object()
        if not can_export_job(job, request.user):
            raise PermissionDenied(EXPORT_DENIED)
        return stream_results(job, reader=request.user)


def build_images_response(results: list[AddedImage]) -> Response:
    """Return the result of each uploaded image."""
    return Response(AddedImagesSerializer({"results": results}).data, status=201)
