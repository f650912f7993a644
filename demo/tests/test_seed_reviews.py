"""Generated reviews obey the rules of real ones."""

import numpy as np
import pytest

from demo.tests.factories import SEED_OPTIONS, filter_succeeded, generate_predictions
from predictions.models import Prediction, Review
from predictions.presentation import format_true_output
from predictions.services.review_validation import ReviewInput, validate_review

pytestmark = [pytest.mark.django_db, pytest.mark.once]

DECIDED_VERDICTS = [Review.Verdict.CORRECT, Review.Verdict.INCORRECT]


def test_reviews_are_valid(version):
    predictions = filter_succeeded(generate_predictions(version))
    reviews = list(Review.objects.select_related("prediction__model_version"))
    reviewed = {review.prediction_id for review in reviews}
    assert len(reviewed) == round(SEED_OPTIONS["reviewed"] * len(predictions)) < len(reviews)
    for review in reviews:
        review.clean_fields(exclude=["prediction", "reviewer"])
        review_input = ReviewInput(review.verdict, review.true_label, review.true_value)
        assert validate_review(review.prediction, review_input) == review_input
    assert {review.verdict for review in reviews} == {"correct", "incorrect", "unsure"}
    assert {review.reviewer.username for review in reviews} == {"(seed-reviewer-1)", "(seed-reviewer-2)"}
    assert all(format_true_output(review) for review in reviews if review.verdict in DECIDED_VERDICTS)


def test_reviewers_sometimes_disagree(shades):
    generate_predictions(shades, count=3000)
    assert 0 < Prediction.objects.with_conflicting_reviews().count() < 60


def test_predictions_are_picked_at_random_for_low_confidence_and_manually(shades):
    predictions = filter_succeeded(generate_predictions(shades, count=2000, reviewed=0.1))
    strategies = {review.prediction_id: review.picked_by for review in Review.objects.all()}
    confidences = {
        strategy: [row.confidence for row in predictions if strategies.get(row.id) == strategy]
        for strategy in set(strategies.values())
    }
    count = round(0.1 * len(predictions))
    assert confidences.keys() == {"random", "uncertain", "manual"}
    assert len(confidences["random"]) == round(0.6 * count)
    assert len(confidences["uncertain"]) == round(0.3 * count)
    all_confidences = [row.confidence for row in predictions]
    assert max(confidences["uncertain"]) < np.median(all_confidences)
    assert np.mean(confidences["random"]) == pytest.approx(np.mean(all_confidences), abs=0.05)
