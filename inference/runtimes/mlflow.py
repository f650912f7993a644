"""MLflow model folders, by the pyfunc flavour that every MLflow model has."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import column, to_tensors
from inference.types import AnyArray, ArtifactFacts, Batch, Output, Run, Table, Tensor

logger = logging.getLogger(__name__)

# MLflow's types of columns, https://mlflow.org/docs/latest/ml/model/signatures/, as ours and as NumPy's.
TYPES = {
    "boolean": ("boolean", "bool"),
    "integer": ("integer", "int32"),
    "long": ("integer", "int64"),
    "float": ("float", "float32"),
    "double": ("float", "float64"),
    "string": ("text", "object"),
}


class MlflowRuntime(BaseRuntime):
    """Load a folder with an `MLmodel` through `mlflow.pyfunc`. What it takes is read from its own signature.

    An MLflow model is a pickle or Python code: it runs code of its author.
    """

    marker = "MLmodel"
    executing = (marker,)

    def load(self) -> Run:
        try:
            import mlflow
            import mlflow.pyfunc
        except ImportError as error:
            raise InvalidArtifact("MLflow is not installed here: pip install -r requirements-mlflow.txt") from error
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
        if self.schema.is_tensor_spec():
            self.tensors = tuple(_tensor(one) for one in self.schema.inputs)
        return lambda batch: _to_output(self.model.predict(self._to_own(batch)))

    def describe(self) -> ArtifactFacts:
        version = str(self.model.metadata.mlflow_version or "")
        if self.schema.is_tensor_spec():
            return ArtifactFacts(self.tensors, output=self._output(), framework="mlflow", framework_version=version)
        features = tuple(_feature(one, number) for number, one in enumerate(self.schema.inputs))
        return ArtifactFacts(features=features, output=self._output(), framework="mlflow", framework_version=version)

    def _output(self) -> dict[str, Any]:
        """Return what kind of answer the output schema promises: one text is a label, one float a value."""
        schema = self.model.metadata.get_output_schema()
        if schema is None or schema.is_tensor_spec() or len(schema.inputs) != 1:
            return {}
        kind = {"string": "label", "boolean": "label", "float": "value", "double": "value"}.get(_type_of(schema.inputs[0]))
        return {"kind": kind} if kind else {}

    def _to_own(self, batch: Batch) -> Any:
        if self.schema.is_tensor_spec():
            arrays = to_tensors(batch, self.tensors)
            names = self.schema.input_names()
            return dict(zip(names, arrays, strict=True)) if self.schema.has_input_names() else arrays[0]
        if not isinstance(batch, Table):
            raise InvalidArtifact("Expected a table: the MLflow signature names columns.")
        return self._to_frame(batch)

    def _to_frame(self, table: Table) -> Any:
        import pandas as pd

        named = self.schema.has_input_names()
        columns: dict[Any, Any] = {}
        for number, (feature, spec) in enumerate(zip(table.features, self.schema.inputs, strict=True)):
            dtype = TYPES[_type_of(spec)][1]
            values = column(feature, table.columns[feature.name], texts=dtype == "object")
            whole = values.dtype.kind == "f" and np.isnan(values).any() and np.dtype(dtype).kind in "iub"
            columns[feature.name if named else number] = values if whole else values.astype(dtype)
        return pd.DataFrame(columns)


def _type_of(spec: Any) -> str:
    return str(getattr(spec.type, "name", spec.type))


def _feature(spec: Any, number: int) -> dict[str, Any]:
    kind = _type_of(spec)
    if kind not in TYPES:
        raise InvalidArtifact(f"Expected columns of {', '.join(TYPES)}. {spec.name} is of type {kind}.")
    optional = {} if getattr(spec, "required", True) else {"required": False}
    return {"name": spec.name or f"x{number}", "type": TYPES[kind][0], **optional}


def _tensor(spec: Any) -> Tensor:
    dtype = "str" if spec.type.kind in "OUS" else spec.type.name
    return Tensor(spec.name or "input", dtype, tuple(None if size < 0 else int(size) for size in spec.shape[1:]))


def _to_output(found: Any) -> Output:
    """Return what pyfunc may return (frame, series, array, list or a mapping of them) as arrays."""
    if isinstance(found, Mapping):
        return {str(name): np.asarray(part) for name, part in found.items()}
    if hasattr(found, "columns"):
        arrays: dict[str, AnyArray] = {str(name): found[name].to_numpy() for name in found.columns}
        return next(iter(arrays.values())) if len(arrays) == 1 else arrays
    return np.asarray(found)
