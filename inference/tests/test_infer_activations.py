"""The activation is read from the network or from sample outputs. If neither shows it, registration requires it."""

from dataclasses import replace

import numpy as np
import pytest

from inference.errors import InvalidSignature
from inference.signature.infer import infer_signature, samples
from inference.tests.factories import make_output_metadata

SUN_RAIN_SNOW = ("sun", "rain", "snow")
WEIGHTS = np.array([[1, -2, 3], [2, 2, -1]])


def run_logits(table):
    return np.column_stack(list(table.columns.values())) @ WEIGHTS


def run_softmax(table):
    powers = np.exp(run_logits(table))
    return powers / powers.sum(axis=1, keepdims=True)


def run_sigmoid(table):
    return 1 / (1 + np.exp(-run_logits(table)))


def run_logarithms(table):
    return np.log(run_softmax(table))


def take_first(run):
    return lambda table: run(table)[:, :1]


def infer(run, *, final="", width=3, labels=SUN_RAIN_SNOW, image=False, kind=None, **output):
    metadata = replace(make_output_metadata(("y", "float32", (width,))), activation=final)
    declared = {**({"kind": kind} if kind else {}), **output}
    return infer_signature(metadata, declared_input={}, declared_output=declared, labels=labels, run=run)


@pytest.mark.parametrize(
    ("run", "final", "labels", "output", "expected"),
    [
        (run_softmax, "", SUN_RAIN_SNOW, {}, {"kind": "classes", "activation": "none"}),
        (run_softmax, "softmax", SUN_RAIN_SNOW, {}, {"kind": "classes", "activation": "none"}),
        (run_logits, "linear", SUN_RAIN_SNOW, {}, {"kind": "classes", "activation": "softmax"}),
        (run_logits, "log_softmax", SUN_RAIN_SNOW, {}, {"kind": "classes", "activation": "softmax"}),
        (run_softmax, "linear", SUN_RAIN_SNOW, {}, {"kind": "classes", "activation": "none"}),
        (run_logarithms, "", SUN_RAIN_SNOW, {}, {"kind": "classes", "activation": "softmax"}),
        (run_logits, "", SUN_RAIN_SNOW, {"activation": "softmax"}, {"kind": "classes", "activation": "softmax"}),
        (
            run_logits,
            "",
            SUN_RAIN_SNOW,
            {"activation": "sigmoid"},
            {"kind": "classes", "activation": "sigmoid", "independent": True},
        ),
        (
            run_sigmoid,
            "",
            SUN_RAIN_SNOW,
            {"activation": "none"},
            {"kind": "classes", "activation": "none", "independent": True},
        ),
        (run_sigmoid, "sigmoid", SUN_RAIN_SNOW, {}, {"kind": "labels", "activation": "none", "thresholds": [0.5]}),
        (
            run_sigmoid,
            "sigmoid",
            SUN_RAIN_SNOW,
            {"kind": "classes"},
            {"kind": "classes", "activation": "none", "independent": True},
        ),
        (
            run_logits,
            "linear",
            SUN_RAIN_SNOW,
            {"thresholds": [0.2, 0.5, 0.9]},
            {"kind": "labels", "activation": "sigmoid", "thresholds": [0.2, 0.5, 0.9]},
        ),
        (
            run_logits,
            "linear",
            SUN_RAIN_SNOW,
            {"kind": "labels", "thresholds": 0.2},
            {"kind": "labels", "activation": "sigmoid", "thresholds": [0.2]},
        ),
        (
            run_logits,
            "linear",
            SUN_RAIN_SNOW,
            {"kind": "labels", "threshold": 0.2},
            {"kind": "labels", "activation": "sigmoid", "thresholds": [0.2]},
        ),
        (take_first(run_sigmoid), "sigmoid", ("no", "yes"), {}, {"kind": "classes", "activation": "none"}),
        (
            take_first(run_sigmoid),
            "sigmoid",
            ("no", "yes"),
            {"threshold": 0.3},
            {"kind": "classes", "activation": "none", "threshold": 0.3},
        ),
        (take_first(run_logits), "linear", ("no", "yes"), {}, {"kind": "classes", "activation": "sigmoid"}),
        (take_first(run_logits), "linear", (), {}, {"kind": "value"}),
    ],
)
def test_activation_is_derived_or_declared(run, final, labels, output, expected):
    inferred = infer(run, final=final, width=1 if len(labels) < 3 else 3, labels=labels, **output)
    assert inferred.signature.to_dict()["output"] == expected


