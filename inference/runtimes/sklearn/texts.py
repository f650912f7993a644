"""Detect scikit-learn models that take a sequence of strings."""

from __future__ import annotations

from typing import Any

from inference.runtimes.sklearn.steps import list_steps

INNER_ESTIMATORS = ("best_estimator_", "estimator_", "estimators_", "calibrated_classifiers_", "estimator")
"""Attributes of meta-estimators that hold the fitted models, or the classes that they calibrate."""


def takes_texts(model: Any) -> bool:
    """Return whether a model begins with a vectorizer, which takes one string per row.

    The first transformer is looked up in pipelines, unions, searches, and ensembles. A vectorizer behind a
    `ColumnTransformer` takes a column of a table instead.
    """
    seen: set[int] = set()
    part = model
    while part is not None and id(part) not in seen:
        seen.add(id(part))
        if callable(getattr(part, "build_analyzer", None)):  # every vectorizer of scikit-learn, and compatible ones
            return True
        part = _get_first_part(part)
    return False


def _get_first_part(model: Any) -> Any:
    """Return the model or transformer that receives the input of `model` first; None if it is not a container."""
    if parts := list_steps(model) or getattr(model, "transformer_list", None):  # a pipeline, a union
        return next((part for _, part in parts if not _keeps_texts(part)), None)
    for name in INNER_ESTIMATORS:
        inner = getattr(model, name, None)
        if isinstance(inner, list):
            inner = inner[0] if inner else None
        if inner is not None and not isinstance(inner, str):
            return inner
    return None


def _keeps_texts(part: Any) -> bool:
    """Return whether a step of a pipeline passes on its input, possibly cleaned by a function."""
    return part is None or isinstance(part, str) or type(part).__name__ == "FunctionTransformer"
