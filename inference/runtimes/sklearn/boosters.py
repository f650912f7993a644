"""Read the categorical columns and the number of outputs of XGBoost, LightGBM, and CatBoost estimators."""

from __future__ import annotations

import json
from typing import Any

from inference.runtimes.catboost import MULTI_LABEL_LOSSES
from inference.runtimes.xgboost import CATEGORY_TYPE, read_categories


def list_category_columns(step: Any) -> dict[int, list[Any]]:
    """Return the categories of each categorical column by its position; an empty list if the model does not name them."""
    library = type(step).__module__.partition(".")[0]
    if library == "xgboost" and hasattr(step, "get_booster"):
        return _list_xgboost_columns(step.get_booster())
    if library == "lightgbm" and hasattr(step, "booster_"):
        return _list_lightgbm_columns(step.booster_)
    if library == "catboost" and hasattr(step, "get_cat_feature_indices"):
        return {int(index): [] for index in step.get_cat_feature_indices()}
    return {}


def list_text_columns(step: Any) -> list[int]:
    """Return the positions of the columns that a CatBoost model takes as text."""
    return [int(index) for index in step.get_text_feature_indices()] if hasattr(step, "get_text_feature_indices") else []


def count_xgboost_targets(model: Any) -> int:
    """Return the number of targets of an XGBoost model; more than 1 for a multi-label classifier."""
    if type(model).__module__.partition(".")[0] != "xgboost" or not hasattr(model, "get_booster"):
        return 1
    config = json.loads(model.get_booster().save_config())
    return int(config["learner"]["learner_model_param"].get("num_target", 1))


def is_catboost_multi_label(model: Any) -> bool:
    """Return whether a CatBoost classifier has a decision for each label."""
    if type(model).__name__ != "CatBoostClassifier" or not model.is_fitted():
        return False
    return str(model.get_all_params().get("loss_function", "")).startswith(MULTI_LABEL_LOSSES)


def _list_xgboost_columns(booster: Any) -> dict[int, list[Any]]:
    types = booster.feature_types or ()
    categories = read_categories(booster, types)
    return {index: list(categories[index] or ()) for index, kind in enumerate(types) if kind == CATEGORY_TYPE}


def _list_lightgbm_columns(booster: Any) -> dict[int, list[Any]]:
    positions = [index for index in booster.params.get("categorical_column") or () if isinstance(index, int)]
    known = booster.pandas_categorical or []
    # The categories are those of the columns of pandas type category. Columns that the user lists have none.
    if len(known) != len(positions):
        known = [[] for _ in positions]
    return dict(zip(sorted(positions), known, strict=True))