@pytest.mark.parametrize(
    ("run", "final", "labels", "output", "message"),
    [
        (run_logits, "", SUN_RAIN_SNOW, {}, r'"none" if the outputs are probabilities, "softmax" if logits, or "sigmoid"'),
        (run_logarithms, "", SUN_RAIN_SNOW, {"kind": "labels"}, r"Expected activation in \[output\]"),
        (run_logits, "relu", SUN_RAIN_SNOW, {}, r"Expected activation in \[output\]"),
        (run_sigmoid, "", SUN_RAIN_SNOW, {}, r"range from .* and do not add up to 1"),
        (run_sigmoid, "", SUN_RAIN_SNOW, {"kind": "labels"}, r'"none" if the outputs are scores from 0 to 1, or "sigmoid"'),
        (run_logits, "", SUN_RAIN_SNOW, {"activation": "none"}, r'The activation cannot be "none"'),
        (run_softmax, "", SUN_RAIN_SNOW, {"activation": "softmax"}, "already returns scores: its outputs add up to 1"),
        (run_sigmoid, "sigmoid", SUN_RAIN_SNOW, {"activation": "sigmoid"}, "the network ends with sigmoid"),
        (run_softmax, "softmax", SUN_RAIN_SNOW, {"threshold": 0.3}, r"only for a model with two labels\. This model has 3"),
        (run_sigmoid, "sigmoid", SUN_RAIN_SNOW, {"thresholds": [0.3, 0.4]}, r"Expected 3 thresholds .*Received: 2"),
        (take_first(run_sigmoid), "", ("no", "yes"), {}, r'"none" if the output is the probability of the second label'),
        (take_first(run_logits), "", ("no", "yes"), {"activation": "softmax"}, "The softmax of one number is always 1"),
        (take_first(run_sigmoid), "softmax", ("no", "yes"), {}, "applies softmax to one number"),
        (take_first(run_sigmoid), "sigmoid", (), {}, r'Expected two labels.*kind = "value".*Received: none'),
        (take_first(run_sigmoid), "sigmoid", ("a", "b", "c"), {}, "Expected two labels.*Received: 3"),
    ],
)
def test_unknown_or_contradicting_activation_is_rejected(run, final, labels, output, message):
    width = 3 if run in (run_logits, run_logarithms, run_softmax, run_sigmoid) else 1
    with pytest.raises(InvalidSignature, match=message) as caught:
        infer(run, final=final, width=width, labels=labels, **output)
    assert width > 1 or 'activation = "softmax"' not in caught.value.message


def test_notices_say_how_the_output_was_derived():
    assert infer(run_softmax, final="softmax").notices == ()
    assert infer(run_logits, final="linear").notices == (
        "activation: softmax, because the network ends with linear and has labels.",
    )
    assert "the logarithms of probabilities" in infer(run_logarithms).notices[0]
    assert infer(run_sigmoid, final="sigmoid").notices[0].startswith("kind: labels (multi-label)")
    assert infer(run_sigmoid, final="sigmoid", kind="classes").notices[0].startswith("the scores need not add up to 1")


def test_random_inputs_that_the_model_rejects_are_skipped():
    def run(table):
        if next(iter(table.columns.values()))[0] < 0:
            raise RuntimeError("negative")
        return run_softmax(table)

    assert infer(run).signature.output.activation == "none"


def test_a_slow_model_runs_on_few_inputs(monkeypatch):
    calls = []

    def run(table):
        calls.append(len(table))
        return np.array([[0.3, 0.7]])

    monkeypatch.setattr(samples, "BUDGET_SECONDS", 0)
    metadata = make_output_metadata(("scores", "float32", (2,)))
    infer_signature(metadata, declared_input={}, declared_output={}, labels=("no", "yes"), run=run)
    assert calls == [1] * samples.MIN_ROWS
