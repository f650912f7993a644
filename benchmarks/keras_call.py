"""Measure how much faster a traced call is than Model.predict(), and a batch than single images.

    PYTHONPATH=. python benchmarks/keras_call.py

Each round measures both sides of a ratio, so that changes in the load of the machine affect both.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from inference.runtimes.keras import KerasRuntime

ARTIFACT = Path(__file__).parents[1] / "examples" / "digits" / "digits.keras"
ROUND_COUNT = 100
BATCH_SIZE = 32


def measure_milliseconds(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return (perf_counter() - started) * 1000


def print_comparison(title: str, slow: Callable[[], object], fast: Callable[[], object]) -> None:
    """Print the median durations of two calls and their ratio, after one call each to warm up."""
    slow(), fast()
    durations = [(measure_milliseconds(slow), measure_milliseconds(fast)) for _ in range(ROUND_COUNT)]
    slow_median, fast_median = (statistics.median(side) for side in zip(*durations, strict=True))
    print(f"{title}: {slow_median:.2f} ms / {fast_median:.2f} ms = {slow_median / fast_median:.1f}")


def main() -> None:
    import keras

    run = KerasRuntime(ARTIFACT, threads=1).load()
    model = keras.saving.load_model(ARTIFACT, compile=False)
    image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    batch = np.repeat(image, BATCH_SIZE, axis=0)
    print_comparison("Model.predict() / traced call, one image", lambda: model.predict(image, verbose=0), lambda: run(image))
    print_comparison(
        f"{BATCH_SIZE} single calls / one batch of {BATCH_SIZE}",
        lambda: [run(image) for _ in range(BATCH_SIZE)],
        lambda: run(batch),
    )


if __name__ == "__main__":
    main()
