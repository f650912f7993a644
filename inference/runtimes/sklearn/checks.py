"""Reject objects that are no fitted model, each with the step that helps."""

from __future__ import annotations

import inspect
from typing import Any

from inference.errors import InvalidArtifact
from inference.messages import format_names
from inference.runtimes.catboost import check_columns
from inference.runtimes.sklearn.outputs import split_pipeline
from inference.runtimes.sklearn.steps import list_steps, unwrap_model

BOOSTER_STEPS = {
    "xgboost": 'booster.save_model("model.ubj")',
    "lightgbm": 'booster.save_model("model.txt")',
}

FORECAST_LIBRARIES = ("lifelines", "pmdarima", "sktime", "statsmodels")
FORECAST_ARGUMENTS = ("fh", "n_periods", "start", "times")
"""The first argument of `predict` of models that take points in time instead of rows."""
OWN_CLASS_STEP = "Wrap it in a class of your own: docs/formats.md, Models with another interface"


def check_model(model: Any, name: str) -> None:
    """Raise `InvalidArtifact` unless the object is a fitted model with `predict` that takes rows or texts.

    Args:
        name: of the file, for the message.
    """
    kind, library = type(model).__name__, type(model).__module__.partition(".")[0]
    if kind == "Booster" and library in BOOSTER_STEPS:
        raise InvalidArtifact(
            f"{name} is a pickled Booster of {library}. Save it in the format of its library, and register that file: "
            f"{BOOSTER_STEPS[library]}"
        )
    if kind == "CatBoost" and library == "catboost" and len(model.classes_):
        raise InvalidArtifact(
            f"{name} is a pickled CatBoost object of a classifier. Its predict() returns margins, not classes. Save it in "
            'the format of its library, and register that file: model.save_model("model.cbm")'
        )
    if getattr(model, "refit", True) is False:
        raise InvalidArtifact(
            f"The {kind} in {name} was fitted with refit=False and contains no model. Fit it with refit=True, or fit a "
            "model with best_params_, and save that model."
        )
    if hasattr(model, "predict_one"):
        raise InvalidArtifact(f"The {kind} in {name} takes single rows as dictionaries. {OWN_CLASS_STEP}.")
    if not callable(getattr(model, "predict", None)):
        raise InvalidArtifact(f"Expected a fitted model with predict(). {name} contains {_describe_other(model)}")
    if library in FORECAST_LIBRARIES and (argument := _get_first_argument(model.predict)) in FORECAST_ARGUMENTS:
        raise InvalidArtifact(f"predict() of the {kind} in {name} takes {argument} instead of rows. {OWN_CLASS_STEP}.")
    _check_steps(model, name)


def _check_steps(model: Any, name: str) -> None:
    final = split_pipeline(unwrap_model(model))[1]
    # Classes of the user can keep what they learned under any name.
    if type(final).__module__.startswith("sklearn.") and not _is_fitted(final):
        raise InvalidArtifact(f"The {type(final).__name__} in {name} is not fitted. Call fit(), and save the model again.")
    if type(final).__name__ == "LGBMClassifier" and callable(final.objective):
        raise InvalidArtifact(
            f"The LGBMClassifier in {name} has its own objective function, so predict() returns margins, not classes. "
            'Save its booster: model.booster_.save_model("model.txt"). Register that file, and set labels '
            'and activation: "sigmoid" for two classes, otherwise "softmax".'
        )
    if type(final).__module__.startswith("catboost") and hasattr(final, "get_embedding_feature_indices"):
        check_columns(final)
    first = next((step for _, step in list_steps(model)), model)
    if type(first).__name__ in ("DictVectorizer", "FeatureHasher"):
        raise InvalidArtifact(
            f"The pipeline in {name} begins with a {type(first).__name__}, which takes dictionaries instead of columns. "
            "Train it on a data frame, with OneHotEncoder in a ColumnTransformer for the columns of text, and save it again."
        )


def _describe_other(model: Any) -> str:
    """Return what a file contains instead of a model, and the step that helps."""
    if isinstance(model, dict | list | tuple):
        keys = f" with the keys {format_names([str(key) for key in model])}" if isinstance(model, dict) else ""
        return (
            f"a {type(model).__name__}{keys}. Save one object: the model itself, or make_pipeline(…) of its steps, such as "
            "a scaler and the model."
        )
    steps = list_steps(model)
    final = steps[-1][1] if steps else model
    if hasattr(final, "fit_predict"):
        return (
            f"a {type(final).__name__}, which cannot be applied to new rows. Use a model with predict(), such as KMeans or "
            "LocalOutlierFactor(novelty=True), or train a classifier on the numbers that fit_predict() returns."
        )
    if steps and hasattr(final, "transform"):
        return "a Pipeline that ends with a transformer. Add the model as its last step: make_pipeline(pipeline, model)."
    if hasattr(final, "transform") and hasattr(final, "fit"):
        return (
            f"a {type(final).__name__}, which only transforms rows. Save a pipeline that ends with a model: "
            "make_pipeline(transformer, model)."
        )
    if hasattr(final, "fit"):
        return (
            f"a {type(final).__name__}, which has no predict(). Save a similar model that has one, such as "
            f"KNeighborsClassifier instead of NearestNeighbors, or {OWN_CLASS_STEP[0].lower()}{OWN_CLASS_STEP[1:]}."
        )
    return f"a {type(model).__name__}. Save the fitted model itself."


def _is_fitted(model: Any) -> bool:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    except TypeError:  # not an estimator
        pass
    return True


def _get_first_argument(function: Any) -> str:
    try:
        return next(iter(inspect.signature(function).parameters), "")
    except (TypeError, ValueError):  # a function without a signature
        return ""
