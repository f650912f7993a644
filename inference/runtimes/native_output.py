"""Keep the output of native libraries at their import out of the terminal. It cannot be turned off before the import."""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

logger = logging.getLogger(__name__)

STDERR = 2
# ONNX Runtime and TensorFlow look for GPUs, and warn about each device that they cannot use. TensorFlow also describes the
# processor. XLA, a part of it, writes with Abseil before `TF_CPP_MIN_LOG_LEVEL` has an effect.
NOISE = re.compile(
    rb"\[[WI]:onnxruntime:"
    rb"|^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "  # TensorFlow
    rb"|^[IWE]\d{4} \d\d:\d\d:\d+\.\d+ "  # Abseil
    rb"|^WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|^To enable the following instructions: "  # the second line of a message of TensorFlow
)
_lock = threading.Lock()


def import_quietly(name: str) -> ModuleType:
    """Import a module, and filter what its libraries write."""
    if name in sys.modules:
        return sys.modules[name]
    with filter_native_output():
        return import_module(name)


@contextmanager
def filter_native_output() -> Iterator[None]:
    """Log at level DEBUG what a native library writes to stderr in this block. Other lines, of any thread, follow later."""
    with _lock, tempfile.TemporaryFile() as captured:
        original = os.dup(STDERR)
        os.dup2(captured.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(original, STDERR)
            os.close(original)
            captured.seek(0)
            for line in captured:
                if NOISE.search(line):
                    logger.debug(line.decode(errors="replace").strip())
                else:
                    os.write(STDERR, line)
