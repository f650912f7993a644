"""The reviews of a prediction in the API."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import IDEMPOTENCY_PARAMETER, get_claim, idempotent
from accounts.models import User
from accounts.scopes import REVIEW
from predictions.api.serializers import ReviewInputSerializer, ReviewSerializer
from predictions.models import Prediction
from predictions.permissions import REVIEW_DENIED, can_review
from predictions.services import review_prediction, withdraw_review


class ReviewsMixin(GenericAPIView):
    """The action that lists, adds, and withdraws reviews, for the viewset of predictions."""

    def check_replay(self, pk: str | None = None) -> None:
        """Check that the user can still review a prediction.

        Raises:
            Http404, PermissionDenied: the user cannot see or review it.
        """
        if cast(Any, self).action == "reviews":
            self.check_review(self.get_object())

    def check_review(self, prediction: Prediction) -> None:
        """Check that the user can review a prediction that they can see.

        Raises:
            PermissionDenied: they cannot.
        """
        if not can_review(prediction, self.request.user):
            raise PermissionDenied(REVIEW_DENIED)

    @extend_schema(
        methods=["GET"], responses=ReviewSerializer(many=True), description="List the active reviews of a prediction."
    )
    @extend_schema(
        methods=["POST"],
        request={"application/json": ReviewInputSerializer()},
        responses={201: ReviewSerializer},
        description="Review a prediction. You can review your own predictions; reviewers can review all predictions. "
        "A new review withdraws your earlier review of the same prediction.",
        parameters=[IDEMPOTENCY_PARAMETER],
    )
    @extend_schema(methods=["DELETE"], responses={204: None}, description="Withdraw your active review of a prediction.")
    @action(detail=True, methods=["get", "post", "delete"], filter_backends=(), pagination_class=None, write_scope=REVIEW)
    @idempotent
    def reviews(self, request: Request, pk: str) -> HttpResponse:
        """List the active reviews of a prediction, add your own review, or withdraw it.

        You can review your own predictions. Reviewers can review all predictions. A new review withdraws your earlier one.
        """
        prediction: Prediction = self.get_object()
        reviewer = cast(User, request.user)
        context = self.get_serializer_context()
        if request.method in ("POST", "DELETE"):
            self.check_review(prediction)
        if request.method == "POST":
            serializer = ReviewInputSerializer(data=request.data, context=context)
            serializer.is_valid(raise_exception=True)
            with get_claim(request).transaction():
                review = review_prediction(prediction=prediction, reviewer=reviewer, **serializer.validated_data)
                response = Response(ReviewSerializer(review, context=context).data, status=201)
                return get_claim(request).complete(response)
        if request.method == "DELETE":
            if not withdraw_review(prediction=prediction, reviewer=reviewer):
                raise NotFound("You have no active review of this prediction.")
            return Response(status=204)
        return Response(ReviewSerializer(prediction.active_reviews, many=True, context=context).data)
