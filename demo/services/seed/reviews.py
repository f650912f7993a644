"""Generate reviews: most of them agree with the ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accounts.models import User
from demo.services.seed.outputs import GeneratedOutput
from demo.services.seed.timestamps import HOUR_MILLISECONDS, get_current_timestamp, set_timestamp, to_timestamp
from predictions.models import Prediction, Review
from predictions.services.review_validation import ReviewInput, validate_review
from predictions.services.reviews import build_review

PickedBy, Verdict = Review.PickedBy, Review.Verdict

UNSURE_SHARE = 0.03  # of reviews
MISTAKE_SHARE = 0.05  # of reviews, with a random true label or value
SECOND_REVIEW_SHARE = 0.1  # of reviewed predictions
RANDOM_SHARE, UNCERTAIN_SHARE = 0.6, 0.3  # of reviewed predictions, by review strategy; the rest are manual
UNCERTAIN_POOL_FACTOR = 3  # the uncertain sample is drawn from this many times its size, with the lowest confidence
MIN_DELAY_MILLISECONDS, MAX_DELAY_MILLISECONDS = 1000, 72 * HOUR_MILLISECONDS  # between prediction and review
VALUE_TOLERANCE = 0.1  # largest relative error of a value with the verdict "correct"


def draw_reviews(
    predictions: Sequence[Prediction],
    outputs: Sequence[GeneratedOutput],
    *,
    share: float,
    reviewers: Sequence[User],
    rng: np.random.Generator,
) -> list[Review]:
    """Return unsaved reviews of a share of the succeeded predictions."""
    succeeded = [
        (prediction, output)
        for prediction, output in zip(predictions, outputs, strict=True)
        if prediction.status == Prediction.Status.SUCCEEDED
    ]
    reviews = []
    for index, picked_by in _pick_predictions([prediction for prediction, _ in succeeded], share, rng):
        prediction, output = succeeded[index]
        for reviewer in _draw_reviewers(reviewers, rng):
            review_input = validate_review(prediction, _draw_review_input(prediction, output.ground_truth, rng))
            review = build_review(review=review_input, prediction=prediction, reviewer=reviewer, picked_by=picked_by)
            set_timestamp(review, _draw_review_timestamp(prediction, rng))
            reviews.append(review)
    return reviews


def _pick_predictions(predictions: Sequence[Prediction], share: float, rng: np.random.Generator) -> list[tuple[int, str]]:
    """Return indexes of predictions to review, each with its review strategy. The random sample is drawn first."""
    count = round(share * len(predictions))
    shuffled: list[int] = rng.permutation(len(predictions)).tolist()
    random_count = round(RANDOM_SHARE * count)
    random, rest = shuffled[:random_count], shuffled[random_count:]
    uncertain = _pick_uncertain(predictions, rest, round(UNCERTAIN_SHARE * count), rng)
    excluded = set(uncertain)
    manual = [index for index in rest if index not in excluded][: count - len(random) - len(uncertain)]
    indexes = {PickedBy.RANDOM: random, PickedBy.UNCERTAIN: uncertain, PickedBy.MANUAL: manual}
    return [(index, picked_by) for picked_by, group in indexes.items() for index in group]


def _pick_uncertain(
    predictions: Sequence[Prediction], candidates: list[int], count: int, rng: np.random.Generator
) -> list[int]:
    """Return indexes of predictions with low confidence. For a model without confidence, return an empty list."""
    confidences = {index: predictions[index].confidence for index in candidates}
    ranked = sorted(
        (index for index in candidates if confidences[index] is not None), key=lambda index: confidences[index] or 0.0
    )
    picked: list[int] = rng.permutation(ranked[: UNCERTAIN_POOL_FACTOR * count])[:count].tolist()
    return picked


def _draw_reviewers(reviewers: Sequence[User], rng: np.random.Generator) -> list[User]:
    """Return one reviewer, or sometimes two."""
    order = [reviewers[index] for index in rng.permutation(len(reviewers))]
    return order[: 2 if rng.random() < SECOND_REVIEW_SHARE else 1]


def _draw_review_input(prediction: Prediction, ground_truth: Any, rng: np.random.Generator) -> ReviewInput:
    draw = rng.random()
    if draw < UNSURE_SHARE:
        return ReviewInput(Verdict.UNSURE)
    is_mistake = draw < UNSURE_SHARE + MISTAKE_SHARE
    if prediction.value is None:
        label = str(rng.choice(prediction.model_version.labels)) if is_mistake else ground_truth
        return ReviewInput("", label)
    true_value = ground_truth * rng.uniform(0.5, 1.5) if is_mistake else ground_truth
    is_correct = abs(prediction.value - true_value) <= VALUE_TOLERANCE * abs(true_value)
    return ReviewInput(Verdict.CORRECT if is_correct else Verdict.INCORRECT, true_value=true_value)


def _draw_review_timestamp(prediction: Prediction, rng: np.random.Generator) -> int:
    """Return a time between the prediction and now, at most a few days later."""
    created = to_timestamp(prediction.created_at)
    return created + int(rng.uniform(MIN_DELAY_MILLISECONDS, min(get_current_timestamp() - created, MAX_DELAY_MILLISECONDS)))
