"""Judge predictions. Nothing is overwritten: a new opinion withdraws the same person's earlier one."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import isclose, isfinite
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from inference.errors import InferenceError, InvalidInput
from inference.messages import find_closest, format_value
from inference.numbers import FLOAT_PATTERN, MAX_FLOAT
from predictions.models import Prediction, Review
from predictions.presentation import format_output

logger = logging.getLogger(__name__)

Verdict = Review.Verdict
SAME = 1e-6  # relative difference below which a true value agrees with the predicted one
MAX_COMMENT = 2000  # characters


class InvalidReview(InvalidInput):
    """An opinion that contradicts itself, or that the model version could never have had."""

    code = "invalid-review"


class NotReviewable(InferenceError):
    """There is no answer to judge."""

    code = "not-reviewable"


@dataclass(frozen=True, slots=True)
class ReviewInput:
    """A verdict with the truth that goes with it, checked against a prediction."""

    verdict: str
    true_label: str = ""
    true_value: float | None = None
    comment: str = ""


def review_prediction(
    *,
    prediction: Prediction,
    reviewer: User,
    verdict: str = "",
    true_label: str = "",
    true_value: float | None = None,
    comment: str = "",
    picked_by: str = Review.PickedBy.MANUAL,
) -> Review:
    """Keep a person's opinion of a prediction, and withdraw the one they had before.

    Args:
        prediction: one that this person may see; the door looks it up by `visible_to`.
        verdict: a `Review.Verdict`; empty: it follows from the truth.
        true_label: one of the version's labels, for an answer that is a label.
        true_value: finite, for an answer that is a value.
        picked_by: how the prediction came to be judged, a `Review.PickedBy`.

    Raises:
        NotReviewable: the prediction has no answer.
        InvalidReview: with the code `required`, `unknown-verdict`, `unknown-label`, `contradiction`, `not-finite`,
            `out-of-range`, `wrong-truth` or `too-long`.
    """
    opinion = validate_review(prediction, ReviewInput(verdict, true_label, true_value, comment))
    with transaction.atomic():
        # One lock for all opinions on this prediction: a double click makes two rows in turn, of which one holds.
        Prediction.objects.select_for_update().only("pk").get(pk=prediction.pk)
        withdraw = Review.objects.active().filter(prediction=prediction, reviewer=reviewer)
        withdraw.update(withdrawn_at=timezone.now())
        review = build_review(opinion, prediction=prediction, reviewer=reviewer, picked_by=picked_by)
        review.save(force_insert=True)
    logger.info(
        "review",
        extra={
            "prediction": str(prediction.pk),
            "user": str(reviewer.pk),
            "verdict": review.verdict,
            "picked_by": picked_by,
        },
    )
    return review


def build_review(opinion: ReviewInput, *, prediction: Prediction, reviewer: User, picked_by: str) -> Review:
    """Return a checked opinion as a row that is not stored yet."""
    return Review(
        prediction=prediction,
        reviewer=reviewer,
        verdict=opinion.verdict,
        true_label=opinion.true_label,
        true_value=opinion.true_value,
        comment=opinion.comment,
        picked_by=picked_by,
    )


def withdraw_review(*, prediction: Prediction, reviewer: User) -> bool:
    """Withdraw a person's opinion of a prediction; return whether there was one."""
    mine = Review.objects.active().filter(prediction=prediction, reviewer=reviewer)
    return mine.update(withdrawn_at=timezone.now()) > 0


def validate_review(prediction: Prediction, opinion: ReviewInput) -> ReviewInput:
    """Return an opinion with what follows from it: the verdict from the truth, the true label from the verdict.

    Raises:
        NotReviewable, InvalidReview: as `review_prediction` does.
    """
    if prediction.status != Prediction.Status.SUCCEEDED:
        raise NotReviewable(f"There is no answer to judge: the prediction is {prediction.status}.")
    if opinion.verdict and opinion.verdict not in Verdict.values:
        raise _refuse("verdict", "unknown-verdict", f"Expected {', '.join(Verdict.values)}.", opinion.verdict)
    if len(opinion.comment) > MAX_COMMENT:
        raise InvalidReview(
            f"Expected a comment of at most {MAX_COMMENT:,} characters. Received: {len(opinion.comment):,}.",
            code="too-long",
            field="comment",
        )
    if opinion.verdict == Verdict.UNSURE and (opinion.true_label or opinion.true_value is not None):
        raise InvalidReview("Who is unsure knows no truth: leave it out.", code="contradiction", field="verdict")
    if prediction.label:
        return _of_label(prediction, opinion)
    return _of_value(prediction, opinion) if prediction.value is not None else _of_raw(opinion)


