"""Write events to a file in the format JSON Lines, one event per line."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from django.conf import settings

from events.sinks.base import DELIVERED, CloudEvent, Outcome, Sink, SinkUnavailable

FILE_MODE, FOLDER_MODE = 0o640, 0o750
CHUNK_BYTES = 2**16


class JsonLinesSink(Sink):
    """Append events to a file. Start a new file when it is full, and keep a number of old ones: `<name>.1` is the newest.

    The events are on the disk when `send` returns. Use one file per machine: relays of different machines must not share it.

    Args:
        path: the file. Its folder is created.
        max_bytes: the size at which a new file is started.
        file_count: how many old files remain.
    """

    name: ClassVar[str] = "jsonl"

    def __init__(self, *, path: str, max_bytes: int, file_count: int) -> None:
        self._path, self._max_bytes, self._file_count = Path(path), max_bytes, file_count

    @classmethod
    def from_settings(cls) -> JsonLinesSink:
        return cls(
            path=settings.EVENT_JSONL_PATH,
            max_bytes=settings.EVENT_JSONL_MAX_BYTES,
            file_count=settings.EVENT_JSONL_FILES,
        )

    @classmethod
    def check_settings(cls) -> list[str]:
        problems = []
        if Path(settings.EVENT_JSONL_PATH).is_dir():
            problems.append(f"EVENT_JSONL_PATH is a folder: {settings.EVENT_JSONL_PATH}")
        if settings.EVENT_JSONL_MAX_BYTES < 1:
            problems.append(f"EVENT_JSONL_MAX_BYTES must be at least 1. Received: {settings.EVENT_JSONL_MAX_BYTES}")
        if settings.EVENT_JSONL_FILES < 1:
            problems.append(f"EVENT_JSONL_FILES must be at least 1. Received: {settings.EVENT_JSONL_FILES}")
        return problems

    def send(self, events: Sequence[CloudEvent]) -> Sequence[Outcome]:
        lines = "".join(f"{json.dumps(event, ensure_ascii=False, separators=(',', ':'))}\n" for event in events)
        try:
            self._append(lines.encode())
        except OSError as error:
            raise SinkUnavailable(f"{self._path}: {error.strerror or error}") from error
        return [DELIVERED] * len(events)

    def _append(self, data: bytes) -> None:
        self._path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with self._lock():
            self._rotate(len(data))
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, FILE_MODE)
            try:
                size = _remove_incomplete_line(descriptor)
                try:
                    _write_all(descriptor, data)
                    os.fsync(descriptor)
                except OSError:  # for example a full disk
                    os.ftruncate(descriptor, size)
                    raise
            finally:
                os.close(descriptor)
            if not size:
                self._sync_folder()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Exclude the other relays of this machine. The lock is another file, because rotation renames the first one."""
        descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _rotate(self, added_bytes: int) -> None:
        """Rename the file if the new lines would exceed its size, and remove the oldest file."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if not size or size + added_bytes <= self._max_bytes:
            return
        for number in range(self._file_count - 1, 0, -1):
            if (older := Path(f"{self._path}.{number}")).exists():
                older.replace(f"{self._path}.{number + 1}")
        self._path.replace(f"{self._path}.1")

    def _sync_folder(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_incomplete_line(descriptor: int) -> int:
    """Remove a line that a killed relay has not finished, which is sent again. Return the size of the file."""
    size = os.fstat(descriptor).st_size
    end = size
    while end and os.pread(descriptor, 1, end - 1) != b"\n":
        start = max(0, end - CHUNK_BYTES)
        end = start + os.pread(descriptor, end - start, start).rfind(b"\n") + 1
    if end != size:
        os.ftruncate(descriptor, end)
    return end


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
