"""Judged answers as files to train on, from the ledger to the network."""

import os
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from core.tests.commands import run_command
from evaluation.datasets import SPLITS
from evaluation.tests.factories import DIGITS, iterate_digit_images, read_csv
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Review
from predictions.services import predict, review_prediction, withdraw_review
from predictions.tests.factories import make_prediction
from registry.services import register_model

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.django_db


def judged(user, data, label, **options):
    prediction = make_prediction(user, data, **options)
    review_prediction(prediction=prediction, reviewer=user, true_label=label)
    return prediction


def pictures_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def nothing_is_left(folder):
    return not folder.parent.exists() or list(folder.parent.iterdir()) == []


def with_exif(**tags):
    """Return a picture, black above and white below, as a JPEG with secrets and these EXIF tags."""
    image = Image.new("L", (16, 16))
    image.paste(255, (0, 8, 16, 16))
    exif = Image.Exif()
    exif[0x010F] = "SecretMaker"
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 29.0), 29: "2026:01:02"}  # GPS
    for number, value in tags.items():
        exif[int(number[1:], 16)] = value
    out = BytesIO()
    image.save(out, "JPEG", exif=exif, comment=b"SecretComment", icc_profile=b"SecretProfile")
    return out.getvalue()


# --- pictures


def test_pictures_lie_in_the_folder_of_what_is_true_of_them(shades, user, folder, export):
    right, wrong, open_one = (
        judged(user, make_noise_image(1), "black"),
        judged(user, make_image(255), "grey"),
        make_prediction(user, make_image(0)),
    )
    lines = {one["prediction"]: one for one in export()}
    assert lines.keys() == {str(one.pk) for one in (right, wrong, open_one)}
    assert lines[str(right.pk)]["path"] == f"{lines[str(right.pk)]['split']}/black/{right.input_id}.png"
    assert lines[str(wrong.pk)]["path"] == f"{lines[str(wrong.pk)]['split']}/grey/{wrong.input_id}.png"
    assert lines[str(open_one.pk)]["path"] == f"unreviewed/{open_one.input_id}.png"
    assert pictures_in(folder) == sorted(one["path"] for one in lines.values())
    assert Image.open(folder / lines[str(right.pk)]["path"]).tobytes() == Image.open(BytesIO(make_noise_image(1))).tobytes()


def test_each_label_has_its_folder_in_each_split_in_the_networks_order(shades, user, folder, export):
    export()
    for split in SPLITS:
        assert {path.name for path in (folder / split).iterdir()} == {"black", "grey", "white"}
    assert (folder / "classes.txt").read_text().splitlines() == ["black", "grey", "white"]


def test_the_manifest_says_where_each_picture_comes_from(shades, user, other, folder, export):
    prediction = judged(user, make_image(255), "grey", name="=cmd.png")
    review_prediction(prediction=prediction, reviewer=other, verdict="unsure")
    (line,) = export()
    assert line.pop("path").endswith(f"/grey/{prediction.input_id}.png")
    assert line.pop("split") in SPLITS
    assert line == {
        "prediction": str(prediction.pk), "input": str(prediction.input_id), "label": "white", "value": "",
        "true_label": "grey", "true_value": "", "verdict": "incorrect", "confidence": str(prediction.confidence),
        "model": "shades", "model_version": "1", "sha256": prediction.input.sha256, "original_name": "'=cmd.png",
        "picked_by": "manual", "reviews": "2",
    }  # fmt: skip


def test_what_nobody_decided_is_left_out_on_request(shades, user, folder, export):
    kept = judged(user, make_noise_image(1), "black")
    unsure, withdrawn, damaged = (
        make_prediction(user, make_noise_image(2)),
        judged(user, make_noise_image(3), "grey"),
        make_prediction(user, make_noise_image(4)),
    )
    review_prediction(prediction=unsure, reviewer=user, verdict="unsure")
    withdraw_review(prediction=withdrawn, reviewer=user)
    Path(damaged.input.image.path).write_bytes(b"not even read")
    assert [one["prediction"] for one in export("shades", "--reviewed-only")] == [str(kept.pk)]
    assert len(pictures_in(folder)) == 1
    assert not (folder / "unreviewed").exists()


