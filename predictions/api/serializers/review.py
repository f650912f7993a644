"""Reviews and ground truth as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.permissions import can_review_all
from core.api.fields import StrictFloatField, reject_unknown_fields
from core.errors import InvalidItem
from core.validators import MAX_LABEL_CHARACTERS
from predictions.api.representation import represent_review
from predictions.api.serializers.fields import LabelListField
from predictions.models import Review
from predictions.models.prediction import MAX_CLIENT_REFERENCE_CHARACTERS
from predictions.models.review import MAX_COMMENT_CHARACTERS

OWNER_STRATEGIES = (Review.PickedBy.API, Review.PickedBy.MANUAL)
MAX_GROUND_TRUTH_ITEMS = 1000


class ReviewSerializer(serializers.ModelSerializer):
    """A review. Only reviewers see who wrote it; all users see whether it is their own."""

    mine = serializers.BooleanField(read_only=True)
    reviewer = serializers.CharField(read_only=True, allow_null=True)
    true_labels = serializers.ListField(child=serializers.CharField(), allow_null=True)

    class Meta:
        model = Review
        fields = (
            "id", "verdict", "true_label", "true_value", "true_labels", "comment", "picked_by", "mine", "reviewer",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: Review) -> dict[str, Any]:
        return represent_review(instance, reader=self.context["request"].user)


class ReviewInputSerializer(serializers.Serializer):
    """A review to store. It must match the output of the prediction."""

    verdict = serializers.ChoiceField(
        Review.Verdict.choices, required=False, help_text="If omitted, inferred from the true label, labels, or value."
    )
    true_label = serializers.CharField(max_length=MAX_LABEL_CHARACTERS, required=False, trim_whitespace=False)
    true_value = StrictFloatField(required=False)
    true_labels = LabelListField(
        required=False, help_text="For a multi-label model: all true labels, or an empty list if none applies."
    )
    comment = serializers.CharField(max_length=MAX_COMMENT_CHARACTERS, required=False, allow_blank=True)
    picked_by = serializers.ChoiceField(Review.PickedBy.choices, default=Review.PickedBy.API)

    def validate_picked_by(self, value: str) -> str:
        """Reject the strategies of the review queue unless the user is a reviewer: accuracy is based on `random`."""
        if value not in OWNER_STRATEGIES and not can_review_all(self.context["request"].user):
            raise serializers.ValidationError(
                f"Expected {' or '.join(OWNER_STRATEGIES)}. Only reviewers can send other values.", code="not-yours"
            )
        return value

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        reject_unknown_fields(data, self.fields, repeatable=("true_labels",))
        return super().to_internal_value(data)


class GroundTruthItemSerializer(ReviewInputSerializer):
    """One item of ground truth: a prediction, by its id or client reference, and its review."""

    default_error_messages = {
        "null": "Expected an object. Received: null.",
        "invalid": 'Expected an object, such as {{"client_reference": "scan-42", "true_label": "7"}}.',
    }
    id = serializers.UUIDField(required=False)
    client_reference = serializers.CharField(max_length=MAX_CLIENT_REFERENCE_CHARACTERS, required=False)
    picked_by = None  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("id" in attrs) == ("client_reference" in attrs):
            raise serializers.ValidationError("Expected either id or client_reference.", code="required")
        return attrs


class ItemField(serializers.JSONField):
    """An item of a list. An invalid one gets a result of its own."""

    def to_internal_value(self, data: Any) -> Any:
        return data if isinstance(data, InvalidItem) else super().to_internal_value(data)


class GroundTruthSerializer(serializers.Serializer):
    """Reviews of up to 1,000 predictions."""

    items = serializers.ListField(
        child=ItemField(allow_null=True),
        min_length=1,
        max_length=MAX_GROUND_TRUTH_ITEMS,
        error_messages={
            "min_length": "The list is empty. Send at least one item.",
            "max_length": f"The list has more than {MAX_GROUND_TRUTH_ITEMS:,} items. Send several requests.",
        },
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        reject_unknown_fields(data, self.fields)
        return super().to_internal_value(data)


class GroundTruthItemResultSerializer(serializers.Serializer):
    """The result of one item: the stored review, or an error code and message."""

    prediction = serializers.UUIDField(source="review.prediction_id", allow_null=True, default=None)
    review = ReviewSerializer(allow_null=True)
    code = serializers.CharField(source="error.code", allow_null=True, default=None)
    detail = serializers.CharField(source="error.message", allow_null=True, default=None)
    field = serializers.CharField(source="error.field", allow_null=True, default=None)


class GroundTruthResultSerializer(serializers.Serializer):
    """The results of all items, in the order of the request."""

    accepted = serializers.IntegerField(help_text="Number of reviews that were stored.")
    refused = serializers.IntegerField(help_text="Number of items that were rejected.")
    results = GroundTruthItemResultSerializer(many=True)
