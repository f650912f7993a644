"""Save the example models in the formats of other programs: python -m benchmarks.artifacts FOLDER"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

from benchmarks.payloads import ROOT

PICKLE_NAME = "iris.pickle"
MLFLOW_NAME = "iris-mlflow"
ONNX_NAME = "digits.onnx"


def load_pipeline() -> Any:
    import skops.io

    path = ROOT / "examples" / "iris" / "iris.skops"
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def save_pickle(folder: Path) -> Path:
    path = folder / PICKLE_NAME
    path.write_bytes(pickle.dumps(load_pipeline()))
    return path


def save_mlflow(folder: Path) -> Path:
    """Save an MLflow model with a signature. Its predictions are the probabilities of the classes."""
    import mlflow.sklearn
    import pandas as pd

    pipeline, path = load_pipeline(), folder / MLFLOW_NAME
    row = pd.DataFrame([[5.1, 3.5, 1.4, 0.2]], columns=pipeline.feature_names_in_)
    signature = mlflow.models.infer_signature(row, pipeline.predict_proba(row))
    mlflow.sklearn.save_model(
        pipeline,
        path,
        signature=signature,
        pyfunc_predict_fn="predict_proba",
        serialization_format="pickle",
        pip_requirements=[],
    )
    return path


def save_onnx(folder: Path) -> Path:
    """Convert the network of examples/digits, as mlsite does when the network is registered."""
    from inference.runtimes.keras import KerasRuntime

    runtime, path = KerasRuntime(ROOT / "examples" / "digits" / "digits.keras", threads=1), folder / ONNX_NAME
    runtime.load()
    conversion = runtime.convert()
    assert conversion
    path.write_bytes(conversion.data)
    return path


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    save_onnx(folder)
    save_pickle(folder)
    save_mlflow(folder)
