"""Predict with a model: its scores, and the label that the model itself decides on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from inference.runtimes.sklearn.boosters import count_xgboost_targets, is_catboost_multi_label
from inference.runtimes.sklearn.steps import is_sampler, list_steps, unwrap_model
from inference.types import AnyArray, BatchOutput

SCORES_NAME, LABEL_NAME = "scores", "label"
MIN_CLEAR_MARGIN = 1e-6  # between the two highest scores; rounding cannot change their order
# Classes whose `predict` returns the class with the highest probability, except for rounding errors near a tie.
ARGMAX_CLASSIFIERS = {
    *("BernoulliNB", "CategoricalNB", "ComplementNB", "GaussianNB", "MultinomialNB", "CalibratedClassifierCV"),
    *("DecisionTreeClassifier", "ExtraTreeClassifier", "ExtraTreesClassifier", "RandomForestClassifier"),
    *("GradientBoostingClassifier", "HistGradientBoostingClassifier", "LGBMClassifier", "XGBClassifier"),
    *("LinearDiscriminantAnalysis", "LogisticRegression", "LogisticRegressionCV", "QuadraticDiscriminantAnalysis"),
    *("KNeighborsClassifier", "MLPClassifier"),
}
ARGMAX_LIBRARIES = ("sklearn", "xgboost", "lightgbm")
BINARY_CLASSES = {0, 1}
RANKERS = ("CatBoostRanker", "LGBMRanker", "XGBRanker")  # return one number per row, but are no regressors

ModelFunction = Callable[[Any], BatchOutput]


def make_model_function(model: Any) -> ModelFunction:
    """Return a function that runs the model on its input, and returns scores and labels, or what `predict` returns.

    The steps of a pipeline run once, although the scores and the labels come from different methods.
    """
    selected = unwrap_model(model)
    if not hasattr(selected, "predict_proba") or get_output_kind(model) not in ("classes", "labels"):
        return lambda data: _to_array(model.predict(data))
    transform, final = split_pipeline(selected)
    if get_indicator_count(selected):
        return lambda data: _predict_indicators(final, transform(data))
    if _decides_by_score(final):
        return lambda data: _predict_by_score(final, transform(data))
    return lambda data: _predict_both(final, transform(data))


def split_pipeline(model: Any) -> tuple[Callable[[Any], Any], Any]:
    """Return a function for all steps of a pipeline but the last one, and the last step."""
    steps = list_steps(model)
    if type(model).__name__ != "Pipeline" or not steps:
        return lambda data: data, model
    parts = [step for _, step in steps[:-1] if step is not None and step != "passthrough" and not is_sampler(step)]
    transform, final = split_pipeline(unwrap_model(steps[-1][1]))

    def run(data: Any) -> Any:
        for part in parts:
            data = part.transform(data)
        return transform(data)

    return run, final


def get_output_kind(model: Any) -> str:
    """Return the kind of output of a model: `classes`, `labels`, `label`, `value`, or `raw`."""
    import sklearn.base

    if get_indicator_count(model):
        return "labels" if hasattr(model, "predict_proba") else "raw"
    if type(split_pipeline(unwrap_model(model))[1]).__name__ in RANKERS:
        return "value"
    has_classes = get_classes(model) is not None
    if has_classes and hasattr(model, "predict_proba"):
        return "classes"
    try:
        if sklearn.base.is_regressor(model):
            return "value"
        is_classifier = has_classes or (sklearn.base.is_classifier(model) and getattr(model, "classes_", None) is None)
    except AttributeError:  # not an estimator, but has the same methods
        is_classifier = has_classes
    return "label" if is_classifier else "raw"


def get_classes(model: Any) -> AnyArray | None:
    """Return the classes of a classifier with a single output, or None."""
    classes = getattr(model, "classes_", None)
    return classes if isinstance(classes, np.ndarray) and classes.ndim == 1 else None


def get_indicator_count(model: Any) -> int:
    """Return the number of labels of a multi-label model, or 0 for other models."""
    import sklearn.base

    selected = unwrap_model(model)
    final = split_pipeline(selected)[1]
    if (count := count_xgboost_targets(final)) > 1 and not sklearn.base.is_regressor(final):
        return count
    classes = getattr(final, "classes_", None)
    if is_catboost_multi_label(final):
        return len(final.classes_)
    binarizer = getattr(final, "_label_binarizer", None) or getattr(final, "label_binarizer_", None)
    is_indicator = getattr(final, "multilabel_", False) is True or str(getattr(binarizer, "y_type_", "")).startswith(
        "multil"
    )
    if is_indicator and classes is not None:
        return len(classes)
    if not isinstance(classes, list | tuple) or len(classes) < 2:
        return 0
    return len(classes) if all(set(np.asarray(values).tolist()) <= BINARY_CLASSES for values in classes) else 0


def _decides_by_score(model: Any) -> bool:
    name, library = type(model).__name__, type(model).__module__.partition(".")[0]
    is_soft_vote = name == "VotingClassifier" and getattr(model, "voting", "") == "soft"
    return library in ARGMAX_LIBRARIES and (name in ARGMAX_CLASSIFIERS or is_soft_vote)


def _predict_both(model: Any, data: Any) -> BatchOutput:
    return {SCORES_NAME: np.asarray(model.predict_proba(data)), LABEL_NAME: _to_array(model.predict(data))}


def _predict_by_score(model: Any, data: Any) -> BatchOutput:
    """Return the class with the highest score. Call `predict`, which costs time, only if two scores are nearly equal."""
    scores = np.asarray(model.predict_proba(data))
    if scores.shape[1] > 1:
        highest = np.partition(scores, -2, axis=1)[:, -2:]
        if not (highest[:, 1] - highest[:, 0] > MIN_CLEAR_MARGIN).all():
            return {SCORES_NAME: scores, LABEL_NAME: _to_array(model.predict(data))}
    return {SCORES_NAME: scores, LABEL_NAME: model.classes_[scores.argmax(axis=1)]}


def _predict_indicators(model: Any, data: Any) -> BatchOutput:
    """Return the probability of each label, and the decision of the model: one number 0 or 1 per label."""
    return {
        SCORES_NAME: compute_indicator_scores(model, data),
        LABEL_NAME: _to_array(model.predict(data)).astype(np.int64),
    }


def compute_indicator_scores(model: Any, data: Any) -> AnyArray:
    """Return the probability of each label of a multi-label model, shape `(n, labels)`."""
    scores = model.predict_proba(data)
    if isinstance(scores, list):
        pairs = zip(scores, model.classes_, strict=True)
        scores = np.column_stack([_select_positive(np.asarray(part), np.asarray(classes)) for part, classes in pairs])
    return np.asarray(scores)


def _select_positive(scores: AnyArray, classes: AnyArray) -> AnyArray:
    """Return the probability of 1. A label that was never or always set in training has a single class."""
    index = np.flatnonzero(classes == 1)
    positive: AnyArray = scores[:, index[0]] if len(index) else np.zeros(len(scores))
    return positive


def _to_array(result: Any) -> AnyArray:
    """Return what `predict` returned as one row per input. A tuple has one array per number, such as a mean and a scale."""
    if isinstance(result, tuple) and all(np.ndim(part) == 1 for part in result):
        return np.column_stack(result)
    return np.asarray(result.toarray() if hasattr(result, "toarray") else result)
