"""XGBoost, LightGBM, and CatBoost models in their own formats, with categories and missing values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected

ROW_COUNT = 120
SAMPLE_COUNT = 12


def _make_frame(*, kind: str = "category", missing: bool = True) -> Any:
    """Return a table with missing numbers, and a column of categories that are not in alphabetical order."""
    import pandas as pd

    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"size": rng.normal(50, 9, ROW_COUNT), "age": rng.integers(0, 90, ROW_COUNT)})
    frame["color"] = pd.Categorical(rng.choice(["red", "blue", "green"], ROW_COUNT), ["red", "blue", "green"])
    if missing:
        frame.loc[::5, "size"] = np.nan
        frame.loc[1::6, "color"] = None
    return frame if kind == "category" else frame.assign(color=frame["color"].astype(object))


def _make_classes(frame: Any, count: int) -> Any:
    codes = frame["color"].map({"red": 0, "blue": 2, "green": 1}).astype(float).fillna(3)
    return ((frame["age"] > 40).astype(int) + codes).astype(int).to_numpy() % count


def _to_inputs(rows: Any) -> list[dict[str, Any]]:
    """Return rows as JSON objects, without the missing values."""
    return [
        {name: value for name, value in row.items() if value == value and value is not None}
        for row in rows.to_dict("records")
    ]


def _expect_scores(classes: Sequence[Any], labels: Any, scores: Any) -> list[Expected]:
    return [
        Expected(label=str(label), scores={str(name): float(score) for name, score in zip(classes, row, strict=True)})
        for label, row in zip(np.ravel(labels), scores, strict=True)
    ]


def _write_labels(folder: Path, labels: Sequence[str]) -> dict[str, Any]:
    path = folder.parent / "labels.txt"
    path.write_text("\n".join(labels))
    return {"labels": path}


def _build_xgboost_classifier(folder: Path, *, count: int, suffix: str) -> BuiltArtifact:
    import xgboost

    frame = _make_frame()
    model = xgboost.XGBClassifier(n_estimators=40, max_depth=3, early_stopping_rounds=3, enable_categorical=True)
    target = _make_classes(frame, count)
    noise = np.random.default_rng(0).integers(0, count, ROW_COUNT)
    model.fit(frame, target, eval_set=[(frame, np.where(np.arange(ROW_COUNT) % 2, target, noise))], verbose=False)
    assert model.best_iteration < model.get_booster().num_boosted_rounds() - 1
    model.save_model(folder / f"model{suffix}")
    rows = frame.iloc[:SAMPLE_COUNT]
    expected = _expect_scores(model.classes_, model.predict(rows), model.predict_proba(rows))
    return BuiltArtifact(folder / f"model{suffix}", _to_inputs(rows), expected)


def _build_xgboost_booster(folder: Path, *, objective: str) -> BuiltArtifact:
    import xgboost

    frame = _make_frame().drop(columns="color").to_numpy()
    target = frame[:, 1] / 30 if objective.startswith("reg") else (frame[:, 1] // 31).astype(int)
    options = {"num_class": 3} if objective.startswith("multi") else {}
    booster = xgboost.train({"objective": objective, **options}, xgboost.DMatrix(frame, target), 8)
    booster.save_model(folder / "model.json")
    rows = frame[:SAMPLE_COUNT]
    predicted = booster.predict(xgboost.DMatrix(rows))
    inputs = [{f"x{i}": float(value) for i, value in enumerate(row) if value == value} for row in rows]
    expected = [Expected(label=str(int(value))) if options else Expected(value=float(value)) for value in predicted]
    return BuiltArtifact(folder / "model.json", inputs, expected)


def _build_lightgbm_classifier(folder: Path, *, count: int) -> BuiltArtifact:
    import lightgbm

    frame = _make_frame()
    names = ["yes", "maybe", "no"][:count]
    model = lightgbm.LGBMClassifier(n_estimators=8, min_child_samples=3, verbose=-1)
    model.fit(frame, np.array(names)[_make_classes(frame, count)])
    model.booster_.save_model(folder / "model.txt")
    rows = frame.iloc[:SAMPLE_COUNT]
    expected = _expect_scores(model.classes_, model.predict(rows), model.predict_proba(rows))
    return BuiltArtifact(folder / "model.txt", _to_inputs(rows), expected, _write_labels(folder, list(model.classes_)))


def _build_lightgbm_regressor(folder: Path) -> BuiltArtifact:
    import lightgbm

    frame = _make_frame()
    model = lightgbm.LGBMRegressor(n_estimators=8, min_child_samples=3, verbose=-1)
    model.fit(frame, frame["age"] + 100 * (frame["color"] == "blue"))
    model.booster_.save_model(folder / "model.lgb")
    rows = frame.iloc[:SAMPLE_COUNT]
    expected = [Expected(value=float(value)) for value in model.predict(rows)]
    return BuiltArtifact(folder / "model.lgb", _to_inputs(rows), expected)


def _build_catboost_classifier(folder: Path, *, count: int) -> BuiltArtifact:
    import catboost

    frame = _make_frame(kind="text", missing=False)
    frame.loc[::5, "size"] = np.nan
    classes = np.array(["no", "yes", "later"])[_make_classes(frame, count)]
    model = catboost.CatBoostClassifier(iterations=8, verbose=0, allow_writing_files=False, thread_count=1)
    model.fit(frame, classes, cat_features=["color"])
    if count == 2:
        model.set_probability_threshold(0.35)
    model.save_model(folder / "model.cbm")
    rows = frame.iloc[:SAMPLE_COUNT]
    expected = _expect_scores(model.classes_, model.predict(rows), model.predict_proba(rows))
    return BuiltArtifact(folder / "model.cbm", _to_inputs(rows), expected)


def _build_catboost_regressor(folder: Path) -> BuiltArtifact:
    import catboost

    frame = _make_frame(missing=False).drop(columns="color")
    model = catboost.CatBoostRegressor(loss_function="Poisson", iterations=8, verbose=0, allow_writing_files=False)
    model.fit(frame.to_numpy(), frame["age"])
    model.save_model(folder / "model.cbm")
    rows = frame.iloc[:SAMPLE_COUNT].to_numpy()
    expected = [Expected(value=float(value)) for value in model.predict(rows)]
    inputs = [{f"x{i}": float(value) for i, value in enumerate(row)} for row in rows]
    return BuiltArtifact(folder / "model.cbm", inputs, expected)


XGBOOST, LIGHTGBM, CATBOOST = ("xgboost",), ("lightgbm",), ("catboost",)
KINDS = (
    ArtifactKind(
        "XGBoost binary, categories, early stopping",
        "columns, categories, classes 0 and 1, best iteration",
        "",
        lambda folder: _build_xgboost_classifier(folder, count=2, suffix=".ubj"),
        XGBOOST,
    ),
    ArtifactKind(
        "XGBoost multiclass, categories, JSON",
        "columns, categories, classes 0 to 2, best iteration",
        "",
        lambda folder: _build_xgboost_classifier(folder, count=3, suffix=".json"),
        XGBOOST,
    ),
    ArtifactKind(
        "XGBoost Booster with softmax",
        "classes 0 to 2",
        "",
        lambda folder: _build_xgboost_booster(folder, objective="multi:softmax"),
        XGBOOST,
    ),
    ArtifactKind(
        "XGBoost Booster, regression",
        "regression",
        "",
        lambda folder: _build_xgboost_booster(folder, objective="reg:squarederror"),
        XGBOOST,
    ),
    ArtifactKind(
        "LightGBM binary, pandas categories",
        "columns and categories",
        "labels",
        lambda folder: _build_lightgbm_classifier(folder, count=2),
        LIGHTGBM,
    ),
    ArtifactKind(
        "LightGBM multiclass, pandas categories",
        "columns and categories",
        "labels",
        lambda folder: _build_lightgbm_classifier(folder, count=3),
        LIGHTGBM,
    ),
    ArtifactKind(
        "LightGBM regression, pandas categories", "columns and categories", "", _build_lightgbm_regressor, LIGHTGBM
    ),
    ArtifactKind(
        "CatBoost binary, categories, own threshold",
        "columns, classes, threshold",
        "",
        lambda folder: _build_catboost_classifier(folder, count=2),
        CATBOOST,
    ),
    ArtifactKind(
        "CatBoost multiclass, categories",
        "columns and classes",
        "",
        lambda folder: _build_catboost_classifier(folder, count=3),
        CATBOOST,
    ),
    ArtifactKind(
        "CatBoost Poisson regression", "regression, exponent of the raw value", "", _build_catboost_regressor, CATBOOST
    ),
)
