"""MLflow model folders, by the pyfunc flavour that every MLflow model has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import bounds_of, column, one_by_one, takes_one, to_tensors
from inference.types import AnyArray, ArtifactFacts, Batch, Output, Run, Table, Tensor

# MLflow's types of columns, https://mlflow.org/docs/latest/ml/model/signatures/, as ours and as NumPy's.
TYPES = {
    "boolean": ("boolean", "bool"),
    "integer": ("integer", "int32"),
    "long": ("integer", "int64"),
    "float": ("float", "float32"),
    "double": ("float", "float64"),
    "string": ("text", "str"),
}


class MlflowRuntime(BaseRuntime):
    """Load a folder with an `MLmodel` through `mlflow.pyfunc`. What it takes is read from its own signature.

    An MLflow model is a pickle or Python code: it runs code of its author.
    """

    marker = "MLmodel"

    def load(self) -> Run:
        mlflow = _import_mlflow()
        try:
            self.model = mlflow.pyfunc.load_model(str(self.path))
        # The model's own code may raise anything.
        except Exception as error:
            raise InvalidArtifact(
                f"MLflow {mlflow.__version__} cannot load {self.path.name}: {type(error).__name__}: {error}"
            ) from error
        self.schema = self.model.metadata.get_input_schema()
        if self.schema is None:
            raise InvalidArtifact(
                f"Expected an MLflow model with a signature. "
                f"Save {self.path.name} again with signature=infer_signature(...)."
            )
        if not self.schema.is_tensor_spec():
            self.features = tuple(_feature(one, number) for number, one in enumerate(self.schema.inputs))
            return self._run
        self.tensors = tuple(_tensor(one, number) for number, one in enumerate(self.schema.inputs))
        alone = [takes_one(tensor.name, one.shape[0]) for tensor, one in zip(self.tensors, self.schema.inputs, strict=True)]
        return one_by_one(self._run) if any(alone) else self._run

    def describe(self) -> ArtifactFacts:
        given = self.model.metadata.get_output_schema()
        is_tensor = self.schema.is_tensor_spec()
        return ArtifactFacts(
            inputs=self.tensors if is_tensor else (),
            outputs=() if given is None else tuple(_output(one, number) for number, one in enumerate(given.inputs)),
            features=() if is_tensor else self.features,
            framework="mlflow",
            framework_version=str(self.model.metadata.mlflow_version or ""),
        )

    def _run(self, batch: Batch) -> Output:
        return _to_output(self.model.predict(self._to_own(batch)))

    def _to_own(self, batch: Batch) -> Any:
        if not self.schema.is_tensor_spec():
            return self._to_frame(batch)
        arrays = to_tensors(batch, self.tensors)
        names = self.schema.input_names()
        return dict(zip(names, arrays, strict=True)) if self.schema.has_input_names() else arrays[0]

    def _to_frame(self, batch: Batch) -> Any:
        import pandas as pd

        if not isinstance(batch, Table):
            raise InvalidArtifact("Expected a table: the MLflow signature names columns.")
        named = self.schema.has_input_names()
        columns: dict[Any, Any] = {}
        for number, (feature, spec) in enumerate(zip(batch.features, self.schema.inputs, strict=True)):
            dtype = TYPES[_type_of(spec)][1]
            values = column(feature, batch.columns[feature.name], texts=dtype == "str")
            columns[feature.name if named else number] = values.astype(object if dtype == "str" else dtype)
        return pd.DataFrame(columns)


def _import_mlflow() -> Any:
    # A server does not tell a third party what it serves.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
        import mlflow.pyfunc
    except ImportError as error:
        raise InvalidArtifact("MLflow is not installed here: pip install -r requirements-mlflow.txt") from error
    return mlflow


def _type_of(spec: Any) -> str:
    return str(getattr(spec.type, "name", spec.type))


def _feature(spec: Any, number: int) -> dict[str, Any]:
    kind = _type_of(spec)
    if kind not in TYPES:
        raise InvalidArtifact(f"Expected columns of {', '.join(TYPES)}. {spec.name} is of type {kind}.")
    ours, dtype = TYPES[kind]
    optional = {} if getattr(spec, "required", True) else {"required": False}
    return {"name": spec.name or f"x{number}", "type": ours, **bounds_of(dtype), **optional}


def _output(spec: Any, number: int) -> Tensor:
    if hasattr(spec, "shape"):
        return _tensor(spec, number)
    return Tensor(str(spec.name or number), TYPES.get(_type_of(spec), ("", "object"))[1], ())


def _tensor(spec: Any, number: int) -> Tensor:
    dtype = "str" if spec.type.kind in "OUS" else spec.type.name
    return Tensor(str(spec.name or number), dtype, tuple(None if size < 0 else int(size) for size in spec.shape[1:]))


def _to_output(found: Any) -> Output:
    """Return what pyfunc may return (frame, series, array, list or a mapping of them) as arrays."""
    if isinstance(found, Mapping):
        return {str(name): np.asarray(part) for name, part in found.items()}
    if hasattr(found, "columns"):
        arrays: dict[str, AnyArray] = {str(name): found[name].to_numpy() for name in found.columns}
        return next(iter(arrays.values())) if len(arrays) == 1 else arrays
    return np.asarray(found)
