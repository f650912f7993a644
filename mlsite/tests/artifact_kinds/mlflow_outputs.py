"""MLflow models with several outputs or labels, texts, and Python functions that return one value."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected
from mlsite.tests.artifact_kinds.mlflow_models import MLFLOW, TRUSTED, predict_pyfunc, save_model, split_rows, write_labels
from mlsite.tests.artifact_kinds.texts import INPUTS, SENTIMENTS, TEXTS, fit_pipeline

PICKLED = {"serialization_format": "cloudpickle"}


def _make_rows() -> tuple:
    import pandas as pd

    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(0, 1, (60, 3)), columns=["a", "b", "c"])
    return frame, frame.to_numpy() @ rng.normal(0, 1, (3, 3))


def _build_multi_label(folder: Path) -> BuiltArtifact:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    frame, targets = _make_rows()
    model = OneVsRestClassifier(LogisticRegression()).fit(frame, (targets > 0).astype(int))
    path = save_model("sklearn", model, folder, frame, model.predict(frame), **PICKLED)
    rows, names = frame.iloc[:8], ["sky", "water", "people"]
    expected = [
        Expected(
            labels=[name for name, is_set in zip(names, decision, strict=True) if is_set],
            scores=dict(zip(names, map(float, scores), strict=True)),
        )
        for decision, scores in zip(model.predict(rows), model.predict_proba(rows), strict=True)
    ]
    return BuiltArtifact(path, rows.to_dict("records"), expected, write_labels(folder, names))


def _build_targets(folder: Path) -> BuiltArtifact:
    from sklearn.linear_model import LinearRegression

    frame, targets = _make_rows()
    model = LinearRegression().fit(frame, targets)
    path = save_model("sklearn", model, folder, frame, model.predict(frame))
    rows = frame.iloc[:5]
    expected = [Expected(raw=row.tolist()) for row in model.predict(rows)]
    return BuiltArtifact(path, rows.to_dict("records"), expected, TRUSTED)


def _build_text_tensor(folder: Path) -> BuiltArtifact:
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = fit_pipeline(TfidfVectorizer())
    path = save_model("sklearn", model, folder, np.array(TEXTS), SENTIMENTS)
    labels = predict_pyfunc(path, [np.array([text]) for text in INPUTS])
    expected = [
        Expected(label=str(label), scores=dict(zip(model.classes_, map(float, scores), strict=True)))
        for label, scores in zip(labels, model.predict_proba(INPUTS), strict=True)
    ]
    return BuiltArtifact(path, INPUTS, expected, TRUSTED)


def _build_single_text(folder: Path) -> BuiltArtifact:
    import mlflow.pyfunc

    class Filter(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return "spam" if model_input["a"].iloc[0] > 0 else "ham"

    rows = _make_rows()[0].iloc[:6]
    path = save_model("pyfunc", Filter(), folder, rows, None)
    expected = [Expected(label=str(label)) for label in predict_pyfunc(path, split_rows(rows))]
    return BuiltArtifact(path, rows.to_dict("records"), expected, write_labels(folder, ["ham", "spam"]))


def _build_dates_and_categories(folder: Path) -> BuiltArtifact:
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    rng = np.random.default_rng(9)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, 60), unit="D")
    frame = pd.DataFrame({"day": days, "shop": rng.choice(["north", "south"], 60)})
    month = FunctionTransformer(lambda columns: columns.apply(lambda column: column.dt.month))
    encoder = make_column_transformer((month, ["day"]), (OneHotEncoder(), ["shop"]))
    model = make_pipeline(encoder, LinearRegression()).fit(frame, rng.normal(0, 1, 60))
    path = save_model("sklearn", model, folder, frame, model.predict(frame), **PICKLED)
    example = '[[examples]]\nfeatures = { day = "2024-01-01T00:00:00+02:00", shop = "north" }\n'
    (folder / "model.toml").write_text(f'artifact = "model"\n{example}')
    rows = frame.iloc[:6]
    expected = [Expected(value=float(value)) for value in predict_pyfunc(path, split_rows(rows))]
    return BuiltArtifact(
        folder, [{**row, "day": row["day"].isoformat()} for row in rows.to_dict("records")], expected, TRUSTED
    )


KINDS = (
    ArtifactKind("MLflow multi-label", "columns, scores, and decisions", "labels", _build_multi_label, MLFLOW),
    ArtifactKind("MLflow several targets", "columns, and kind raw", "", _build_targets, MLFLOW),
    ArtifactKind("MLflow tensor of texts", "input kind, classes, and scores", "", _build_text_tensor, MLFLOW),
    ArtifactKind("MLflow function of one row", "columns, and one by one", "labels", _build_single_text, MLFLOW),
    ArtifactKind("MLflow dates and categories", "columns and types", "an example", _build_dates_and_categories, MLFLOW),
)
