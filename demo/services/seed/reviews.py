"""What made-up reviewers say of made-up predictions: mostly the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accounts.models import User
from demo.services.seed.outputs import Made
from demo.services.seed.timestamps import HOUR, moment_of, stamp, this_moment
from predictions.models import Prediction, Review
from predictions.services.review_validation import ReviewInput, validate_review
from predictions.services.reviews import build_review

PickedBy, Verdict = Review.PickedBy, Review.Verdict

UNSURE = 0.03  # share of opinions
MISTAKEN = 0.05  # share of opinions that are guesses
TWICE = 0.1  # share of reviewed predictions that two people judge
AT_RANDOM, UNCERTAIN = 0.6, 0.3  # shares of the ways they were picked; the rest by hand
LOW = 3  # times as many of the least confident are looked at as are picked
SOONEST, LATEST = 1000, 72 * HOUR  # milliseconds after the answer
CLOSE = 0.1  # share of the true value that an answer may be off and still be called correct


def draw_reviews(
    predictions: Sequence[Prediction],
    answers: Sequence[Made],
    *,
    share: float,
    reviewers: Sequence[User],
    rng: np.random.Generator,
) -> list[Review]:
    """Return opinions of a share of the predictions that have an answer, not stored yet."""
    answered = [both for both in zip(predictions, answers, strict=True) if both[0].status == Prediction.Status.SUCCEEDED]
    reviews = []
    for number, picked_by in _pick([row for row, _ in answered], share, rng):
        row, made = answered[number]
        for reviewer in _who(reviewers, rng):
            opinion = validate_review(row, _opinion(row, made.truth, rng))
            reviews.append(build_review(opinion, prediction=row, reviewer=reviewer, picked_by=picked_by))
            stamp(reviews[-1], _later(row, rng))
    return reviews


def _pick(rows: Sequence[Prediction], share: float, rng: np.random.Generator) -> list[tuple[int, str]]:
    """Return which rows are judged, and how each was picked. Those at random are a fair sample of all."""
    count = round(share * len(rows))
    shuffled: list[int] = rng.permutation(len(rows)).tolist()
    fair, rest = shuffled[: round(AT_RANDOM * count)], shuffled[round(AT_RANDOM * count) :]
    low = _least_sure(rows, rest, round(UNCERTAIN * count), rng)
    taken = set(low)
    left = [number for number in rest if number not in taken][: count - len(fair) - len(low)]
    ways = {PickedBy.RANDOM: fair, PickedBy.UNCERTAIN: low, PickedBy.MANUAL: left}
    return [(number, way) for way, numbers in ways.items() for number in numbers]


def _least_sure(rows: Sequence[Prediction], among: list[int], count: int, rng: np.random.Generator) -> list[int]:
    """Return some of the rows with the lowest confidence; none where the model does not say how sure it is."""
    sure = {number: rows[number].confidence for number in among}
    ranked = sorted((number for number in among if sure[number] is not None), key=lambda number: sure[number] or 0.0)
    found: list[int] = rng.permutation(ranked[: LOW * count])[:count].tolist()
    return found


def _who(reviewers: Sequence[User], rng: np.random.Generator) -> list[User]:
    order = [reviewers[number] for number in rng.permutation(len(reviewers))]
    return order[: 2 if rng.random() < TWICE else 1]


def _opinion(row: Prediction, truth: Any, rng: np.random.Generator) -> ReviewInput:
    luck = rng.random()
    if luck < UNSURE:
        return ReviewInput(Verdict.UNSURE)
    mistaken = luck < UNSURE + MISTAKEN
    if row.value is None:
        return ReviewInput("", str(rng.choice(row.model_version.labels)) if mistaken else truth)
    seen = truth * rng.uniform(0.5, 1.5) if mistaken else truth
    close = abs(row.value - seen) <= CLOSE * abs(seen)
    return ReviewInput(Verdict.CORRECT if close else Verdict.INCORRECT, true_value=seen)


def _later(row: Prediction, rng: np.random.Generator) -> int:
    """Return a moment between the answer and now, within some days."""
    asked = moment_of(row.created_at)
    return asked + int(rng.uniform(SOONEST, min(this_moment() - asked, LATEST)))
