import os
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from inference.tests.factories import make_noise_image
from predictions.services.stored_files import read_stored_file
from predictions.services.sweep import sweep_media
from predictions.tests.factories import list_stored_files, make_prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def littered(shades, user, settings):
    """Return a kept prediction, and the files that a crash left: an orphan and a temporary one."""
    kept = make_prediction(user, make_noise_image(1))
    left = [Path(settings.MEDIA_ROOT, "inputs", "ab", "cd", "x.png"), Path(settings.MEDIA_ROOT, "tmp", "half")]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return kept, left


def test_removes_what_no_row_names_and_nothing_else(littered):
    kept, left = littered
    assert sorted(sweep_media(older_than=0)) == sorted(left)
    assert read_stored_file(kept.input) == make_noise_image(1)
    assert not any(path.exists() for path in left)
    assert sweep_media(older_than=0) == []


def test_leaves_young_files_alone_their_row_may_be_on_its_way(littered):
    _, left = littered
    assert sweep_media(older_than=60) == []
    os.utime(left[0], (time.time() - 120,) * 2)
    assert sweep_media(older_than=60) == [left[0]]


def test_the_command_lists_and_deletes(littered, settings):
    out = StringIO()
    call_command("sweep_media", "--older-than", "0", "--dry-run", stdout=out)
    assert "2 files to delete." in out.getvalue()
    assert len(list_stored_files(settings)) == 3
    call_command("sweep_media", "--older-than", "0", stdout=out)
    assert "2 files deleted." in out.getvalue()
    assert len(list_stored_files(settings)) == 1
