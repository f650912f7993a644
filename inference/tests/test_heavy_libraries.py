"""A process that serves one artifact format does not import the libraries of other formats."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.tests.requirements import require
from inference.tests.factories import make_doubling_model, write_onnx

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).parents[2]
HEAVY = ("tensorflow", "keras", "onnxruntime", "onnx", "sklearn", "skops", "scipy", "pandas", "mlflow", "django")
BOOSTING = ("xgboost", "lightgbm", "catboost")
SERVE_SCRIPT = f"""
import json, sys
from pathlib import Path
from inference.tests.factories import serve_artifact
with serve_artifact(Path(sys.argv[1]), trusted=True, **json.loads(sys.argv[2])):
    print(*[name for name in {HEAVY + BOOSTING} if name in sys.modules], sep=" ")
"""


def write_dummy(folder):
    path = folder / "m.dummy.json"
    path.write_text('{"classes": 2}')
    return path


def write_onnx_model(folder):
    return write_onnx(make_doubling_model("n"), folder / "m.onnx")


def write_skops(folder):
    import skops.io
    from sklearn.linear_model import LogisticRegression

    skops.io.dump(LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0]], [0, 1]), folder / "m.skops")
    return folder / "m.skops"


def write_xgboost(folder):
    import numpy as np
    import xgboost

    rows = np.array([[0.0, 0.0], [1.0, 1.0]])
    xgboost.train({}, xgboost.DMatrix(rows, [0, 1]), 2).save_model(folder / "m.ubj")
    return folder / "m.ubj"


def make_keras():
    import keras

    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])


def write_keras(folder):
    make_keras().save(folder / "m.keras")
    return folder / "m.keras"


def write_savedmodel(folder):
    make_keras().export(folder / "m", verbose=False)
    return folder / "m"


def write_mlflow(folder):
    require("mlflow", importlib.util.find_spec("mlflow"))
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow.pyfunc
    import pandas as pd

    class Model(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input: pd.DataFrame, params=None):
            return model_input["a"] * 2

    column = mlflow.types.ColSpec
    signature = mlflow.models.ModelSignature(*(mlflow.types.Schema([column("double", name)]) for name in "ay"))
    mlflow.pyfunc.save_model(folder / "m", python_model=Model(), signature=signature, pip_requirements=[])
    return folder / "m"


def make_case(write, required="", optional="", *, group, ignore=""):
    """Return a test case: the function that writes the artifact, and the libraries that must or can be imported."""
    marks = [pytest.mark.xdist_group(group), *([pytest.mark.filterwarnings(ignore)] if ignore else [])]
    return pytest.param(
        write, set(required.split()), set(optional.split()), marks=marks, id=write.__name__.removeprefix("write_")
    )


MLFLOW_WARNINGS = "ignore:.*(Any type hint is inferred|An input example was not)"  # on import and on save


@pytest.mark.parametrize(
    ("write", "required", "optional"),
    [
        make_case(write_dummy, group="onnx"),
        make_case(write_onnx_model, "onnxruntime", "onnx", group="onnx"),
        make_case(write_skops, "sklearn skops", "scipy pandas", group="sklearn"),
        make_case(write_keras, "tensorflow keras", "sklearn scipy pandas", group="tensorflow"),
        make_case(write_savedmodel, "tensorflow", "keras sklearn scipy pandas", group="tensorflow"),
        make_case(write_xgboost, "xgboost", "sklearn scipy pandas", group="boosting"),
        make_case(write_mlflow, "mlflow pandas", "scipy", group="mlflow", ignore=MLFLOW_WARNINGS),
    ],
)
@pytest.mark.slow
def test_serving_one_format_imports_no_library_of_another(tmp_path, write, required, optional):
    path = write(tmp_path)
    options = {"output": {"kind": "raw"}}
    if path.suffix == ".json":
        options["input"] = {"kind": "image", "height": 8, "width": 8, "scale": "unit"}
    command = [sys.executable, "-c", SERVE_SCRIPT, str(path), json.dumps(options)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    loaded = set(process.stdout.splitlines()[-1].split())
    assert required <= loaded <= required | optional
