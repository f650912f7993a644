"""Results that are built together are equal to those that are built one by one."""

import numpy as np
import pytest

from inference.batch_results import MIN_ROWS, build_results
from inference.errors import InferenceError
from inference.postprocessing import build_result
from inference.predictor import split_rows
from inference.signature import ClassesOutput, LabelsOutput, RawOutput, ValueOutput

pytestmark = pytest.mark.once

COUNT = 40
LABELS = ("a", "b", "c")


def make_scores(dtype="float32"):
    scores = np.random.default_rng(1).dirichlet(np.ones(3), COUNT).astype(dtype)
    scores[3] = [np.nan, 0.5, 0.5]
    scores[4] = [0.2, 0.2, 0.2]
    scores[5] = [1.001, -0.001, 0]
    scores[6] = [0.5, 0.5, 0]
    scores[7] = [-0.5, 1, 0.5]
    scores[8] = [np.inf, 0, 0]
    return scores


def build_alone(rows, output, labels):
    results = []
    for row in rows:
        try:
            results.append(build_result(row, output, labels))
        except InferenceError as error:
            results.append((type(error), error.message))
    return results


LETTERS = ClassesOutput(name="p", label_name="c", classes=("x", "y", "z"))
NUMBERS = ClassesOutput(name="p", label_name="c", classes=("0", "1", "2"))
VALUES = np.concatenate([np.linspace(-1e30, 1e30, COUNT - 1), [np.nan]]).astype("float32")


@pytest.mark.parametrize(
    ("batch", "output", "labels"),
    [
        (make_scores(), ClassesOutput(), LABELS),
        (make_scores("float16"), ClassesOutput(), LABELS),
        (make_scores("float64"), ClassesOutput(activation="softmax"), LABELS),
        (make_scores(), ClassesOutput(independent=True), LABELS),
        (make_scores()[:, :2], ClassesOutput(threshold=0.3), LABELS[:2]),
        (make_scores()[:, :1], ClassesOutput(), LABELS[:2]),
        (make_scores(), ClassesOutput(), LABELS[:2]),
        (np.eye(3, dtype=int)[np.arange(COUNT) % 3], ClassesOutput(), LABELS),
        ({"p": make_scores(), "c": np.array(["y", "x", "z", "?"] * 10)}, LETTERS, LABELS),
        ({"p": make_scores(), "c": np.arange(COUNT) % 4}, NUMBERS, LABELS),
        ({"p": make_scores(), "c": np.arange(COUNT) % 3}, ClassesOutput(name="q"), LABELS),
        (make_scores(), ClassesOutput(name="p"), LABELS),
        (make_scores(), LabelsOutput(thresholds=(0.5,)), LABELS),
        (VALUES[:, None], ValueOutput(), ()),
        (VALUES, ValueOutput(), ()),
        ({"v": VALUES[:, None], "w": VALUES}, ValueOutput(name="v"), ()),
        (make_scores(), ValueOutput(), ()),
        (make_scores(), RawOutput(), ()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("count", [0, 1, MIN_ROWS, COUNT])
def test_the_results_are_equal(batch, output, labels, count):
    part = {name: array[:count] for name, array in batch.items()} if isinstance(batch, dict) else batch[:count]
    rows = split_rows(part, count)
    together = [
        (type(result), result.message) if isinstance(result, InferenceError) else result
        for result in build_results(rows, output, labels)
    ]
    alone = build_alone(rows, output, labels)
    assert together == alone
    assert repr(together) == repr(alone)
