"""scikit-learn pipelines and boosters with dates, missing values of pandas, and categories that they name themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected
from mlsite.tests.artifact_kinds.sklearn_rows import save_built, save_model, to_row, write_manifest
from mlsite.tests.artifact_kinds.sklearn_tables import make_columns, make_houses

SAMPLE_COUNT = 12


def _build_dates(folder: Path) -> BuiltArtifact:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame, target = make_houses()
    days = pd.Timestamp("2026-03-01") + pd.to_timedelta(frame.rooms, unit="D")
    part = pd.DataFrame({"day": days, "area": frame.area})
    columns = make_columns(day=OneHotEncoder(handle_unknown="ignore"), area="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(part, target)
    rows = part.iloc[:SAMPLE_COUNT]
    sent = [{"day": row.day.isoformat(), "area": row.area} for row in rows.itertuples()]
    return save_built(folder, model, rows, sent=sent)


def _build_pandas_missing(folder: Path) -> BuiltArtifact:
    """Columns of the types string and Int64, with the missing value of pandas."""
    import pandas as pd
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame, target = make_houses()
    part = pd.DataFrame(
        {
            "city": frame.city.where(frame.index % 4 > 0, None).astype("string"),
            "rooms": frame.rooms.where(frame.index % 3 > 0).astype("Int64"),
        }
    )
    columns = make_columns(
        city=make_pipeline(SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value="missing"), OneHotEncoder()),
        rooms=SimpleImputer(missing_values=pd.NA),
    )
    model = make_pipeline(columns, LogisticRegression()).fit(part, target)
    rows = part.iloc[:SAMPLE_COUNT]
    sent = [
        {name: None if value is pd.NA else value for name, value in row.items()}
        for row in rows.astype(object).to_dict("records")
    ]
    return save_built(folder, model, rows, sent=sent, pickled=True)


def _build_rare_categories(folder: Path) -> BuiltArtifact:
    """Rare cities share a column with those that the training data does not contain."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame, target = make_houses()
    part = frame[["city", "area"]].copy()
    part.loc[::9, "city"] = [f"Village {index}" for index in range(len(part.loc[::9]))]
    columns = make_columns(city=OneHotEncoder(min_frequency=5, handle_unknown="infrequent_if_exist"), area="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(part, target)
    rows = part.iloc[:SAMPLE_COUNT].copy()
    rows.loc[rows.index[::3], "city"] = "Elsewhere"
    toml = '[[input.features]]\nname = "city"\ntype = "text"\n\n[[input.features]]\nname = "area"\n'
    return save_built(folder, model, rows, toml=toml)


def _build_selected_columns(folder: Path) -> BuiltArtifact:
    """A selector of columns, a score function, and the steps of an imputer, in a skops file that needs no trust."""
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.feature_selection import SelectKBest
    from sklearn.impute import IterativeImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame, target = make_houses()
    part = frame[["city", "rooms", "area"]].assign(rooms=frame.rooms.where(frame.index % 4 > 0))
    columns = ColumnTransformer(
        [
            ("texts", OneHotEncoder(), make_column_selector(dtype_exclude="number")),
            ("numbers", IterativeImputer(random_state=0), make_column_selector(dtype_include="number")),
        ]
    )
    model = make_pipeline(columns, SelectKBest(k=3), LogisticRegression(max_iter=500)).fit(part, target)
    return save_built(folder, model, part.iloc[:SAMPLE_COUNT])


def _build_outliers(folder: Path) -> BuiltArtifact:
    from sklearn.ensemble import IsolationForest

    frame, _ = make_houses()
    part = frame[["rooms", "area"]]
    model = IsolationForest(n_estimators=20, contamination=0.3, random_state=0).fit(part)
    path = save_model(folder, model)
    write_manifest(folder, path, 'labels = ["outlier", "usual"]\n[output]\nkind = "label"\nclasses = [-1, 1]\n')
    rows = part.iloc[:SAMPLE_COUNT]
    expected = [Expected(label="usual" if number > 0 else "outlier") for number in model.predict(rows)]
    return BuiltArtifact(folder, [to_row(rows, index) for index in range(len(rows))], expected)


def _build_xgboost_categories(folder: Path) -> BuiltArtifact:
    import pandas as pd
    import xgboost

    frame, target = make_houses()
    rooms = pd.Categorical(frame.rooms.where(frame.index % 5 > 0).astype("Int64"), sorted(set(frame.rooms), reverse=True))
    part = pd.DataFrame({"city": pd.Categorical(frame.city), "rooms": rooms, "area": frame.area})
    model = xgboost.XGBClassifier(n_estimators=9, enable_categorical=True).fit(part, target == "low")
    return save_built(folder, model, part.iloc[:SAMPLE_COUNT], pickled=True)


def _build_catboost_search(folder: Path) -> BuiltArtifact:
    import catboost
    from sklearn.model_selection import GridSearchCV

    frame, target = make_houses()
    part = frame[["rooms", "area"]]
    classifier = catboost.CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False, thread_count=1)
    model = GridSearchCV(classifier, {"depth": [2, 3]}, cv=2).fit(part, target)
    return save_built(folder, model, part.iloc[:SAMPLE_COUNT], pickled=True)


def _build_multi_label(folder: Path) -> BuiltArtifact:
    import catboost

    frame, target = make_houses()
    part = frame[["rooms", "area"]]
    options = {"iterations": 8, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    model = catboost.CatBoostClassifier(loss_function="MultiLogloss", **options)
    model.fit(part, np.column_stack([target == "high", frame.rooms > 2]).astype(int))
    rows = part.iloc[:SAMPLE_COUNT]
    labels = folder.parent / "labels.txt"
    labels.write_text("expensive\nlarge")
    names = np.array(["expensive", "large"])
    expected = [
        Expected(labels=names[decisions > 0].tolist(), scores=dict(zip(names.tolist(), scores, strict=True)))
        for decisions, scores in zip(model.predict(rows), model.predict_proba(rows).tolist(), strict=True)
    ]
    path = save_model(folder, model, pickled=True)
    sent = [to_row(rows, index) for index in range(len(rows))]
    return BuiltArtifact(path, sent, expected, {"trusted": True, "labels": labels})


def _build_ranker(folder: Path) -> BuiltArtifact:
    import lightgbm

    frame, _ = make_houses()
    part: Any = frame[["rooms", "area"]]
    model = lightgbm.LGBMRanker(n_estimators=5, min_child_samples=3, verbose=-1)
    model.fit(part, np.digitize(frame.area, [60, 90]), group=[10] * (len(part) // 10))
    return save_built(folder, model, part.iloc[:SAMPLE_COUNT], pickled=True)


KINDS = (
    ArtifactKind("one-hot dates", "type datetime, from the encoder", "", _build_dates),
    ArtifactKind("pandas missing values", "optional features, missing = NA", "trusted", _build_pandas_missing),
    ArtifactKind("rare categories", "categories", "type = text", _build_rare_categories),
    ArtifactKind("selected columns in skops", "columns, categories", "", _build_selected_columns),
    ArtifactKind("outlier detection", "columns", "labels, kind label, classes", _build_outliers),
    ArtifactKind("XGBoost pickle, categories", "categories", "trusted", _build_xgboost_categories, ("xgboost",)),
    ArtifactKind("CatBoost in a search", "columns", "trusted", _build_catboost_search, ("catboost",)),
    ArtifactKind("CatBoost pickle, multi-label", "2 labels", "labels, trusted", _build_multi_label, ("catboost",)),
    ArtifactKind("LightGBM ranker", "value", "trusted", _build_ranker, ("lightgbm",)),
)