def parse_true_value(text: str) -> float | None:
    """Return a typed number, None for nothing; what is no number is refused, not ignored.

    Raises:
        InvalidReview: with the code `wrong-type`.
    """
    text = text.strip()
    if not text:
        return None
    if not FLOAT_PATTERN.fullmatch(text):
        raise _refuse("true_value", "wrong-type", "Expected a number such as 5.1.", text[:60])
    return float(text)


def _of_label(prediction: Prediction, opinion: ReviewInput) -> ReviewInput:
    labels: list[str] = prediction.model_version.labels
    if opinion.true_value is not None:
        raise _refuse("true_value", "wrong-truth", "Expected true_label: the answer is a label.", opinion.true_value)
    if opinion.true_label and opinion.true_label not in labels:
        near = find_closest(opinion.true_label, labels)
        hint = f" Did you mean {format_value(near)}?" if near else ""
        raise _refuse("true_label", "unknown-label", f"Expected one of {_listed(labels)}.", opinion.true_label, hint)
    agrees = opinion.true_label == prediction.label
    verdict = opinion.verdict or (_by_truth(agrees) if opinion.true_label else "")
    if verdict == Verdict.UNSURE:
        return ReviewInput(verdict, comment=opinion.comment)
    truth = opinion.true_label or _label_that_follows(verdict, prediction.label, labels)
    _check_agreement(verdict, truth == prediction.label, prediction.label)
    return ReviewInput(verdict, truth, comment=opinion.comment)


def _label_that_follows(verdict: str, label: str, labels: list[str]) -> str:
    """Return the label that a verdict alone makes the true one: the predicted one, or the other one of two."""
    if verdict == Verdict.CORRECT:
        return label
    others = [other for other in labels if other != label]
    if verdict == Verdict.INCORRECT and len(others) == 1:
        return others[0]
    if verdict == Verdict.INCORRECT:
        raise InvalidReview(f"Say which label is right: one of {_listed(others)}.", code="required", field="true_label")
    raise _missing()


def _of_value(prediction: Prediction, opinion: ReviewInput) -> ReviewInput:
    if opinion.true_label:
        raise _refuse("true_label", "wrong-truth", "Expected true_value: the answer is a number.", opinion.true_label)
    truth = opinion.true_value
    if truth is not None and not isfinite(truth):
        raise _refuse("true_value", "not-finite", "Expected a finite number.", truth)
    if truth is not None and abs(truth) > MAX_FLOAT:
        raise _refuse("true_value", "out-of-range", f"Expected a number up to {MAX_FLOAT:.4g}.", truth)
    agrees = truth is not None and isclose(truth, prediction.value or 0.0, rel_tol=SAME)
    verdict = opinion.verdict or (_by_truth(agrees) if truth is not None else "")
    if not verdict:
        raise _missing()
    if verdict == Verdict.INCORRECT and truth is None:
        raise InvalidReview("Say which value is right.", code="required", field="true_value")
    if verdict == Verdict.INCORRECT:
        _check_agreement(verdict, agrees, format_output(prediction))
    return ReviewInput(verdict, true_value=truth, comment=opinion.comment)


def _of_raw(opinion: ReviewInput) -> ReviewInput:
    if opinion.true_label or opinion.true_value is not None:
        raise InvalidReview("Expected a verdict only: the answer is raw.", code="wrong-truth", field="verdict")
    if not opinion.verdict:
        raise _missing()
    return opinion


def _by_truth(agrees: bool) -> str:
    return Verdict.CORRECT if agrees else Verdict.INCORRECT


def _check_agreement(verdict: str, agrees: bool, answer: str) -> None:
    if (verdict == Verdict.CORRECT) != agrees:
        same = "the same as" if agrees else "another than"
        raise InvalidReview(
            f"The verdict is {verdict}, and the truth is {same} the answer, {answer}. Which is it?",
            code="contradiction",
            field="verdict",
        )


def _missing() -> InvalidReview:
    return InvalidReview("Expected a verdict: correct, incorrect or unsure; or the truth.", code="required", field="verdict")


def _refuse(field: str, code: str, expected: str, received: Any, hint: str = "") -> InvalidReview:
    return InvalidReview(f"{expected} Received: {format_value(received)}.{hint}", code=code, field=field)


def _listed(labels: list[str]) -> str:
    return ", ".join(labels[:20]) + (f" … ({len(labels)} in all)" if len(labels) > 20 else "")
