"""Serializers of webhooks and their deliveries."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from core.api.fields import StrictSerializer
from events.error_messages import MAX_ERROR_CHARACTERS
from events.models import Delivery, Webhook
from events.models.event import MAX_TYPE_CHARACTERS
from events.models.webhook import MAX_DESCRIPTION_CHARACTERS
from events.webhooks.addresses import MAX_URL_CHARACTERS

MAX_LISTED_TYPES = 100
MAX_ID = 2**63 - 1


@extend_schema_serializer(component_name="Webhook")  # the suffix Request is added
class WebhookRequestSerializer(StrictSerializer):
    """The address and the events of a webhook. Unknown keys are rejected."""

    url = serializers.CharField(max_length=MAX_URL_CHARACTERS, help_text="An https URL that receives the events.")
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=MAX_TYPE_CHARACTERS),
        allow_empty=False,
        max_length=MAX_LISTED_TYPES,
        error_messages={"empty": "Choose at least one event."},
        help_text="For example `prediction.succeeded`.",
    )
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION_CHARACTERS, required=False, allow_blank=True, help_text="For your own use."
    )

    def validate_event_types(self, names: list[str]) -> list[str]:
        """Return the names without duplicates."""
        return list(dict.fromkeys(names))


@extend_schema_serializer(component_name="WebhookResend")
class ResendRequestSerializer(StrictSerializer):
    """Which deliveries to send again. Unknown keys are rejected."""

    delivery = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_ID,
        help_text="The ID of a delivery. If omitted, all failed deliveries are sent again, at most 2,000.",
    )


class ResentSerializer(serializers.Serializer):
    """How many deliveries are sent again."""

    count = serializers.IntegerField(help_text="Pending deliveries are not counted: they are sent anyway.")


class WebhookSerializer(serializers.ModelSerializer):
    """A webhook, without its secret."""

    event_types = serializers.ListField(child=serializers.CharField(), read_only=True)
    disabled_reason = serializers.ChoiceField(
        Webhook.Reason.choices, read_only=True, allow_blank=True, help_text="Empty unless the webhook is disabled."
    )

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = (
            *("id", "url", "description", "event_types", "state", "disabled_reason", "disabled_error", "disabled_at"),
            *("failure_count", "failing_since", "previous_secret_expires_at", "created_at"),
        )
        read_only_fields = fields


class WebhookSecretSerializer(WebhookSerializer):
    """A webhook with its secret, which is returned only when the secret is created."""

    class Meta(WebhookSerializer.Meta):
        fields = read_only_fields = (*WebhookSerializer.Meta.fields, "secret")


class DeliveredEventSerializer(serializers.Serializer):
    """The event of a delivery."""

    id = serializers.UUIDField(source="uuid", help_text="The header `webhook-id`.")
    type = serializers.CharField()
    subject = serializers.CharField(help_text="The ID or the name of what changed.")
    created_at = serializers.DateTimeField()


class DeliveryResponseSerializer(serializers.Serializer):
    """The response of the receiver to the last attempt."""

    status = serializers.IntegerField()
    ms = serializers.IntegerField(help_text="Duration in milliseconds.")
    excerpt = serializers.CharField(help_text="The beginning of the body.")


class DeliverySerializer(serializers.Serializer):
    """An event for a webhook, and the result of the last attempt to send it."""

    id = serializers.IntegerField()
    event = DeliveredEventSerializer()
    state = serializers.ChoiceField(Delivery.State.choices)
    attempts = serializers.IntegerField()
    next_attempt_at = serializers.SerializerMethodField()
    error = serializers.CharField(max_length=MAX_ERROR_CHARACTERS, help_text="Of the last attempt; empty if it succeeded.")
    response = serializers.SerializerMethodField()
    ended_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was delivered, or failed for good. Null while it is pending."
    )

    @extend_schema_field(serializers.DateTimeField(allow_null=True, help_text="Null unless it is pending."))
    def get_next_attempt_at(self, row: Delivery) -> Any:
        is_pending = row.state == Delivery.State.PENDING
        return serializers.DateTimeField().to_representation(row.next_attempt_at) if is_pending else None

    @extend_schema_field(DeliveryResponseSerializer(allow_null=True, help_text="Null without a response."))
    def get_response(self, row: Delivery) -> Any:
        return row.details or None
