"""Opinions in and out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.permissions import is_reviewer
from core.api.fields import StrictFloatField, reject_unknown_fields
from predictions.models import Review

OF_OWNERS = (Review.PickedBy.API, Review.PickedBy.MANUAL)
MAX_ITEMS = 1000  # judged in one request
REST_FIELD = serializers.SerializerMethodField


class ReviewSerializer(serializers.ModelSerializer):
    """One opinion. Whose it is, is told to reviewers; to others only whether it is theirs."""

    mine = REST_FIELD()
    reviewer = REST_FIELD()

    class Meta:
        model = Review
        fields = ("id", "verdict", "true_label", "true_value", "comment", "picked_by", "mine", "reviewer", "created_at")
        read_only_fields = fields

    @extend_schema_field(bool)
    def get_mine(self, row: Review) -> bool:
        return bool(row.reviewer_id == self.context["request"].user.pk)

    @extend_schema_field({"type": "string", "nullable": True})
    def get_reviewer(self, row: Review) -> str | None:
        reader = self.context["request"].user
        shown = row.reviewer and (row.reviewer_id == reader.pk or is_reviewer(reader))
        return row.reviewer.username if shown and row.reviewer else None


class ReviewRequestSerializer(serializers.Serializer):
    """What a caller may say of a prediction; the rules are the service's."""

    verdict = serializers.ChoiceField(
        Review.Verdict.choices, required=False, help_text="Left out: it follows from the truth."
    )
    true_label = serializers.CharField(max_length=100, required=False, trim_whitespace=False)
    true_value = StrictFloatField(required=False)
    comment = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    picked_by = serializers.ChoiceField(Review.PickedBy.choices, default=Review.PickedBy.API)

    def validate_picked_by(self, value: str) -> str:
        """Let only reviewers say that a prediction was drawn: the fair figures of a version stand on it."""
        if value not in OF_OWNERS and not is_reviewer(self.context["request"].user):
            raise serializers.ValidationError(
                f"Expected {' or '.join(OF_OWNERS)}: others are for reviewers.", code="not-yours"
            )
        return value

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        reject_unknown_fields(data, self.fields)
        return super().to_internal_value(data)


class GroundTruthItemSerializer(ReviewRequestSerializer):
    """One item of many: a prediction by our id or by the caller's reference, and its truth."""

    id = serializers.UUIDField(required=False)
    client_reference = serializers.CharField(max_length=255, required=False)
    picked_by = None  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("id" in attrs) == ("client_reference" in attrs):
            raise serializers.ValidationError("Expected either id or client_reference.", code="required")
        return attrs


class GroundTruthSerializer(serializers.Serializer):
    items = serializers.ListField(child=serializers.JSONField(), min_length=1, max_length=MAX_ITEMS)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        reject_unknown_fields(data, self.fields)
        return super().to_internal_value(data)


class ItemResultSerializer(serializers.Serializer):
    """What became of one item: its review, or a code and a sentence."""

    prediction = serializers.UUIDField(source="review.prediction_id", allow_null=True, default=None)
    review = ReviewSerializer(allow_null=True)
    code = serializers.CharField(source="error.code", allow_null=True, default=None)
    detail = serializers.CharField(source="error.message", allow_null=True, default=None)
    field = serializers.CharField(source="error.field", allow_null=True, default=None)


class GroundTruthResultSerializer(serializers.Serializer):
    accepted = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = ItemResultSerializer(many=True)
