"""The metrics of classification models, compared with scikit-learn on simulated reviews."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    cohen_kappa_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from evaluation.report import evaluate_version
from evaluation.tests.factories import LABELS, build_review, make_predictions
from inference.tests.factories import make_image
from predictions.models import Review
from predictions.services import review_prediction
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


def score(predicted, true):
    return (predicted == true).mean(), len(predicted)


def test_counts_and_accuracies_cover_reviewed_predictions(simulated, shades, reviewer):
    evaluation = evaluate_version(shades, reader=reviewer)
    predicted, true = simulated.predicted, simulated.true
    assert (evaluation.version, evaluation.predictions, evaluation.reviewed) == (1, 1000, 800)
    assert (evaluation.coverage, evaluation.decided) == (0.8, 800)
    assert (evaluation.accuracy.value, evaluation.accuracy.n) == score(predicted[:800], true[:800])
    assert (evaluation.random.value, evaluation.random.n) == score(predicted[:500], true[:500])
    low_confidence = [i for i in range(500, 800) if i % 3 != 2]
    assert (evaluation.picked.value, evaluation.picked.n) == score(predicted[low_confidence], true[low_confidence])


def test_class_metrics_and_confusion_matrix_equal_scikit_learn(simulated, shades, reviewer):
    evaluation = evaluate_version(shades, reader=reviewer)
    predicted, true = simulated.predicted[:800], simulated.true[:800]
    precision, recall, _, support = precision_recall_fscore_support(true, predicted, labels=LABELS)
    assert evaluation.confusion.labels == LABELS
    assert evaluation.confusion.matrix == confusion_matrix(true, predicted, labels=LABELS).tolist()
    assert [row.precision for row in evaluation.classes] == pytest.approx(precision.tolist())
    assert [row.recall for row in evaluation.classes] == pytest.approx(recall.tolist())
    assert [row.support for row in evaluation.classes] == support.tolist()


def test_the_reliability_curve_equals_scikit_learn(simulated, shades, reviewer):
    calibration = evaluate_version(shades, reader=reviewer).calibration
    correct = (simulated.predicted == simulated.true)[:800]
    accuracy, confidence = calibration_curve(correct, simulated.confidence[:800], n_bins=10)
    filled = [bin_ for bin_ in calibration.bins if bin_.n]
    assert len(calibration.bins) == 10
    assert len(filled) == len(accuracy) > 5
    assert [bin_.accuracy for bin_ in filled] == pytest.approx(accuracy.tolist())
    assert [bin_.confidence for bin_ in filled] == pytest.approx(confidence.tolist())
    weights = np.array([bin_.n for bin_ in filled])
    assert weights.sum() == 800
    assert calibration.ece == pytest.approx((weights * np.abs(accuracy - confidence)).sum() / 800)


def test_kappa_of_two_reviewers_equals_scikit_learn(simulated, shades, reviewer, other):
    labels = np.where(np.random.default_rng(1).random(300) < 0.8, simulated.true[:300], "grey").tolist()
    Review.objects.bulk_create(
        build_review(prediction, other, label) for prediction, label in zip(simulated.predictions[:300], labels, strict=True)
    )
    evaluation = evaluate_version(shades, reader=reviewer)
    assert evaluation.kappa == pytest.approx(cohen_kappa_score(simulated.true[:300], labels))
    assert evaluation.kappa_n == 300
    assert (evaluation.reviewed, evaluation.unsure, evaluation.accuracy.n) == (800, 0, 800)


def test_kappa_of_several_pairs_is_the_weighted_mean(simulated, shades, reviewer, other, superuser):
    rng = np.random.default_rng(2)
    expected = 0
    for person, start, count in ((other, 0, 300), (superuser, 400, 100)):
        true = simulated.true[start : start + count]
        labels = np.where(rng.random(count) < 0.7, true, rng.choice(LABELS, count))
        predictions = simulated.predictions[start : start + count]
        Review.objects.bulk_create(
            build_review(prediction, person, label) for prediction, label in zip(predictions, labels.tolist(), strict=True)
        )
        expected += count * cohen_kappa_score(true, labels)
    assert evaluate_version(shades, reader=reviewer).kappa == pytest.approx(expected / 400)


def test_a_version_without_reviews_has_no_metrics(shades, user, reviewer):
    make_prediction(user)
    evaluation = evaluate_version(shades, reader=reviewer)
    assert (evaluation.predictions, evaluation.reviewed, evaluation.coverage) == (1, 0, 0)
    for share in (evaluation.accuracy, evaluation.random, evaluation.picked):
        assert (share.value, share.low, share.high, share.n) == (None, None, None, 0)
    assert {(row.precision, row.recall, row.support) for row in evaluation.classes} == {(None, None, 0)}
    assert (evaluation.kappa, evaluation.calibration.ece, evaluation.regression) == (None, None, None)
    assert evaluate_version(shades, reader=user).coverage == 0


def test_coverage_is_none_without_predictions(shades, reviewer):
    assert evaluate_version(shades, reader=reviewer).coverage is None


def test_with_many_labels_only_those_in_reviewed_predictions_are_listed(db, write_dummy, user, reviewer):
    labels = [f"l{number:03}" for number in range(120)]
    version = register_model(path=write_dummy(labels=labels), promote=True)
    review_prediction(prediction=make_prediction(user, make_image(255)), reviewer=reviewer, true_label="l007")
    assert evaluate_version(version, reader=reviewer).confusion.labels == ["l007", "l119"]


def test_with_too_many_labels_for_a_matrix_the_common_errors_are_listed(db, write_dummy, user, reviewer):
    labels = [f"l{number:03}" for number in range(300)]
    version = register_model(path=write_dummy(labels=labels), promote=True)
    predictions = make_predictions(version, user, [{"label": label, "confidence": 0.5} for label in labels])
    Review.objects.bulk_create(build_review(prediction, reviewer, "l007") for prediction in predictions)
    evaluation = evaluate_version(version, reader=reviewer)
    assert (evaluation.confusion, len(evaluation.classes), len(evaluation.common_errors)) == (None, 300, 20)
    assert {error.true_label for error in evaluation.common_errors} == {"l007"}
    metrics = evaluation.classes[7]
    assert (metrics.precision, metrics.recall, metrics.support) == (1, 1 / 300, 300)


def test_the_number_of_queries_is_fixed(simulated, shades, reviewer, django_assert_num_queries):
    with django_assert_num_queries(5):  # one for the permissions of the reader, two for predictions, two for reviews
        evaluate_version(shades, reader=reviewer)
