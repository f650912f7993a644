"""Datasets of multi-label models."""

import csv
import json

import pytest

from evaluation.datasets import SPLITS
from evaluation.tests.factories import list_images, read_csv
from inference.tests.factories import make_image
from predictions.services import predict, review_prediction
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
MULTI_LABEL = '[output]\nkind = "labels"\nactivation = "none"\nthresholds = [0.3]\n'
ROW = {"length": 4.5, "petals": 5, "colour": "red", "wild": True}


def read_metadata(folder):
    """Return the rows of all metadata files by the path of the image, relative to the folder."""
    rows = {}
    for path in folder.glob("*/metadata.csv"):
        rows |= {f"{path.parent.name}/{row.pop('file_name')}": row for row in read_csv(path)}
    return rows


def test_images_have_a_file_with_their_true_labels(blends, user, folder, export):
    reviews = {0: {"true_labels": ["black", "white"]}, 64: {"verdict": "correct"}, 127: {"true_labels": []}}
    predictions = {shade: make_prediction(user, make_image(shade)) for shade in (0, 64, 127, 255)}
    for shade, review in reviews.items():
        review_prediction(prediction=predictions[shade], reviewer=user, **review)
    manifest = {row["prediction"]: row for row in export("blends")}
    paths = {shade: manifest[str(prediction.pk)]["path"] for shade, prediction in predictions.items()}
    assert read_metadata(folder) == {
        paths[0]: {"black": "1", "grey": "0", "white": "1"},
        paths[64]: {"black": "1", "grey": "1", "white": "0"},
        paths[127]: {"black": "0", "grey": "0", "white": "0"},
    }
    for split in SPLITS:  # Hugging Face Datasets rejects a split with metadata but without images
        assert (folder / split / "metadata.csv").exists() == any((folder / split).glob("*.png"))
    assert sorted(paths.values()) == list_images(folder)
    assert (folder / "classes.txt").read_text() == "black\ngrey\nwhite\n"
    corrected, unreviewed = manifest[str(predictions[0].pk)], manifest[str(predictions[255].pk)]
    assert (corrected["labels"], corrected["true_labels"]) == ('["black"]', '["black", "white"]')
    assert (unreviewed["split"], unreviewed["labels"], unreviewed["true_labels"]) == ("unreviewed", '["white"]', "")


@pytest.fixture
def register_tags(db, write_rows):
    """Return a function that registers a version that predicts the last of its labels for every row."""

    def register(labels):
        folder = write_rows()
        toml = (folder / "model.toml").read_text().replace('[output]\nkind = "value"\nunit = "cm²"\n', MULTI_LABEL)
        (folder / "model.toml").write_text(f"labels = {json.dumps(labels)}\n{toml}")
        scores = [0.0] * (len(labels) - 1) + [0.9]
        (folder / "flowers.dummy.json").write_text(json.dumps({"fixed": scores}))
        return register_model(path=folder, promote=True)

    return register


def test_tables_have_a_column_for_each_label(register_tags, user, folder, export):
    for labels, length in ((["wild", "tall"], 1.0), (["wild", "tall", "rare"], 2.0)):
        register_tags(labels)
        prediction = predict(user=user, source="api", features=ROW | {"length": length}, model="flowers")
        review_prediction(prediction=prediction, reviewer=user, true_labels=["wild", labels[-1]])
    predict(user=user, source="api", features=ROW | {"length": 3.0}, model="flowers")
    export("flowers")
    rows = sorted((row for split in SPLITS for row in read_csv(folder / f"{split}.csv")), key=lambda row: row["length"])
    assert [list(row)[len(ROW) :] for row in rows] == [["true_wild", "tall", "rare"]] * 2
    assert [[row[name] for name in ("true_wild", "tall", "rare")] for row in rows] == [["1", "1", ""], ["1", "0", "1"]]
    with (folder / "unreviewed.csv").open(newline="") as file:
        assert next(csv.reader(file)) == list(ROW)
