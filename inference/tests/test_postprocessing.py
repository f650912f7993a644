import numpy as np
import pytest

from inference.errors import InvalidOutput
from inference.postprocessing import to_answer
from inference.signature import ClassesOutput, RawOutput

PLAIN = ClassesOutput()
LABELS = ("a", "b", "c")


def test_names_the_top_class():
    answer = to_answer(np.float32([0.1, 0.7, 0.2]), PLAIN, LABELS)
    assert (answer.label, answer.confidence, answer.value) == ("b", pytest.approx(0.7), None)
    assert answer.output == {"scores": {"a": pytest.approx(0.1), "b": pytest.approx(0.7), "c": pytest.approx(0.2)}}


def test_softmax_turns_logits_into_probabilities():
    logits = np.float32([1, 2, 1000])
    answer = to_answer(logits, ClassesOutput(activation="softmax"), LABELS)
    assert answer.label == "c"
    assert sum(answer.output["scores"].values()) == pytest.approx(1)


@pytest.mark.parametrize(("activation", "number", "expected"), [("none", 0.8, 0.8), ("sigmoid", 0.0, 0.5)])
def test_one_number_and_two_labels_are_a_binary_classifier(activation, number, expected):
    answer = to_answer(np.float32([number]), ClassesOutput(activation=activation), ("no", "yes"))
    assert answer.output["scores"] == {"no": pytest.approx(1 - expected), "yes": pytest.approx(expected)}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([0.5, 0.5], "Expected 3 numbers"),
        ([0.2, 0.2, 0.2, 0.4], "Expected 3 numbers"),
        ([np.nan, 0.5, 0.5], "not finite"),
        ([np.inf, 0, 0], "not finite"),
        ([3.0, 1.0, 2.0], "add up to 1"),
        ([1.5, -0.5, 0.0], "add up to 1"),
    ],
)
def test_refuses_what_are_no_probabilities(row, says):
    with pytest.raises(InvalidOutput, match=says):
        to_answer(np.float32(row), PLAIN, LABELS)


def test_rounding_of_half_precision_is_tolerated_and_clipped():
    answer = to_answer(np.float32([1.0004, 0.0, 0.0]), PLAIN, LABELS)
    assert answer.confidence == 1.0


@pytest.mark.parametrize(
    "row", [np.array(["a\ud800"], object), np.array(["a\0"], object), {"\ud800": np.ones(2), "b": np.ones(2)}]
)
def test_a_raw_text_that_no_database_holds_is_refused(row):
    with pytest.raises(InvalidOutput):
        to_answer(row, RawOutput(), [])
