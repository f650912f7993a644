"""MLflow model folders, loaded through the pyfunc flavor that every MLflow model has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes.mlflow_checks import check_text_columns
from inference.runtimes.mlflow_columns import COLUMN_TYPES, get_type_name, make_feature, run_frames
from inference.runtimes.mlflow_native import SCORE_FUNCTIONS, NativeModel, explain_load_error
from inference.tensors import RowByRow, get_width, requires_single_rows, to_tensors
from inference.types import AnyArray, ArtifactMetadata, Batch, BatchFunction, BatchOutput, Table, Tensor

LOWEST_LOGARITHM = np.finfo(np.float32).min  # instead of minus infinity, the logarithm of 0


class MlflowRuntime(BaseRuntime):
    """Load a folder with an `MLmodel` through `mlflow.pyfunc`. The inputs come from the MLflow signature.

    The label is that of `pyfunc.predict()`. If it is the `predict()` of a classifier that also has `predict_proba()`, the
    scores come from there.

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
                f"MLflow {mlflow.__version__} cannot load {self.path.name}: {explain_load_error(self.path, error)}"
            ) from error
        self.schema = self.model.metadata.get_input_schema()
        if self.schema is None:
            raise InvalidArtifact(
                f"The MLflow model {self.path.name} has no signature, which defines its inputs. Save it again with "
                "signature=mlflow.models.infer_signature(X, model.predict(X)), where X contains rows of the training data."
            )
        self.native = NativeModel(self.model)
        if not self.schema.is_tensor_spec():
            features = [make_feature(spec, index) for index, spec in enumerate(self.schema.inputs)]
            self.features = tuple(self.native.add_categories(features))
            check_text_columns(self.model, self.native, self.schema)
            return self._run_table
        self.tensors = tuple(_make_tensor(spec, index) for index, spec in enumerate(self.schema.inputs))
        specs = zip(self.tensors, self.schema.inputs, strict=True)
        single_rows = [requires_single_rows(tensor.name, spec.shape[0]) for tensor, spec in specs]
        return RowByRow(self._run_tensors) if any(single_rows) else self._run_tensors

    def describe(self) -> ArtifactMetadata:
        is_tensor = self.schema.is_tensor_spec()
        output_schema = self.model.metadata.get_output_schema()
        specs = () if output_schema is None else output_schema.inputs
        outputs = tuple(_make_output(spec, index) for index, spec in enumerate(specs))
        output, outputs, notices = self._describe_output(outputs)
        return ArtifactMetadata(
            inputs=self.tensors if is_tensor else (),
            outputs=outputs,
            features=() if is_tensor else self.features,
            has_feature_names=is_tensor or bool(self.schema.has_input_names()),
            labels=self.native.classes,
            output=output,
            notices=(*notices, *self._describe_params()),
            framework="mlflow",
            framework_version=str(self.model.metadata.mlflow_version or ""),
        )

    def _describe_output(self, outputs: tuple[Tensor, ...]) -> tuple[dict[str, Any], tuple[Tensor, ...], list[str]]:
        """Return the output with the keys of `model.toml`, the outputs of `_predict`, and notices."""
        native = self.native
        if native.label_count:
            return *_describe_labels(native, outputs), []
        if not native.classes:
            is_value = native.is_regressor and (not outputs or (len(outputs) == 1 and get_width(outputs[0]) == 1))
            kind = {"kind": "value" if is_value else "raw"} if native.is_regressor or native.is_unsupervised else {}
            return kind, outputs, []
        notices = [f"classes: {', '.join(native.classes)[:200]}, from the {native.name} inside the MLflow model."]
        if native.predict_function in SCORE_FUNCTIONS:
            # The signature often describes the labels of predict() instead, or names one column per class.
            activation = {"activation": "softmax"} if native.predict_function == "predict_log_proba" else {}
            return {"kind": "classes", **activation}, (Tensor("scores", "float64", (len(native.classes),)),), notices
        if not native.adds_scores:
            return {"kind": "label"}, outputs, notices
        notices.append(f"scores: from predict_proba() of the {native.name}. The label is that of predict().")
        tensors = (Tensor("scores", "float64", (len(native.classes),)), Tensor("label", "object", ()))
        return {"kind": "classes", "name": "scores", "label_name": "label"}, tensors, notices

    def _describe_params(self) -> list[str]:
        schema = self.model.metadata.get_params_schema()
        defaults = [] if schema is None else [f"{param.name} = {param.default!r:.60}" for param in schema.params]
        return [f"params: the defaults of the MLflow signature, {', '.join(defaults)}."] if defaults else []

    def _run_table(self, batch: Batch) -> BatchOutput:
        if not isinstance(batch, Table):
            raise InvalidArtifact("Expected rows of features, because the MLflow signature of the model has columns.")
        return run_frames(batch, self.schema.inputs, self._predict)

    def _run_tensors(self, batch: Batch) -> BatchOutput:
        # MLflow takes strings of a fixed width only.
        arrays = [array.astype(str) if array.dtype == object else array for array in to_tensors(batch, self.tensors)]
        names = self.schema.input_names()
        return self._predict(dict(zip(names, arrays, strict=True)) if self.schema.has_input_names() else arrays[0])

    def _predict(self, data: Any) -> BatchOutput:
        predicted = _to_arrays(self.model.predict(data))
        if self.native.predict_function == "predict_log_proba" and not isinstance(predicted, Mapping):
            return np.maximum(predicted, LOWEST_LOGARITHM)
        if not self.native.adds_scores or isinstance(predicted, Mapping):
            return predicted
        scores = self.native.compute_scores(data)
        shape = scores.shape if self.native.label_count else (len(predicted),)
        return {"scores": scores, "label": predicted.reshape(shape)}


