"""Print the CPU time per input of the bare models as JSON, without any server: python -m benchmarks.bare_models

The models are the Keras network of examples/digits, traced by TensorFlow and converted to ONNX, and the scikit-learn
pipeline of examples/iris with data frames. Each runs in one thread.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.artifacts import load_pipeline
from benchmarks.payloads import ROOT, read_rows

BATCH_SIZES = (1, 32)
WARM_UP_CALLS = 50
CPU_SECONDS = 2.0


def main() -> None:
    results = {}
    for size in BATCH_SIZES:
        results[f"Keras network, TensorFlow, batch of {size}"] = time_call(build_network_call(size)) / size
        results[f"Keras network, ONNX Runtime, batch of {size}"] = time_call(build_converted_call(size)) / size
        results[f"scikit-learn pipeline, batch of {size}"] = time_call(build_pipeline_call(size)) / size
    print(json.dumps(results))


def build_network_call(size: int) -> Callable[[], object]:
    import keras
    import numpy as np
    import tensorflow as tf

    # One thread, as in each process of the servers. TensorFlow accepts this only before its first call.
    if tf.config.threading.get_intra_op_parallelism_threads() != 1:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    network = keras.models.load_model(ROOT / "examples" / "digits" / "digits.keras", compile=False)
    call = tf.function(lambda images: network(images, training=False), autograph=False).get_concrete_function(
        tf.TensorSpec((size, 28, 28, 1), tf.float32)
    )
    images = np.random.default_rng(1).random((size, 28, 28, 1), dtype=np.float32)
    return lambda: call(tf.constant(images)).numpy()


def build_converted_call(size: int) -> Callable[[], object]:
    import numpy as np

    from inference.runtimes import load_artifact
    from inference.runtimes.keras import KerasRuntime

    runtime = KerasRuntime(ROOT / "examples" / "digits" / "digits.keras", threads=1)
    runtime.load()
    conversion = runtime.convert()
    assert conversion
    with TemporaryDirectory() as folder:
        path = Path(folder, "converted.onnx")
        path.write_bytes(conversion.data)
        _, run = load_artifact("converted", path, threads=1)
    images = np.random.default_rng(1).random((size, 28, 28, 1), dtype=np.float32)
    return lambda: run(images)


def build_pipeline_call(size: int) -> Callable[[], object]:
    import pandas as pd

    pipeline, rows = load_pipeline(), read_rows()
    values = [list(rows[number % len(rows)].values()) for number in range(size)]
    columns = list(pipeline.feature_names_in_)
    return lambda: pipeline.predict_proba(pd.DataFrame(values, columns=columns))


def time_call(call: Callable[[], object]) -> float:
    """Return the CPU time of a call in ms."""
    for _ in range(WARM_UP_CALLS):
        call()
    started, count = process_time(), 0
    while process_time() - started < CPU_SECONDS:
        call()
        count += 1
    return (process_time() - started) * 1000 / count


if __name__ == "__main__":
    main()
