"""scikit-learn estimators and pipelines, and what behaves like them, from skops files and pickles."""

from __future__ import annotations

import logging
import sys
import warnings
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import column
from inference.types import AnyArray, ArtifactFacts, Batch, Output, Run, Table, Tensor

logger = logging.getLogger(__name__)

# Types of scikit-learn and NumPy that skops leaves for the reader to trust. They hold numbers and name no function.
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
MIN_UNPACKED = 64 * 2**20  # bytes
MAX_RATIO = 20  # unpacked to packed; forests of few numbers compress some ten times
PICKLES = (".pkl", ".pickle", ".joblib")


class SklearnRuntime(BaseRuntime):
    """Load a `.skops` file as data, or a pickle when it is trusted, and ask `predict_proba`, or `predict` without it.

    A model that was fitted on a data frame gets one, with its own column names; any other gets an array.
    """

    suffixes = (".skops", *PICKLES)
    data = (".skops",)

    def load(self) -> Run:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            self.model = self._read()
        for warning in told:  # above all, that another version of scikit-learn wrote the file
            logger.warning("%s: %s", self.path.name, warning.message)
        if not callable(getattr(self.model, "predict", None)):
            raise InvalidArtifact(
                f"Expected a fitted model with predict(). {self.path.name} holds a {type(self.model).__name__}"
            )
        self._limit_threads()
        names = getattr(self.model, "feature_names_in_", None)
        self.names = None if names is None else [str(name) for name in names]
        self.has_scores = hasattr(self.model, "predict_proba") and self._classes() is not None
        ask = self.model.predict_proba if self.has_scores else self.model.predict

        def run(batch: Batch) -> Output:
            return np.asarray(ask(self._to_own(batch)))

        return run

    def describe(self) -> ArtifactFacts:
        count = getattr(self.model, "n_features_in_", None)
        classes = self._classes()
        known = categories_of(self.model) if self.names else {}
        library = type(self.model).__module__.partition(".")[0]
        return ArtifactFacts(
            inputs=() if count is None or self.names else (Tensor("X", "float64", (int(count),)),),
            features=tuple({"name": name, **known.get(name, {})} for name in self.names or ()),
            labels=() if classes is None else tuple(str(name) for name in classes.tolist()),
            output={"kind": self._kind()},
            framework=library,
            framework_version=str(getattr(sys.modules.get(library), "__version__", "")),
        )

    def _read(self) -> Any:
        if self.path.suffix.lower() == ".skops":
            return self._read_skops()
        if not self.trusted:
            raise InvalidArtifact(f"{self.path.name} is a pickle, which runs its author's code when loaded.")
        import joblib

        try:
            return joblib.load(self.path)  # of trusted files only; reads plain pickles too
        # A pickle may raise whatever its author's code raises.
        except Exception as error:
            raise InvalidArtifact(f"{self.path.name} cannot be loaded: {type(error).__name__}: {error}") from error

    def _read_skops(self) -> Any:
        import skops.io

        data = self.path.read_bytes()
        try:
            unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - TRUSTED_TYPES)
            if unknown and not self.trusted:
                raise InvalidArtifact(
                    f"{self.path.name} names types that are imported when it is loaded: {', '.join(unknown)[:500]}. "
                    "If you trust them, register it with --trusted."
                )
            _check_unpacked(data, self.path.name)
            model = skops.io.loads(data, trusted=[*TRUSTED_TYPES, *unknown])
            if not self.trusted:
                _check_reads_no_files(model, self.path.name)
            return model
        except InvalidArtifact:
            raise
        # skops raises what the constructors that it calls raise.
        except Exception as error:
            raise InvalidArtifact(f"skops cannot load {self.path.name}: {type(error).__name__}: {error}") from error

    def _limit_threads(self) -> None:
        if self.threads:
            import threadpoolctl

            threadpoolctl.threadpool_limits(self.threads)

    def _classes(self) -> AnyArray | None:
        """Return the classes of a classifier with one output."""
        classes = getattr(self.model, "classes_", None)
        return classes if isinstance(classes, np.ndarray) and classes.ndim == 1 else None

    def _kind(self) -> str:
        if self._classes() is not None:
            return "classes" if self.has_scores else "label"
        import sklearn.base

        try:
            return "value" if sklearn.base.is_regressor(self.model) else "raw"
        except AttributeError:  # it behaves like an estimator, and is none
            return "raw"

    def _to_own(self, batch: Batch) -> Any:
        if not isinstance(batch, Table):
            return batch.reshape(len(batch), -1)
        texts = [one for one in batch.features if one.type in ("category", "text")]
        if len(batch.features) == 1 and texts and not hasattr(self.model, "n_features_in_"):
            return batch.columns[batch.features[0].name]  # a vectorizer takes the texts themselves
        if self.names or texts:
            return _to_frame(batch)
        return np.column_stack([column(one, batch.columns[one.name], texts=False) for one in batch.features])


def categories_of(model: Any) -> dict[str, dict[str, Any]]:
    """Return what fitted encoders know of text columns, by name: their categories, in the order of the training."""
    found: dict[str, dict[str, Any]] = {}
    for step, columns in _steps(model, list(getattr(model, "feature_names_in_", ()))):
        for name, values in zip(columns, getattr(step, "categories_", None) or (), strict=False):
            texts = [value for value in values.tolist() if isinstance(value, str)]
            if texts and isinstance(name, str):
                missing = {} if len(texts) == len(values) else {"required": False}
                found[name] = {"type": "category", "values": texts, **missing}
    return found


def _steps(model: Any, columns: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Yield the first transformers that columns meet, with the names of their columns."""
    if hasattr(model, "transformers_"):
        for _, part, names in model.transformers_:
            if not isinstance(part, str):
                yield from _steps(part, list(names) if isinstance(names, list | np.ndarray) else [])
    elif getattr(model, "steps", None):
        for _, part in model.steps:
            yield from _steps(part, columns)
            if not hasattr(part, "statistics_"):  # an imputer leaves the columns as they are
                return
    else:
        yield model, columns


def _check_unpacked(data: bytes, name: str) -> None:
    """Refuse an archive that unpacks to far more than it is: numbers of a model hardly compress."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max(MIN_UNPACKED, MAX_RATIO * len(data)):
        raise InvalidArtifact(f"{name} would unpack to {unpacked:,} bytes, more than {MAX_RATIO} times its size.")


def _check_reads_no_files(model: Any, name: str) -> None:
    """Refuse vectorizers that take their texts for the names of files, wherever they hide in a model."""
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
                f"{name} reads files that callers name: input={attributes['input']!r}. It needs --trusted."
            )
        pending.extend([*inner, *attributes.values()])


def _to_frame(table: Table) -> Any:
    """Return a data frame; the categories' order is the signature's, never the caller's."""
    import pandas as pd

    columns: dict[str, Any] = dict(table.columns)
    for feature in table.features:
        if feature.type == "category":
            columns[feature.name] = pd.Categorical(columns[feature.name], categories=list(feature.values))
    return pd.DataFrame(columns, columns=list(table.columns))
