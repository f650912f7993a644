"""A process that serves one kind of model never pays for the libraries of the others."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import need

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).parents[2]
HEAVY = ("tensorflow", "keras", "onnxruntime", "onnx", "sklearn", "skops", "scipy", "pandas", "mlflow", "django")
SERVE = f"""
import json, sys
from pathlib import Path
from inference.tests.factories import serve_artifact
with serve_artifact(Path(sys.argv[1]), trusted=True, **json.loads(sys.argv[2])):
    print(*[name for name in {HEAVY} if name in sys.modules], sep=" ")
"""


def write_dummy(folder):
    path = folder / "m.dummy.json"
    path.write_text('{"classes": 2}')
    return path


def write_onnx(folder):
    from inference.tests.factories import make_doubling_model, write_onnx

    return write(make_doubling_model("n"), folder / "m.onnx")


def write_skops(folder):
    import skops.io
    from sklearn.linear_model import LogisticRegression

    skops.io.dump(LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0]], [0, 1]), folder / "m.skops")
    return folder / "m.skops"


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
    need("mlflow", importlib.util.find_spec("mlflow"))
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


def kind(write, needed="", brought="", *, group, quiet=""):
    """Return a case: who writes the artifact, which heavy libraries serve it, and which of the others those import."""
    marks = [pytest.mark.xdist_group(group), *([pytest.mark.filterwarnings(quiet)] if quiet else [])]
    return pytest.param(
        write, set(needed.split()), set(brought.split()), marks=marks, id=write.__name__.removeprefix("write_")
    )


QUIET = "ignore:.*(Any type hint is inferred|An input example was not)"  # MLflow, as it is imported and as it saves


@pytest.mark.parametrize(
    ("write", "needed", "brought"),
    [
        kind(write_dummy, group="onnx"),
        kind(write_onnx, "onnxruntime", group="onnx"),
        kind(write_skops, "sklearn skops", "scipy pandas", group="sklearn"),
        kind(write_keras, "tensorflow keras", "sklearn scipy pandas", group="tensorflow"),
        kind(write_savedmodel, "tensorflow", "keras sklearn scipy pandas", group="tensorflow"),
        kind(write_mlflow, "mlflow pandas", "scipy", group="mlflow", quiet=QUIET),
    ],
)
def test_serving_one_kind_of_model_loads_no_library_of_another(tmp_path, write, needed, brought):
    path = write(tmp_path)
    told = {"output": {"kind": "raw"}}
    if path.suffix == ".json":
        told["taken"] = {"kind": "image", "height": 8, "width": 8}
    command = [sys.executable, "-c", SERVE, str(path), json.dumps(told)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    assert needed <= loaded <= needed | brought
