"""Training a Keras network on an exported dataset."""

import os

import pytest
from django.core.files.base import ContentFile

from evaluation.tests.factories import DIGITS, iterate_digit_images
from predictions.services import predict, review_prediction
from registry.services import register_model

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.django_db


@pytest.mark.once
@pytest.mark.xdist_group("tensorflow")
def test_a_network_learns_from_an_exported_dataset(db, user, folder, export):
    register_model(path=DIGITS, promote=True)
    count = 0
    for data, true_label in iterate_digit_images():
        prediction = predict(user=user, source="api", image=ContentFile(data, name="x.png"), model="digits")
        review_prediction(prediction=prediction, reviewer=user, true_label=true_label)
        count += 1
    assert count == 108
    rows = export("digits", "--reviewed-only")
    assert {row["verdict"] for row in rows} == {"correct", "incorrect"}

    import keras

    keras.utils.set_random_seed(1)
    classes = (folder / "classes.txt").read_text().splitlines()
    train = keras.utils.image_dataset_from_directory(
        folder / "train", class_names=classes, color_mode="grayscale", image_size=(28, 28), verbose=False
    )
    assert train.class_names == [str(digit) for digit in range(10)]
    assert sum(len(labels) for _, labels in train) == sum(row["split"] == "train" for row in rows) > 70
    scaled = train.map(lambda images, labels: (images / 255, labels))
    network = keras.models.load_model(DIGITS / "digits.keras")
    network.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = network.evaluate(scaled, verbose=0, return_dict=True)
    network.fit(scaled, epochs=3, shuffle=False, verbose=0)
    after = network.evaluate(scaled, verbose=0, return_dict=True)
    assert after["loss"] < 0.9 * before["loss"]
    assert after["accuracy"] >= before["accuracy"]
