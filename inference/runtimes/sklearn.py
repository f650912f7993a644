"""scikit-learn estimators, pipelines, and compatible objects, from skops files and pickles."""

from __future__ import annotations

import logging
import sys
import warnings
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np

from inference.archives import check_compression
from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes.sklearn_texts import takes_texts
from inference.tensors import TEXT_TYPES, encode_column
from inference.types import AnyArray, ArtifactMetadata, Batch, BatchFunction, BatchOutput, Table, Tensor

logger = logging.getLogger(__name__)

# Types of scikit-learn and NumPy that skops does not trust by default. They contain only numbers and no functions.
TRUSTED_TYPES = {
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.metrics._dist_metrics.MinkowskiDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    *(
        f"sklearn.gaussian_process.kernels.{name}"
        for name in ("ConstantKernel", "DotProduct", "Matern", "Product", "RBF", "RationalQuadratic", "Sum", "WhiteKernel")
    ),
}
PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib")


class SklearnRuntime(BaseRuntime):
    """Load a `.skops` file as data, or a trusted pickle. Call `predict_proba` if the model has it, otherwise `predict`.

    A model that was fitted on a data frame receives a data frame with the same column names. Others receive an array.
    """

    suffixes = (".skops", *PICKLE_SUFFIXES)
    data_suffixes = (".skops",)

    def load(self) -> BatchFunction:
        with warnings.catch_warnings(record=True) as load_warnings:
            warnings.simplefilter("always")
            self.model = self._read_model()
        for warning in load_warnings:  # mainly that another version of scikit-learn wrote the file
            logger.warning("%s: %s", self.path.name, warning.message)
        if not callable(getattr(self.model, "predict", None)):
            raise InvalidArtifact(
                f"Expected a fitted model with predict(). {self.path.name} contains a {type(self.model).__name__}"
            )
        self._limit_threads()
        names = getattr(self.model, "feature_names_in_", None)
        self.names = None if names is None else [str(name) for name in names]
        self.takes_texts = self.names is None and takes_texts(self.model)
        self.has_scores = hasattr(self.model, "predict_proba") and self._get_classes() is not None
        predict = self.model.predict_proba if self.has_scores else self.model.predict

        def run(batch: Batch) -> BatchOutput:
            return np.asarray(predict(self._to_model_input(batch)))

        return run

    def describe(self) -> ArtifactMetadata:
        classes = self._get_classes()
        categories = get_categories(self.model) if self.names else {}
        library = type(self.model).__module__.partition(".")[0]
        return ArtifactMetadata(
            inputs=self._list_inputs(),
            features=tuple({"name": name, **categories.get(name, {})} for name in self.names or ()),
            labels=() if classes is None else tuple(str(name) for name in classes.tolist()),
            output={"kind": self._get_output_kind()},
            framework=library,
            framework_version=str(getattr(sys.modules.get(library), "__version__", "")),
        )

    def _list_inputs(self) -> tuple[Tensor, ...]:
        if self.takes_texts:
            return (Tensor("text", "str", ()),)
        count = getattr(self.model, "n_features_in_", None)
        return () if count is None or self.names else (Tensor("X", "float64", (int(count),)),)

    def _read_model(self) -> Any:
        if self.path.suffix.lower() == ".skops":
            return self._read_skops()
        if not self.trusted:
            raise InvalidArtifact(f"{self.path.name} is a pickle, which can run its author's code when it is loaded.")
        import joblib

        try:
            return joblib.load(self.path)  # trusted files only; also reads plain pickles
        # The author's code in a pickle can raise any exception.
        except Exception as error:
            raise InvalidArtifact(f"{self.path.name} cannot be loaded: {type(error).__name__}: {error}") from error

    def _read_skops(self) -> Any:
        import skops.io

        data = self.path.read_bytes()
        try:
            unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - TRUSTED_TYPES)
            if unknown and not self.trusted:
                raise InvalidArtifact(
                    f"{self.path.name} contains types that must be imported to load it: {', '.join(unknown)[:500]}. "
                    "If you trust them, register it with --trusted."
                )
            with zipfile.ZipFile(BytesIO(data)) as archive:
                check_compression(archive, name=self.path.name, size=len(data))
            model = skops.io.loads(data, trusted=[*TRUSTED_TYPES, *unknown])
            if not self.trusted:
                _check_no_file_inputs(model, self.path.name)
            return model
        except InvalidArtifact:
            raise
        # skops passes on any exception of the constructors that it calls.
        except Exception as error:
            raise InvalidArtifact(f"skops cannot load {self.path.name}: {type(error).__name__}: {error}") from error

    def _limit_threads(self) -> None:
        if self.threads:
            import threadpoolctl

            threadpoolctl.threadpool_limits(self.threads)

    def _get_classes(self) -> AnyArray | None:
        """Return the classes of a classifier with a single output, or None."""
        classes = getattr(self.model, "classes_", None)
        return classes if isinstance(classes, np.ndarray) and classes.ndim == 1 else None

    def _get_output_kind(self) -> str:
        if self._get_classes() is not None:
            return "classes" if self.has_scores else "label"
        import sklearn.base

        try:
            return "value" if sklearn.base.is_regressor(self.model) else "raw"
        except AttributeError:  # not an estimator, but has the same methods
            return "raw"

    def _to_model_input(self, batch: Batch) -> Any:
        if isinstance(batch, np.ndarray):
            return batch.reshape(len(batch), -1)
        if not isinstance(batch, Table):
            raise InvalidArtifact("A scikit-learn model takes an image or features, not both.")
        texts = [feature for feature in batch.features if feature.type in TEXT_TYPES]
        if len(batch.features) == 1 and texts and (self.takes_texts or not hasattr(self.model, "n_features_in_")):
            return batch.columns[batch.features[0].name]  # a vectorizer takes a sequence of strings
        if self.names or texts:
            return _to_frame(batch)
        return np.column_stack(
            [encode_column(feature, batch.columns[feature.name], as_text=False) for feature in batch.features]
        )


