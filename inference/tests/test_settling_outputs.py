"""What a person reads when labels and outputs of an artifact and of its model.toml do not fit."""

import pytest

from inference.tests.facts import giving, refuses, settled

SCORES = ("scores", "float32", (3,))
LABEL = ("label", "int64", ())
CLASSIFIER = giving(LABEL, ("probabilities", "float32", (3,)))


@pytest.mark.parametrize(
    ("facts", "output", "labels", "says"),
    [
        (giving(SCORES), {}, (), "Expected labels, in model.toml or by --labels FILE: one for each of 3 outputs."),
        (giving(SCORES), {}, ("a", "b"), "Expected 3 labels, one for each output. Received: 2"),
        (giving(SCORES), {}, ("a", "b", "c", "d"), "Expected 3 labels, one for each output. Received: 4"),
        (giving(SCORES, labels=("0", "1")), {}, ("a", "b", "c"), "Expected 2 labels, one for each output. Received: 3"),
        (giving(("y", "float32", (1,))), {}, ("a", "b", "c"), "Expected 2 labels for an output of one number. Received: 3"),
        (
            giving(("y", "float32", (1,))),
            {"kind": "value"},
            ("a", "b"),
            "Expected no labels for an output of kind 'value'. Received: 2",
        ),
        (
            giving(LABEL),
            {},
            (),
            "Expected labels, in model.toml or by --labels FILE: one for each class. If the output is no classes",
        ),
        (giving(LABEL), {"classes": ["5", "6"]}, ("a", "b", "c"), "Expected as many classes as labels. Received: 2 and 3"),
        (
            giving(SCORES, ("more", "float32", (3,))),
            {},
            ("a", "b", "c"),
            "Expected name in [output]: the artifact has several, scores, more.",
        ),
        (CLASSIFIER, {"kind": "value", "name": "lable"}, (), "The artifact gives no output 'lable'. Did you mean 'label'?"),
        (
            CLASSIFIER,
            {"kind": "raw", "name": "zzz"},
            (),
            "The artifact gives no output 'zzz'. It gives label, probabilities.",
        ),
        (
            giving(SCORES),
            {"kind": "scores"},
            ("a", "b", "c"),
            "Expected kind to be one of classes, label, value, raw. Received: 'scores'",
        ),
        (
            giving(SCORES),
            {"unit": "cm"},
            ("a", "b", "c"),
            "in [output] of the signature (kind = 'classes'). Received: ['unit']",
        ),
    ],
)
def test_labels_and_outputs_that_do_not_fit_are_named(facts, output, labels, says):
    refuses(facts, says, None, output, labels)


@pytest.mark.parametrize(
    ("facts", "output", "labels", "expected"),
    [
        (giving(SCORES), {}, ("a", "b", "c"), {"kind": "classes", "activation": "none"}),
        (giving(SCORES, labels=("0", "1", "2")), {}, (), {"kind": "classes", "activation": "none"}),
        (giving(("y", "float32", (1,))), {}, ("no", "yes"), {"kind": "classes", "activation": "none"}),
        (giving(("y", "float32", (1,))), {"unit": "cm"}, (), {"kind": "value", "unit": "cm"}),
        (giving(("y", "float32", (1,))), {"kind": "value", "name": "y"}, (), {"kind": "value"}),
        (CLASSIFIER, {}, ("a", "b", "c"), {"kind": "classes", "activation": "none", "name": "probabilities"}),
        (CLASSIFIER, {"kind": "label"}, ("a", "b", "c"), {"kind": "label", "name": "label", "classes": ["0", "1", "2"]}),
        (CLASSIFIER, {}, (), {"kind": "raw"}),
        (giving(("label", "str", ())), {}, ("a", "b"), {"kind": "label"}),
        (giving(("label", "bool", ())), {}, ("no", "yes"), {"kind": "label", "classes": ["False", "True"]}),
    ],
)
def test_what_the_output_means_is_read_from_the_artifact(facts, output, labels, expected):
    signature, found = settled(facts, None, output, labels)
    assert signature.to_dict()["output"] == expected
    assert found == (labels or facts.labels)
