"""Builders of models and their files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from registry.integrity import wait_for_checks

DIGITS = Path(settings.BASE_DIR, "examples", "digits")
BLOCK_SECONDS = 10

FEATURES_TOML = """
[[input.features]]
name = "length"
unit = "cm"
min = 0
max = 10
example = 4.5

[[input.features]]
name = "petals"
type = "integer"
min = 0
description = "How many petals it has."
example = 5

[[input.features]]
name = "colour"
type = "category"
values = ["white", "red", "blue"]
default = "white"

[[input.features]]
name = "wild"
type = "boolean"
default = false
"""


def get_artifact_path(version):
    return Path(settings.MODEL_ROOT, version.artifact)


def damage_artifact(version, text="{"):
    """Replace the artifact of a version. Text of another length is detected without hashing."""
    get_artifact_path(version).write_text(text)


def edit_manifest(folder, old, new):
    """Replace text in the model.toml of a folder."""
    path = folder / "model.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def set_runtime(folder, runtime):
    """Set the runtime in the model.toml of a folder."""
    path = folder / "model.toml"
    path.write_text(f'runtime = "{runtime}"\n{path.read_text()}')


class Pipe:
    """A named pipe in the place of an artifact. Whoever hashes it waits until something is written."""

    MODIFIED = (2**31, 2**31)  # access and modification time, after every registration

    def __init__(self, path):
        self.path = path
        os.mkfifo(path)
        self.set_times(0, 0)

    def set_times(self, *times):
        os.utime(self.path, times)

    @contextmanager
    def watch(self) -> Iterator[threading.Event]:
        """Write to the pipe if the block takes longer than `BLOCK_SECONDS`, so that a test fails instead of hanging.

        Yield an event that is set in this case, which means that something waited for the hash.
        """
        timed_out, finished = threading.Event(), threading.Event()

        def release() -> None:
            if not finished.wait(BLOCK_SECONDS):
                timed_out.set()
            while not finished.is_set():
                self.write()

        threading.Thread(target=release, daemon=True).start()
        try:
            yield timed_out
        finally:
            finished.set()

    @contextmanager
    def block_hash(self, *times: int) -> Iterator[threading.Event]:
        """Mark the pipe as modified, at these times if any. Its hash waits until the end of the block. See `watch`."""
        times = times or self.MODIFIED
        with self.watch() as timed_out:
            self.set_times(*times)
            try:
                yield timed_out
            finally:
                threading.Thread(target=self.write, daemon=True).start()
            wait_for_checks()
            assert not timed_out.is_set(), "the pipe was hashed more than once"
        self.set_times(*times)  # writing has changed them

    def write(self, data=b"changed"):
        """Wait for a reader, and write."""
        self.path.write_bytes(data)

    def close(self):
        """Let hashes end that a failed test has left behind, so that the test run can exit."""

        def release() -> None:
            while True:
                self.write()

        threading.Thread(target=release, daemon=True).start()
