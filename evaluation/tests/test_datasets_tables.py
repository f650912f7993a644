"""Rows of a dataset in CSV files."""

import pytest

from evaluation.datasets import SPLITS
from evaluation.tests.factories import read_csv
from predictions.services import predict, review_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
ROW = {"length": 4.5, "petals": 5, "colour": "red", "wild": True}


def predict_flower(user, review=None, **features):
    """Store a prediction for a row, with a review given as arguments of `review_prediction`."""
    prediction = predict(user=user, source="api", features=ROW | features, model="flowers")
    if review is not None:
        review_prediction(prediction=prediction, reviewer=user, **review)
    return prediction


def test_each_split_is_a_file_with_the_true_value_in_the_last_column(flowers, user, folder, export):
    incorrect = predict_flower(user, {"true_value": 12.5})
    correct = predict_flower(user, {"verdict": "correct"}, length=2.0)
    unreviewed = predict_flower(user, length=3.0)
    manifest = {row["prediction"]: row for row in export("flowers")}
    rows_by_split = {split: read_csv(folder / f"{split}.csv") for split in SPLITS}
    texts = {"length": "4.5", "petals": "5", "colour": "red", "wild": "True"}
    assert texts | {"value": "12.5"} in rows_by_split[manifest[str(incorrect.pk)]["split"]]
    rows = [row for split in SPLITS for row in rows_by_split[split]]
    assert sorted(rows, key=str) == [texts | {"length": "2.0", "value": str(correct.value)}, texts | {"value": "12.5"}]
    assert [list(row) for row in rows] == [[*ROW, "value"]] * 2
    assert read_csv(folder / "unreviewed.csv") == [texts | {"length": "3.0"}]
    incorrect_row, unreviewed_row = manifest[str(incorrect.pk)], manifest[str(unreviewed.pk)]
    assert (incorrect_row["true_value"], incorrect_row["value"]) == ("12.5", str(incorrect.value))
    assert manifest[str(correct.pk)]["true_value"] == str(correct.value)
    assert (unreviewed_row["path"], unreviewed_row["true_value"]) == ("unreviewed.csv", "")


def test_the_last_column_of_a_classification_model_is_the_true_label(db, write_rows, user, folder, export):
    model_folder = write_rows()
    toml = (model_folder / "model.toml").read_text().replace('kind = "value"\nunit = "cm²"', 'kind = "classes"')
    (model_folder / "model.toml").write_text('labels = ["+", "-"]\n' + toml)
    (model_folder / "flowers.dummy.json").write_text('{"classes": 2}')
    register_model(path=model_folder, promote=True)
    predict_flower(user, {"true_label": "-"})
    (manifest_row,) = export("flowers")
    (row,) = read_csv(folder / manifest_row["path"])
    assert (list(row)[-1], row["label"], manifest_row["true_label"]) == ("label", "-", "'-")


def test_a_row_submitted_twice_is_exported_once_with_its_newest_true_value(flowers, user, folder, export):
    predict_flower(user, {"true_value": 1.0})
    predict_flower(user, {"true_value": 2.0})
    predict_flower(user)
    assert [row["true_value"] for row in export("flowers")] == ["2.0"]
    assert [row["value"] for split in SPLITS for row in read_csv(folder / f"{split}.csv")] == ["2.0"]


def test_reviewed_only_writes_no_file_for_unreviewed_rows(flowers, user, folder, export):
    predict_flower(user)
    assert export("flowers", "--reviewed-only") == []
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.csv", "test.csv", "train.csv", "validation.csv"]


def test_the_last_column_is_renamed_if_a_feature_has_its_name(db, write_rows, user, folder, export):
    more = '[[input.features]]\nname = "value"\n[[input.features]]\nname = "note"\ntype = "text"\n'
    register_model(path=write_rows(more=more), promote=True)
    predict_flower(user, {"true_value": -2.5}, value=7.0, note="=1+1")
    (manifest_row,) = export("flowers")
    (row,) = read_csv(folder / f"{manifest_row['split']}.csv")
    assert list(row)[-3:] == ["value", "note", "true_value"]
    assert (row["value"], row["note"], row["true_value"]) == ("7.0", "=1+1", "-2.5")
    assert manifest_row["true_value"] == "-2.5"


def test_a_correct_verdict_without_a_value_does_not_replace_a_true_value(flowers, user, other, folder, export):
    prediction = predict_flower(user, {"true_value": 12.5})
    review_prediction(prediction=prediction, reviewer=other, verdict="correct")
    assert [row["true_value"] for row in export("flowers")] == ["12.5"]
