"""Inference of outputs and labels, and the errors when model.toml contradicts the artifact."""

import pytest

from inference.tests.factories import assert_signature_error, infer_with_defaults, make_output_metadata

SCORES = ("scores", "float32", (3,))
LABEL = ("label", "int64", ())
CLASSIFIER = make_output_metadata(LABEL, ("probabilities", "float32", (3,)))
LABEL_AND_SCORE = make_output_metadata(("label", "str", ()), ("score", "float64", ()))


@pytest.mark.parametrize(
    ("metadata", "output", "labels", "message"),
    [
        (
            make_output_metadata(SCORES),
            {},
            (),
            "Expected labels, in model.toml or with --labels FILE: one for each of 3 outputs.",
        ),
        (make_output_metadata(SCORES), {}, ("a", "b"), "Expected 3 labels, one for each output. Received: 2"),
        (make_output_metadata(SCORES), {}, ("a", "b", "c", "d"), "Expected 3 labels, one for each output. Received: 4"),
        (
            make_output_metadata(SCORES, labels=("0", "1")),
            {},
            ("a", "b", "c"),
            "Expected 2 labels, one for each output. Received: 3",
        ),
        (
            make_output_metadata(("y", "float32", (1,))),
            {},
            ("a", "b", "c"),
            "Expected 2 labels for an output of one number. Received: 3",
        ),
        (
            make_output_metadata(("values", "float32", ()), ("indices", "int64", ())),
            {},
            ("a", "b", "c"),
            "Set name in [output] of model.toml to another output: indices. If that one is the number of the predicted",
        ),
        (
            make_output_metadata(("y", "float32", (1,))),
            {"kind": "value"},
            ("a", "b"),
            "Expected no labels for an output of kind 'value'. Received: 2",
        ),
        (
            make_output_metadata(LABEL),
            {},
            (),
            "Expected labels, in model.toml or with --labels FILE: one for each class. If the model is not a classifier",
        ),
        (
            make_output_metadata(LABEL),
            {"classes": ["5", "6"]},
            ("a", "b", "c"),
            "Expected as many classes as labels. Received: 2 and 3",
        ),
        (
            make_output_metadata(SCORES, ("more", "float32", (3,))),
            {},
            ("a", "b", "c"),
            "Expected name in [output], because the artifact has several outputs: scores, more.",
        ),
        (CLASSIFIER, {"kind": "value", "name": "lable"}, (), "The artifact has no output 'lable'. Did you mean 'label'?"),
        (
            CLASSIFIER,
            {"kind": "raw", "name": "zzz"},
            (),
            "The artifact has no output 'zzz'. Its outputs are label, probabilities.",
        ),
        (
            make_output_metadata(SCORES),
            {"kind": "scores"},
            ("a", "b", "c"),
            "Expected kind to be one of classes, labels, label, value, raw. Received: 'scores'",
        ),
        (
            make_output_metadata(SCORES),
            {"unit": "cm"},
            ("a", "b", "c"),
            "in [output] of the signature (kind = 'classes'). Received: ['unit']",
        ),
    ],
)
def test_declared_labels_and_outputs_must_match_the_artifact(metadata, output, labels, message):
    assert_signature_error(metadata, message, None, output, labels)


@pytest.mark.parametrize(
    ("metadata", "output", "labels", "expected"),
    [
        (make_output_metadata(SCORES), {}, ("a", "b", "c"), {"kind": "classes", "activation": "none"}),
        (make_output_metadata(SCORES, labels=("0", "1", "2")), {}, (), {"kind": "classes", "activation": "none"}),
        (make_output_metadata(("y", "float32", (1,))), {}, ("no", "yes"), {"kind": "classes", "activation": "none"}),
        (make_output_metadata(("y", "float32", (1,))), {"unit": "cm"}, (), {"kind": "value", "unit": "cm"}),
        (make_output_metadata(("y", "float32", (1,))), {"kind": "value", "name": "y"}, (), {"kind": "value"}),
        (CLASSIFIER, {}, ("a", "b", "c"), {"kind": "classes", "activation": "none", "name": "probabilities"}),
        (
            CLASSIFIER,
            {"kind": "label", "classes": [3, 5, 8]},
            ("a", "b", "c"),
            {"kind": "label", "name": "label", "classes": ["3", "5", "8"]},
        ),
        (CLASSIFIER, {"kind": "label"}, ("3", "5", "8"), {"kind": "label", "name": "label"}),
        (CLASSIFIER, {}, (), {"kind": "raw"}),
        (
            make_output_metadata(("features", "float32", (8,)), SCORES),
            {},
            ("a", "b", "c"),
            {"kind": "classes", "activation": "none", "name": "scores"},
        ),
        (make_output_metadata(("label", "str", ())), {}, ("a", "b"), {"kind": "label"}),
        # The score is that of the label, not that of the second label.
        (LABEL_AND_SCORE, {}, ("neg", "pos"), {"kind": "label", "name": "label"}),
        (LABEL_AND_SCORE, {"name": "score"}, ("a", "b"), {"kind": "classes", "name": "score", "activation": "none"}),
        (
            make_output_metadata(("label", "bool", ())),
            {"classes": [False, True]},
            ("no", "yes"),
            {"kind": "label", "classes": ["False", "True"]},
        ),
    ],
)
def test_output_is_inferred_from_the_artifact(metadata, output, labels, expected):
    signature, all_labels = infer_with_defaults(metadata, None, output, labels)
    assert signature.to_dict()["output"] == expected
    assert all_labels == (labels or metadata.labels)
