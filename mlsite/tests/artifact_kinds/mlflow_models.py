"""MLflow models: classes of the native model, Python functions, dates, optional integers, tensors, and boosters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected

TRUSTED = {"trusted": True}
ARGUMENTS = {"pyfunc": "python_model", "sklearn": "sk_model", "xgboost": "xgb_model", "lightgbm": "lgb_model"}


def save_model(flavor: str, model: Any, folder: Path, rows: Any, outputs: Any, **options: Any) -> Path:
    """Save a model with a flavor of MLflow, or a Python function with `pyfunc`, and return its folder."""
    import os
    from importlib import import_module

    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    models = import_module("mlflow.models")
    signature = options.pop("signature", None) or models.infer_signature(rows, outputs)
    arguments = {ARGUMENTS[flavor]: model}
    module = import_module(f"mlflow.{flavor}")
    module.save_model(path=folder / "model", signature=signature, pip_requirements=[], **arguments, **options)
    return folder / "model"


def predict_pyfunc(path: Path, frames: Iterable[Any]) -> list[Any]:
    """Return the first prediction of MLflow for each data frame."""
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(path))
    return [np.ravel(np.asarray(model.predict(frame)))[0] for frame in frames]


def split_rows(frame: Any) -> list[Any]:
    return [frame.iloc[[index]] for index in range(len(frame))]


def write_labels(folder: Path, labels: Sequence[str]) -> dict[str, Any]:
    path = folder.parent / "labels.txt"
    path.write_text("\n".join(labels))
    return {"labels": path, **TRUSTED}


def _build_digits(folder: Path) -> BuiltArtifact:
    from sklearn.datasets import load_digits
    from sklearn.svm import LinearSVC

    images, digits = load_digits(return_X_y=True, as_frame=True)
    selected = (digits >= 3) & (digits <= 8)
    images, digits = images[selected], digits[selected]
    model = LinearSVC().fit(images, digits)
    path = save_model("sklearn", model, folder, images, digits)
    rows = images.iloc[:8]
    names = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
    expected = [Expected(label=names[int(label)]) for label in predict_pyfunc(path, split_rows(rows))]
    return BuiltArtifact(path, rows.to_dict("records"), expected, write_labels(folder, list(names.values())))


def _build_text_labels(folder: Path) -> BuiltArtifact:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    flowers, species = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(max_iter=500).fit(flowers, np.array(["virginica", "setosa", "iris x"])[species])
    path = save_model("sklearn", model, folder, flowers, model.predict(flowers))
    rows = flowers.iloc[::20]
    expected = [
        Expected(label=str(label), scores=dict(zip(map(str, model.classes_), map(float, scores), strict=True)))
        for label, scores in zip(predict_pyfunc(path, split_rows(rows)), model.predict_proba(rows), strict=True)
    ]
    return BuiltArtifact(path, rows.to_dict("records"), expected, TRUSTED)


def _build_python_function(folder: Path) -> BuiltArtifact:
    import mlflow.pyfunc
    import pandas as pd

    class Grade(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input: pd.DataFrame, params=None):
            return np.where(model_input["score"] > 50, 1, np.where(model_input["is_retry"], 3, 2))

    rows = pd.DataFrame({"score": [80.5, 20.25, 51.0, 3.0], "is_retry": [True, False, False, True]})
    path = save_model("pyfunc", Grade(), folder, rows, np.array([1, 2]))
    names = {1: "passed", 2: "failed", 3: "failed again"}
    (folder / "model.toml").write_text('artifact = "model"\n[output]\nclasses = [1, 2, 3]\n')
    expected = [Expected(label=names[int(label)]) for label in predict_pyfunc(path, split_rows(rows))]
    return BuiltArtifact(folder, rows.to_dict("records"), expected, write_labels(folder, list(names.values())))


def _build_dates(folder: Path) -> BuiltArtifact:
    import mlflow.models
    import mlflow.pyfunc
    import pandas as pd

    class Fee(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input: pd.DataFrame, params=None):
            guests = model_input["guests"] * 2.0 if "guests" in model_input else 0.5
            return model_input["day"].dt.dayofyear + model_input["day"].dt.hour / 24 + guests

    column = mlflow.types.ColSpec
    columns = [column("datetime", "day"), column("long", "guests", required=False)]
    signature = mlflow.models.ModelSignature(mlflow.types.Schema(columns), mlflow.types.Schema([column("double")]))
    path = save_model("pyfunc", Fee(), folder, None, None, signature=signature)
    inputs: list[dict[str, Any]] = [
        {"day": "2026-03-01T14:30:00", "guests": 3},
        {"day": "2025-12-31"},
        {"day": "2024-02-29T06:00:00+06:00", "guests": 2**40},
        {"day": "2024-02-29T06:00:00Z"},
    ]
    frames = [
        pd.DataFrame({**row, "day": pd.to_datetime([row["day"]], utc=True).tz_localize(None)}, index=[0]) for row in inputs
    ]
    return BuiltArtifact(path, inputs, [Expected(value=float(value)) for value in predict_pyfunc(path, frames)], TRUSTED)


def _build_tensors(folder: Path) -> BuiltArtifact:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LinearRegression

    patients, progression = load_diabetes(return_X_y=True)
    path = save_model("sklearn", LinearRegression().fit(patients, progression), folder, patients, progression)
    rows = patients[:5]
    expected = [Expected(value=float(value)) for value in predict_pyfunc(path, [row[None] for row in rows])]
    return BuiltArtifact(path, [{f"x{i}": float(v) for i, v in enumerate(row)} for row in rows], expected, TRUSTED)


def _build_booster(folder: Path, *, flavor: str) -> BuiltArtifact:
    import pandas as pd

    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"size": rng.normal(50, 9, 90), "age": rng.normal(40, 9, 90)})
    frame.loc[::4, "size"] = np.nan
    target = (frame["age"] > 40).astype(int) + (frame["size"] > 50)
    if flavor == "xgboost":
        import xgboost

        model: Any = xgboost.XGBClassifier(n_estimators=5).fit(frame, target)
    else:
        import lightgbm

        target = np.array(["low", "middle", "high"])[target]
        model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, min_child_samples=4).fit(frame, target)
    path = save_model(flavor, model, folder, frame, model.predict(frame))
    (folder / "model.toml").write_text('artifact = "model"\n[[input.features]]\nname = "size"\nrequired = false\n')
    rows = frame.iloc[:10]
    expected = [
        Expected(label=str(label), scores=dict(zip(map(str, model.classes_), map(float, scores), strict=True)))
        for label, scores in zip(predict_pyfunc(path, split_rows(rows)), model.predict_proba(rows), strict=True)
    ]
    inputs = [{name: value for name, value in row.items() if value == value} for row in rows.to_dict("records")]
    return BuiltArtifact(folder, inputs, expected, TRUSTED)


MLFLOW = ("mlflow",)
KINDS = (
    ArtifactKind("MLflow scikit-learn, classes 3 to 8", "columns and classes", "labels", _build_digits, MLFLOW),
    ArtifactKind("MLflow scikit-learn, text labels", "columns, classes, and scores", "", _build_text_labels, MLFLOW),
    ArtifactKind("MLflow Python function", "columns and types", "classes and labels", _build_python_function, MLFLOW),
    ArtifactKind("MLflow dates and optional integers", "columns and types", "", _build_dates, MLFLOW),
    ArtifactKind("MLflow tensor signature", "number of features", "", _build_tensors, MLFLOW),
    ArtifactKind(
        "MLflow XGBoost",
        "columns, classes, and scores",
        "required = false",
        lambda folder: _build_booster(folder, flavor="xgboost"),
        (*MLFLOW, "xgboost"),
    ),
    ArtifactKind(
        "MLflow LightGBM",
        "columns, classes, and scores",
        "required = false",
        lambda folder: _build_booster(folder, flavor="lightgbm"),
        (*MLFLOW, "lightgbm"),
    ),
)
