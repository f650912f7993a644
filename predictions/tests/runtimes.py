"""A runtime for tests whose behavior can change after the model is loaded."""

from __future__ import annotations

import threading
from typing import ClassVar

from inference.runtimes.dummy import DummyRuntime
from inference.types import Batch, BatchFunction


class SwitchedRuntime(DummyRuntime):
    """The dummy runtime, which can fail or block on demand.

    Tests set `error` to raise it for each batch, and clear `is_open` to block batches until it is set again.
    """

    error: ClassVar[Exception | None] = None
    is_open: ClassVar[threading.Event] = threading.Event()

    def load(self) -> BatchFunction:
        run = super().load()

        def run_when_open(batch: Batch) -> object:
            SwitchedRuntime.is_open.wait(30)
            if SwitchedRuntime.error:
                raise SwitchedRuntime.error
            return run(batch)

        return run_when_open
