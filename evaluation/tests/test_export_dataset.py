"""The command export_dataset: its output, its errors, and the folder it writes."""

import errno
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from core.tests.commands import run_command
from evaluation.datasets import SPLITS
from evaluation.tests.factories import list_images, make_reviewed_prediction, read_csv
from inference.tests.factories import make_noise_image
from predictions.tests.factories import make_prediction
from registry.models import RegisteredModel

pytestmark = pytest.mark.django_db


def is_untouched(folder):
    return not folder.parent.exists() or list(folder.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("nope", "No model named 'nope' is in use."),
        ("shades:9", "The model shades has no version 9."),
        ("shades@x", "The model shades has no alias x."),
        ("a b", "Expected a model as name, name@alias, or name:version."),
    ],
)
def test_an_unknown_model_is_reported_and_nothing_is_written(shades, folder, model, message):
    assert run_command("export_dataset", model, folder)[2].startswith(f"Not exported: {message}")
    assert is_untouched(folder)


def test_a_model_with_raw_outputs_cannot_be_exported(shades, folder):
    RegisteredModel.objects.update(task=RegisteredModel.Task.OTHER)
    error = run_command("export_dataset", "shades", folder)[2]
    assert error == "Not exported: The model shades has raw outputs, without a label or value to train on."
    assert is_untouched(folder)


@pytest.mark.parametrize("existing", ["folder", "file"])
def test_an_existing_folder_or_file_is_left_unchanged(shades, user, folder, existing):
    make_reviewed_prediction(user, make_noise_image(1), "black")
    file = folder / "notes.txt" if existing == "folder" else folder
    file.parent.mkdir(parents=True)
    file.write_text("notes")
    error = run_command("export_dataset", "shades", folder)[2]
    assert error == f"Not exported: Expected a folder that is empty or does not exist. Received: {folder}"
    assert [path for path in folder.parent.rglob("*") if path.is_file()] == [file]
    assert file.read_text() == "notes"


def test_an_existing_empty_folder_keeps_its_inode_and_mode(shades, user, folder, export):
    folder.mkdir(parents=True, mode=0o700)
    before = folder.stat()
    make_reviewed_prediction(user, make_noise_image(1), "black")
    export()
    after = folder.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert not list(folder.glob(".*"))


def test_an_existing_empty_folder_is_filled(shades, user, folder, export):
    folder.mkdir(parents=True)
    make_reviewed_prediction(user, make_noise_image(1), "black")
    assert len(export()) == 1
    assert [path.name for path in folder.parent.iterdir()] == ["dataset"]


@pytest.mark.parametrize("exists", [False, True])
def test_a_failed_export_leaves_nothing(shades, user, folder, monkeypatch, exists):
    if exists:
        folder.mkdir(parents=True)
    for seed in range(3):
        make_reviewed_prediction(user, make_noise_image(seed), "black")
    save, saved = Image.Image.save, set()

    def save_until_disk_is_full(image, path, *arguments):
        if saved:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.add(path)
        save(image, path, *arguments)

    monkeypatch.setattr(Image.Image, "save", save_until_disk_is_full)
    assert run_command("export_dataset", "shades", folder)[2] == "Not exported: [Errno 28] No space left on device"
    assert saved
    assert list(folder.iterdir()) == [] if exists else is_untouched(folder)


def test_damaged_and_missing_files_are_listed_and_the_others_exported(shades, user, folder):
    intact, damaged, missing = (make_reviewed_prediction(user, make_noise_image(seed), "black") for seed in range(3))
    Path(damaged.input.image.path).write_bytes(b"other bytes")
    Path(missing.input.image.path).unlink()
    _, err, error = run_command("export_dataset", "shades", folder)
    assert sorted(err.splitlines()) == sorted(
        [f"{damaged.input_id}: stored-file-damaged", f"{missing.input_id}: stored-file-missing"]
    )
    assert error == "Inputs that could not be read and were skipped: 2. All others were exported."
    assert [row["prediction"] for row in read_csv(folder / "manifest.csv")] == [str(intact.pk)]
    assert len(list_images(folder)) == 1


def test_the_summary_counts_inputs_by_split_and_label(shades, user, folder):
    for seed in range(12):
        make_reviewed_prediction(user, make_noise_image(seed), "black" if seed % 3 else "white")
    make_prediction(user, make_noise_image(50))
    lines = run_command("export_dataset", "shades", folder)[0].splitlines()
    counts = Counter(Path(path).parts[:-1] for path in list_images(folder))
    black, white = counts["train", "black"], counts["train", "white"]
    assert lines[0] == f"train: {black + white} (black: {black}, white: {white})"
    assert [line.partition(":")[0] for line in lines[:-1]] == [*SPLITS, "unreviewed"]
    assert lines[-2:] == ["unreviewed: 1", f"Inputs of shades:1 exported to {folder}: 13"]
