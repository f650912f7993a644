"""Properties of single fitted steps and wrappers: what they contain, and how they treat missing values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from inference.types import AnyArray

LIBRARIES = ("sklearn", "imblearn", "xgboost", "lightgbm", "catboost")
"""Libraries whose estimators take numbers, except encoders, vectorizers, and functions of the user."""
NUMERIC_MODULES = ("numpy", "scipy", "sklearn")  # of a function in a FunctionTransformer
COPY_FUNCTIONS = ("array", "asanyarray", "asarray", "copy", "ravel", "reshape", "squeeze")  # of NumPy
TREE_MODULES = ("sklearn.tree", "sklearn.ensemble._forest", "sklearn.ensemble._gb", "sklearn.ensemble._iforest")
MAX_EXAMINED_TREES = 20
CATBOOST_ATTRIBUTES = {"feature_names_in_": "feature_names_"}
STATISTIC_NAMES = ("statistics_", "mean_", "center_", "data_min_", "theta_", "_fit_X")
"""Attributes with a typical value per column, or with one row per class or neighbor."""
ROW_NAMES = ("cluster_centers_", "X_fit_")
"""Attributes with rows of the training data that the input is compared with, in the same floating-point type."""


def list_steps(model: Any) -> list[tuple[str, Any]]:
    """Return the named steps of a pipeline; an empty list for other objects, also if they have another kind of `steps`."""
    steps = getattr(model, "steps", None)
    is_pipeline = isinstance(steps, list) and all(isinstance(step, tuple | list) and len(step) == 2 for step in steps)
    return list(steps) if is_pipeline and steps else []


def list_inner_models(step: Any) -> list[tuple[Any, Sequence[int] | None]]:
    """Return the fitted models inside a meta-estimator, each with the positions of its columns, or None for all."""
    if _is_from(step, TREE_MODULES):
        return []
    if hasattr(step, "calibrated_classifiers_"):
        return [(part.estimator, None) for part in step.calibrated_classifiers_]
    if isinstance(models := getattr(step, "estimators_", None), list) and models:
        positions = getattr(step, "estimators_features_", None) or [None] * len(models)
        pairs = [pair for pair in zip(models, positions, strict=False) if not isinstance(pair[0], str)]
        final = [(step.final_estimator_, None)] if getattr(step, "passthrough", False) else []
        return [*pairs, *final]
    for name in ("best_estimator_", "regressor_", "estimator_"):
        if hasattr(step, name):
            support = getattr(step, "support_", None)
            return [(getattr(step, name), None if support is None else np.flatnonzero(support).tolist())]
    return []


def find_float_type(model: Any) -> Any:
    """Return the floating-point type that a model requires, or None if it takes any.

    `KMeans` and `KernelRidge` compare their input with stored rows. Input of another type fails, or changes the result.
    """
    for name in ROW_NAMES:
        rows = getattr(model, name, None)
        if isinstance(rows, np.ndarray) and rows.dtype.kind == "f":
            return rows.dtype
    parts = [part for _, part in list_steps(model)] + [part for part, _ in list_inner_models(model)]
    return next((found for part in parts if (found := find_float_type(part)) is not None), None)


def cast_floats(data: Any, float_type: Any) -> Any:
    """Return an array or a data frame with its floating-point numbers in this type; unchanged if the type is None."""
    if float_type is None:
        return data
    if isinstance(data, np.ndarray):
        return data.astype(float_type, copy=False) if data.dtype.kind == "f" else data
    return data.astype({name: float_type for name, kind in data.dtypes.items() if kind.kind == "f"})


def find_wrapped_model(step: Any, names: Sequence[str] | None) -> Any:
    """Return the model that an object of a foreign class wraps: an attribute fitted on the same named columns.

    Return None if another attribute can transform the columns before the model receives them, as in AutoML of FLAML.
    """
    values = list(getattr(step, "__dict__", {}).values())
    inner = [part for value in values if isinstance(value, dict | list) for part in _list_items(value)]
    parts = [part for part in [*values, *inner] if not isinstance(part, type)]
    found = next((part for part in parts if names and _has_names(part, names)), None)
    transformers = [part for part in parts if hasattr(part, "transform") and part is not found]
    return None if transformers else found


def _list_items(value: dict[Any, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _has_names(part: Any, names: Sequence[str]) -> bool:
    found = getattr(part, "feature_names_in_", None)
    return isinstance(found, np.ndarray | list) and [str(name) for name in found] == list(names)


def find_attribute(model: Any, name: str) -> Any:
    """Return an attribute of a model, or else of the first model inside that has it, or None."""
    is_catboost = type(model).__module__.startswith("catboost")  # its name of the attribute is another one
    value = getattr(model, CATBOOST_ATTRIBUTES.get(name, name) if is_catboost else name, None)
    if value is not None:
        return value
    first = [step for _, step in list_steps(model)[:1]]
    inner = [part for part, positions in list_inner_models(model) if positions is None]
    return next((found for part in [*first, *inner] if (found := find_attribute(part, name)) is not None), None)


def unwrap_model(model: Any) -> Any:
    """Return the model that a search selected, or the argument."""
    return unwrap_model(model.best_estimator_) if hasattr(model, "best_estimator_") else model


def is_library_step(step: Any) -> bool:
    """Return whether a class, or the class that it extends, is of a known library and takes numbers."""
    return any(
        kind.__module__.partition(".")[0] in LIBRARIES and not kind.__module__.startswith(("sklearn.base", "sklearn.utils"))
        for kind in type(step).__mro__
    )


def is_text_vectorizer(step: Any) -> bool:
    return hasattr(step, "build_analyzer")


def is_numeric_function(step: Any) -> bool:
    """Return whether the function of a FunctionTransformer is one of NumPy or SciPy, or receives validated numbers."""
    function = getattr(step.func, "func", step.func)
    module = getattr(function, "__module__", None) or type(function).__module__
    if getattr(function, "__name__", "") in COPY_FUNCTIONS:  # accept any type
        return bool(step.validate)
    return bool(step.validate) or module.partition(".")[0] in NUMERIC_MODULES


def is_sampler(step: Any) -> bool:
    """Return whether a step of an imbalanced-learn pipeline is skipped when predicting."""
    return hasattr(step, "fit_resample") and not hasattr(step, "transform")


def allows_nan(step: Any) -> bool:
    """Return whether a step accepts NaN, by its scikit-learn tags."""
    from sklearn.utils import get_tags

    try:
        return bool(get_tags(step).input_tags.allow_nan)
    except (AttributeError, TypeError):  # not an estimator, or written for another version of scikit-learn
        return False


def list_nan_columns(step: Any, count: int) -> set[int]:
    """Return the positions of the columns that can be missing for a final estimator or transformer.

    Trees accept NaN even if they were trained without, so a column counts only if a tree learned a direction for it.
    """
    if not allows_nan(step):
        return set()
    trees = list(iter_trees(step))
    if not trees:
        return set(range(count))
    return {int(index) for tree in trees for index in _list_learned_columns(tree)}


def iter_trees(step: Any) -> Iterator[Any]:
    """Yield the first trees of a tree or forest of scikit-learn."""
    if _is_from(step, TREE_MODULES):
        models = np.ravel(np.asarray(getattr(step, "estimators_", [step]), dtype=object))
        yield from (model.tree_ for model in models[:MAX_EXAMINED_TREES] if hasattr(model, "tree_"))


def get_typical_values(step: Any, count: int) -> list[float | None]:
    """Return a plausible value per column from the statistics of a fitted step; None where there is none."""
    if hasattr(step, "X_thresholds_"):  # IsotonicRegression, which returns NaN outside of them
        return [float(np.median(step.X_thresholds_))]
    for name in STATISTIC_NAMES:
        values = getattr(step, name, None)
        if isinstance(values, np.ndarray) and values.dtype.kind in "fiub" and values.size and values.shape[-1] == count:
            row = np.atleast_2d(values)[0]
            return [float(value) if np.isfinite(value) else None for value in row]
    thresholds: list[float | None] = [None] * count
    for tree in iter_trees(step):
        for index, threshold in zip(tree.feature, tree.threshold, strict=True):
            if index >= 0 and thresholds[index] is None and np.isfinite(threshold):
                thresholds[index] = float(threshold)
    return thresholds


def get_support(step: Any) -> AnyArray | None:
    """Return the mask of the columns that a feature selector keeps, or None for other steps."""
    return np.asarray(step.get_support()) if hasattr(step, "get_support") and hasattr(step, "transform") else None


def describe_step(step: Any) -> str:
    """Return the name of a step for messages: `FunctionTransformer(add_ratio)`."""
    function = getattr(step, "func", None)
    name = getattr(function, "__name__", "")
    return f"{type(step).__name__}({name})" if name else type(step).__name__


def _is_from(step: Any, modules: tuple[str, ...]) -> bool:
    return any(kind.__module__.startswith(modules) for kind in type(step).__mro__)


def _list_learned_columns(tree: Any) -> set[int]:
    """Return the columns for which training contained NaN.

    Without NaN, a tree sends missing values to the larger child. Another direction was learned from missing values.
    """
    inner = np.flatnonzero(tree.children_left >= 0)
    sizes = tree.n_node_samples
    left_is_larger = sizes[tree.children_left[inner]] > sizes[tree.children_right[inner]]
    learned = (tree.missing_go_to_left[inner] > 0) != left_is_larger
    return set(tree.feature[inner][learned].tolist())
