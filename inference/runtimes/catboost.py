"""CatBoost models in the library's own binary format."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.matrices import make_matrix
from inference.types import AnyArray, ArtifactMetadata, Batch, BatchFunction, BatchOutput, Table, Tensor

MULTI_LABEL_LOSSES = ("MultiLogloss", "MultiCrossEntropy")
CLASS_LOSSES = ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll", *MULTI_LABEL_LOSSES)
FORBIDDEN_MISSING = "Forbidden"  # the nan_mode of a model that takes no missing numbers


class CatboostRuntime(BaseRuntime):
    """Load a `.cbm` file, which contains only numbers and names, and predict as `CatBoostClassifier` or its sibling.

    A categorical or text column takes any text. CatBoost itself converts integers in such columns to text.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".cbm",)
    data_suffixes: ClassVar[tuple[str, ...]] = suffixes

    def load(self) -> BatchFunction:
        catboost = _import_catboost()
        try:
            model = catboost.CatBoost().load_model(str(self.path))
        except catboost.CatBoostError as error:
            raise InvalidArtifact(
                f"CatBoost {catboost.__version__} cannot load {self.path.name}: {error}. "
                'The file may be incomplete. Save the model again: model.save_model("model.cbm").'
            ) from error
        parameters = model.get_all_params()
        self.loss = str(parameters.get("loss_function", "")).partition(":")[0]
        self.takes_missing = parameters.get("nan_mode") != FORBIDDEN_MISSING
        self.names = [str(name) for name in model.feature_names_]
        self.text_columns = {*model.get_cat_feature_indices(), *model.get_text_feature_indices()}
        check_columns(model)
        # Focal and the author's own loss functions are not in the list, but their classifiers have classes.
        is_classifier = self.loss in CLASS_LOSSES or len(model.classes_) > 0
        sibling = catboost.CatBoostClassifier if is_classifier else catboost.CatBoostRegressor
        self.model = sibling().load_model(str(self.path))
        self.classes = [str(name) for name in np.asarray(self.model.classes_).tolist()] if is_classifier else []
        return self._run_batch

    def describe(self) -> ArtifactMetadata:
        has_names = self.names != [str(index) for index in range(len(self.names))]
        names = self.names if has_names else [f"x{index}" for index in range(len(self.names))]
        width = len(self.classes)
        output: dict[str, Any] = {"kind": "value"}
        outputs: tuple[Tensor, ...] = ()
        if self.loss in MULTI_LABEL_LOSSES:
            output = {"kind": "labels", "name": "scores", "label_name": "label"}
            outputs = (Tensor("scores", "float64", (width,)), Tensor("label", "int64", (width,)))
        elif self.classes:
            output = {"kind": "classes", "name": "scores", "label_name": "label"}
            outputs = (Tensor("scores", "float64", (width,)), Tensor("label", "object", ()))
        elif self._get_value_width() > 1:
            output = {"kind": "raw"}
        is_named = self.loss not in MULTI_LABEL_LOSSES or not all(name.isdecimal() for name in self.classes)
        return ArtifactMetadata(
            outputs=outputs,
            features=tuple(self._make_feature(name, index) for index, name in enumerate(names)),
            has_feature_names=has_names,
            labels=tuple(self.classes) if is_named else (),
            output=output,
            framework="catboost",
        )

    def _run_batch(self, batch: Batch) -> BatchOutput:
        if not isinstance(batch, Table):
            raise InvalidArtifact("Expected rows of features, because CatBoost models take tables.")
        rows = self._to_rows(batch)
        threads = self.threads or -1
        predicted = np.asarray(self.model.predict(rows, thread_count=threads))
        if not self.classes:
            return predicted
        label = predicted if self.loss in MULTI_LABEL_LOSSES else predicted.reshape(len(rows))
        return {"scores": np.asarray(self.model.predict_proba(rows, thread_count=threads)), "label": label}

    def _to_rows(self, table: Table) -> AnyArray:
        if not self.text_columns:
            return make_matrix(table, [None] * len(table.features))
        rows = np.empty((len(table), len(table.features)), np.object_)
        for index, feature in enumerate(table.features):
            values = table.columns[feature.name]
            rows[:, index] = values if index in self.text_columns else values.astype(np.float64)
        return rows

    def _make_feature(self, name: str, index: int) -> dict[str, Any]:
        if index in self.text_columns:
            return {"name": name, "type": "text", "takes_missing": False, "takes_marker": False}
        return {"name": name, "type": "float", "required": not self.takes_missing, "takes_marker": False}

    def _get_value_width(self) -> int:
        sample = np.zeros((1, len(self.names)), np.object_)
        sample[:, sorted(self.text_columns)] = ""
        return int(np.asarray(self.model.predict(sample)).size)


def check_columns(model: Any) -> None:
    """Raise `InvalidArtifact` if a model takes embeddings: lists of numbers in one column."""
    if indices := list(model.get_embedding_feature_indices()):
        names = ", ".join(str(model.feature_names_[index]) for index in indices)
        raise InvalidArtifact(
            f"CatBoost models with embedding features are not supported: {names[:200]}. Train the model with a column for "
            "each number of an embedding."
        )


def _import_catboost() -> Any:
    try:
        import catboost
    except ImportError as error:
        raise InvalidArtifact("CatBoost is not installed. Run: make install-boosting") from error
    return catboost
