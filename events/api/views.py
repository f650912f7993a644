"""API views of webhooks. Nobody sees or changes the webhooks of other users here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import IDEMPOTENCY_PARAMETER, get_claim, idempotent
from accounts.models import User
from core.api.filters import StrictFilterBackend
from core.api.pagination import NewestFirstPagination
from core.filters import StrictFilterSet
from events.api.filters import DeliveryFilter, WebhookFilter
from events.api.serializers import (
    DeliverySerializer,
    ResendRequestSerializer,
    ResentSerializer,
    WebhookRequestSerializer,
    WebhookSecretSerializer,
    WebhookSerializer,
)
from events.deliveries import parse_delivery_id
from events.models import Delivery, Webhook
from events.services.webhooks import (
    create_webhook,
    delete_webhook,
    pause_webhook,
    resend_deliveries,
    resume_webhook,
    rotate_secret,
    send_test_event,
    update_webhook,
)


class DeliveryPagination(NewestFirstPagination):
    """Sort deliveries by their event, newest first, as the index does."""

    ordering = "-event_id"

    @staticmethod
    def position_type(text: str) -> int:
        position = parse_delivery_id(text)
        if position is None:
            raise ValueError(text)
        return position


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn the errors of a service into those of a request."""
    try:
        yield
    except DjangoValidationError as error:
        raise ValidationError(get_error_detail(error)) from error


class WebhookViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Your webhooks.

    To change them, a token needs all scopes: a webhook sends data of all kinds, also after the token has expired.
    """

    queryset = Webhook.objects.none()
    serializer_class = WebhookSerializer
    filter_backends = (StrictFilterBackend,)
    filterset_class: type[StrictFilterSet] = WebhookFilter
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Webhook]:
        return Webhook.objects.filter(user=cast(User, self.request.user))

    def get_object(self) -> Webhook:
        """Return the webhook of the URL. The filters of its deliveries do not apply to it."""
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])

    def check_replay(self, pk: str | None = None) -> None:
        """Check that a webhook still exists.

        Raises:
            Http404: it was deleted.
        """
        if pk is not None:
            self.get_object()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List your webhooks, newest first. Their secrets are not included."""
        return super().list(request, *args, **kwargs)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get a webhook, without its secret."""
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        request={"application/json": WebhookRequestSerializer()},
        responses={201: WebhookSecretSerializer},
        parameters=[IDEMPOTENCY_PARAMETER],
    )
    @idempotent
    def create(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Create a webhook. The response contains the signing secret, which other requests do not return."""
        serializer = WebhookRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        claim = get_claim(request)
        with translate_errors(), claim.transaction():
            webhook = create_webhook(user=cast(User, request.user), **serializer.validated_data)
            url = request.build_absolute_uri(reverse("api:webhook-detail", args=[webhook.pk]))
            body = WebhookSecretSerializer(webhook).data
            return claim.complete(Response(body, status=201, headers={"Location": url}))

    @extend_schema(request={"application/json": WebhookRequestSerializer(partial=True)}, responses=WebhookSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the URL, the events, or the description of a webhook. Omitted fields stay as they are.

        Deliveries that wait are sent to the new URL.
        """
        webhook = self.get_object()
        serializer = WebhookRequestSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        with translate_errors():
            webhook = update_webhook(webhook=webhook, **serializer.validated_data)
        return Response(WebhookSerializer(webhook).data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a webhook and its deliveries."""
        delete_webhook(webhook=self.get_object())
        return Response(status=204)

    @extend_schema(operation_id="webhooks_pause", request=None, responses=WebhookSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Pause a webhook. Its events wait for up to 3 days. A disabled webhook stays disabled."""
        return Response(WebhookSerializer(pause_webhook(webhook=self.get_object())).data)

    @extend_schema(operation_id="webhooks_resume", request=None, responses=WebhookSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Send events to a paused or disabled webhook again."""
        return Response(WebhookSerializer(resume_webhook(webhook=self.get_object())).data)

    @extend_schema(
        operation_id="webhooks_rotate_secret",
        request=None,
        responses=WebhookSecretSerializer,
        parameters=[IDEMPOTENCY_PARAMETER],
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def secret(self, request: Request, pk: str) -> HttpResponse:
        """Create a new signing secret, and return it. For 24 hours, requests are signed with both secrets."""
        webhook, claim = self.get_object(), get_claim(request)
        with claim.transaction():
            return claim.complete(Response(WebhookSecretSerializer(rotate_secret(webhook=webhook)).data))

    @extend_schema(
        operation_id="webhooks_test",
        request=None,
        responses={202: DeliverySerializer},
        parameters=[IDEMPOTENCY_PARAMETER],
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def test(self, request: Request, pk: str) -> HttpResponse:
        """Send a test event within seconds. You can send 10 of them per hour."""
        webhook, claim = self.get_object(), get_claim(request)
        with claim.transaction():
            return claim.complete(Response(DeliverySerializer(send_test_event(webhook=webhook)).data, status=202))

    @extend_schema(operation_id="webhooks_deliveries", responses=DeliverySerializer(many=True))
    @action(detail=True, pagination_class=DeliveryPagination, filterset_class=DeliveryFilter)
    def deliveries(self, request: Request, pk: str) -> Response:
        """List the deliveries of a webhook, newest event first."""
        webhook = self.get_object()
        rows = Delivery.objects.filter(target=webhook.target).prefetch_related("event")  # see `select_by_event`
        return self.get_paginated_response(
            DeliverySerializer(self.paginate_queryset(self.filter_queryset(rows)), many=True).data
        )

    @extend_schema(
        operation_id="webhooks_resend",
        request={"application/json": ResendRequestSerializer()},
        responses=ResentSerializer,
        parameters=[IDEMPOTENCY_PARAMETER],
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def resend(self, request: Request, pk: str) -> HttpResponse:
        """Resend a delivery that has ended, or all failed ones. You can do this 60 times per hour."""
        webhook = self.get_object()
        serializer = ResendRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        delivery_id = serializer.validated_data.get("delivery")
        if delivery_id and not Delivery.objects.filter(target=webhook.target, pk=delivery_id).exists():
            raise NotFound("This webhook has no delivery with this ID.")
        claim = get_claim(request)
        with claim.transaction():
            count = resend_deliveries(webhook=webhook, delivery_id=delivery_id)
            return claim.complete(Response({"count": count}))
