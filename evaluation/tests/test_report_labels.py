"""The metrics of multi-label models, compared with scikit-learn on simulated reviews."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    hamming_loss,
    jaccard_score,
    precision_recall_fscore_support,
)

from core.tests.pages import get_text
from evaluation.comparison import compare_versions
from evaluation.report import evaluate_version
from evaluation.statistics import compute_wilson_interval
from evaluation.tests.factories import make_predictions
from inference.tests.factories import make_image
from predictions.models import Review
from predictions.services import review_prediction, withdraw_review
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
LABELS = np.array(["black", "grey", "white"])
REVIEWED_COUNT, RANDOM_COUNT = 250, 150


def to_lists(matrix):
    """Return the labels of each row of an indicator matrix."""
    return [LABELS[row.astype(bool)].tolist() for row in matrix]


def build_label_review(prediction, reviewer, true_labels, picked_by="random", **fields):
    verdict = "correct" if true_labels == prediction.predicted_labels else "incorrect"
    return Review(
        prediction=prediction, reviewer=reviewer, verdict=verdict, true_labels=true_labels, picked_by=picked_by, **fields
    )


@pytest.fixture
def simulated(blends, user, reviewer):
    """Return indicator matrices of the true and predicted labels of 300 predictions, and the predictions.

    The first 250 are reviewed, of these the first 150 in the random sample.
    """
    rng = np.random.default_rng(3)
    true = rng.random((300, 3)) < [0.5, 0.3, 0.1]
    predicted = np.where(rng.random((300, 3)) < 0.2, ~true, true)
    outputs = [{"output": {"scores": {}, "labels": labels}} for labels in to_lists(predicted)]
    predictions = make_predictions(blends, user, outputs)
    Review.objects.bulk_create(
        build_label_review(prediction, reviewer, labels, "random" if number < RANDOM_COUNT else "margin")
        for number, (prediction, labels) in enumerate(
            zip(predictions[:REVIEWED_COUNT], to_lists(true[:REVIEWED_COUNT]), strict=True)
        )
    )
    return true, predicted, predictions


@pytest.mark.parametrize(
    ("picked_by", "rows"), [("", slice(0, 250)), ("random", slice(0, 150)), ("margin", slice(150, 250))]
)
def test_metrics_equal_scikit_learn(simulated, blends, reviewer, picked_by, rows):
    true, predicted = simulated[0][rows], simulated[1][rows]
    evaluation = evaluate_version(blends, reader=reviewer, picked_by=picked_by)
    metrics = evaluation.multi_label
    precision, recall, f1, support = precision_recall_fscore_support(true, predicted)
    assert [row.label for row in metrics.labels] == LABELS.tolist()
    assert [row.precision.value for row in metrics.labels] == pytest.approx(precision.tolist())
    assert [row.recall.value for row in metrics.labels] == pytest.approx(recall.tolist())
    assert [row.f1.value for row in metrics.labels] == pytest.approx(f1.tolist())
    assert [row.support for row in metrics.labels] == support.tolist()
    for name in ("micro", "macro"):
        average = getattr(metrics, name)
        expected = precision_recall_fscore_support(true, predicted, average=name)[:3]
        assert (average.precision, average.recall, average.f1) == pytest.approx(expected)
    assert metrics.hamming_loss == pytest.approx(hamming_loss(true, predicted))
    assert evaluation.accuracy.value == pytest.approx(accuracy_score(true, predicted))
    assert evaluation.accuracy.n == metrics.n == len(true)
    assert [(row.label, row.precision, row.recall, row.support) for row in evaluation.classes] == [
        (row.label, row.precision.value, row.recall.value, row.support) for row in metrics.labels
    ]


def test_samples_have_their_own_subset_accuracy(simulated, blends, reviewer):
    true, predicted, _ = simulated
    evaluation = evaluate_version(blends, reader=reviewer)
    assert evaluation.random.value == pytest.approx(accuracy_score(true[:150], predicted[:150]))
    assert evaluation.picked.value == pytest.approx(accuracy_score(true[150:250], predicted[150:250]))
    assert (evaluation.random.n, evaluation.picked.n, evaluation.reviewed, evaluation.predictions) == (150, 100, 250, 300)
    assert (evaluation.confusion, evaluation.calibration, evaluation.common_errors) == (None, None, [])


def test_intervals_and_counts_of_a_label(simulated, blends, reviewer):
    true, predicted = simulated[0][:250, 0], simulated[1][:250, 0]
    row = evaluate_version(blends, reader=reviewer).multi_label.labels[0]
    both = int((true & predicted).sum())
    assert row.precision == compute_wilson_interval(both, int(predicted.sum()))
    assert row.recall == compute_wilson_interval(both, int(true.sum()))
    jaccard = compute_wilson_interval(both, int((true | predicted).sum()))
    assert jaccard.value == pytest.approx(jaccard_score(true, predicted))
    assert (row.f1.low, row.f1.high) == pytest.approx([2 * x / (1 + x) for x in (jaccard.low, jaccard.high)])
    assert row.f1.low < row.f1.value < row.f1.high
    assert (row.true_positives, row.false_positives) == (both, int((predicted & ~true).sum()))
    assert (row.false_negatives, row.true_negatives) == (int((true & ~predicted).sum()), int((~true & ~predicted).sum()))


def test_kappa_compares_lists_of_labels(simulated, blends, reviewer, other):
    true, _, predictions = simulated
    rng = np.random.default_rng(5)
    second = np.where(rng.random((100, 3)) < 0.1, ~true[:100], true[:100])
    Review.objects.bulk_create(
        build_label_review(prediction, other, labels)
        for prediction, labels in zip(predictions[:100], to_lists(second), strict=True)
    )
    ratings = [[str(labels) for labels in to_lists(matrix)] for matrix in (true[:100], second)]
    evaluation = evaluate_version(blends, reader=reviewer)
    assert evaluation.kappa == pytest.approx(cohen_kappa_score(*ratings))
    assert evaluation.kappa_n == 100


def test_the_newest_active_decided_review_counts(blends, user, reviewer, other):
    dark = make_prediction(user, make_image(64))
    review_prediction(prediction=dark, reviewer=other, true_labels=["white"])
    review_prediction(prediction=dark, reviewer=reviewer, true_labels=["grey"])
    review_prediction(prediction=make_prediction(user, make_image(0)), reviewer=user, verdict="unsure")
    assert count_true(evaluate_version(blends, reader=reviewer)) == (1, [0, 1, 0])
    assert evaluate_version(blends, reader=reviewer).unsure == 1
    withdraw_review(prediction=dark, reviewer=reviewer)
    assert count_true(evaluate_version(blends, reader=reviewer)) == (1, [0, 0, 1])


def count_true(evaluation):
    return evaluation.multi_label.n, [row.support for row in evaluation.multi_label.labels]


def test_reviews_without_the_service_count_only_if_the_true_labels_are_known(blends, user, reviewer):
    first, second = make_prediction(user, make_image(64)), make_prediction(user, make_image(0))
    Review.objects.create(prediction=first, reviewer=reviewer, verdict="correct", picked_by="random")
    Review.objects.create(prediction=second, reviewer=reviewer, verdict="incorrect", picked_by="random")
    evaluation = evaluate_version(blends, reader=reviewer)
    assert count_true(evaluation) == (1, [1, 1, 0])
    assert evaluation.accuracy.n == 2


def test_undefined_metrics_are_none(blends, user, reviewer):
    evaluation = evaluate_version(blends, reader=reviewer)
    metrics = evaluation.multi_label
    assert (metrics.n, metrics.hamming_loss, metrics.macro.f1, metrics.micro.recall) == (0, None, None, None)
    review_prediction(prediction=make_prediction(user, make_image(0)), reviewer=reviewer, verdict="correct")
    metrics = evaluate_version(blends, reader=reviewer).multi_label
    assert [row.precision.value for row in metrics.labels] == [1, None, None]
    assert (metrics.macro.precision, metrics.hamming_loss) == (1, 0)


def test_the_number_of_queries_is_fixed(simulated, blends, reviewer, django_assert_num_queries):
    with django_assert_num_queries(5):  # one for the permissions of the reader, two for predictions, two for reviews
        evaluate_version(blends, reader=reviewer)


def test_api_has_the_metrics_of_lists_of_labels(simulated, blends, client, reviewer, token_headers):
    body = client.get("/api/v1/models/blends/quality/", headers=token_headers(reviewer)).json()
    metrics = body["multi_label"]
    assert list(metrics) == ["n", "hamming_loss", "micro", "macro", "labels"]
    assert metrics["labels"][0]["f1"].keys() == {"value", "low", "high", "n"}
    assert [row["support"] for row in body["classes"]] == simulated[0][:250].sum(axis=0).tolist()
    assert (body["confusion"], body["calibration"], body["regression"]) == (None, None, None)


def test_other_models_have_no_metrics_of_lists(shades, client, reviewer, token_headers):
    assert client.get("/api/v1/models/shades/quality/", headers=token_headers(reviewer)).json()["multi_label"] is None


def test_versions_are_compared_on_exact_lists_in_any_order(blends, write_dummy, user, reviewer):
    folder = write_dummy(name="blends", labels=["white", "grey", "black"], fixed=[0.1, 0.9, 0.9])
    with (folder / "model.toml").open("a") as file:
        file.write('[output]\nkind = "labels"\nactivation = "none"\n')
    second = register_model(path=folder)
    for shade in (0, 64, 127):
        row, other_row = (make_prediction(user, make_image(shade), model=str(version)) for version in (blends, second))
        assert other_row.predicted_labels == ["grey", "black"]
        assert row.predicted_labels == {0: ["black"], 64: ["black", "grey"], 127: ["grey"]}[shade]
        true_labels = {0: ["black"], 64: ["black", "grey"], 127: []}[shade]
        review_prediction(prediction=other_row if shade == 64 else row, reviewer=reviewer, true_labels=true_labels)
    comparison = compare_versions(blends, second, reader=reviewer)
    assert (comparison.n, comparison.both, comparison.only_first, comparison.only_second) == (3, 1, 1, 0)
    assert (comparison.accuracy.value, comparison.other_accuracy.value) == pytest.approx((2 / 3, 1 / 3))
    assert (comparison.same, comparison.neither, comparison.p) == (pytest.approx(1 / 3), 1, 1.0)


def test_page_has_the_metrics_of_each_label(simulated, blends, client, reviewer):
    client.force_login(reviewer)
    text = get_text(client.get("/models/blends/evaluation/"))
    evaluation = evaluate_version(blends, reader=reviewer)
    row = evaluation.multi_label.labels[0]
    cell = f"{row.f1.value:.1%} {row.f1.low:.1%} to {row.f1.high:.1%} {row.support}"
    for part in ("Subset accuracy", "Per-label metrics", "Hamming loss", "Macro average", "True, not predicted", cell):
        assert part in text, part
    for part in ("Confusion matrix", "Per-class metrics", "Calibration"):
        assert part not in text