def test_a_wrong_answer_whose_truth_nobody_knows_is_undecided(shades, user, folder, export):
    prediction = make_prediction(user, make_noise_image(1))
    Review.objects.create(prediction=prediction, reviewer=user, verdict="incorrect", picked_by="api")
    assert export("shades", "--reviewed-only") == []
    folder.rename(folder.with_name("first"))
    assert [(one["split"], one["verdict"]) for one in export()] == [("unreviewed", "incorrect")]


def test_what_failed_is_no_part_of_it(register_failing, user, folder, export):
    register_failing(nan=True)
    assert make_prediction(user, model="failing").status == "failed"
    assert export("failing") == []


def test_the_same_picture_with_other_metadata_is_there_once_with_its_newest_truth(shades, user, folder, export):
    judged(user, with_exif(), "black")
    newest = judged(user, with_exif(x010E="another day"), "grey")
    make_prediction(user, with_exif(x010E="and another"))
    (line,) = export()
    assert (line["prediction"], line["true_label"]) == (str(newest.pk), "grey")
    assert pictures_in(folder) == [line["path"]]


def test_an_opinion_changed_later_prevails_over_a_later_question(shades, user, folder, export):
    early = judged(user, make_noise_image(1), "black")
    judged(user, make_noise_image(1), "grey")
    review_prediction(prediction=early, reviewer=user, true_label="white")
    assert [one["true_label"] for one in export()] == ["white"]


def test_pictures_are_upright_and_carry_no_metadata(shades, user, folder, export):
    assert b"SecretMaker" in with_exif(x0112=6)
    judged(user, with_exif(x0112=6), "black")  # to be turned a quarter clockwise
    (line,) = export()
    path = folder / line["path"]
    with Image.open(path) as image:
        image.load()
        assert (image.getpixel((1, 8)), image.getpixel((14, 8))) == (255, 0)
        assert (image.format, dict(image.getexif()), image.info) == ("PNG", {}, {})
    assert b"Secret" not in path.read_bytes()


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGBA", (9, 9, 9, 0), 255),
        ("RGB", (9, 9, 8), (9, 9, 8)),
        ("LA", (9, 0), 255),
        ("P", 3, (0, 0, 3)),
        ("I;16", 0x1234, 0x12),
        ("1", 1, 255),
    ],
)
def test_pictures_are_as_the_model_is_shown_them(shades, user, folder, export, mode, colour, expected):
    image, out = Image.new(mode, (9, 9), colour), BytesIO()
    if mode == "P":
        image.putpalette([value for number in range(256) for value in (0, 0, number)])
    image.save(out, "PNG")
    judged(user, out.getvalue(), "black")
    (line,) = export()
    with Image.open(folder / line["path"]) as written:
        assert written.getpixel((4, 4)) == expected


def test_the_same_inputs_are_in_the_same_splits_next_time_too(shades, user, tmp_path):
    splits = []
    for round_ in ("a", "b"):
        for seed in range(60):
            judged(user, make_noise_image(seed), "black")
        run_command("export_dataset", "shades", tmp_path / round_)
        splits.append({one["sha256"]: one["split"] for one in read_csv(tmp_path / round_ / "manifest.csv")})
        judged(user, make_noise_image(99), "black")
    assert splits[0].items() < splits[1].items()
    found = Counter(splits[0].values())
    assert found.keys() == set(SPLITS)
    assert 40 <= found["train"] <= 56


