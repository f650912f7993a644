"""The folder of the metrics is in memory, so that a full disk does not end the worker processes."""

import os
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from mlsite.metrics_folder import SHARED_MEMORY, choose_metrics_folder, lock_metrics, merge_metrics

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


def count_request(folder, process_id, route, value=1.0):
    """Write what a worker with this process ID writes when it counts requests and measures their duration."""
    counter = MmapedDict(str(folder / f"counter_{process_id}.db"))
    counter.write_value(mmap_key("requests", "requests_total", ["route"], [route], "Requests."), value, 0.0)
    counter.close()
    histogram = MmapedDict(str(folder / f"histogram_{process_id}.db"))
    histogram.write_value(mmap_key("seconds", "seconds_sum", ["route"], [route], "Time."), value / 3, 0.0)
    for bound in ("0.1", "1.0", "+Inf"):
        key = mmap_key("seconds", "seconds_bucket", ["route", "le"], [route, bound], "Time.")
        histogram.write_value(key, value, 0.0)
    histogram.close()


def read_metrics(folder):
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return sorted(generate_latest(registry).decode().splitlines())


@pytest.fixture
def ended_ids():
    """Return the process IDs of three processes that have ended."""
    processes = [subprocess.Popen([sys.executable, "-S", "-c", ""]) for _ in range(3)]
    return [process.pid for process in processes if process.wait() == 0]


def test_the_files_of_ended_processes_are_merged(tmp_path, ended_ids):
    first, second, third = ended_ids
    count_request(tmp_path, os.getpid(), "/", 2)
    count_request(tmp_path, first, "/", 3)
    count_request(tmp_path, second, "/ä", 5)
    expected = read_metrics(tmp_path)
    assert 'requests_total{route="/"} 5.0' in expected
    merge_metrics(tmp_path)
    assert read_metrics(tmp_path) == expected
    own = {f"counter_{os.getpid()}.db", f"histogram_{os.getpid()}.db"}
    assert {path.name for path in tmp_path.iterdir()} == {"counter_ended.db", "histogram_ended.db", "lock"} | own

    count_request(tmp_path, third, "/", 7)
    expected = read_metrics(tmp_path)
    (tmp_path / f"counter_{second}.db").touch()  # its process was killed when it created the file
    merge_metrics(tmp_path)
    assert read_metrics(tmp_path) == expected
    assert len(list(tmp_path.iterdir())) == 5


def test_files_that_are_being_read_are_merged_later(tmp_path, ended_ids):
    count_request(tmp_path, ended_ids[0], "/")
    with lock_metrics(tmp_path):
        merge_metrics(tmp_path)
        assert (tmp_path / f"counter_{ended_ids[0]}.db").exists()
    merge_metrics(tmp_path)
    assert not (tmp_path / f"counter_{ended_ids[0]}.db").exists()
