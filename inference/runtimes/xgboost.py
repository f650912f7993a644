"""XGBoost models in the library's own formats, UBJSON and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.matrices import Categories, make_category_features, make_matrix
from inference.types import AnyArray, ArtifactMetadata, Batch, BatchFunction, BatchOutput, Table, Tensor
from inference.ubjson import UbjsonReader

HEADER_BYTES = 64
JSON_HEADER = re.compile(rb'\s*\{\s*"(learner|version)"')
UBJSON_HEADER = re.compile(rb"\{L.{7}\x07learner", re.DOTALL)
FILE_VERSION = re.compile(r'"version"\s*:\s*\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]')
LOG_PREFIX = re.compile(r"^\[[\d:]+\] \S+: ")
MISSING_NOTICE = (
    "missing values: features that are not sent. The file does not contain the parameter missing of XGBoost: if the "
    "training code set it to a number, such as -1, set missing = -1 for the features in model.toml."
)
# Feature type and keys of `model.toml` by XGBoost's feature type. XGBoost converts every number to float32.
FEATURE_TYPES = {"int": "integer", "i": "boolean"}
CATEGORY_TYPE = "c"
MULTI_LABEL_THRESHOLD = 0.5  # of XGBClassifier.predict


class XgboostRuntime(BaseRuntime):
    """Load a model that `save_model` wrote. The file contains only numbers and names.

    The predictions are those of `XGBClassifier` and `XGBRegressor` if one of them saved the file, with the best iteration
    of early stopping. Otherwise, they are those of `Booster.predict`, which uses all trees.

    The number that a feature has as `missing` is a missing value, as with the parameter `missing` of `DMatrix`.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".ubj", ".json", ".xgb", ".model", ".bst")
    data_suffixes: ClassVar[tuple[str, ...]] = suffixes

    @classmethod
    def match_suffix(cls, path: Path) -> str:
        suffix = super().match_suffix(path)
        return suffix if suffix in ("", ".ubj") or _has_header(path, JSON_HEADER, UBJSON_HEADER) else ""

    def load(self) -> BatchFunction:
        xgboost = _import_xgboost()
        try:
            if _has_header(self.path, UBJSON_HEADER):
                UbjsonReader(self.path.read_bytes()).check()
            self.booster = xgboost.Booster(model_file=self.path)
        except (xgboost.core.XGBoostError, ValueError) as error:
            raise InvalidArtifact(
                f"XGBoost {xgboost.__version__} cannot load {self.path.name}. The file may be incomplete, or of another "
                f"version. Load it with the version that wrote it, and save it again: "
                f'model.save_model("model.ubj"). {_get_first_line(error)}'
            ) from error
        self.booster.set_param({"nthread": self.threads})
        learner = json.loads(self.booster.save_config())["learner"]
        parameters = learner["learner_model_param"]
        self.objective = str(learner["objective"]["name"])
        self.class_count = int(parameters["num_class"])
        self.target_count = int(parameters.get("num_target", 1))
        self.types = self.booster.feature_types or [""] * self.booster.num_features()
        self.categories = read_categories(self.booster, self.types)
        attributes = self.booster.attributes()
        self.is_estimator = "scikit_learn" in attributes
        self.best_iteration = int(attributes["best_iteration"]) if "best_iteration" in attributes else None
        is_linear = learner["gradient_booster"]["name"] == "gblinear"  # has no iterations
        last = self.best_iteration + 1 if self.is_estimator and self.best_iteration is not None and not is_linear else 0

        def run(batch: Batch) -> BatchOutput:
            if not isinstance(batch, Table):
                raise InvalidArtifact("Expected rows of features, because XGBoost models take tables.")
            data = xgboost.DMatrix(
                make_matrix(batch, self.categories, clear_markers=True),
                feature_names=self.booster.feature_names,
                feature_types=self.booster.feature_types,
                enable_categorical=True,
                nthread=self.threads or -1,
            )
            return self._predict(data, (0, last))

        return run

    def describe(self) -> ArtifactMetadata:
        output, outputs, labels, notices = self._describe_output()
        names = self.booster.feature_names or [f"x{index}" for index in range(len(self.types))]
        return ArtifactMetadata(
            outputs=outputs,
            features=tuple(_make_feature(*column) for column in zip(names, self.types, self.categories, strict=True)),
            has_feature_names=bool(self.booster.feature_names),
            labels=labels,
            output=output,
            notices=(*notices, MISSING_NOTICE, *self._describe_iterations()),
            framework="xgboost",
            framework_version=_read_version(self.path),
        )

    def _predict(self, data: Any, iterations: tuple[int, int]) -> BatchOutput:
        """Return the values, or the scores and labels as `XGBClassifier` defines them."""
        predicted: AnyArray = self.booster.predict(data, iteration_range=iterations)
        if self.objective == "multi:softmax":
            margins = self.booster.predict(data, iteration_range=iterations, output_margin=True)
            return {"scores": _apply_softmax(margins), "label": predicted.astype(np.int64)}
        if self.objective == "binary:logistic" and self.target_count > 1:
            return {"scores": predicted, "label": (predicted > MULTI_LABEL_THRESHOLD).astype(np.int64)}
        if self.objective == "binary:logistic":
            return np.stack([1 - predicted, predicted], axis=1)
        return predicted.astype(np.int64) if self.objective == "binary:hinge" else predicted

    def _describe_output(self) -> tuple[dict[str, Any], tuple[Tensor, ...], tuple[str, ...], tuple[str, ...]]:
        """Return the output with the keys of `model.toml`, the outputs, the classes, and notices."""
        if self.objective == "binary:logistic" and self.target_count > 1:
            outputs = _make_outputs(self.target_count, (self.target_count,))
            return {"kind": "labels", "name": "scores", "label_name": "label"}, outputs, (), ()
        count = self.class_count if self.objective.startswith("multi:") else 2
        classes = tuple(str(index) for index in range(count))
        notice = f"classes: 0 to {count - 1}, because XGBoost numbers the classes (objective {self.objective})."
        if self.objective == "multi:softmax":
            return {"kind": "classes", "name": "scores", "label_name": "label"}, _make_outputs(count, ()), classes, (notice,)
        if self.objective in ("binary:logistic", "multi:softprob"):
            return {"kind": "classes"}, (Tensor("scores", "float32", (count,)),), classes, (notice,)
        if self.objective == "binary:hinge":
            return {"kind": "label"}, (Tensor("label", "int64", ()),), classes, (notice,)
        if self.objective == "binary:logitraw":
            return {}, (Tensor("margin", "float32", (1,)),), (), ()
        width = max(self.target_count, self.class_count, 1)
        return {"kind": "value" if width == 1 else "raw"}, (Tensor("value", "float32", (width,)),), (), ()

    def _describe_iterations(self) -> list[str]:
        if self.best_iteration is None:
            return []
        if self.is_estimator:
            return [f"trees: up to the best iteration, {self.best_iteration}, as in XGBClassifier and XGBRegressor."]
        return [f"trees: all, as in Booster.predict, although the best iteration is {self.best_iteration}."]


