"""Deletion of files that a crash left behind."""

import os
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from uuid_utils.compat import uuid7

from core.tests.commands import run_command
from inference.tests.factories import make_noise_image
from predictions.services.batch_jobs import add_images
from predictions.services.stored_files import read_stored_file
from predictions.services.sweep import delete_unfinished_files, sweep_media
from predictions.tests.batch_jobs import make_image_zip, make_job
from predictions.tests.factories import list_stored_files, make_prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def leftovers(shades, user, settings):
    """Return a stored prediction, and the files that a crash left: one without a row and a temporary one."""
    prediction = make_prediction(user, make_noise_image(1))
    paths = [Path(settings.MEDIA_ROOT, "inputs", "ab", "cd", "x.png"), Path(settings.MEDIA_ROOT, "tmp", "half")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return prediction, paths


def test_the_server_deletes_only_old_temporary_files(leftovers):
    _, (orphan, unfinished) = leftovers
    assert delete_unfinished_files() == 0
    os.utime(unfinished, (0, 0))
    os.utime(orphan, (0, 0))
    assert delete_unfinished_files() == 1
    assert (orphan.exists(), unfinished.exists()) == (True, False)


def test_only_files_without_a_row_are_deleted(leftovers):
    prediction, paths = leftovers
    assert sorted(sweep_media(older_than=0)) == sorted(paths)
    assert read_stored_file(prediction.input) == make_noise_image(1)
    assert not any(path.exists() for path in paths)
    assert sweep_media(older_than=0) == []


def test_new_files_are_kept_because_their_row_may_follow(leftovers):
    _, paths = leftovers
    assert sweep_media(older_than=60) == []
    os.utime(paths[0], (time.time() - 120,) * 2)
    assert sweep_media(older_than=60) == [paths[0]]


def test_files_of_batch_jobs_are_deleted_only_without_a_row(leftovers, user, settings):
    sweep_media(older_than=0)
    job = make_job(user, None, "shades")
    add_images(job=job, files=[ContentFile(make_noise_image(2), name="a.png")])
    make_job(user, make_image_zip(1), "shades")
    assert len(list_stored_files(settings)) == 3
    assert sweep_media(older_than=0) == []
    folder = Path(settings.MEDIA_ROOT, "batch-jobs")
    orphans = [folder / f"{job.pk}.csv", folder / str(job.pk) / str(uuid7()), folder / "x.csv"]
    for path in orphans:
        path.write_bytes(b"x")
    assert sorted(sweep_media(older_than=0)) == sorted(orphans)
    assert len(list_stored_files(settings)) == 3


def test_the_command_lists_and_deletes_files(leftovers, settings):
    assert "2 files to delete." in run_command("sweep_media", "--older-than", "0", "--dry-run")[0]
    assert len(list_stored_files(settings)) == 3
    assert "2 files deleted." in run_command("sweep_media", "--older-than", "0")[0]
    assert len(list_stored_files(settings)) == 1
