"""The batch check finds models whose results depend on the other inputs of a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.batch_check import find_batch_behavior, find_fixed_batch_size
from inference.preprocessing import make_sample_inputs, read_features
from inference.signature import Feature, ImageInput, LabelOutput, RawOutput, Signature, TableInput, ValueOutput
from inference.tensors import RowByRow
from inference.types import ModelSpec

TABLE = TableInput((
    Feature("length", min=0, max=10, example=4.5),
    Feature("petals", type="integer", min=3),
    Feature("color", type="category", values=("white", "red", "blue")),
    Feature("wild", type="boolean"),
    Feature("age", required=False),
    Feature("note", type="text", example="one two three"),
))  # fmt: skip
IMAGE = ImageInput(4, 6, 1)


def make_spec(signature_input=TABLE, output=None, labels=()):
    signature = Signature(signature_input, output or ValueOutput())
    return ModelSpec("model", 0, "dummy", Path("model"), "", signature, labels)


def add(table):
    return np.nan_to_num(table.columns["length"]) + table.columns["petals"]


def fail_on_several(table):
    if len(table) > 1:
        raise ValueError("/srv/secret")
    return add(table)


def subtract_mean(table):
    return add(table) - (add(table).mean() if len(table) > 1 else 0)


def sort_rows(table):
    return np.sort(add(table))


def fail_on_full_batch(table):
    if len(table) > 16:
        raise ValueError
    return add(table)


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (add, ""),
        (lambda table: add(table) * (1 + 1e-7 * len(table)), ""),
        (lambda table: add(table) * (1 + 1e-4 * len(table)), "its results change (value"),
        (fail_on_several, "it failed on 2 inputs (ValueError)."),
        (fail_on_full_batch, "it failed on 32 inputs (ValueError)."),
        (lambda table: add(table)[:1], "Expected 2 rows of output for 2 inputs. Received: 1."),
        (lambda table: np.tile(add(table)[:1], len(table)), "its results change (value"),
        (sort_rows, "its results change (value"),
        (subtract_mean, "its results change (value"),
        (lambda table: add(table) + np.random.default_rng().random(len(table)), "it is not deterministic"),
    ],
)
def test_models_that_cannot_batch_run_row_by_row(run, reason):
    behavior = find_batch_behavior(run, make_spec())
    assert behavior.single_rows == bool(reason)
    assert reason in " ".join(behavior.notices)
    assert "secret" not in str(behavior.notices)
    assert behavior.compared == 8


def test_an_artifact_with_a_batch_size_of_one_runs_row_by_row():
    behavior = find_batch_behavior(RowByRow(fail_on_several), make_spec())
    assert behavior.single_rows
    assert behavior.notices == ("Inputs run one by one, because the artifact has a fixed batch size of 1.",)


def test_types_that_depend_on_the_rest_of_the_batch_are_found():
    def run(table):
        is_float = table.columns["age"].dtype == np.float64 and np.isnan(table.columns["age"]).any()
        return np.full(len(table), float(is_float and len(table) > 1))

    assert find_batch_behavior(run, make_spec()).single_rows


def test_labels_are_compared():
    spec = make_spec(output=LabelOutput(), labels=("a", "b"))
    first = lambda table: np.array(["a" if value > 4 else "b" for value in table.columns["length"]])  # noqa: E731
    assert not find_batch_behavior(first, spec).single_rows
    assert find_batch_behavior(lambda table: np.sort(first(table)), spec).single_rows


def test_images_are_compared():
    spec = make_spec(IMAGE, RawOutput())
    assert not find_batch_behavior(lambda batch: batch.mean(axis=(1, 2, 3)), spec).single_rows
    leak = find_batch_behavior(lambda batch: batch.mean(axis=(1, 2, 3)) / max(batch.max(), 1e-3), spec)
    assert leak.single_rows


def test_rows_that_the_model_rejects_are_left_out():
    def run(table):
        if np.isnan(table.columns["age"]).any():
            raise KeyError("age")
        return add(table)

    behavior = find_batch_behavior(run, make_spec())
    assert not behavior.single_rows
    assert behavior.compared == 6
    assert behavior.notices == (
        "The model failed on a row without age (KeyError). If it needs a value, set required = true or a default in "
        "model.toml.",
    )


def test_slow_models_are_compared_with_few_inputs(monkeypatch):
    monkeypatch.setattr("inference.batch_check.SLOW_RUN_SECONDS", -1)
    calls = []
    behavior = find_batch_behavior(lambda table: calls.append(len(table)) or add(table), make_spec())
    assert calls == [1, 1, 1, 2, 2]
    assert behavior.compared == 3


def test_one_pair_is_compared_if_the_model_is_very_slow(monkeypatch):
    monkeypatch.setattr("inference.batch_check.SLOW_RUN_SECONDS", -1)
    monkeypatch.setattr("inference.batch_check.BUDGET_SECONDS", -1)
    calls = []
    behavior = find_batch_behavior(lambda table: calls.append(len(table)) or add(table)[:1], make_spec())
    assert calls[:3] == [1, 1, 2]
    assert behavior.single_rows


def test_examples_are_compared_first():
    calls = []
    row = read_features({"length": 1.25, "petals": 5, "color": "red", "wild": True, "note": "x"}, TABLE)
    find_batch_behavior(lambda table: calls.append(table.columns["length"][0]) or add(table), make_spec(), examples=[row])
    assert calls[0] == 1.25


def test_sample_rows_are_valid_varied_and_the_same_on_every_call():
    rows = make_sample_inputs(TABLE, 8)
    assert rows == make_sample_inputs(TABLE, 8)
    assert [read_features(row, TABLE) for row in rows] == rows
    for name in TABLE.names:
        assert len({row[name] for row in rows}) > 1, name
    assert [row["age"] is None for row in rows[-2:]] == [True, True]
    assert {row["note"] for row in rows[1::2]} == {"one two three"}


@pytest.mark.parametrize(
    "feature",
    [
        Feature("x", type="integer", min=2.5, max=3.4),
        Feature("x", type="integer", max=-10),
        Feature("x", min=1e30, max=3e38),
        Feature("x", max=-5),
        Feature("x", type="integer", values=(3, 1)),
        Feature("x", type="integer", example=-1_000_000),
        Feature("x", type="text", values=("a", "b")),
        Feature("x", default=7.5),
    ],
    ids=str,
)
def test_sample_values_are_within_the_bounds(feature):
    table = TableInput((feature,))
    rows = make_sample_inputs(table, 8)
    assert [read_features(row, table) for row in rows] == rows


def test_sample_images_differ_in_brightness():
    images = [np.asarray(image).mean() for image in make_sample_inputs(IMAGE, 4)]
    assert images == sorted(set(images))


def test_a_known_problem_needs_no_comparison():
    behavior = find_batch_behavior(add, make_spec(), known_problem="the graph contains If")
    assert behavior.single_rows
    assert behavior.notices == ("Inputs run one by one, because the model cannot run a batch: the graph contains If.",)


@pytest.mark.parametrize(("accepted", "expected"), [(4, 4), (3, 0)])
def test_the_only_batch_size_of_a_model_is_found(accepted, expected):
    def run(table):
        if len(table) != accepted:
            raise ValueError("cannot be reshaped")
        return add(table)

    assert find_fixed_batch_size(run, make_spec()) == expected