def test_pictures_with_a_value_lie_in_their_split_and_the_manifest_has_the_value(db, write_dummy, user, folder, export):
    made = write_dummy(name="brightness", sum=1)
    toml = (made / "model.toml").read_text().replace('labels = ["black", "grey", "white"]\n', "")
    (made / "model.toml").write_text(toml + '[output]\nkind = "value"\n')
    register_model(path=made, promote=True)
    prediction = make_prediction(user, make_noise_image(1), model="brightness")
    review_prediction(prediction=prediction, reviewer=user, true_value=3.5)
    (line,) = export("brightness")
    assert line["true_value"] == "3.5"
    assert pictures_in(folder) == [line["path"]] == [f"{line['split']}/{prediction.input_id}.png"]


def test_odd_labels_are_written_and_read_back(db, write_dummy, user, folder, export):
    labels = ["a/b", "..", "CON", "Ä", "％58", "x", "X", "字" * 100]
    register_model(path=write_dummy(name="odd", labels=labels), promote=True)
    for seed, label in enumerate(labels):
        judged(user, make_noise_image(seed), label, model="odd")
    lines = export("odd")
    classes = dict(zip((folder / "classes.txt").read_text(encoding="utf-8").splitlines(), labels, strict=True))
    found = [(Path(one["path"]).parts, one["true_label"]) for one in lines]
    assert [(len(parts), classes[parts[1]]) for parts, _ in found] == [(3, label) for _, label in found]
    assert sorted(label for _, label in found) == sorted(labels)
    assert pictures_in(folder) == sorted(one["path"] for one in lines)


# --- which, and where


@pytest.mark.parametrize(
    ("model", "numbers"),
    [("shades", {"1", "2"}), ("shades:1", {"1"}), ("shades:2", {"2"}), ("shades@production", {"1"})],
)
def test_a_model_is_all_its_versions_and_a_version_is_one(shades, write_dummy, user, folder, export, model, numbers):
    register_model(path=write_dummy(labels=["black", "grey", "white", "blue"], sleep=0.001))
    for number in (1, 2):
        judged(user, make_noise_image(number), "black", model=f"shades:{number}")
    assert {one["model_version"] for one in export(model)} == numbers
    assert (folder / "train" / "blue").is_dir() == ("2" in numbers)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("nope", "There is no model 'nope'"),
        ("shades:9", "The model shades has no version 9."),
        ("shades@x", "The model shades has no alias x."),
        ("a b", "Expected a model as name, name@alias or name:version."),
    ],
)
def test_an_unknown_model_is_named_and_nothing_is_written(shades, folder, model, says):
    assert run_command("export_dataset", model, folder)[2].startswith(f"Not exported: {says}")
    assert nothing_is_left(folder)


@pytest.mark.parametrize("taken", ["folder", "file"])
def test_a_place_that_is_taken_is_refused_and_left_alone(shades, user, folder, taken):
    judged(user, make_noise_image(1), "black")
    mine = folder / "mine.txt" if taken == "folder" else folder
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    error = run_command("export_dataset", "shades", folder)[2]
    assert error == f"Not exported: Expected a folder that is empty or does not exist. Received: {folder}"
    assert [path for path in folder.parent.rglob("*") if path.is_file()] == [mine]
    assert mine.read_text() == "mine"


def test_the_same_picture_is_one_however_its_file_keeps_it(shades, user, folder, export):
    grey = Image.frombytes("L", (9, 9), bytes(range(81)))
    for mode in ("L", "RGB", "RGBA", "LA"):
        out = BytesIO()
        grey.convert(mode).save(out, "PNG")
        judged(user, out.getvalue(), "black")
    assert len(export()) == len(pictures_in(folder)) == 1


def test_a_private_folder_stays_private_and_the_same(shades, user, folder, export):
    folder.mkdir(parents=True, mode=0o700)
    before = folder.stat()
    judged(user, make_noise_image(1), "black")
    export()
    after = folder.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert not list(folder.glob(".*"))


def test_an_empty_folder_is_filled(shades, user, folder, export):
    folder.mkdir(parents=True)
    judged(user, make_noise_image(1), "black")
    assert len(export()) == 1
    assert [path.name for path in folder.parent.iterdir()] == ["dataset"]


