import importlib.util

import pytest

from core.tests.requirements import require
from inference.tests.factories import write_dummy_spec


@pytest.fixture
def make_spec(tmp_path):
    """Return a function that writes a dummy artifact and returns its spec."""

    def make(**options):
        return write_dummy_spec(tmp_path, **options)

    return make


@pytest.fixture
def mlflow(monkeypatch):
    require("mlflow", importlib.util.find_spec("mlflow"))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    import mlflow.pyfunc
    import mlflow.sklearn

    return mlflow


@pytest.fixture
def save_mlflow(mlflow, tmp_path):
    """Return a function that saves a scikit-learn model with the signature of its inputs and outputs."""

    def save_model(model, frame, outputs, **options):
        signature = mlflow.models.infer_signature(frame, outputs)
        mlflow.sklearn.save_model(model, tmp_path / "model", signature=signature, pip_requirements=[], **options)
        return tmp_path / "model"

    return save_model


@pytest.fixture
def save_mlflow_python(mlflow, tmp_path):
    """Return a function that saves a Python function as a model."""

    import pandas as pd

    def save_function(function, inputs, outputs):
        class Model(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input: pd.DataFrame, params=None):
                return function(model_input)

        schemas = [columns and mlflow.types.Schema(columns) for columns in (inputs, outputs)]
        signature = mlflow.models.ModelSignature(*schemas) if any(schemas) else None
        mlflow.pyfunc.save_model(tmp_path / "model", python_model=Model(), signature=signature, pip_requirements=[])
        return tmp_path / "model"

    return save_function
