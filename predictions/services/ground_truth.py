"""Review many predictions at once: ground truth from programs, and the actions of the admin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count

from accounts.models import User
from inference.errors import InferenceError, InvalidInput
from inference.messages import MAX_HINTED_ERRORS
from predictions.models import Prediction, Review
from predictions.permissions import REVIEW_DENIED, can_send_ground_truth
from predictions.services.review_validation import ReviewInput, validate_review
from predictions.services.reviews import build_review, replace_reviews

ReviewItem = Mapping[str, Any]
"""`id` or `client_reference`, and the arguments of `review_prediction` except `picked_by`."""


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """The result of one item: the stored review, or the error."""

    review: Review | None = None
    error: InferenceError | None = None


@dataclass(frozen=True, slots=True)
class FoundPredictions:
    """The predictions by their id or client reference, and how many predictions have each client reference."""

    by_key: Mapping[UUID | str, Prediction]
    counts: Mapping[UUID | str, int]


def review_predictions(
    *,
    items: Sequence[ReviewItem],
    reviewer: User,
    picked_by: str = Review.PickedBy.API,
    is_allowed: Callable[[Prediction, User], bool] = can_send_ground_truth,
) -> list[ReviewResult]:
    """Store one user's reviews of many predictions in one transaction. Valid items are stored even if others are invalid.

    Args:
        is_allowed: whether the user can review a prediction that they can see.

    Returns:
        One result per item, in the same order. The second of two items for the same prediction is an error.
    """
    found = _find_predictions(items, reviewer)
    results: list[ReviewResult] = []
    reviews: dict[UUID, Review] = {}
    error_count = 0
    for item in items:
        try:
            prediction = _select_prediction(found, item)
            if not is_allowed(prediction, reviewer):
                raise InvalidInput(str(REVIEW_DENIED), code="permission-denied", field=_get_key_field(item))
            if prediction.pk in reviews:
                raise InvalidInput("An earlier item reviews the same prediction.", code="twice", field="id")
            review = validate_review(prediction, _read_review(item), hints=error_count < MAX_HINTED_ERRORS)
        except InferenceError as error:
            error_count += 1
            results.append(ReviewResult(error=error))
            continue
        row = build_review(review=review, prediction=prediction, reviewer=reviewer, picked_by=picked_by)
        reviews[prediction.pk] = row
        results.append(ReviewResult(review=row))
    replace_reviews(reviews=list(reviews.values()), reviewer=reviewer)
    return results


def _find_predictions(items: Sequence[ReviewItem], reviewer: User) -> FoundPredictions:
    """Return the predictions that the reviewer can see, by id and by client reference, with three queries.

    The predictions of a repeated client reference are only counted: there can be millions of them.
    """
    visible = Prediction.objects.visible_to(reviewer).select_related("model_version__model")
    ids = [item["id"] for item in items if "id" in item]
    references = {item["client_reference"] for item in items if "client_reference" in item}
    predictions: dict[UUID | str, Prediction] = {row.pk: row for row in visible.filter(pk__in=ids)}
    # The index leaves out empty references, and PostgreSQL does not check a long list for an empty one.
    named = visible.exclude(client_reference="")
    rows = named.filter(client_reference__in=references).order_by().values_list("client_reference")
    counts = dict(rows.annotate(count=Count("pk")))
    unique = [reference for reference, count in counts.items() if count == 1]
    predictions.update((row.client_reference, row) for row in named.filter(client_reference__in=unique))
    return FoundPredictions(predictions, counts)


def _select_prediction(found: FoundPredictions, item: ReviewItem) -> Prediction:
    field = _get_key_field(item)
    count = found.counts.get(item[field], 0)
    if count > 1:
        message = f"{count} predictions have this client_reference. Identify them by id."
        raise InvalidInput(message, code="ambiguous", field=field)
    prediction = found.by_key.get(item[field])
    if prediction is None:
        raise InvalidInput("Prediction not found, or you don't have access.", code="not-found", field=field)
    return prediction


def _get_key_field(item: ReviewItem) -> str:
    """Return the field that identifies the prediction of an item."""
    return "id" if "id" in item else "client_reference"


def _read_review(item: ReviewItem) -> ReviewInput:
    labels = item.get("true_labels")
    return ReviewInput(
        item.get("verdict", ""),
        item.get("true_label", ""),
        item.get("true_value"),
        item.get("comment", ""),
        None if labels is None else tuple(labels),
    )
