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
# ONNX Runtime looks for GPUs when it is imported, and warns about each display device that is none.
NOISE = re.compile(rb"\[[WI]:onnxruntime:")
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
