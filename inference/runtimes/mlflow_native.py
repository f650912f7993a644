"""Read what an MLflow model does not define itself: the classes of the native model, and missing libraries."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from inference.runtimes.sklearn.columns import InputColumn
from inference.runtimes.sklearn.outputs import compute_indicator_scores, get_indicator_count
from inference.runtimes.sklearn.steps import find_attribute
from inference.runtimes.sklearn.texts import takes_texts
from inference.runtimes.sklearn.tracer import trace_columns
from inference.types import AnyArray

# Loaders of native models with the interface of scikit-learn: predict() returns classes, predict_proba() scores.
CLASSIFIER_LOADERS = ("mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost")
SKLEARN_LOADER = "mlflow.sklearn"
UNSUPERVISED_TYPES = ("clusterer", "density_estimator", "outlier_detector")  # of the tags of scikit-learn
SCORE_FUNCTIONS = ("predict_proba", "predict_log_proba")
PREDICT_FUNCTIONS = ("predict", *SCORE_FUNCTIONS)
PINNED_PACKAGE = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)
PACKAGES = {"sklearn": "scikit-learn", "cv2": "opencv-python", "PIL": "pillow", "yaml": "pyyaml", "bs4": "beautifulsoup4"}
BOOSTING_PACKAGES = ("xgboost", "lightgbm", "catboost")
MAX_LISTED_VERSIONS = 6
MAX_MESSAGE_LENGTH = 300


class NativeModel:
    """The model inside an MLflow model whose `predict` function is that of the model itself.

    Args:
        pyfunc: the loaded MLflow model.
    """

    def __init__(self, pyfunc: Any) -> None:
        flavor = pyfunc.metadata.flavors.get("python_function", {})
        self.predict_function = str(flavor.get("predict_fn", "predict"))
        self.loader = str(flavor.get("loader_module", ""))
        self.model: Any = None
        is_known = self.loader in CLASSIFIER_LOADERS and self.predict_function in PREDICT_FUNCTIONS
        if is_known:
            self.model = _get_raw_model(pyfunc)
        classes = getattr(self.model, "classes_", None)
        # of a multi-label model; 0 for others
        self.label_count = get_indicator_count(self.model) if self.loader == SKLEARN_LOADER and self.model is not None else 0
        is_flat = not self.label_count and isinstance(classes, np.ndarray | list) and np.ndim(classes) == 1
        self.classes = tuple(str(name) for name in np.asarray(classes).tolist()) if is_flat else ()
        has_scores = bool(self.classes or self.label_count) and hasattr(self.model, "predict_proba")
        self.adds_scores = has_scores and self.predict_function == "predict" and pyfunc.metadata.get_params_schema() is None

    @property
    def name(self) -> str:
        """Return the name of the class of the model."""
        return type(self.model).__name__

    @property
    def is_regressor(self) -> bool:
        """Return whether the model is a regressor with the interface of scikit-learn."""
        if self.model is None or "sklearn" not in sys.modules:
            return False
        from sklearn.base import is_regressor

        try:
            return bool(is_regressor(self.model))
        except AttributeError:  # not an estimator, such as a Booster
            return False

    @property
    def takes_texts(self) -> bool:
        """Return whether the model begins with a vectorizer of scikit-learn."""
        return self.loader == SKLEARN_LOADER and takes_texts(self.model)

    @property
    def is_unsupervised(self) -> bool:
        """Return whether the model is one of scikit-learn that returns clusters or outliers."""
        if self.loader != SKLEARN_LOADER or self.model is None:
            return False
        from sklearn.utils import get_tags

        try:
            return get_tags(self.model).estimator_type in UNSUPERVISED_TYPES
        except (AttributeError, TypeError):  # not an estimator
            return False

    def add_categories(self, features: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the features with the categories of the encoders of a scikit-learn model, or with one as an example."""
        names = find_attribute(self.model, "feature_names_in_") if self.loader == SKLEARN_LOADER else None
        if names is None:
            return features
        columns = {column.name: column for column in trace_columns(self.model, [str(name) for name in names])}
        return [_add_categories(feature, columns.get(feature["name"])) for feature in features]

    def compute_scores(self, data: Any) -> AnyArray:
        if self.label_count:
            return compute_indicator_scores(self.model, data)
        return np.asarray(self.model.predict_proba(data))


def _add_categories(feature: dict[str, Any], column: InputColumn | None) -> dict[str, Any]:
    """Return a feature of text with the values that its encoder takes. An encoder that takes any other only has examples."""
    categories = column.categories if column else []
    if (
        column is None
        or feature["type"] != "text"
        or not categories
        or not all(isinstance(name, str) for name in categories)
    ):
        return feature
    return {**feature, "example": categories[0]} if column.is_open else {**feature, "type": "category", "values": categories}


def explain_load_error(folder: Path, error: Exception) -> str:
    """Return why a model cannot be loaded, with the package that is missing, or the versions that differ."""
    causes = list(_list_causes(error))
    missing = next((cause.name for cause in causes if isinstance(cause, ModuleNotFoundError) and cause.name), "")
    pins = dict(_read_pins(folder))
    if missing:
        return _explain_missing_module(missing.partition(".")[0], pins)
    message = f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:MAX_MESSAGE_LENGTH]}"
    differences = [
        f"{package} {pinned} (installed: {installed})"
        for package, pinned in pins.items()
        if (installed := _find_version(package)) not in ("", pinned)
    ]
    if not differences:
        return message
    listed = ", ".join(differences[:MAX_LISTED_VERSIONS])
    return f"{message}. It was saved with {listed}. Install these versions, or save the model again with the installed ones."


def _explain_missing_module(module: str, pins: dict[str, str]) -> str:
    package = PACKAGES.get(module, module)
    if module in BOOSTING_PACKAGES:
        return f"it needs {package}, which is not installed. Run: make install-boosting"
    pinned = next((number for name, number in pins.items() if name.lower().replace("_", "-") == package.lower()), "")
    pinned = pinned.partition("+")[0]  # a local version such as 2.13.0+cpu cannot be installed from PyPI
    if not pinned:
        return (
            f"it needs the module {module}, which is not installed. If it is a package, install it into .venv. If it is "
            f'your own code, save the model with code_paths=["{module}.py"].'
        )
    return f"it needs {package}, which is not installed. Run: .venv/bin/python -m pip install {package}=={pinned}"


def _get_raw_model(pyfunc: Any) -> Any:
    try:
        return pyfunc.get_raw_model()
    except NotImplementedError:
        return None


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _read_pins(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the packages and versions that the model was saved with."""
    path = folder / "requirements.txt"
    if path.is_file():
        yield from PINNED_PACKAGE.findall(path.read_text(encoding="utf-8", errors="replace"))


def _find_version(package: str) -> str:
    """Return the installed version of a package, or an empty string."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
