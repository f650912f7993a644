"""Which predictions a dataset contains, with which true label, in which split."""

from collections import Counter
from pathlib import Path

import pytest

from core.tests.commands import run_command
from evaluation.datasets import SPLITS
from evaluation.tests.factories import list_images, make_image_with_metadata, make_reviewed_prediction, read_csv
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Review
from predictions.services import review_prediction, withdraw_review
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


def test_the_manifest_describes_each_input(shades, user, other, folder, export):
    prediction = make_reviewed_prediction(user, make_image(255), "grey", name="=cmd.png")
    review_prediction(prediction=prediction, reviewer=other, verdict="unsure")
    (row,) = export()
    assert row.pop("path").endswith(f"/grey/{prediction.input_id}.png")
    assert row.pop("split") in SPLITS
    assert row == {
        "prediction": str(prediction.pk), "input": str(prediction.input_id), "label": "white", "value": "",
        "true_label": "grey", "true_value": "", "verdict": "incorrect", "confidence": str(prediction.confidence),
        "model": "shades", "model_version": "1", "sha256": prediction.input.sha256, "original_name": "'=cmd.png",
        "picked_by": "manual", "reviews": "2", "labels": "", "true_labels": "",
    }  # fmt: skip


def test_reviewed_only_leaves_out_inputs_without_a_decided_review(shades, user, folder, export):
    reviewed = make_reviewed_prediction(user, make_noise_image(1), "black")
    unsure = make_prediction(user, make_noise_image(2))
    withdrawn = make_reviewed_prediction(user, make_noise_image(3), "grey")
    damaged = make_prediction(user, make_noise_image(4))
    review_prediction(prediction=unsure, reviewer=user, verdict="unsure")
    withdraw_review(prediction=withdrawn, reviewer=user)
    Path(damaged.input.image.path).write_bytes(b"not even read")
    assert [row["prediction"] for row in export("shades", "--reviewed-only")] == [str(reviewed.pk)]
    assert len(list_images(folder)) == 1
    assert not (folder / "unreviewed").exists()


def test_an_incorrect_prediction_without_a_true_label_is_unreviewed(shades, user, folder, export):
    prediction = make_prediction(user, make_noise_image(1))
    Review.objects.create(prediction=prediction, reviewer=user, verdict="incorrect", picked_by="api")
    assert export("shades", "--reviewed-only") == []
    folder.rename(folder.with_name("first"))
    assert [(row["split"], row["verdict"]) for row in export()] == [("unreviewed", "incorrect")]


def test_failed_predictions_are_left_out(register_failing, user, folder, export):
    register_failing(nan=True)
    assert make_prediction(user, model="failing").status == "failed"
    assert export("failing") == []


def test_an_image_with_other_metadata_is_exported_once_with_its_newest_true_label(shades, user, folder, export):
    make_reviewed_prediction(user, make_image_with_metadata(), "black")
    newest = make_reviewed_prediction(user, make_image_with_metadata(x010E="another day"), "grey")
    make_prediction(user, make_image_with_metadata(x010E="and another"))
    (row,) = export()
    assert (row["prediction"], row["true_label"]) == (str(newest.pk), "grey")
    assert list_images(folder) == [row["path"]]


def test_the_newest_review_counts_even_if_its_prediction_is_older(shades, user, folder, export):
    older = make_reviewed_prediction(user, make_noise_image(1), "black")
    make_reviewed_prediction(user, make_noise_image(1), "grey")
    review_prediction(prediction=older, reviewer=user, true_label="white")
    assert [row["true_label"] for row in export()] == ["white"]


def test_an_input_is_in_the_same_split_in_every_export(shades, user, tmp_path):
    splits = []
    for name in ("a", "b"):
        for seed in range(60):
            make_reviewed_prediction(user, make_noise_image(seed), "black")
        run_command("export_dataset", "shades", tmp_path / name)
        splits.append({row["sha256"]: row["split"] for row in read_csv(tmp_path / name / "manifest.csv")})
        make_reviewed_prediction(user, make_noise_image(99), "black")
    assert splits[0].items() < splits[1].items()
    counts = Counter(splits[0].values())
    assert counts.keys() == set(SPLITS)
    assert 40 <= counts["train"] <= 56


@pytest.mark.parametrize(
    ("model", "numbers"),
    [("shades", {"1", "2"}), ("shades:1", {"1"}), ("shades:2", {"2"}), ("shades@production", {"1"})],
)
def test_a_name_selects_all_versions_and_a_reference_one(shades, write_dummy, user, folder, export, model, numbers):
    register_model(path=write_dummy(labels=["black", "grey", "white", "blue"], sleep=0.001))
    for number in (1, 2):
        make_reviewed_prediction(user, make_noise_image(number), "black", model=f"shades:{number}")
    assert {row["model_version"] for row in export(model)} == numbers
    assert (folder / "train" / "blue").is_dir() == ("2" in numbers)


def test_the_number_of_queries_is_fixed(shades, user, folder, django_assert_num_queries):
    for seed in range(20):
        make_reviewed_prediction(user, make_noise_image(seed), "black")
    # The versions; the predictions; their active reviews; the reviews that count; the audit log.
    with django_assert_num_queries(5):
        run_command("export_dataset", "shades", folder)
    assert Review.objects.count() == len(list_images(folder)) == 20
