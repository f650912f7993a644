"""What does one traced call save over Model.predict(), and what does batching save over one image at a time?

    python benchmarks/keras_call.py

Both sides of each ratio are measured in turn within the same run, because machines are noisy.
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
ROUNDS = 100
BATCH = 32


def milliseconds(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return (perf_counter() - started) * 1000


def compare(title: str, slow: Callable[[], object], fast: Callable[[], object]) -> None:
    slow(), fast()
    pairs = [(milliseconds(slow), milliseconds(fast)) for _ in range(ROUNDS)]
    first, second = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"{title}: {first:.2f} ms / {second:.2f} ms = {first / second:.1f} times")


def main() -> None:
    import keras

    run = KerasRuntime(ARTIFACT, threads=1).load()
    model = keras.saving.load_model(ARTIFACT, compile=False)
    one = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    many = np.repeat(one, BATCH, axis=0)
    compare("Model.predict() / traced call, one image", lambda: model.predict(one, verbose=0), lambda: run(one))
    compare(f"{BATCH} calls / one call of {BATCH} images", lambda: [run(one) for _ in range(BATCH)], lambda: run(many))


if __name__ == "__main__":
    main()
