"""Convert a network at its registration, and keep the result only if it behaves as the original does."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings

from inference.base import BaseRuntime
from inference.conversion_check import measure_difference
from inference.predictor import Predictor
from inference.runtimes import load_artifact
from inference.types import BatchFunction, Conversion, ModelInput, ModelSpec

logger = logging.getLogger(__name__)

CONVERSION_SECONDS = 60  # EfficientNetB0 takes 5 s, the networks of the test suite take 0.1 to 1 s


@dataclass(frozen=True, slots=True)
class CheckedConversion:
    """A converted network that returns the results of the original.

    Args:
        description: for the column `conversion` of the version, without the path.
    """

    data: bytes = field(repr=False)
    suffix: str
    description: dict[str, Any]


def convert_artifact(
    runtime: BaseRuntime,
    run: BatchFunction,
    spec: ModelSpec,
    *,
    inputs: Sequence[ModelInput],
    check: Callable[[Predictor], object],
) -> tuple[CheckedConversion | None, list[str]]:
    """Convert a loaded network, and compare it with the original. Return it, or None, and notices for the user.

    A network that cannot be converted, or that returns other results, is not an error: the artifact itself then runs.

    Args:
        runtime, run: the loaded artifact, and the function that runs it.
        inputs: the inputs of the examples.
        check: raises an exception if a predictor does not reproduce the examples.
    """
    try:
        with limit_seconds(CONVERSION_SECONDS):
            conversion = runtime.convert()
            if conversion is None:
                return None, []
            return _check_conversion(conversion, run, spec, inputs, check), []
    except _TimeLimit:
        notice = f"The network is not converted to ONNX, because the conversion took more than {CONVERSION_SECONDS} seconds."
        return None, [notice]
    # The libraries that convert networks can raise any exception, and the artifact itself can be used.
    except Exception as error:
        logger.info("network not converted", extra={"model": str(spec), "reason": f"{type(error).__name__}: {error}"[:500]})
        return None, []


def _check_conversion(
    conversion: Conversion,
    run: BatchFunction,
    spec: ModelSpec,
    inputs: Sequence[ModelInput],
    check: Callable[[Predictor], object],
) -> CheckedConversion:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"converted{conversion.suffix}")
        path.write_bytes(conversion.data)
        _, run_converted = load_artifact(conversion.runtime, path, threads=settings.INFERENCE_THREADS)
    difference = measure_difference(run, run_converted, spec, examples=inputs)
    predictor = Predictor(spec, run_converted)
    try:
        check(predictor)
    finally:
        predictor.close()
    digest = sha256(conversion.data).hexdigest()
    description = {
        "runtime": conversion.runtime, "sha256": digest, "size": len(conversion.data), "difference": difference,
    }  # fmt: skip
    return CheckedConversion(conversion.data, conversion.suffix, description)


class _TimeLimit(BaseException):
    """The conversion takes too long. Libraries catch each `Exception` to continue without the part that failed."""


@contextmanager
def limit_seconds(seconds: float) -> Iterator[None]:
    """Raise `_TimeLimit` in the block after some seconds. Only the main thread, which runs commands, has the limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise _TimeLimit

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