def read_categories(booster: Any, types: Sequence[str]) -> Categories:
    """Return the categories that are stored in a model. XGBoost 3.0 and older do not store them."""
    if CATEGORY_TYPE not in types:
        return [None] * len(types)
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    encoders = trees.get("gbtree", trees).get("model", {}).get("cats", {}).get("enc", ())
    if len(encoders) != len(types):
        return [None] * len(types)
    return [_decode_categories(encoder) or None for encoder in encoders]


def _import_xgboost() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise InvalidArtifact("XGBoost is not installed. Run: make install-boosting") from error
    return xgboost


def _has_header(path: Path, *patterns: re.Pattern[bytes]) -> bool:
    """Return whether a file has the beginning of a model in one of these formats."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    return any(pattern.match(header) for pattern in patterns)


def _make_feature(name: str, feature_type: str, choices: Sequence[Any] | None) -> dict[str, Any]:
    """Return an optional feature: XGBoost takes missing values in every column."""
    if choices is not None:
        return make_category_features(name, choices)
    keys = {"required": False}
    if feature_type == CATEGORY_TYPE:  # the categories must come from `model.toml`
        return {"name": name, "type": "category", **keys}
    return {"name": name, "type": FEATURE_TYPES.get(feature_type, "float"), **keys}


def _decode_categories(encoder: dict[str, Any]) -> list[Any]:
    """Return strings, which are stored as bytes with offsets, or integers; nothing if a string is not ASCII.

    XGBoost counts characters instead of bytes, so that the names of other categories are incomplete.
    """
    values = encoder.get("values", [])
    if "offsets" not in encoder:
        return list(values)
    data, offsets = bytes(value % 256 for value in values), encoder["offsets"]
    if not data.isascii():
        return []
    return [data[start:end].decode() for start, end in pairwise(offsets)]


def _make_outputs(count: int, label_shape: tuple[int, ...]) -> tuple[Tensor, ...]:
    return (Tensor("scores", "float32", (count,)), Tensor("label", "int64", label_shape))


def _apply_softmax(margins: AnyArray) -> AnyArray:
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    shares: AnyArray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _read_version(path: Path) -> str:
    """Return the version of XGBoost that wrote a JSON file, or an empty string."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - HEADER_BYTES, 0))
        match = FILE_VERSION.search(file.read().decode("latin-1"))
    return ".".join(match.groups()) if match else ""


def _get_first_line(error: Exception) -> str:
    """Return the message of an error without the position in the library's code, and without its stack."""
    lines = LOG_PREFIX.sub("", str(error)).split("Stack trace")[0].strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
