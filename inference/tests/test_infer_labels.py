"""Labels are matched with the model's own classes. Their order is never guessed."""

from dataclasses import replace

import numpy as np
import pytest

from inference.errors import InvalidOutput, InvalidSignature
from inference.postprocessing import build_result
from inference.signature import ClassesOutput, LabelOutput
from inference.signature.infer import infer_signature
from inference.tests.factories import make_output_metadata

OWN = ("setosa", "versicolor", "virginica")
SCORES = ("scores", "float32", (3,))


def infer(metadata, labels=(), run=None, **output):
    return infer_signature(metadata, declared_input={}, declared_output=output, labels=labels, run=run)


@pytest.mark.parametrize(
    "labels",
    [
        ("virginica", "versicolor", "setosa"),
        ("setosa", "Virginica", "VERSICOLOR"),
        ("setosa", " virginica", "versicolor "),
        ("versicolor", "virginica", "iris"),
    ],
)
@pytest.mark.parametrize("kind", ["classes", "label", "labels"])
def test_own_names_in_another_order_are_rejected(labels, kind):
    metadata = replace(make_output_metadata(SCORES, labels=OWN), output={"kind": kind})
    with pytest.raises(InvalidSignature, match="another order") as caught:
        infer(metadata, labels)
    assert "Expected: setosa, versicolor, virginica. Received: " in caught.value.message


@pytest.mark.parametrize(
    ("own", "labels"),
    [
        (OWN, ("Setosa", "Versicolor", "Virginica")),
        (OWN, ("a", "b", "c")),
        (("3", "5", "8"), ("three", "five", "eight")),
        (("C", "C++", "c"), ("C", "C++", "c")),
        (("1.0", "2.0", "3.0"), ("1", "2", "3")),
    ],
)
def test_labels_rename_the_own_classes_one_by_one(own, labels):
    signature, all_labels, _ = infer(make_output_metadata(SCORES, labels=own), labels)
    assert all_labels == labels
    assert signature.output.classes == (() if own == labels else own)


def test_numbers_in_another_order_are_rejected():
    with pytest.raises(InvalidSignature, match="another order"):
        infer(make_output_metadata(SCORES, labels=("1", "2", "3")), ("2", "3", "1"))


def test_own_classes_are_the_labels_if_none_are_given():
    assert infer(make_output_metadata(SCORES, labels=("3", "5", "8"))).labels == ("3", "5", "8")


def test_declared_classes_define_which_label_is_which():
    metadata = make_output_metadata(SCORES, labels=("3", "5", "8"))
    signature, labels, _ = infer(metadata, ("eight", "three", "five"), classes=[8, 3, 5])
    assert (labels, signature.output.classes) == (("three", "five", "eight"), ("3", "5", "8"))
    with pytest.raises(InvalidSignature, match=r"to be those of the artifact: 3, 5, 8\. Received: 0, 1, 2"):
        infer(metadata, ("eight", "three", "five"), classes=[0, 1, 2])


@pytest.mark.parametrize(
    ("dtype", "values", "labels", "message"),
    [
        ("int64", [3, 5], ("a", "b"), r"Expected classes in \[output\].* such as|it returns 3, 5"),
        ("bool", [True, False], ("no", "yes"), r"classes = \[false, true\]"),
        ("int64", [3, 5], ("0", "1"), "The model returns 3, 5, but the labels are 0, 1"),
        ("str", ["cat", "dog"], ("Cat", "Dog"), "The model returns cat, dog, but the labels are Cat, Dog"),
        ("", [3, 5], ("a", "b"), r"Expected classes in \[output\]"),
    ],
)
def test_numbers_and_unknown_texts_need_classes(dtype, values, labels, message):
    metadata = make_output_metadata(("label", dtype, ()))
    rows = iter(values * 10)
    with pytest.raises(InvalidSignature, match=message):
        infer(metadata, labels, lambda table: np.array([next(rows)]), kind="label")


@pytest.mark.parametrize(("dtype", "values"), [("int64", [3, 5]), ("float64", [3.0, 5.0]), ("str", ["3", "5"])])
def test_outputs_that_are_labels_need_no_classes(dtype, values):
    rows = iter(values * 10)
    signature, labels, _ = infer(
        make_output_metadata(("label", dtype, ())), ("3", "5"), lambda table: np.array([next(rows)]), kind="label"
    )
    assert [build_result(np.array(value), signature.output, labels).label for value in values] == ["3", "5"]


def test_an_output_that_is_not_a_class_is_a_failed_prediction():
    with pytest.raises(InvalidOutput, match=r"Expected one of the classes 3, 5\. Received: '7'.*set classes in \[output\]"):
        build_result(np.int64(7), LabelOutput(classes=("3", "5")), ("a", "b"))
    with pytest.raises(InvalidOutput, match=r"Expected scores of the classes a, b\. Received: 0, 1"):
        build_result({0: 0.5, 1: 0.5}, ClassesOutput(), ("a", "b"))


def test_the_keys_of_a_mapping_are_the_own_classes():
    metadata = make_output_metadata(("scores", "object", ()))
    run = lambda table: np.array([{3: 0.25, 8: 0.75}], object)  # noqa: E731
    assert infer(metadata, (), run).labels == ("3", "8")
    signature, labels, _ = infer(metadata, ("three", "eight"), run)
    result = build_result({8: 0.75, 3: 0.25}, signature.output, labels)
    assert (result.label, result.output["scores"]) == ("eight", {"three": 0.25, "eight": 0.75})


def test_a_label_next_to_scores_is_the_decision_of_the_model():
    metadata = make_output_metadata(("label", "str", ()), SCORES)
    run = lambda table: {"label": np.array(["b"], object), "scores": np.array([[0.1, 0.8, 0.1]])}  # noqa: E731
    assert infer(metadata, ("a", "b", "c"), run).signature.output.label_name == "label"
    with pytest.raises(
        InvalidSignature, match=r"'b' for an input whose highest score is at position 2 of scores, which is 'c'"
    ):
        infer(metadata, ("a", "c", "b"), run)


def test_a_number_next_to_distances_is_not_the_highest_score():
    """KMeans in ONNX returns the nearest cluster, and the distances to all clusters. The largest is that of another one."""
    metadata = make_output_metadata(("label", "int64", ()), SCORES)
    run = lambda table: {"label": np.array([1]), "scores": np.array([[2.0, 0.5, 3.0]])}  # noqa: E731
    for labels in (("a", "b", "c"), ("0", "1", "2")):
        with pytest.raises(InvalidSignature, match='store only the label: set kind = "label", name = "label"'):
            infer(metadata, labels, run, activation="softmax")
    signature, labels, _ = infer(metadata, ("a", "b", "c"), run, kind="label", name="label", classes=[0, 1, 2])
    assert build_result({"label": np.int64(1)}, signature.output, labels).label == "b"
    assert infer(metadata, ("a", "b", "c"), run, activation="softmax", name="scores").signature.output.label_name == ""
