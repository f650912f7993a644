import numpy as np
import pytest

from inference.errors import InvalidOutput
from inference.postprocessing import build_result
from inference.signature import ClassesOutput, LabelOutput, RawOutput, ValueOutput

CLASSES = ClassesOutput()
LABELS = ("a", "b", "c")


def test_top_class_is_the_label():
    result = build_result(np.float32([0.1, 0.7, 0.2]), CLASSES, LABELS)
    assert (result.label, result.confidence, result.value) == ("b", pytest.approx(0.7), None)
    assert result.output == {"scores": {"a": pytest.approx(0.1), "b": pytest.approx(0.7), "c": pytest.approx(0.2)}}


def test_softmax_converts_logits_to_probabilities():
    logits = np.float32([1, 2, 1000])
    result = build_result(logits, ClassesOutput(activation="softmax"), LABELS)
    assert result.label == "c"
    assert sum(result.output["scores"].values()) == pytest.approx(1)


@pytest.mark.parametrize(("activation", "number", "expected"), [("none", 0.8, 0.8), ("sigmoid", 0.0, 0.5)])
def test_one_number_and_two_labels_are_a_binary_classifier(activation, number, expected):
    result = build_result(np.float32([number]), ClassesOutput(activation=activation), ("no", "yes"))
    assert result.output["scores"] == {"no": pytest.approx(1 - expected), "yes": pytest.approx(expected)}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.5, 0.5], "Expected 3 numbers"),
        ([0.2, 0.2, 0.2, 0.4], "Expected 3 numbers"),
        ([np.nan, 0.5, 0.5], "not finite"),
        ([np.inf, 0, 0], "not finite"),
        ([3.0, 1.0, 2.0], "add up to 1"),
        ([1.5, -0.5, 0.0], "add up to 1"),
    ],
)
def test_invalid_probabilities_are_rejected(row, message):
    with pytest.raises(InvalidOutput, match=message):
        build_result(np.float32(row), CLASSES, LABELS)


def test_half_precision_rounding_is_tolerated_and_clipped():
    result = build_result(np.float32([1.0004, 0.0, 0.0]), CLASSES, LABELS)
    assert result.confidence == 1.0


@pytest.mark.parametrize(
    "row", [np.array(["a\ud800"], object), np.array(["a\0"], object), {"\ud800": np.ones(2), "b": np.ones(2)}]
)
def test_raw_texts_that_no_database_can_store_are_rejected(row):
    with pytest.raises(InvalidOutput):
        build_result(row, RawOutput(), [])


@pytest.mark.parametrize(("logit", "score"), [(1000.0, 1.0), (-1000.0, 0.0), (-40.0, 0.0), (0.0, 0.5)])
def test_sigmoid_is_stable_for_large_logits(logit, score):
    with np.errstate(all="raise", under="ignore"):
        result = build_result(np.array([logit]), ClassesOutput(activation="sigmoid"), ("no", "yes"))
    assert result.output["scores"]["yes"] == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize(
    ("row", "threshold", "label", "confidence"),
    [
        ([0.3], 0.3, "yes", 0.3),
        ([0.29], 0.3, "no", 0.71),
        ([0.5], None, "no", 0.5),
        ([0.7, 0.3], 0.3, "yes", 0.3),
        ([0.5, 0.5], None, "no", 0.5),
    ],
)
def test_threshold_decides_between_two_labels(row, threshold, label, confidence):
    result = build_result(np.array(row), ClassesOutput(threshold=threshold), ("no", "yes"))
    assert (result.label, result.confidence) == (label, pytest.approx(confidence))


def test_advice_for_one_number_does_not_mention_softmax():
    with pytest.raises(InvalidOutput, match="Expected scores from 0 to 1") as caught:
        build_result(np.array([3.2]), ClassesOutput(), ("no", "yes"))
    assert "softmax" not in caught.value.message


def test_independent_scores_need_not_add_up_to_one():
    result = build_result(np.array([0.9, 0.8, 0.1]), ClassesOutput(independent=True), LABELS)
    assert (result.label, result.output["scores"]) == ("a", {"a": 0.9, "b": 0.8, "c": 0.1})
    with pytest.raises(InvalidOutput, match="Expected scores from 0 to 1"):
        build_result(np.array([0.9, 1.8, 0.1]), ClassesOutput(independent=True), LABELS)


def test_scores_can_be_all_outputs_but_the_label():
    row = {"label": np.str_("b"), "sa": np.float32(0.3), "sb": np.float32(0.7)}
    result = build_result(row, ClassesOutput(label_name="label"), ("a", "b"))
    assert (result.label, result.output) == ("b", {"scores": {"a": pytest.approx(0.3), "b": pytest.approx(0.7)}})


def test_only_output_needs_no_name():
    assert build_result({"7": np.float32([2.5])}, ValueOutput(), ()).value == 2.5


def test_one_of_several_outputs_is_selected_by_its_name_only():
    row = {"scores": np.array([0.2, 0.8]), "label": np.array("b", object)}
    assert build_result(row, LabelOutput(name="label"), ("a", "b")).output == {"label": "b"}
    with pytest.raises(InvalidOutput, match="name to be one of scores, label"):
        build_result(row, LabelOutput(), ("a", "b"))
