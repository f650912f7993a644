"""The folder of the metrics is in memory, so that a full disk does not end the worker processes."""

import os

import pytest

from mlsite.metrics_folder import SHARED_MEMORY, choose_metrics_folder

pytestmark = pytest.mark.once


def test_the_folder_is_in_memory_and_only_its_owner_can_enter_it(tmp_path):
    folder = choose_metrics_folder(tmp_path / "var")
    assert folder.parents[1] == SHARED_MEMORY
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert folder.parent != choose_metrics_folder(tmp_path / "other").parent
    for path in (tmp_path / "var", tmp_path / "other"):
        choose_metrics_folder(path).parent.rmdir()


def test_folders_of_killed_servers_are_deleted(tmp_path):
    folder = choose_metrics_folder(tmp_path, shared_memory=tmp_path)
    folder.mkdir()
    killed = folder.with_name("metrics-99999999")
    killed.mkdir()
    assert choose_metrics_folder(tmp_path, shared_memory=tmp_path) == folder
    assert (folder.exists(), killed.exists()) == (True, False)


def test_without_shared_memory_the_folder_is_in_var(tmp_path):
    assert choose_metrics_folder(tmp_path, shared_memory=tmp_path / "none") == tmp_path / "run" / f"metrics-{os.getpid()}"
