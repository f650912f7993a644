"""Compare a Keras network with its conversion to ONNX: CPU time per call and to load, memory, and largest difference.

    PYTHONPATH=. python benchmarks/keras_runtimes.py [network.keras]

Each runtime has a process of its own with one thread. The processes run in turn, several times; the table shows medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from inference.runtimes import load_artifact
from inference.runtimes.keras import KerasRuntime

ARTIFACT = Path(__file__).parents[1] / "examples" / "digits" / "digits.keras"
BATCH_SIZES = (1, 8, 32)
ROUND_COUNT = 3
CPU_SECONDS = 1.0  # per batch size


def make_batch(shape: tuple[int | None, ...], count: int) -> np.ndarray:
    sizes = [size or 32 for size in shape]
    return np.random.default_rng(0).random((count, *sizes), np.float32)


def read_memory() -> dict[str, int]:
    """Return the resident and the proportional memory of this process in MB."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) // 1024 for line in lines[1:]}
    return {"RSS MB": sizes["Rss:"], "PSS MB": sizes["Pss:"]}


def measure(name: str, path: Path) -> dict[str, float]:
    started = process_time()
    runtime, run = load_artifact(name, path, threads=1)
    run(make_batch(runtime.inputs[0].shape, 1))
    result: dict[str, float] = {"load, CPU s": process_time() - started, **read_memory()}
    for size in BATCH_SIZES:
        batch = make_batch(runtime.inputs[0].shape, size)
        run(batch)
        count, started = 0, process_time()
        while process_time() < started + CPU_SECONDS:
            run(batch)
            count += 1
        result[f"batch of {size}, CPU ms"] = (process_time() - started) / count * 1000
    return result


def convert(artifact: Path, target: Path) -> None:
    """Convert a network with one input, and print how long it takes and the largest difference."""
    runtime = KerasRuntime(artifact, threads=1)
    run = runtime.load()
    runtime.convert()
    started = process_time()
    conversion = runtime.convert()
    seconds = process_time() - started
    assert conversion
    target.write_bytes(conversion.data)
    batch = make_batch(runtime.inputs[0].shape, BATCH_SIZES[-1])
    difference: Any = np.abs(np.subtract(run(batch), load_artifact("converted", target, threads=1)[1](batch))).max()
    print(f"conversion: {seconds:.2f} s of CPU time, largest difference {difference:.0e}")


def main() -> None:
    artifact = Path(sys.argv[1]) if len(sys.argv) > 1 else ARTIFACT
    with TemporaryDirectory() as folder:
        converted = Path(folder, "converted.onnx")
        convert(artifact, converted)
        rounds: dict[str, list[dict[str, float]]] = {"keras": [], "converted": []}
        for _ in range(ROUND_COUNT):
            for name, path in (("keras", artifact), ("converted", converted)):
                command = [sys.executable, __file__, "--measure", name, str(path)]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                rounds[name].append(json.loads(output.splitlines()[-1]))
    for key in rounds["keras"][0]:
        keras, other = (statistics.median(result[key] for result in rounds[name]) for name in rounds)
        print(f"{key:20} TensorFlow {keras:8.3f}   ONNX Runtime {other:8.3f}   ratio {keras / other:6.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        main()
