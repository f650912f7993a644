"""Datasets of texts, and of images with features."""

import numpy as np
import pytest
from PIL import Image

from evaluation.datasets import SPLITS
from evaluation.tests.factories import read_csv
from inference.tests.factories import make_image
from predictions.services import predict, review_prediction
from predictions.tests.factories import make_image_file

pytestmark = pytest.mark.django_db


def read_rows(folder):
    return {split: read_csv(folder / f"{split}.csv") for split in (*SPLITS, "unreviewed")}


def test_texts_are_a_column(reviews, user, folder, export):
    text = '=1+1, "quoted"\nשלום'
    reviewed = predict(user=user, source="api", model="reviews", text=text)
    review_prediction(prediction=reviewed, reviewer=user, true_value=7.5)
    predict(user=user, source="api", model="reviews", text="other")
    manifest = {row["prediction"]: row for row in export("reviews")}
    rows = read_rows(folder)
    assert rows[manifest[str(reviewed.pk)]["split"]] == [{"text": text, "value": "7.5"}]
    assert rows["unreviewed"] == [{"text": "other"}]
    assert sum(map(len, rows.values())) == 2


def test_images_with_features_are_files_and_rows(parcels, user, folder, export):
    def store(shade, weight):
        image = make_image_file(make_image(shade, size=(8, 8)))
        return predict(user=user, source="api", model="parcels", image=image, features={"weight": weight})

    predictions = [store(255, 1), store(255, 2), store(0, 1), store(255, 1)]  # the last is the same input as the first
    review_prediction(prediction=predictions[1], reviewer=user, verdict="correct")
    manifest = {row["prediction"]: row for row in export("parcels")}
    assert len(manifest) == 3
    rows = read_rows(folder)
    path = manifest[str(predictions[1].pk)]["path"]
    (reviewed,) = rows[manifest[str(predictions[1].pk)]["split"]]
    assert reviewed == {"image": path, "weight": "2.0", "express": "False", "value": "66.0"}
    assert np.asarray(Image.open(folder / path)).max() == 255
    assert sorted(row["weight"] for row in rows["unreviewed"]) == ["1.0", "1.0"]
    assert all((folder / row["image"]).is_file() for row in rows["unreviewed"])
