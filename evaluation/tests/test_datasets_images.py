"""Images of a dataset: their folders and content."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.datasets import SPLITS
from evaluation.tests.factories import list_images, make_image_with_metadata, make_reviewed_prediction
from inference.tests.factories import make_image, make_noise_image
from predictions.services import review_prediction
from predictions.tests.factories import make_prediction
from registry.services import register_model
from registry.tests.factories import edit_manifest

pytestmark = pytest.mark.django_db


def test_images_are_in_the_folder_of_their_true_label(shades, user, folder, export):
    correct = make_reviewed_prediction(user, make_noise_image(1), "black")
    incorrect = make_reviewed_prediction(user, make_image(255), "grey")
    unreviewed = make_prediction(user, make_image(0))
    rows = {row["prediction"]: row for row in export()}
    assert rows.keys() == {str(prediction.pk) for prediction in (correct, incorrect, unreviewed)}
    correct_row, incorrect_row = rows[str(correct.pk)], rows[str(incorrect.pk)]
    assert correct_row["path"] == f"{correct_row['split']}/black/{correct.input_id}.png"
    assert incorrect_row["path"] == f"{incorrect_row['split']}/grey/{incorrect.input_id}.png"
    assert rows[str(unreviewed.pk)]["path"] == f"unreviewed/{unreviewed.input_id}.png"
    assert list_images(folder) == sorted(row["path"] for row in rows.values())
    with Image.open(folder / correct_row["path"]) as image, Image.open(BytesIO(make_noise_image(1))) as original:
        assert image.tobytes() == original.tobytes()


def test_every_split_has_a_folder_per_label_in_the_order_of_the_outputs(shades, user, folder, export):
    export()
    for split in SPLITS:
        assert {path.name for path in (folder / split).iterdir()} == {"black", "grey", "white"}
    assert (folder / "classes.txt").read_text().splitlines() == ["black", "grey", "white"]


def test_images_are_upright_and_have_no_metadata(shades, user, folder, export):
    data = make_image_with_metadata(x0112=6)  # rotated by a quarter turn
    assert b"SecretMaker" in data
    make_reviewed_prediction(user, data, "black")
    (row,) = export()
    path = folder / row["path"]
    with Image.open(path) as image:
        image.load()
        assert (image.getpixel((1, 8)), image.getpixel((14, 8))) == (255, 0)
        assert (image.format, dict(image.getexif()), image.info) == ("PNG", {}, {})
    assert b"Secret" not in path.read_bytes()


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("RGBA", (9, 9, 9, 0), 255),
        ("RGB", (9, 9, 8), (9, 9, 8)),
        ("LA", (9, 0), 255),
        ("P", 3, (0, 0, 3)),
        ("I;16", 0x1234, 0x12),
        ("1", 1, 255),
    ],
)
def test_images_have_the_pixels_that_the_model_receives(shades, user, folder, export, mode, color, expected):
    image, out = Image.new(mode, (9, 9), color), BytesIO()
    if mode == "P":
        image.putpalette([value for number in range(256) for value in (0, 0, number)])
    image.save(out, "PNG")
    make_reviewed_prediction(user, out.getvalue(), "black")
    (row,) = export()
    with Image.open(folder / row["path"]) as written:
        assert written.getpixel((4, 4)) == expected


def test_images_have_the_background_and_the_bits_of_the_model(db, write_dummy, user, folder, export):
    model_folder = write_dummy()
    edit_manifest(model_folder, "channels = 1", 'channels = 1\nbackground = "black"\nbits = 12')
    register_model(path=model_folder, promote=True)
    deep = np.arange(81, dtype=np.uint16).reshape(9, 9) * 50
    for image in (Image.new("LA", (9, 9), (200, 0)), Image.fromarray(deep)):
        out = BytesIO()
        image.save(out, "PNG")
        make_reviewed_prediction(user, out.getvalue(), "black")
    written = []
    for row in export():
        with Image.open(folder / row["path"]) as image:
            written.append(np.asarray(image))
    empty, exact = sorted(written, key=np.max)
    assert empty.max() == 0
    assert np.array_equal(exact, deep)


def test_the_same_image_in_several_color_modes_is_exported_once(shades, user, folder, export):
    grey = Image.frombytes("L", (9, 9), bytes(range(81)))
    for mode in ("L", "RGB", "RGBA", "LA"):
        out = BytesIO()
        grey.convert(mode).save(out, "PNG")
        make_reviewed_prediction(user, out.getvalue(), "black")
    assert len(export()) == len(list_images(folder)) == 1


def test_images_with_a_true_value_are_in_the_folder_of_their_split(db, write_dummy, user, folder, export):
    model_folder = write_dummy(name="brightness", sum=1)
    toml = (model_folder / "model.toml").read_text().replace('labels = ["black", "grey", "white"]\n', "")
    (model_folder / "model.toml").write_text(toml + '[output]\nkind = "value"\n')
    register_model(path=model_folder, promote=True)
    prediction = make_prediction(user, make_noise_image(1), model="brightness")
    review_prediction(prediction=prediction, reviewer=user, true_value=3.5)
    (row,) = export("brightness")
    assert row["true_value"] == "3.5"
    assert list_images(folder) == [row["path"]] == [f"{row['split']}/{prediction.input_id}.png"]


def test_labels_that_are_unsafe_file_names_get_their_own_folders(db, write_dummy, user, folder, export):
    labels = ["a/b", "..", "CON", "Ä", "％58", "x", "X", "字" * 100]
    register_model(path=write_dummy(name="odd", labels=labels), promote=True)
    for seed, label in enumerate(labels):
        make_reviewed_prediction(user, make_noise_image(seed), label, model="odd")
    rows = export("odd")
    folder_names = (folder / "classes.txt").read_text(encoding="utf-8").splitlines()
    classes = dict(zip(folder_names, labels, strict=True))
    exported = [(Path(row["path"]).parts, row["true_label"]) for row in rows]
    assert [(len(parts), classes[parts[1]]) for parts, _ in exported] == [(3, label) for _, label in exported]
    assert sorted(label for _, label in exported) == sorted(labels)
    assert list_images(folder) == sorted(row["path"] for row in rows)
