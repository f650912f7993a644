"""A folder with a network and the scikit-learn transformer that prepares its rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact, InvalidOutput
from inference.runtimes import create_runtime, detect_runtime, get_runtime
from inference.runtimes.sklearn import SklearnRuntime
from inference.signature import Feature
from inference.tensors import RowByRow, get_width
from inference.types import AnyArray, ArtifactMetadata, Batch, BatchFunction, BatchOutput, Table

MARKER_NAME = "pipeline.json"
PREPROCESS_SUFFIXES = SklearnRuntime.suffixes


class PipelineRuntime(BaseRuntime):
    """Run a transformer, such as a fitted `StandardScaler`, and pass its result to a network of any other runtime.

    The features are those of the transformer. `pipeline.json` names the two files and the runtime of the network.
    """

    marker = MARKER_NAME

    @classmethod
    def loads_as_data(cls, path: Path) -> bool:
        preprocess, network, runtime = _read_parts(path)
        return SklearnRuntime.loads_as_data(preprocess) and get_runtime(runtime).loads_as_data(network)

    def load(self) -> BatchFunction:
        preprocess, network, runtime = _read_parts(self.path)
        self.transformer = _TransformerRuntime(preprocess, threads=self.threads, trusted=self.trusted)
        transform = self.transformer.load()
        self.network = create_runtime(runtime, network, threads=self.threads, trusted=self.trusted)
        run_network = self.network.load()
        inputs = self.network.describe().inputs
        widths = [get_width(tensor) for tensor in inputs]
        count = None if not inputs or any(None in tensor.shape for tensor in inputs) else sum(widths)

        def run(batch: Batch) -> BatchOutput:
            return run_network(_make_table(np.asarray(transform(batch)), count))

        return RowByRow(run) if isinstance(run_network, RowByRow) else run

    def describe(self) -> ArtifactMetadata:
        columns = self.transformer.describe()
        name = type(self.transformer.transformer).__name__
        metadata = self.network.describe()
        notice = f"features: those of {self.transformer.path.name} ({name}), which runs before the network."
        return replace(
            metadata,
            inputs=columns.inputs,
            features=columns.features,
            has_feature_names=columns.has_feature_names,
            notices=(*metadata.notices, notice),
            image={},
        )


class _TransformerRuntime(SklearnRuntime):
    """Load a transformer as the first step of a pipeline that returns its result."""

    transformer: Any = None

    def _read_model(self) -> tuple[Any, str]:
        from sklearn.base import BaseEstimator
        from sklearn.pipeline import Pipeline

        class Result(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
            """The last step: predicts the rows that it receives."""

            def __sklearn_is_fitted__(self) -> bool:
                return True

            def fit(self, rows: Any, y: Any = None) -> Any:
                return self

            def predict(self, rows: Any) -> AnyArray:
                return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, np.float64)

        self.transformer, written_by = super()._read_model()
        if not callable(getattr(self.transformer, "transform", None)):
            raise InvalidArtifact(
                f"Expected a fitted transformer with transform() in [preprocess]. {self.path.name} contains a "
                f"{type(self.transformer).__name__}."
            )
        return Pipeline([("preprocess", self.transformer), ("result", Result())]), written_by


def write_pipeline(folder: Path, *, preprocess: str, network: str, runtime: str = "") -> None:
    """Write the file that describes a folder with a transformer and a network.

    Args:
        preprocess, network: paths relative to the folder.
        runtime: of the network; detected if empty.
    """
    data = {"preprocess": preprocess, "network": network, "runtime": runtime or detect_runtime(folder / network)}
    (folder / MARKER_NAME).write_text(json.dumps(data))


def _read_parts(folder: Path) -> tuple[Path, Path, str]:
    try:
        data = json.loads((folder / MARKER_NAME).read_text(encoding="utf-8"))
        preprocess, network = ((folder / data[name]).resolve() for name in ("preprocess", "network"))
        runtime = str(data["runtime"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidArtifact(f"{MARKER_NAME} must name preprocess, network, and runtime.") from error
    root = folder.resolve()
    if not all(path.is_relative_to(root) and path.exists() for path in (preprocess, network)) or runtime == "pipeline":
        raise InvalidArtifact(f"{MARKER_NAME} must name two files of its folder.")
    return preprocess, network, runtime


def _make_table(rows: AnyArray, count: int | None) -> Table:
    if rows.ndim != 2 or (count is not None and rows.shape[1] != count):
        raise InvalidOutput(
            f"The network takes {count or 'rows of'} numbers, but [preprocess] returns an array of {list(rows.shape[1:])}."
        )
    names = [f"x{index}" for index in range(rows.shape[1])]
    return Table(tuple(map(Feature, names)), {name: rows[:, index] for index, name in enumerate(names)})
