"""The quality of a version as the database counts it, against scikit-learn on a thousand simulated reviews."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    cohen_kappa_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from evaluation.report import evaluate_version
from evaluation.tests.factories import make_predictions
from inference.tests.factories import make_image
from predictions.models import Prediction, Review
from predictions.services import review_prediction, withdraw_review
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
LABELS = ["black", "grey", "white"]
COUNT = 1000


def judged(prediction, reviewer, truth, picked_by="random", **fields):
    verdict = "correct" if truth == prediction.label else "incorrect"
    return Review(prediction=prediction, reviewer=reviewer, verdict=verdict, true_label=truth, picked_by=picked_by, **fields)


class Simulated:
    """A thousand answers with their truths, of which the first 800 are judged, the first 500 of them at random."""

    def __init__(self, version, user, reviewer):
        rng = np.random.default_rng(7)
        self.truth = rng.choice(LABELS, COUNT, p=[0.5, 0.3, 0.2])
        self.said = np.where(rng.random(COUNT) < 0.75, self.truth, rng.choice(LABELS, COUNT))
        self.sure = np.where(rng.random(COUNT) < 0.1, rng.choice([0.4, 0.7, 0.9, 1.0], COUNT), rng.uniform(0.34, 1, COUNT))
        answers = [
            {"label": label, "confidence": sure} for label, sure in zip(self.said.tolist(), self.sure.tolist(), strict=True)
        ]
        self.predictions = make_predictions(version, user, answers)
        reviews = [
            judged(one, reviewer, truth, "random" if n < 500 else ["uncertain", "margin", "api"][n % 3])
            for n, (one, truth) in enumerate(zip(self.predictions[:800], self.truth.tolist(), strict=False))
        ]
        Review.objects.bulk_create(reviews)


@pytest.fixture
def simulated(shades, user, reviewer):
    return Simulated(shades, user, reviewer)


def shares(said, truth):
    return (said == truth).mean(), len(said)


def test_the_counts_and_accuracies_are_over_what_was_judged(simulated, shades, reviewer):
    found = evaluate_version(shades, reader=reviewer)
    said, truth = simulated.said, simulated.truth
    assert (found.version, found.predictions, found.reviewed, found.coverage) == (1, 1000, 800, 0.8)
    assert (found.accuracy.value, found.accuracy.n) == shares(said[:800], truth[:800])
    assert (found.random.value, found.random.n) == shares(said[:500], truth[:500])
    doubted = [n for n in range(500, 800) if n % 3 != 2]
    assert (found.picked.value, found.picked.n) == shares(said[doubted], truth[doubted])


def test_classes_and_confusion_are_scikit_learns(simulated, shades, reviewer):
    found = evaluate_version(shades, reader=reviewer)
    said, truth = simulated.said[:800], simulated.truth[:800]
    precision, recall, _, support = precision_recall_fscore_support(truth, said, labels=LABELS)
    assert found.confusion.labels == LABELS
    assert found.confusion.matrix == confusion_matrix(truth, said, labels=LABELS).tolist()
    assert [one.precision for one in found.classes] == pytest.approx(precision.tolist())
    assert [one.recall for one in found.classes] == pytest.approx(recall.tolist())
    assert [one.support for one in found.classes] == support.tolist()


def test_the_reliability_curve_is_scikit_learns(simulated, shades, reviewer):
    found = evaluate_version(shades, reader=reviewer).calibration
    right = (simulated.said == simulated.truth)[:800]
    sure = simulated.sure[:800]
    accuracy, confidence = calibration_curve(right, sure, n_bins=10)
    known = [one for one in found.bins if one.n]
    assert len(found.bins) == 10
    assert len(known) == len(accuracy) > 5
    assert [one.accuracy for one in known] == pytest.approx(accuracy.tolist())
    assert [one.confidence for one in known] == pytest.approx(confidence.tolist())
    weights = np.array([one.n for one in known])
    assert weights.sum() == 800
    assert found.ece == pytest.approx((weights * np.abs(accuracy - confidence)).sum() / 800)


def test_kappa_is_scikit_learns_where_two_judged_the_same(simulated, shades, reviewer, other):
    second = np.where(np.random.default_rng(1).random(300) < 0.8, simulated.truth[:300], "grey").tolist()
    theirs = [judged(one, other, said) for one, said in zip(simulated.predictions[:300], second, strict=True)]
    Review.objects.bulk_create(theirs)
    found = evaluate_version(shades, reader=reviewer)
    assert found.kappa == pytest.approx(cohen_kappa_score(simulated.truth[:300], second))
    assert found.kappa_n == 300
    assert (found.reviewed, found.unsure, found.accuracy.n) == (800, 0, 800)


def test_of_several_pairs_kappa_is_their_mean_weighed_by_answers(simulated, shades, reviewer, other, superuser):
    rng = np.random.default_rng(2)
    expected = 0
    for person, count in ((other, 300), (superuser, 100)):
        start = 0 if person == other else 400
        truth = simulated.truth[start : start + count]
        said = np.where(rng.random(count) < 0.7, truth, rng.choice(LABELS, count))
        rows = simulated.predictions[start : start + count]
        Review.objects.bulk_create([judged(one, person, word) for one, word in zip(rows, said.tolist(), strict=True)])
        expected += count * cohen_kappa_score(truth, said)
    assert evaluate_version(shades, reader=reviewer).kappa == pytest.approx(expected / 400)


def test_rows_that_nobody_judged_change_nothing(simulated, shades, user, reviewer):
    before = evaluate_version(shades, reader=reviewer)
    make_predictions(shades, user, [{"label": "white", "confidence": 0.9}] * 50)
    after = evaluate_version(shades, reader=reviewer)
    assert (after.predictions, after.reviewed) == (1050, 800)
    for name in ("accuracy", "random", "picked", "classes", "confusion", "calibration", "kappa"):
        assert getattr(after, name) == getattr(before, name)


def test_a_version_without_reviews_shows_no_figures(shades, user, reviewer):
    make_prediction(user)
    found = evaluate_version(shades, reader=reviewer)
    assert (found.predictions, found.reviewed, found.coverage) == (1, 0, 0)
    for share in (found.accuracy, found.random, found.picked):
        assert (share.value, share.low, share.high, share.n) == (None, None, None, 0)
    assert {(one.precision, one.recall, one.support) for one in found.classes} == {(None, None, 0)}
    assert (found.kappa, found.calibration.ece, found.regression) == (None, None, None)
    assert evaluate_version(shades, reader=user).coverage == 0


def test_without_answers_coverage_is_not_known(shades, reviewer):
    assert evaluate_version(shades, reader=reviewer).coverage is None


def test_who_is_unsure_has_reviewed_and_decided_nothing(shades, user, reviewer):
    review_prediction(prediction=make_prediction(user), reviewer=reviewer, verdict="unsure")
    found = evaluate_version(shades, reader=reviewer)
    assert (found.reviewed, found.unsure, found.accuracy.n, found.accuracy.value) == (1, 1, 0, None)


def test_the_newest_decided_opinion_that_holds_counts(shades, user, reviewer, other):
    white = make_prediction(user, make_image(255))
    review_prediction(prediction=white, reviewer=reviewer, verdict="correct")
    review_prediction(prediction=white, reviewer=other, true_label="grey")
    assert evaluate_version(shades, reader=reviewer).confusion.matrix == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    review_prediction(prediction=white, reviewer=other, verdict="unsure")
    assert evaluate_version(shades, reader=reviewer).confusion.matrix == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    withdraw_review(prediction=white, reviewer=reviewer)
    found = evaluate_version(shades, reader=reviewer)
    assert (found.reviewed, found.accuracy.n) == (1, 0)


def test_a_corrected_verdict_stays_in_the_random_sample(shades, user, reviewer):
    white = make_prediction(user, make_image(255))
    review_prediction(prediction=white, reviewer=reviewer, verdict="correct", picked_by="random")
    review_prediction(prediction=white, reviewer=reviewer, true_label="grey", picked_by="manual")
    found = evaluate_version(shades, reader=reviewer)
    assert (found.random.value, found.random.n, found.picked.n) == (0, 1, 0)
    assert evaluate_version(shades, reader=reviewer, picked_by="uncertain").reviewed == 0
    assert evaluate_version(shades, reader=reviewer, picked_by="random").accuracy.n == 1


def test_since_and_picked_by_narrow(simulated, shades, reviewer):
    old = [one.pk for one in simulated.predictions[:100]]
    now = timezone.now()
    Prediction.objects.filter(pk__in=old).update(created_at=now - timedelta(days=3))
    recent = evaluate_version(shades, reader=reviewer, since=now - timedelta(days=1))
    assert (recent.predictions, recent.reviewed, recent.random.n) == (900, 700, 400)
    fair = evaluate_version(shades, reader=reviewer, picked_by="random")
    assert (fair.predictions, fair.reviewed, fair.accuracy) == (1000, 500, fair.random)


def test_one_sees_the_quality_of_ones_own_answers(simulated, shades, user, other):
    assert evaluate_version(shades, reader=user).predictions == 1000
    found = evaluate_version(shades, reader=other)
    assert (found.predictions, found.reviewed, found.accuracy.n, found.kappa) == (0, 0, 0, None)


def test_what_failed_is_no_answer(shades, user, reviewer):
    failed = {"status": "failed", "output": None, "error_code": "model-failed"}
    make_predictions(shades, user, [failed] * 3)
    assert evaluate_version(shades, reader=reviewer).predictions == 0


def test_other_versions_do_not_count(simulated, shades, reviewer, write_dummy):
    second = register_model(path=write_dummy(), promote=True)
    assert evaluate_version(second, reader=reviewer).predictions == 0


def test_of_many_labels_the_matrix_shows_those_that_occur(db, write_dummy, user, reviewer):
    labels = [f"l{number:03}" for number in range(120)]
    version = register_model(path=write_dummy(labels=labels), promote=True)
    review_prediction(prediction=make_prediction(user, make_image(255)), reviewer=reviewer, true_label="l007")
    assert evaluate_version(version, reader=reviewer).confusion.labels == ["l007", "l119"]


def test_of_more_labels_than_a_matrix_can_show_the_mistakes_are_told(db, write_dummy, user, reviewer):
    labels = [f"l{number:03}" for number in range(300)]
    version = register_model(path=write_dummy(labels=labels), promote=True)
    rows = make_predictions(version, user, [{"label": label, "confidence": 0.5} for label in labels])
    Review.objects.bulk_create(judged(one, reviewer, "l007") for one in rows)
    found = evaluate_version(version, reader=reviewer)
    assert (found.confusion, len(found.classes), len(found.mistakes)) == (None, 300, 20)
    assert (found.classes[7].precision, found.classes[7].recall, found.classes[7].support) == (1, 1 / 300, 300)


def test_it_takes_the_same_queries_whatever_there_is(simulated, shades, reviewer, write_dummy, django_assert_num_queries):
    with django_assert_num_queries(4):  # two for the rights of the reader; the answers; all that was said of them
        evaluate_version(shades, reader=reviewer)
