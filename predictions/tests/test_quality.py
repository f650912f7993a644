"""The quality of a version as the database counts it, against scikit-learn on a thousand simulated reviews."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    cohen_kappa_score,
    confusion_matrix,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    root_mean_squared_error,
)

from inference.tests.pictures import picture
from predictions.models import Input, ModelVersion, Prediction, Review
from predictions.quality import compare, quality_of
from predictions.services import predict, register_model, review_prediction, withdraw_review
from predictions.services.review import InvalidReview
from predictions.tests.test_services_predict import ask

pytestmark = pytest.mark.django_db
LABELS = ["black", "grey", "white"]
COUNT = 1000


def rows_of(version, user, answers, **fields):
    """Store an input and a prediction for each answer, a dictionary of its fields."""
    now = timezone.now()
    inputs = [Input(user=user, kind="tabular", features={"n": n}, sha256=f"{n:064x}", size=1) for n in range(len(answers))]
    Input.objects.bulk_create(inputs)
    made = [
        Prediction(
            input=one,
            model_version=version,
            user=user,
            source="api",
            **{"status": "succeeded", "output": {}, "completed_at": now} | fields | answer,
        )
        for one, answer in zip(inputs, answers, strict=True)
    ]
    return Prediction.objects.bulk_create(made)


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
        self.predictions = rows_of(version, user, answers)
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
    found = quality_of(shades, reader=reviewer)
    said, truth = simulated.said, simulated.truth
    assert (found.version, found.predictions, found.reviewed, found.coverage) == (1, 1000, 800, 0.8)
    assert (found.accuracy.value, found.accuracy.n) == shares(said[:800], truth[:800])
    assert (found.random.value, found.random.n) == shares(said[:500], truth[:500])
    doubted = [n for n in range(500, 800) if n % 3 != 2]
    assert (found.picked.value, found.picked.n) == shares(said[doubted], truth[doubted])


def test_classes_and_confusion_are_scikit_learns(simulated, shades, reviewer):
    found = quality_of(shades, reader=reviewer)
    said, truth = simulated.said[:800], simulated.truth[:800]
    precision, recall, _, support = precision_recall_fscore_support(truth, said, labels=LABELS)
    assert found.confusion.labels == LABELS
    assert found.confusion.matrix == confusion_matrix(truth, said, labels=LABELS).tolist()
    assert [one.precision for one in found.classes] == pytest.approx(precision.tolist())
    assert [one.recall for one in found.classes] == pytest.approx(recall.tolist())
    assert [one.support for one in found.classes] == support.tolist()


def test_the_reliability_curve_is_scikit_learns(simulated, shades, reviewer):
    found = quality_of(shades, reader=reviewer).calibration
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
    found = quality_of(shades, reader=reviewer)
    assert found.kappa == pytest.approx(cohen_kappa_score(simulated.truth[:300], second))
    assert found.kappa_n == 300
    assert (found.reviewed, found.accuracy.n) == (800, 800)


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
    assert quality_of(shades, reader=reviewer).kappa == pytest.approx(expected / 400)


def test_rows_that_nobody_judged_change_nothing(simulated, shades, user, reviewer):
    before = quality_of(shades, reader=reviewer)
    rows_of(shades, user, [{"label": "white", "confidence": 0.9}] * 50)
    after = quality_of(shades, reader=reviewer)
    assert (after.predictions, after.reviewed) == (1050, 800)
    for name in ("accuracy", "random", "picked", "classes", "confusion", "calibration", "kappa"):
        assert getattr(after, name) == getattr(before, name)


def test_a_version_without_reviews_shows_no_figures(shades, user, reviewer):
    ask(user)
    found = quality_of(shades, reader=reviewer)
    assert (found.predictions, found.reviewed, found.coverage) == (1, 0, 0)
    for share in (found.accuracy, found.random, found.picked):
        assert (share.value, share.low, share.high, share.n) == (None, None, None, 0)
    assert {(one.precision, one.recall, one.support) for one in found.classes} == {(None, None, 0)}
    assert (found.kappa, found.calibration.ece, found.regression) == (None, None, None)
    assert quality_of(shades, reader=user).coverage == 0


def test_without_answers_coverage_is_not_known(shades, reviewer):
    assert quality_of(shades, reader=reviewer).coverage is None


def test_who_is_unsure_has_reviewed_and_decided_nothing(shades, user, reviewer):
    review_prediction(prediction=ask(user), reviewer=reviewer, verdict="unsure")
    found = quality_of(shades, reader=reviewer)
    assert (found.reviewed, found.accuracy.n, found.accuracy.value) == (1, 0, None)


def test_the_newest_decided_opinion_that_holds_counts(shades, user, reviewer, other):
    white = ask(user, picture(255))
    review_prediction(prediction=white, reviewer=reviewer, verdict="correct")
    review_prediction(prediction=white, reviewer=other, true_label="grey")
    assert quality_of(shades, reader=reviewer).confusion.matrix == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    review_prediction(prediction=white, reviewer=other, verdict="unsure")
    assert quality_of(shades, reader=reviewer).confusion.matrix == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    withdraw_review(prediction=white, reviewer=reviewer)
    found = quality_of(shades, reader=reviewer)
    assert (found.reviewed, found.accuracy.n) == (1, 0)


def test_a_corrected_verdict_stays_in_the_random_sample(shades, user, reviewer):
    white = ask(user, picture(255))
    review_prediction(prediction=white, reviewer=reviewer, verdict="correct", picked_by="random")
    review_prediction(prediction=white, reviewer=reviewer, true_label="grey", picked_by="manual")
    found = quality_of(shades, reader=reviewer)
    assert (found.random.value, found.random.n, found.picked.n) == (0, 1, 0)
    assert quality_of(shades, reader=reviewer, picked_by="uncertain").reviewed == 0
    assert quality_of(shades, reader=reviewer, picked_by="random").accuracy.n == 1


def test_since_and_picked_by_narrow(simulated, shades, reviewer):
    old = [one.pk for one in simulated.predictions[:100]]
    now = timezone.now()
    Prediction.objects.filter(pk__in=old).update(created_at=now - timedelta(days=3))
    recent = quality_of(shades, reader=reviewer, since=now - timedelta(days=1))
    assert (recent.predictions, recent.reviewed, recent.random.n) == (900, 700, 400)
    fair = quality_of(shades, reader=reviewer, picked_by="random")
    assert (fair.predictions, fair.reviewed, fair.accuracy) == (1000, 500, fair.random)


def test_one_sees_the_quality_of_ones_own_answers(simulated, shades, user, other):
    assert quality_of(shades, reader=user).predictions == 1000
    found = quality_of(shades, reader=other)
    assert (found.predictions, found.reviewed, found.accuracy.n, found.kappa) == (0, 0, 0, None)


def test_what_failed_is_no_answer(shades, user, reviewer):
    failed = {"status": "failed", "output": None, "error_code": "model-failed"}
    rows_of(shades, user, [failed] * 3)
    assert quality_of(shades, reader=reviewer).predictions == 0


def test_other_versions_do_not_count(simulated, shades, reviewer, write_dummy):
    second = register_model(path=write_dummy(), promote=True)
    assert quality_of(second, reader=reviewer).predictions == 0


def test_of_many_labels_the_matrix_shows_those_that_occur(db, write_dummy, user, reviewer):
    labels = [f"l{number:03}" for number in range(120)]
    version = register_model(path=write_dummy(labels=labels), promote=True)
    review_prediction(prediction=ask(user, picture(255)), reviewer=reviewer, true_label="l007")
    assert quality_of(version, reader=reviewer).confusion.labels == ["l007", "l119"]


def test_of_more_labels_than_a_matrix_can_show_the_mistakes_are_told(db, write_dummy, user, reviewer):
    labels = [f"l{number:03}" for number in range(300)]
    version = register_model(path=write_dummy(labels=labels), promote=True)
    rows = rows_of(version, user, [{"label": label, "confidence": 0.5} for label in labels])
    Review.objects.bulk_create(judged(one, reviewer, "l007") for one in rows)
    found = quality_of(version, reader=reviewer)
    assert (found.confusion, len(found.classes), len(found.mistakes)) == (None, 300, 20)
    assert (found.classes[7].precision, found.classes[7].recall, found.classes[7].support) == (1, 1 / 300, 300)


def test_it_takes_the_same_queries_whatever_there_is(simulated, shades, reviewer, write_dummy, django_assert_num_queries):
    with django_assert_num_queries(4):  # two for the rights of the reader; the answers; all that was said of them
        quality_of(shades, reader=reviewer)


# --- values


@pytest.fixture
def measured(flowers, user, reviewer):
    rng = np.random.default_rng(3)
    truth = rng.normal(150, 40, 300)
    said = truth + rng.normal(3, 20, 300)
    rows = rows_of(flowers, user, [{"value": value} for value in said.tolist()])
    Review.objects.bulk_create(
        Review(prediction=one, reviewer=reviewer, verdict="incorrect", true_value=value, picked_by="random")
        for one, value in zip(rows, truth[:200].tolist(), strict=False)
    )
    return truth[:200], said[:200]


def test_the_errors_of_values_are_scikit_learns(measured, flowers, reviewer):
    truth, said = measured
    found = quality_of(flowers, reader=reviewer)
    assert found.regression.n == 200
    assert found.regression.mae == pytest.approx(mean_absolute_error(truth, said))
    assert found.regression.rmse == pytest.approx(root_mean_squared_error(truth, said))
    assert found.regression.r2 == pytest.approx(r2_score(truth, said))
    assert found.regression.residuals.mean == pytest.approx((said - truth).mean())
    counts, edges = np.histogram(said - truth, bins=20)
    assert [n for _, _, n in found.regression.residuals.bins] == counts.tolist()
    assert [low for low, _, _ in found.regression.residuals.bins] == pytest.approx(edges[:-1].tolist())
    assert (found.accuracy.value, found.confusion, found.calibration, found.kappa) == (None, None, None, None)


def test_of_values_nobody_judged_no_error_is_known(flowers, user, reviewer):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    found = quality_of(flowers, reader=reviewer).regression
    assert (found.mae, found.rmse, found.r2, found.n, found.residuals.bins) == (None, None, None, 0, [])
    review_prediction(prediction=row, reviewer=reviewer, true_value=8)
    found = quality_of(flowers, reader=reviewer).regression
    assert (found.mae, found.rmse, found.r2, found.n) == (1, 1, None, 1)
    assert found.residuals.bins == [(1, 1, 1)]


def test_who_says_no_more_than_right_takes_no_measured_value_away(flowers, user, other, reviewer, write_rows):
    second = register_model(path=write_rows(factor=2))
    features = {"length": 4, "petals": 5}
    row, beside = (predict(user=user, source="api", features=features, model=str(one)) for one in (flowers, second))
    review_prediction(prediction=row, reviewer=reviewer, true_value=8)
    review_prediction(prediction=row, reviewer=other, verdict="correct")
    review_prediction(prediction=beside, reviewer=other, verdict="correct")
    found = quality_of(flowers, reader=reviewer).regression
    assert (found.n, found.mae) == (1, 1)
    assert compare(flowers, second, reader=reviewer).n == 1


def test_of_truths_that_are_all_the_same_r2_is_not_known(flowers, user, reviewer):
    rows = rows_of(flowers, user, [{"value": float(number)} for number in range(50)])
    Review.objects.bulk_create(
        Review(prediction=one, reviewer=reviewer, verdict="incorrect", true_value=0.1, picked_by="random") for one in rows
    )
    found = quality_of(flowers, reader=reviewer).regression
    assert (found.n, found.r2) == (50, None)


def test_a_huge_truth_or_answer_breaks_nothing(flowers, user, reviewer, write_rows):
    second = register_model(path=write_rows())
    rows = rows_of(flowers, user, [{"value": 1.0}, {"value": 2.0}, {"value": 1e300}])
    rows += rows_of(second, user, [{"value": 3.0}, {"value": 3.0}, {"value": -1e300}])
    Review.objects.bulk_create(
        Review(prediction=one, reviewer=reviewer, verdict="incorrect", true_value=truth, picked_by="random")
        for one, truth in zip(rows, [1e300, 3.0, 5.0], strict=False)
    )
    found = quality_of(flowers, reader=reviewer)
    assert (found.reviewed, found.regression.n, found.regression.mae, found.regression.rmse) == (3, 1, 1, 1)
    beside = compare(flowers, second, reader=reviewer)
    assert (beside.n, beside.mae, beside.other_mae) == (1, 1, 0)
    with pytest.raises(InvalidReview, match="up to"):
        review_prediction(prediction=rows[1], reviewer=reviewer, true_value=1e39)


def test_no_error_falls_out_of_the_histogram(flowers, user, reviewer):
    rng = np.random.default_rng(5)
    for _ in range(20):
        errors = rng.uniform(-1, 1, 2).tolist()
        errors.append(float(np.nextafter(max(errors), -np.inf)))
        rows = rows_of(flowers, user, [{"value": error} for error in errors])
        reviews = Review.objects.bulk_create(
            Review(prediction=one, reviewer=reviewer, verdict="incorrect", true_value=0.0, picked_by="random")
            for one in rows
        )
        found = quality_of(flowers, reader=reviewer).regression
        assert sum(n for _, _, n in found.residuals.bins) == found.n == 3
        Review.objects.filter(pk__in=[one.pk for one in reviews]).delete()


# --- two versions


def test_two_versions_are_compared_on_the_inputs_both_answered(shades, user, reviewer, write_dummy):
    second = register_model(path=write_dummy(fixed=[0, 0, 1]))
    for shade in (0, 30, 127, 255):
        asked = [ask(user, picture(shade), model=str(version)) for version in (shades, second)]
        review_prediction(
            prediction=asked[shade % 2], reviewer=reviewer, true_label="grey" if shade == 30 else asked[0].label
        )
    ask(user, picture(200), model=str(second))
    only_first = ask(user, picture(210), model=str(shades))
    review_prediction(prediction=only_first, reviewer=reviewer, verdict="correct")
    found = compare(shades, second, reader=reviewer)
    assert (found.n, found.both, found.only_one, found.only_other, found.neither) == (4, 1, 2, 0, 1)
    assert (found.accuracy.value, found.other_accuracy.value, found.alike) == (0.75, 0.25, 0.25)
    assert found.p == 0.5
    swapped = compare(second, shades, reader=reviewer)
    assert (swapped.only_one, swapped.only_other, swapped.accuracy.value) == (0, 2, 0.25)


def test_an_input_asked_twice_is_compared_once_with_its_newest_answers_and_truth(shades, user, reviewer, other, write_dummy):
    second = register_model(path=write_dummy(fixed=[0, 0, 1]))
    for _ in range(2):
        first = ask(user, picture(255), model=str(shades))
    review_prediction(prediction=first, reviewer=reviewer, true_label="grey")
    theirs = ask(other, picture(255), model=str(second))
    review_prediction(prediction=theirs, reviewer=reviewer, verdict="correct")
    found = compare(shades, second, reader=reviewer)
    assert (found.n, found.both) == (1, 1)
    assert compare(shades, second, reader=user).n == 0
    review_prediction(prediction=theirs, reviewer=reviewer, verdict="unsure")
    assert compare(shades, second, reader=reviewer).neither == 1


def test_two_versions_of_values_are_compared_by_their_errors(flowers, user, reviewer, write_rows):
    second = register_model(path=write_rows(factor=2))
    asked = [
        predict(user=user, source="api", features={"length": length, "petals": 5}, model=str(version))
        for length in (1, 2, 3)
        for version in (flowers, second)
    ]
    for row in asked[::2]:
        review_prediction(prediction=row, reviewer=reviewer, true_value=row.value + 1)
    found = compare(flowers, second, reader=reviewer)
    truth, said = np.array([7.0, 8, 9]), np.array([12.0, 14, 16])
    assert (found.n, found.mae, found.other_mae) == (3, 1, np.abs(truth - said).mean())
    assert found.apart == np.abs(said - (truth - 1)).mean()
    assert found.accuracy.value is None


def test_versions_without_an_input_in_common_say_nothing(shades, user, reviewer, write_dummy):
    second = register_model(path=write_dummy())
    found = compare(shades, second, reader=reviewer)
    assert (found.n, found.accuracy.value, found.alike, found.p) == (0, None, None, None)
    assert ModelVersion.objects.count() == 2
