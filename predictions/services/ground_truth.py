"""Judge many predictions at once, by what turned out to be true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from inference.errors import InferenceError, InvalidInput
from predictions.models import Prediction, Review
from predictions.services.reviews import ReviewInput, build_review, validate_review

Item = Mapping[str, Any]
"""`id` or `client_reference`, and `verdict`, `true_label`, `true_value`, `comment` as `review_prediction` takes them."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item: its review, or why there is none."""

    review: Review | None = None
    error: InferenceError | None = None


def review_many(*, items: Sequence[Item], reviewer: User, picked_by: str = Review.PickedBy.API) -> list[Result]:
    """Keep a person's opinions of many predictions, in one transaction; one that is refused does not hold up the others.

    Returns:
        One result per item, in their order. Of two items about one prediction the second is refused.
    """
    found = _find(items, reviewer)
    results: list[Result] = []
    reviews: list[Review] = []
    seen: set[Any] = set()
    for item in items:
        try:
            prediction = _one_of(found, item)
            if prediction.pk in seen:
                raise InvalidInput("An earlier item is about the same prediction.", code="twice", field="id")
            opinion = validate_review(prediction, _opinion_of(item))
        except InferenceError as error:
            results.append(Result(error=error))
            continue
        seen.add(prediction.pk)
        reviews.append(build_review(opinion, prediction=prediction, reviewer=reviewer, picked_by=picked_by))
        results.append(Result(review=reviews[-1]))
    _store(reviews, reviewer)
    return results


def _find(items: Sequence[Item], reviewer: User) -> dict[Any, list[Prediction]]:
    """Return the predictions that this person may judge, by id and by reference, in two queries."""
    visible = Prediction.objects.visible_to(reviewer).select_related("model_version__model")
    by_id = visible.filter(pk__in=[item["id"] for item in items if "id" in item])
    references = {item["client_reference"] for item in items if "client_reference" in item}
    found: dict[Any, list[Prediction]] = {one.pk: [one] for one in by_id}
    for one in visible.filter(client_reference__in=references):
        found.setdefault(one.client_reference, []).append(one)
    return found


def _one_of(found: Mapping[Any, list[Prediction]], item: Item) -> Prediction:
    field = "id" if "id" in item else "client_reference"
    predictions = found.get(item[field], [])
    if len(predictions) != 1:
        many = f"There are {len(predictions)} predictions of that reference: give their ids."
        message = many if predictions else "There is no such prediction, or it is not yours."
        raise InvalidInput(message, code="ambiguous" if predictions else "not-found", field=field)
    return predictions[0]


def _opinion_of(item: Item) -> ReviewInput:
    return ReviewInput(item.get("verdict", ""), item.get("true_label", ""), item.get("true_value"), item.get("comment", ""))


def _store(reviews: Iterable[Review], reviewer: User) -> None:
    reviews = list(reviews)
    judged = [review.prediction_id for review in reviews]
    with transaction.atomic():
        # Locked in one order by all, so that two callers with the same predictions do not wait for each other for ever.
        list(Prediction.objects.select_for_update().filter(pk__in=judged).order_by("pk").values_list("pk", flat=True))
        earlier = Review.objects.active().filter(prediction__in=judged, reviewer=reviewer)
        earlier.update(withdrawn_at=timezone.now())
        Review.objects.bulk_create(reviews)
