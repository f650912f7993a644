"""MLflow model folders, loaded through the pyfunc flavor that every MLflow model has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import encode_column, get_dtype_bounds, make_row_by_row, requires_single_rows, to_tensors
from inference.types import AnyArray, ArtifactMetadata, Batch, BatchFunction, BatchOutput, Table, Tensor

# Feature type and NumPy dtype by MLflow column type, https://mlflow.org/docs/latest/ml/model/signatures/
COLUMN_TYPES = {
    "boolean": ("boolean", "bool"),
    "integer": ("integer", "int32"),
    "long": ("integer", "int64"),
    "float": ("float", "float32"),
    "double": ("float", "float64"),
    "string": ("text", "str"),
}


class MlflowRuntime(BaseRuntime):
    """Load a folder with an `MLmodel` through `mlflow.pyfunc`. The inputs come from the MLflow signature.

    An MLflow model is a pickle or Python code, so loading it runs its author's code.
    """

    marker = "MLmodel"

    def load(self) -> BatchFunction:
        mlflow = _import_mlflow()
        try:
            self.model = mlflow.pyfunc.load_model(str(self.path))
        # The model's own code can raise any exception.
        except Exception as error:
            raise InvalidArtifact(
                f"MLflow {mlflow.__version__} cannot load {self.path.name}: {type(error).__name__}: {error}"
            ) from error
        self.schema = self.model.metadata.get_input_schema()
        if self.schema is None:
            raise InvalidArtifact(
                f"The MLflow model has no signature. Save {self.path.name} again with signature=infer_signature(...)."
            )
        if not self.schema.is_tensor_spec():
            self.features = tuple(_make_feature(spec, index) for index, spec in enumerate(self.schema.inputs))
            return self._run_batch
        self.tensors = tuple(_make_tensor(spec, index) for index, spec in enumerate(self.schema.inputs))
        specs = zip(self.tensors, self.schema.inputs, strict=True)
        single_rows = [requires_single_rows(tensor.name, spec.shape[0]) for tensor, spec in specs]
        return make_row_by_row(self._run_batch) if any(single_rows) else self._run_batch

    def describe(self) -> ArtifactMetadata:
        output_schema = self.model.metadata.get_output_schema()
        output_specs = () if output_schema is None else output_schema.inputs
        is_tensor = self.schema.is_tensor_spec()
        return ArtifactMetadata(
            inputs=self.tensors if is_tensor else (),
            outputs=tuple(_make_output(spec, index) for index, spec in enumerate(output_specs)),
            features=() if is_tensor else self.features,
            framework="mlflow",
            framework_version=str(self.model.metadata.mlflow_version or ""),
        )

    def _run_batch(self, batch: Batch) -> BatchOutput:
        return _to_arrays(self.model.predict(self._to_model_input(batch)))

    def _to_model_input(self, batch: Batch) -> Any:
        if not self.schema.is_tensor_spec():
            return self._to_frame(batch)
        arrays = to_tensors(batch, self.tensors)
        names = self.schema.input_names()
        return dict(zip(names, arrays, strict=True)) if self.schema.has_input_names() else arrays[0]

    def _to_frame(self, batch: Batch) -> Any:
        import pandas as pd

        if not isinstance(batch, Table):
            raise InvalidArtifact("Expected rows of features, because the MLflow signature of the model has columns.")
        has_names = self.schema.has_input_names()
        columns: dict[Any, Any] = {}
        for index, (feature, spec) in enumerate(zip(batch.features, self.schema.inputs, strict=True)):
            dtype = COLUMN_TYPES[_get_type_name(spec)][1]
            values = encode_column(feature, batch.columns[feature.name], as_text=dtype == "str")
            columns[feature.name if has_names else index] = values.astype(object if dtype == "str" else dtype)
        return pd.DataFrame(columns)


def _import_mlflow() -> Any:
    # Do not report the usage of the server to a third party.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
        import mlflow.pyfunc
    except ImportError as error:
        raise InvalidArtifact("MLflow is not installed. Run: make install-mlflow") from error
    return mlflow


def _get_type_name(spec: Any) -> str:
    return str(getattr(spec.type, "name", spec.type))


def _make_feature(spec: Any, index: int) -> dict[str, Any]:
    type_name = _get_type_name(spec)
    if type_name not in COLUMN_TYPES:
        raise InvalidArtifact(
            f"Columns must have one of the types {', '.join(COLUMN_TYPES)}. {spec.name} has the type {type_name}."
        )
    feature_type, dtype = COLUMN_TYPES[type_name]
    optional = {} if getattr(spec, "required", True) else {"required": False}
    return {"name": spec.name or f"x{index}", "type": feature_type, **get_dtype_bounds(dtype), **optional}


def _make_output(spec: Any, index: int) -> Tensor:
    if hasattr(spec, "shape"):
        return _make_tensor(spec, index)
    return Tensor(str(spec.name or index), COLUMN_TYPES.get(_get_type_name(spec), ("", "object"))[1], ())


def _make_tensor(spec: Any, index: int) -> Tensor:
    dtype = "str" if spec.type.kind in "OUS" else spec.type.name
    return Tensor(str(spec.name or index), dtype, tuple(None if size < 0 else int(size) for size in spec.shape[1:]))


def _to_arrays(result: Any) -> BatchOutput:
    """Return the result of pyfunc (data frame, series, array, list, or a mapping of them) as arrays."""
    if isinstance(result, Mapping):
        return {str(name): np.asarray(part) for name, part in result.items()}
    if hasattr(result, "columns"):
        arrays: dict[str, AnyArray] = {str(name): result[name].to_numpy() for name in result.columns}
        return next(iter(arrays.values())) if len(arrays) == 1 else arrays
    return np.asarray(result)
