"""The API view of ground truth."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import IDEMPOTENCY_PARAMETER, get_claim, idempotent
from accounts.models import User
from accounts.scopes import REVIEW
from core.api.parsers import StrictJSONParser
from core.errors import InvalidItem
from inference.errors import InvalidInput
from predictions.api.serializers import (
    GroundTruthItemSerializer,
    GroundTruthResultSerializer,
    GroundTruthSerializer,
)
from predictions.services.ground_truth import ReviewResult, review_predictions


class ItemsJSONParser(StrictJSONParser):
    """Parse JSON with the list `items`, each of which has its own result."""

    item_lists = frozenset({"items"})


class GroundTruthView(APIView):
    """Ground truth: reviews of many predictions in one request."""

    parser_classes = (ItemsJSONParser, MultiPartParser)
    write_scope = REVIEW

    @extend_schema(
        request={"application/json": GroundTruthSerializer()},
        responses=GroundTruthResultSerializer,
        parameters=[IDEMPOTENCY_PARAMETER],
    )
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Review up to 1,000 predictions, each identified by id or client_reference. Each item has its own result."""
        serializer = GroundTruthSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        items = [_parse_item(item) for item in serializer.validated_data["items"]]
        valid_items = [item for item in items if isinstance(item, dict)]
        with get_claim(request).transaction():
            reviewed = iter(review_predictions(items=valid_items, reviewer=cast(User, request.user)))
            results = [next(reviewed) if isinstance(item, dict) else item for item in items]
            accepted = sum(result.review is not None for result in results)
            body = {"accepted": accepted, "refused": len(results) - accepted, "results": results}
            return get_claim(request).complete(
                Response(GroundTruthResultSerializer(body, context={"request": request}).data)
            )


def _parse_item(item: Any) -> dict[str, Any] | ReviewResult:
    """Return the validated item, or the result of an invalid one."""
    if isinstance(item, InvalidItem):
        return ReviewResult(error=item)
    if item is None:
        return ReviewResult(error=InvalidInput("Expected an object. Received: null.", code="null", field=""))
    serializer = GroundTruthItemSerializer(data=item)
    if serializer.is_valid():
        return serializer.validated_data
    field, errors = next(iter(serializer.errors.items()))
    error = errors[0] if isinstance(errors, list) else errors
    code = str(error.code).replace("_", "-")
    return ReviewResult(error=InvalidInput(str(error), code=code, field="" if field == "non_field_errors" else field))
