"""scikit-learn estimators, pipelines, and compatible objects."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes.sklearn import outputs
from inference.runtimes.sklearn.checks import check_model
from inference.runtimes.sklearn.columns import InputColumn
from inference.runtimes.sklearn.features import describe_column, list_notices
from inference.runtimes.sklearn.files import describe_versions, make_version_error, read_model
from inference.runtimes.sklearn.frames import FrameBuilder
from inference.runtimes.sklearn.nameless import copy_without_names
from inference.runtimes.sklearn.samples import find_sample
from inference.runtimes.sklearn.steps import cast_floats, find_attribute, find_float_type
from inference.runtimes.sklearn.texts import takes_texts
from inference.runtimes.sklearn.tracer import trace_columns
from inference.tensors import TEXT_TYPES
from inference.types import AnyArray, ArtifactMetadata, Batch, BatchFunction, BatchOutput, Table, Tensor

logger = logging.getLogger(__name__)

PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib")
FLOAT64_ERROR = re.compile(r"\bdouble\b|float64", re.IGNORECASE)  # "expected … the same dtype, but got Double and Float"
FRAME_ERRORS = (AttributeError, IndexError, KeyError, TypeError)  # of code that takes a data frame and receives an array


class SklearnRuntime(BaseRuntime):
    """Load a `.skops` file as data, or a trusted pickle. Return the scores of `predict_proba` and the label of `predict`.

    A model that was fitted on a data frame receives a data frame with the same columns, or an array if it makes no
    difference. Others receive an array.
    """

    suffixes = (".skops", *PICKLE_SUFFIXES)
    data_suffixes = (".skops",)

    def load(self) -> BatchFunction:
        self.model, self.written_by = self._read_model()
        check_model(self.model, self.path.name)
        if self.written_by:
            logger.warning("%s.", describe_versions(self.path.name, self.written_by))
        self._limit_threads()
        self.takes_frame: bool | None = None  # of a model that does not define its columns; None before it has run
        self.float_type = find_float_type(self.model)
        self.columns, self.has_names = self._trace_columns()
        nameless = copy_without_names(self.model) if self.has_names else None
        self.builder = FrameBuilder(self.columns, has_names=self.has_names, nameless=nameless)
        self.predict = self.predict_array = outputs.make_model_function(self.model)
        if nameless:
            self.predict_array = outputs.make_model_function(nameless.model)
        return self._run_batch

    def describe(self) -> ArtifactMetadata:
        kind = outputs.get_output_kind(self.model)
        classes = outputs.get_classes(self.model) if kind in ("classes", "label") else None
        features = [describe_column(column, has_names=self.has_names) for column in self.columns]
        features, output = self._run_sample(features)
        if kind == "value" and output is not None and output.size > 1:
            kind = "raw"
        names = {"name": outputs.SCORES_NAME, "label_name": outputs.LABEL_NAME} if kind in ("classes", "labels") else {}
        count = outputs.get_indicator_count(self.model)
        widths = ((outputs.SCORES_NAME, "float64"), (outputs.LABEL_NAME, "int64")) if kind == "labels" else ()
        library = type(self.model).__module__.partition(".")[0]
        return ArtifactMetadata(
            inputs=self._list_inputs(),
            outputs=tuple(Tensor(name, dtype, (count,)) for name, dtype in widths),
            features=tuple(features),
            has_feature_names=self.has_names,
            labels=() if classes is None else tuple(str(name) for name in classes.tolist()),
            output={"kind": kind, **names},
            notices=tuple(self._list_notices()),
            framework=library,
            framework_version=str(getattr(sys.modules.get(library), "__version__", "")),
        )

    def _read_model(self) -> tuple[Any, str]:
        """Return the model in the file, and the version that wrote it if it differs from the installed one."""
        return read_model(self.path, trusted=self.trusted)

    def _trace_columns(self) -> tuple[list[InputColumn], bool]:
        """Return the columns of the model, and whether they have names. A text vectorizer or a foreign object has none."""
        names = find_attribute(self.model, "feature_names_in_")
        count = find_attribute(self.model, "n_features_in_") or (1 if hasattr(self.model, "X_thresholds_") else None)
        self.takes_texts = names is None and takes_texts(self.model)
        if (count is None and names is None) or self.takes_texts:
            return [], False
        shown = [f"x{index}" for index in range(int(count or 0))] if names is None else [str(name) for name in names]
        return trace_columns(self.model, shown), names is not None

    def _list_inputs(self) -> tuple[Tensor, ...]:
        if self.takes_texts:
            return (Tensor("text", "str", ()),)
        return (Tensor("X", "float64", (len(self.columns),)),) if self.columns and not self.has_names else ()

    def _list_notices(self) -> list[str]:
        notices = list_notices(self.columns)
        if self.written_by:
            notices.insert(0, f"{describe_versions(self.path.name, self.written_by)}. The results can differ.")
        return notices

    def _run_sample(self, features: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], AnyArray | None]:
        """Return the features with examples that the model accepts, and the output for them, or None if none was found."""
        if not features:
            return features, None
        sample = find_sample(features, self._run_batch)
        if sample.error is not None and self.written_by:
            raise make_version_error(self.path.name, self.written_by, sample.error)
        output = sample.output
        return sample.features, None if output is None or isinstance(output, Mapping) else np.asarray(output)

    def _limit_threads(self) -> None:
        if self.threads:
            import threadpoolctl

            threadpoolctl.threadpool_limits(self.threads)

    def _run_batch(self, batch: Batch) -> BatchOutput:
        """Run the model. If a network of PyTorch inside it, such as that of skorch, rejects float64, it receives float32."""
        try:
            return self._run_typed_batch(batch)
        except RuntimeError as error:
            if self.float_type is not None or not FLOAT64_ERROR.search(str(error)):
                raise
        self.float_type = np.dtype(np.float32)
        try:
            return self._run_typed_batch(batch)
        # The model's code can raise any exception.
        except Exception:
            self.float_type = None
            raise

    def _run_typed_batch(self, batch: Batch) -> BatchOutput:
        if isinstance(batch, np.ndarray):
            return self.predict_array(cast_floats(batch.reshape(len(batch), -1), self.float_type))
        if not isinstance(batch, Table):
            raise InvalidArtifact("A scikit-learn model takes an image or features, not both.")
        if not self.columns:
            return self._run_foreign_model(batch)
        if self.has_names or not all(column.hidden_by for column in self.columns):
            return self._run_columns(batch)
        return self._run_own_step(batch)

    def _run_columns(self, batch: Table) -> BatchOutput:
        built = [(rows, cast_floats(data, self.float_type)) for rows, data in self.builder.build(batch)]
        parts = [
            (rows, (self.predict_array if isinstance(data, np.ndarray) else self.predict)(data)) for rows, data in built
        ]
        return parts[0][1] if parts[0][0] is None else _join_parts(parts)

    def _run_foreign_model(self, batch: Table) -> BatchOutput:
        """Run a model that does not define its columns on texts, or on a data frame if it contains text.

        Numbers are an array, or a data frame if the model fails on the first array. The first batch is the same whenever the
        model is loaded.
        """
        texts = [feature for feature in batch.features if feature.type in TEXT_TYPES]
        if len(batch.features) == 1 and texts and (self.takes_texts or not hasattr(self.model, "n_features_in_")):
            return self.predict(batch.columns[batch.features[0].name])
        if texts or self.takes_frame is not None:
            return self.predict(self._build_foreign_input(batch, as_frame=bool(texts or self.takes_frame)))
        try:
            output = self.predict(self._build_foreign_input(batch, as_frame=False))
            self.takes_frame = False
        # The model's code can raise any exception.
        except Exception as error:
            output = self._retry_with_frame(batch, error)
        return output

    def _run_own_step(self, batch: Table) -> BatchOutput:
        """Run a model whose first step is the user's own and does not name its columns, as a foreign model."""
        if self.takes_frame:
            return self.predict(self._build_foreign_input(batch, as_frame=True))
        try:
            output = self._run_columns(batch)
        # The model's code can raise any exception.
        except Exception as error:
            if self.takes_frame is not None:
                raise
            return self._retry_with_frame(batch, error)
        self.takes_frame = False
        return output

    def _retry_with_frame(self, batch: Table, array_error: Exception) -> BatchOutput:
        try:
            output = self.predict(self._build_foreign_input(batch, as_frame=True))
        # The model's code can raise any exception.
        except Exception as error:
            raise error if isinstance(array_error, FRAME_ERRORS) else array_error from None
        self.takes_frame = True
        return output

    def _build_foreign_input(self, batch: Table, *, as_frame: bool) -> Any:
        """Return the input of a model that does not define its columns: a data frame, or an array."""
        columns = [
            InputColumn(index, feature.name, is_used=True, hidden_by="predict() takes it")
            for index, feature in enumerate(batch.features)
        ]
        return cast_floats(FrameBuilder(columns, has_names=as_frame).build(batch)[0][1], self.float_type)


def _join_parts(parts: list[tuple[Any, BatchOutput]]) -> BatchOutput:
    """Return the outputs of separate rows in the order of the batch."""
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    results: list[Any] = [output for _, output in parts]
    if isinstance(results[0], Mapping):
        return {name: np.concatenate([result[name] for result in results])[order] for name in results[0]}
    joined: AnyArray = np.concatenate([np.asarray(result) for result in results])[order]
    return joined
