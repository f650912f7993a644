"""Judged rows as CSV files to train on."""

import pytest

from evaluation.datasets import SPLITS
from evaluation.tests.factories import read_csv
from predictions.services import predict, review_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
ROW = {"length": 4.5, "petals": 5, "colour": "red", "wild": True}


def flower(user, truth=None, **features):
    row = predict(user=user, source="api", features=ROW | features, model="flowers")
    if truth is not None:
        review_prediction(prediction=row, reviewer=user, **truth)
    return row


def test_rows_lie_in_files_with_the_true_value_at_the_end(flowers, user, folder, export):
    wrong = flower(user, {"true_value": 12.5})
    right = flower(user, {"verdict": "correct"}, length=2.0)
    open_one = flower(user, length=3.0)
    lines = {one["prediction"]: one for one in export("flowers")}
    found = {split: read_csv(folder / f"{split}.csv") for split in SPLITS}
    texts = {"length": "4.5", "petals": "5", "colour": "red", "wild": "True"}
    assert texts | {"value": "12.5"} in found[lines[str(wrong.pk)]["split"]]
    every = [row for split in SPLITS for row in found[split]]
    assert sorted(every, key=str) == [texts | {"length": "2.0", "value": str(right.value)}, texts | {"value": "12.5"}]
    assert [list(row) for row in every] == [[*ROW, "value"]] * 2
    assert read_csv(folder / "unreviewed.csv") == [texts | {"length": "3.0"}]
    assert (lines[str(wrong.pk)]["true_value"], lines[str(wrong.pk)]["value"]) == ("12.5", str(wrong.value))
    assert lines[str(right.pk)]["true_value"] == str(right.value)
    assert (lines[str(open_one.pk)]["path"], lines[str(open_one.pk)]["true_value"]) == ("unreviewed.csv", "")


def test_rows_of_a_model_of_labels_end_in_the_true_label(db, write_rows, user, folder, export):
    made = write_rows()
    toml = (made / "model.toml").read_text().replace('kind = "value"\nunit = "cm²"', 'kind = "classes"')
    (made / "model.toml").write_text('labels = ["+", "-"]\n' + toml)
    (made / "flowers.dummy.json").write_text('{"classes": 2}')
    register_model(path=made, promote=True)
    flower(user, {"true_label": "-"})
    (line,) = export("flowers")
    (row,) = read_csv(folder / line["path"])
    assert (list(row)[-1], row["label"], line["true_label"]) == ("label", "-", "'-")


def test_a_row_asked_twice_is_there_once_with_its_newest_truth(flowers, user, folder, export):
    flower(user, {"true_value": 1.0})
    flower(user, {"true_value": 2.0})
    flower(user)
    assert [one["true_value"] for one in export("flowers")] == ["2.0"]
    assert [row["value"] for split in SPLITS for row in read_csv(folder / f"{split}.csv")] == ["2.0"]


def test_only_judged_rows_are_there_on_request(flowers, user, folder, export):
    flower(user)
    assert export("flowers", "--reviewed-only") == []
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.csv", "test.csv", "train.csv", "validation.csv"]


def test_the_truth_gives_way_to_a_feature_of_its_name(db, write_rows, user, folder, export):
    more = '[[input.features]]\nname = "value"\n[[input.features]]\nname = "note"\ntype = "text"\n'
    register_model(path=write_rows(more=more), promote=True)
    flower(user, {"true_value": -2.5}, value=7.0, note="=1+1")
    (line,) = export("flowers")
    (row,) = read_csv(folder / f"{line['split']}.csv")
    assert list(row)[-3:] == ["value", "note", "true_value"]
    assert (row["value"], row["note"], row["true_value"], line["true_value"]) == ("7.0", "=1+1", "-2.5", "-2.5")


def test_who_says_no_more_than_right_takes_no_measured_value_away(flowers, user, other, folder, export):
    row = flower(user, {"true_value": 12.5})
    review_prediction(prediction=row, reviewer=other, verdict="correct")
    assert [one["true_value"] for one in export("flowers")] == ["12.5"]
