"""LightGBM models in the library's own text format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.matrices import Categories, make_category_features, make_matrix
from inference.types import AnyArray, ArtifactMetadata, Batch, BatchFunction, Table, Tensor

HEADER = b"tree"  # the first line of a model file
DEFAULT_NAME = re.compile(r"Column_\d+")
CATEGORICAL_COLUMNS = re.compile(r"^\[categorical_feature: ([\d,]*)\]$", re.MULTILINE)
ENDS = re.compile(r"^end of trees\s*$.*^end of parameters\s*$", re.MULTILINE | re.DOTALL)
TREE_SIZES = re.compile(r"^tree_sizes=(.*)$", re.MULTILINE)
TREE = re.compile(r"^Tree=\d+\s*$", re.MULTILINE)
OBJECTIVE = re.compile(r"^objective=(\S+)", re.MULTILINE)
# Objectives of LightGBM that return probabilities. All others return a number.
BINARY_OBJECTIVE = "binary"
MULTICLASS_OBJECTIVES = ("multiclass", "multiclassova")


class LightgbmRuntime(BaseRuntime):
    """Load a model that `Booster.save_model` wrote, and predict as `Booster.predict` does.

    The file contains only numbers and names. A file of `LGBMClassifier` does not contain the names of the classes.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".lgb", ".lightgbm", ".model", ".bst")
    data_suffixes: ClassVar[tuple[str, ...]] = suffixes

    @classmethod
    def match_suffix(cls, path: Path) -> str:
        suffix = super().match_suffix(path)
        return suffix if suffix and _has_header(path) else ""

    def load(self) -> BatchFunction:
        lightgbm = _import_lightgbm()
        text = self.path.read_text(encoding="utf-8", errors="replace")
        self._check_complete(text)
        try:
            self.booster = lightgbm.Booster(model_file=self.path)
        except (lightgbm.basic.LightGBMError, ValueError) as error:
            raise InvalidArtifact(f"LightGBM {lightgbm.__version__} cannot load {self.path.name}: {error}") from error
        match = OBJECTIVE.search(text[: text.index("\nTree=")])
        self.objective = match[1] if match else ""
        self.names = self.booster.feature_name()
        self.categorical = _find_categorical_columns(text)
        self.categories = self._read_categories()

        def run(batch: Batch) -> AnyArray:
            if not isinstance(batch, Table):
                raise InvalidArtifact("Expected rows of features, because LightGBM models take tables.")
            predicted: AnyArray = self.booster.predict(
                make_matrix(batch, self.categories), num_threads=self.threads, validate_features=False
            )
            return np.stack([1 - predicted, predicted], axis=1) if self.objective == BINARY_OBJECTIVE else predicted

        return run

    def describe(self) -> ArtifactMetadata:
        has_names = not all(DEFAULT_NAME.fullmatch(name) for name in self.names)
        names = self.names if has_names else [f"x{index}" for index in range(len(self.names))]
        width = self.booster.num_model_per_iteration()
        output: dict[str, Any] = {"kind": "value"} if width == 1 else {"kind": "raw"}
        notices: tuple[str, ...] = ()
        if self.objective == BINARY_OBJECTIVE or self.objective in MULTICLASS_OBJECTIVES:
            output, width = {"kind": "classes"}, max(width, 2)
        elif not self.objective:
            # The model returns raw margins. With labels, the activation must be stated.
            output = {}
            notices = ("output: the raw margin, because the model was trained with a custom objective.",)
        return ArtifactMetadata(
            outputs=(Tensor("scores" if output.get("kind") == "classes" else "value", "float64", (width,)),),
            features=tuple(
                _make_feature(name, choices, is_category=index in self.categorical)
                for index, (name, choices) in enumerate(zip(names, self.categories, strict=True))
            ),
            has_feature_names=has_names,
            output=output,
            notices=notices,
            framework="lightgbm",
        )

    def _check_complete(self, text: str) -> None:
        """Reject a truncated file, which would end the process instead of raising an exception."""
        sizes = TREE_SIZES.search(text)
        if sizes is None or not ENDS.search(text) or len(sizes[1].split()) != len(TREE.findall(text)):
            raise InvalidArtifact(
                f'{self.path.name} is incomplete. Save the model again: booster.save_model("model.txt"), or '
                'classifier.booster_.save_model("model.txt").'
            )

    def _read_categories(self) -> Categories:
        """Return the categories of pandas columns. Other categorical columns contain whole numbers."""
        lists = self.booster.pandas_categorical or []
        if lists and len(lists) != len(self.categorical):
            raise InvalidArtifact(
                f"{self.path.name} does not define which columns its {len(lists)} lists of categories belong to, because "
                f"it has {len(self.categorical)} categorical columns. Train the model with unordered pandas categories "
                "only, or save it with joblib and register the .joblib file with --trusted."
            )
        by_column = dict(zip(self.categorical, lists, strict=True)) if lists else {}
        return [by_column.get(index) for index in range(len(self.names))]


def _import_lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise InvalidArtifact("LightGBM is not installed. Run: make install-boosting") from error
    return lightgbm


def _has_header(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.readline(len(HEADER) + 2).strip() == HEADER


def _find_categorical_columns(text: str) -> list[int]:
    match = CATEGORICAL_COLUMNS.search(text)
    return [int(index) for index in match[1].split(",") if index] if match else []


def _make_feature(name: str, choices: Sequence[Any] | None, *, is_category: bool) -> dict[str, Any]:
    """Return an optional feature: LightGBM takes missing values in every column."""
    if choices is not None:
        return {**make_category_features(name, choices), "takes_marker": False}
    return {"name": name, "type": "integer" if is_category else "float", "required": False, "takes_marker": False}
