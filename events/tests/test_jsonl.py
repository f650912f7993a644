"""The JSON Lines file: complete lines, rotation, and failures of the disk."""

import json
import os
import resource
import stat

import pytest

from events.sinks.base import DELIVERED, SinkUnavailable
from events.sinks.jsonl import JsonLinesSink


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events" / "events.jsonl"


def make_sink(path, *, max_bytes=10**6, file_count=2):
    return JsonLinesSink(path=str(path), max_bytes=max_bytes, file_count=file_count)


def make_events(*numbers):
    return [{"id": number, "data": "Größe\n"} for number in numbers]


def read_numbers(path):
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def test_each_event_is_a_line(path):
    sink = make_sink(path)
    assert sink.send(make_events(1, 2)) == [DELIVERED, DELIVERED]
    sink.send(make_events(3))
    sink.close()
    assert path.read_text().splitlines()[0] == '{"id":1,"data":"Größe\\n"}'
    assert read_numbers(path) == [1, 2, 3]
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o007 == 0


def test_full_files_are_renamed_and_the_oldest_is_removed(path):
    sink = make_sink(path, max_bytes=100)
    for number in range(10):
        sink.send(make_events(number))  # 28 bytes
    files = [path.with_name(f"events.jsonl{suffix}") for suffix in (".2", ".1", "")]
    assert [read_numbers(file) for file in files] == [[3, 4, 5], [6, 7, 8], [9]]
    assert not path.with_name("events.jsonl.3").exists()


def test_a_batch_that_is_larger_than_the_limit_is_written_to_a_new_file(path):
    sink = make_sink(path, max_bytes=10)
    sink.send(make_events(1, 2))
    sink.send(make_events(3, 4))
    assert read_numbers(path) == [3, 4]
    assert read_numbers(path.with_name("events.jsonl.1")) == [1, 2]


@pytest.mark.parametrize("length", [1, 70_000])
def test_the_line_of_a_killed_relay_is_removed(path, length):
    sink = make_sink(path)
    sink.send(make_events(1))
    with path.open("a") as file:
        file.write("x" * length)
    sink.send(make_events(2))
    assert read_numbers(path) == [1, 2]


def test_a_file_with_only_an_incomplete_line_is_emptied(path):
    path.parent.mkdir()
    path.write_text('{"id":')
    make_sink(path).send(make_events(1))
    assert read_numbers(path) == [1]


def test_a_full_disk_leaves_complete_lines(path):
    sink = make_sink(path)
    sink.send(make_events(1))
    previous = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, previous[1]))
    try:
        with pytest.raises(SinkUnavailable, match="File too large"):
            sink.send(make_events(2, 3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, previous)
    assert read_numbers(path) == [1]
    sink.send(make_events(2))
    assert read_numbers(path) == [1, 2]


def test_a_folder_that_cannot_be_created_makes_the_sink_unavailable(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SinkUnavailable):
        make_sink(tmp_path / "file" / "events.jsonl").send(make_events(1))


def test_the_events_are_on_the_disk_when_send_returns(path, monkeypatch):
    synced = []
    fsync = os.fsync

    def record_sync(descriptor):
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record_sync)
    make_sink(path).send(make_events(1))
    assert synced == [str(path), str(path.parent)]
