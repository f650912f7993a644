"""The label buttons of the review queue."""

import pytest

from inference.tests.factories import make_image
from predictions.admin.review_queue.presentation import get_item_context
from predictions.models import Prediction
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


def make_labels(count):
    return [f"l{number:02}" for number in range(count)]


def predict_label(write_dummy, user, labels):
    """Return a prediction of a new model; for a white image it is the last label."""
    register_model(path=write_dummy(labels=labels), promote=True)
    return Prediction.objects.with_related().get(pk=make_prediction(user, make_image(255)).pk)


def test_few_labels_keep_their_order_and_keys(shades, user):
    buttons = get_item_context(make_prediction(user, make_image(255)))["label_buttons"]
    assert [(button.label, button.key) for button in buttons] == [("black", "1"), ("grey", "2"), ("white", "3")]


@pytest.mark.parametrize(
    ("labels", "keys"),
    [
        ([str(number) for number in range(10)], list("0123456789")),
        (make_labels(10), [*"123456789", ""]),
    ],
)
def test_ten_labels_have_buttons_and_digits_are_their_own_keys(write_dummy, user, labels, keys):
    context = get_item_context(predict_label(write_dummy, user, labels))
    assert [button.key for button in context["label_buttons"]] == keys
    assert context["other_labels"] == []


def test_of_many_labels_the_most_likely_have_buttons(write_dummy, user):
    labels = make_labels(30)
    context = get_item_context(predict_label(write_dummy, user, labels))
    buttons = context["label_buttons"]
    assert buttons[0].label == "l29"
    assert [button.key for button in buttons] == list("123456789")
    assert sorted([button.label for button in buttons] + context["other_labels"]) == labels


def test_without_scores_only_the_predicted_label_has_a_button(write_dummy, user):
    labels = make_labels(12)
    prediction = predict_label(write_dummy, user, labels)
    prediction.output = {"label": prediction.label}
    context = get_item_context(prediction)
    assert context["label_buttons"] == [("l11", None, "1")]
    assert context["other_labels"] == labels[:-1]