def _import_mlflow() -> Any:
    # Do not report the usage of the server to a third party.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
        import mlflow.pyfunc
    except ImportError as error:
        raise InvalidArtifact("MLflow is not installed. Run: make install-mlflow") from error
    return mlflow


def _make_output(spec: Any, index: int) -> Tensor:
    if hasattr(spec, "shape"):
        return _make_tensor(spec, index)
    return Tensor(str(spec.name or index), COLUMN_TYPES.get(get_type_name(spec), ("", "object"))[1], ())


def _make_tensor(spec: Any, index: int) -> Tensor:
    dtype = "str" if spec.type.kind in "OUS" else spec.type.name
    return Tensor(str(spec.name or index), dtype, tuple(None if size < 0 else int(size) for size in spec.shape[1:]))


def _describe_labels(native: NativeModel, outputs: tuple[Tensor, ...]) -> tuple[dict[str, Any], tuple[Tensor, ...]]:
    """Return the output of a multi-label model, as that of the scikit-learn runtime."""
    if not native.adds_scores:
        return {"kind": "raw"}, outputs
    shape = (native.label_count,)
    tensors = (Tensor("scores", "float64", shape), Tensor("label", "int64", shape))
    return {"kind": "labels", "name": "scores", "label_name": "label"}, tensors


def _to_arrays(result: Any) -> BatchOutput:
    """Return the result of pyfunc (data frame, series, array, list, or a mapping of them) as arrays.

    Python functions for one row often return a single value, which becomes one row.
    """
    if isinstance(result, Mapping):
        return {str(name): _format_dates(np.atleast_1d(np.asarray(part))) for name, part in result.items()}
    if hasattr(result, "columns"):
        arrays: dict[str, AnyArray] = {str(name): _format_dates(result[name].to_numpy()) for name in result.columns}
        return next(iter(arrays.values())) if len(arrays) == 1 else arrays
    return _format_dates(np.atleast_1d(np.asarray(result)))


def _format_dates(array: AnyArray) -> AnyArray:
    """Return dates and times as ISO 8601 text, such as the column `ds` of Prophet; other arrays unchanged."""
    if array.dtype.kind not in "MO":
        return array
    items = (array.astype("datetime64[us]") if array.dtype.kind == "M" else array).ravel().tolist()
    if not any(hasattr(item, "isoformat") for item in items):
        return array
    formatted: AnyArray = np.empty(len(items), np.object_)
    formatted[:] = [item.isoformat() if hasattr(item, "isoformat") else item for item in items]
    return formatted.reshape(array.shape)