def get_categories(model: Any) -> dict[str, dict[str, Any]]:
    """Return the categories of text columns by name, in the order of the fitted encoders."""
    categories: dict[str, dict[str, Any]] = {}
    for step, columns in _list_first_steps(model, list(getattr(model, "feature_names_in_", ()))):
        for name, values in zip(columns, getattr(step, "categories_", None) or (), strict=False):
            texts = [value for value in values.tolist() if isinstance(value, str)]
            if texts and isinstance(name, str):
                missing = {} if len(texts) == len(values) else {"required": False}
                categories[name] = {"type": "category", "values": texts, **missing}
    return categories


def _list_first_steps(model: Any, columns: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Yield the first transformer of each column, with the names of its columns."""
    if hasattr(model, "transformers_"):
        for _, part, names in model.transformers_:
            if not isinstance(part, str):
                yield from _list_first_steps(part, list(names) if isinstance(names, list | np.ndarray) else [])
    elif getattr(model, "steps", None):
        for _, part in model.steps:
            yield from _list_first_steps(part, columns)
            if not hasattr(part, "statistics_"):  # an imputer keeps the columns
                return
    else:
        yield model, columns


def _check_no_file_inputs(model: Any, name: str) -> None:
    """Reject vectorizers anywhere in a model that interpret their input as file names."""
    seen: set[int] = set()
    pending = [model]
    while pending:
        part = pending.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | np.ndarray):
            continue
        seen.add(id(part))
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple | set) else ()
        attributes = getattr(part, "__dict__", {})
        if (
            type(part).__module__.startswith("sklearn.feature_extraction")
            and attributes.get("input", "content") != "content"
        ):
            raise InvalidArtifact(
                f"{name} interprets its input as file names (input={attributes['input']!r}) and would read these files. "
                "If you trust it, register it with --trusted."
            )
        pending.extend([*inner, *attributes.values()])


def _to_frame(table: Table) -> Any:
    """Return a data frame. The order of categories is that of the signature, not that of the rows."""
    import pandas as pd

    columns: dict[str, Any] = dict(table.columns)
    for feature in table.features:
        if feature.type == "category":
            columns[feature.name] = pd.Categorical(columns[feature.name], categories=list(feature.values))
    return pd.DataFrame(columns, columns=list(table.columns))