def test_a_failure_half_way_leaves_nothing(shades, user, folder, monkeypatch):
    for seed in range(3):
        judged(user, make_noise_image(seed), "black")
    save, saved = Image.Image.save, set()

    def fill_the_disk(image, path, *arguments):
        if saved:
            raise OSError(28, "No space left on device")
        saved.add(path)
        save(image, path, *arguments)

    monkeypatch.setattr(Image.Image, "save", fill_the_disk)
    assert run_command("export_dataset", "shades", folder)[2] == "Not exported: [Errno 28] No space left on device"
    assert saved
    assert nothing_is_left(folder)


def test_a_damaged_or_missing_file_is_named_and_the_rest_is_there(shades, user, folder):
    whole, damaged, missing = (judged(user, make_noise_image(seed), "black") for seed in range(3))
    Path(damaged.input.image.path).write_bytes(b"other bytes")
    Path(missing.input.image.path).unlink()
    _, err, error = run_command("export_dataset", "shades", folder)
    assert sorted(err.splitlines()) == sorted(
        [f"{damaged.input_id}: stored-file-damaged", f"{missing.input_id}: stored-file-missing"]
    )
    assert error == "2 inputs could not be read and are left out; all others are there."
    assert [one["prediction"] for one in read_csv(folder / "manifest.csv")] == [str(whole.pk)]
    assert len(pictures_in(folder)) == 1


def test_the_summary_counts_by_split_and_label(shades, user, folder):
    for seed in range(12):
        judged(user, make_noise_image(seed), "black" if seed % 3 else "white")
    make_prediction(user, make_noise_image(50))
    lines = run_command("export_dataset", "shades", folder)[0].splitlines()
    files = Counter(Path(path).parts[:-1] for path in pictures_in(folder))
    train = f"train: {files['train', 'black'] + files['train', 'white']} "
    assert lines[0] == train + f"(black: {files['train', 'black']}, white: {files['train', 'white']})"
    assert [line.partition(":")[0] for line in lines[:-1]] == [*SPLITS, "unreviewed"]
    assert lines[-2:] == ["unreviewed: 1", f"Exported 13 inputs of shades:1 to {folder}"]


def test_many_take_as_many_queries_as_few(shades, user, folder, django_assert_num_queries):
    for seed in range(20):
        judged(user, make_noise_image(seed), "black")
    with django_assert_num_queries(4):  # the versions; the answers; their opinions, and those that count
        run_command("export_dataset", "shades", folder)
    assert Review.objects.count() == len(pictures_in(folder)) == 20


# --- and back into the network


@pytest.mark.xdist_group("tensorflow")
def test_a_network_learns_from_what_people_said_of_its_answers(db, user, folder, export):
    register_model(path=DIGITS, promote=True)
    asked = 0
    for data, label in iterate_digit_images():
        prediction = predict(user=user, source="api", image=ContentFile(data, name="x.png"), model="digits")
        review_prediction(prediction=prediction, reviewer=user, true_label=label)
        asked += 1
    assert asked == 108
    lines = export("digits", "--reviewed-only")
    assert {one["verdict"] for one in lines} == {"correct", "incorrect"}

    import keras

    keras.utils.set_random_seed(1)
    classes = (folder / "classes.txt").read_text().splitlines()
    train = keras.utils.image_dataset_from_directory(
        folder / "train", class_names=classes, color_mode="grayscale", image_size=(28, 28), verbose=False
    )
    assert train.class_names == [str(digit) for digit in range(10)]
    assert sum(len(labels) for _, labels in train) == sum(one["split"] == "train" for one in lines) > 70
    scaled = train.map(lambda images, labels: (images / 255, labels))
    network = keras.models.load_model(DIGITS / "digits.keras")
    network.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = network.evaluate(scaled, verbose=0, return_dict=True)
    network.fit(scaled, epochs=3, shuffle=False, verbose=0)
    after = network.evaluate(scaled, verbose=0, return_dict=True)
    assert after["loss"] < 0.9 * before["loss"]
    assert after["accuracy"] >= before["accuracy"]
