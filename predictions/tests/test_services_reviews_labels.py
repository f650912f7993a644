"""Reviews of multi-label predictions."""

import pytest
from django.db import IntegrityError, transaction

from inference.tests.factories import make_image
from predictions.models import Prediction, Review
from predictions.review_strategies import ReviewQueue, get_strategies
from predictions.services import review_prediction
from predictions.services.review_fields import parse_true_labels
from predictions.services.review_queue import AlreadyReviewed, review_claimed
from predictions.services.review_validation import InvalidReview, ReviewInput
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
SHADES = {0: ["black"], 64: ["black", "grey"], 127: ["grey"], 191: ["grey", "white"], 255: ["white"]}


@pytest.fixture
def dark(blends, user):
    """Return a prediction of black and grey."""
    return make_prediction(user, make_image(64))


def test_predictions_have_labels_and_the_distance_to_a_threshold_as_margin(blends, user):
    for shade, labels in SHADES.items():
        row = Prediction.objects.get(pk=make_prediction(user, make_image(shade)).pk)
        assert (row.predicted_labels, row.label, row.confidence) == (labels, "", None)
        assert row.margin == pytest.approx(min(abs(score - 0.3) for score in row.output["scores"].values()))


def test_margin_uses_the_threshold_of_each_label(write_dummy, user):
    folder = write_dummy(fixed=[0.85, 0.35, 0.1])
    with (folder / "model.toml").open("a") as file:
        file.write('[output]\nkind = "labels"\nactivation = "none"\nthresholds = [0.8, 0.5, 0.2]\n')
    register_model(path=folder, promote=True)
    prediction = make_prediction(user)
    assert (prediction.predicted_labels, prediction.margin) == (["black"], pytest.approx(0.05))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"verdict": "correct"}, ("correct", ["black", "grey"])),
        ({"true_labels": ["grey", "black", "grey"]}, ("correct", ["black", "grey"])),
        ({"true_labels": ["white", "black"]}, ("incorrect", ["black", "white"])),
        ({"true_labels": []}, ("incorrect", [])),
        ({"verdict": "incorrect", "true_labels": ["grey"]}, ("incorrect", ["grey"])),
        ({"verdict": "unsure"}, ("unsure", None)),
    ],
)
def test_true_labels_are_unique_and_in_the_order_of_the_version(dark, user, fields, expected):
    review_prediction(prediction=dark, reviewer=user, comment="clear", **fields)
    review = Review.objects.get()
    assert (review.verdict, review.true_labels) == expected
    assert (review.true_label, review.true_value, review.comment) == ("", None, "clear")


@pytest.mark.parametrize(
    ("fields", "code", "field", "message"),
    [
        ({}, "required", "verdict", "Expected a verdict"),
        ({"verdict": "incorrect"}, "required", "true_labels", "Choose all true labels: any of black, grey, white, or none."),
        (
            {"verdict": "correct", "true_labels": ["grey"]},
            "contradiction",
            "verdict",
            "differs from the prediction, black, g",
        ),
        ({"verdict": "incorrect", "true_labels": ["grey", "black"]}, "contradiction", "verdict", "is the same as"),
        ({"verdict": "unsure", "true_labels": []}, "contradiction", "verdict", "Leave true_labels empty"),
        ({"true_labels": ["gray"]}, "unknown-label", "true_labels", 'Received: "gray". Did you mean "grey"?'),
        ({"true_label": "grey"}, "wrong-truth", "true_label", "Expected true_labels"),
        ({"true_value": 1.0}, "wrong-truth", "true_value", "Expected true_labels"),
    ],
)
def test_reviews_must_fit_the_prediction(dark, user, fields, code, field, message):
    with pytest.raises(InvalidReview, match=message.replace("?", r"\?")) as caught:
        review_prediction(prediction=dark, reviewer=user, **fields)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_other_models_take_no_list_of_labels(shades, user):
    with pytest.raises(InvalidReview, match="not a multi-label model") as caught:
        review_prediction(prediction=make_prediction(user), reviewer=user, true_labels=["white"])
    assert (caught.value.code, caught.value.field) == ("wrong-truth", "true_labels")


@pytest.mark.parametrize(
    "fields",
    [{"true_label": "grey"}, {"true_value": 1.0}, {"verdict": "unsure"}],
)
def test_the_database_accepts_true_labels_only_alone(dark, user, fields):
    values = {"verdict": "incorrect", "true_labels": ["grey"]} | fields
    with pytest.raises(IntegrityError, match="review_true_labels_alone"), transaction.atomic():
        Review.objects.create(prediction=dark, reviewer=user, picked_by="manual", **values)


def test_reviews_with_different_labels_are_conflicting(dark, user, other):
    review_prediction(prediction=dark, reviewer=user, true_labels=["grey"])
    review_prediction(prediction=dark, reviewer=other, true_labels=["grey"])
    assert not Prediction.objects.with_conflicting_reviews()
    review_prediction(prediction=dark, reviewer=other, true_labels=[])
    assert list(Prediction.objects.with_conflicting_reviews()) == [dark]


def test_the_queue_stores_the_same_review_once(dark, reviewer):
    review = ReviewInput("", true_labels=("grey",))
    first = review_claimed(prediction=dark, reviewer=reviewer, review=review)
    assert review_claimed(prediction=dark, reviewer=reviewer, review=review) == first
    with pytest.raises(AlreadyReviewed, match=r"incorrect \(true labels: grey\)"):
        review_claimed(prediction=dark, reviewer=reviewer, review=ReviewInput("", true_labels=()))


def test_strategies_without_a_confidence_and_smallest_margin_first(blends, user):
    assert get_strategies(blends) == ["random", "margin", "newest"]
    rows = [make_prediction(user, make_image(shade)) for shade in (0, 64, 70)]
    queue = ReviewQueue(blends, "margin")
    assert list(queue.get_predictions()) == sorted(rows, key=lambda row: row.margin)
    assert rows[2].margin < rows[1].margin < rows[0].margin


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        (" b, a ", ["a", "b"], ("b", "a")),
        ("a, c", ["a", "b"], ("a", "c")),
        ("red, round", ["red, round", "blue"], ("red, round",)),
        ("blue", ["red, round", "blue"], ("blue",)),
    ],
)
def test_labels_are_separated_by_commas(text, labels, expected):
    assert parse_true_labels(text, labels) == expected


@pytest.mark.parametrize("text", ["red, round", "red, round, blue"])
def test_lists_of_labels_with_commas_are_rejected_if_ambiguous(text):
    with pytest.raises(InvalidReview, match="unclear which labels") as caught:
        parse_true_labels(text, ["red", "round", "red, round", "blue"])
    assert caught.value.code == "ambiguous"
