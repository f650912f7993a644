"""scikit-learn models with columns of several types, missing values, and steps inside wrappers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact
from mlsite.tests.artifact_kinds.sklearn_rows import save_built

ROW_COUNT = 60


def make_houses() -> tuple[Any, Any]:
    """Return a frame of text, integers, booleans, and numbers with missing values, and a target that depends on all."""
    import pandas as pd

    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "city": random.choice(["Bern", "Graz", "Lyon"], ROW_COUNT),
            "rooms": random.integers(1, 5, ROW_COUNT),
            "area": random.normal(80, 20, ROW_COUNT).round(2),
            "garden": random.integers(0, 2, ROW_COUNT).astype(bool),
        }
    )
    score = (
        (frame.city == "Bern") * 2 + frame.rooms * 0.7 + frame.garden + frame.area / 40 + random.normal(0, 0.5, ROW_COUNT)
    )
    return frame, np.where(score > np.median(score), "high", "low")


def make_columns(**encoders: Any) -> Any:
    from sklearn.compose import ColumnTransformer

    return ColumnTransformer([(name, encoder, [name]) for name, encoder in encoders.items()])


def _build_search(folder: Path) -> BuiltArtifact:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame, target = make_houses()
    columns = make_columns(city=OneHotEncoder(), area=StandardScaler(), rooms="passthrough", garden=OneHotEncoder())
    search = GridSearchCV(make_pipeline(columns, LogisticRegression()), {"logisticregression__C": [0.1, 1.0]}, cv=2)
    return save_built(folder, search.fit(frame, target), frame.iloc[:12])


def _build_calibrated(folder: Path) -> BuiltArtifact:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import LinearSVC

    frame, target = make_houses()
    pipeline = make_pipeline(make_columns(city=OneHotEncoder(), area=StandardScaler()), LinearSVC())
    part = frame[["city", "area"]]
    return save_built(folder, CalibratedClassifierCV(pipeline, cv=3).fit(part, target), part.iloc[:12])


def _build_positions(folder: Path) -> BuiltArtifact:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame, target = make_houses()
    array = frame[["city", "rooms", "area"]].to_numpy(object)
    columns = ColumnTransformer([("c", OneHotEncoder(), [0, 1])], remainder=StandardScaler())
    model = make_pipeline(columns, LogisticRegression()).fit(array, target)
    sent = [dict(zip(("x0", "x1", "x2"), row, strict=True)) for row in array[:12].tolist()]
    return save_built(folder, model, _Rows(array[:12]), sent=sent)


class _Rows:
    """An array with the row access of a data frame."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.iloc = self

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, indices: Any) -> Any:
        return self.array[indices]


def _build_integer_categories(folder: Path) -> BuiltArtifact:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame, target = make_houses()
    columns = make_columns(rooms=OneHotEncoder(), garden=OneHotEncoder(drop="if_binary"))
    part = frame[["rooms", "garden"]]
    return save_built(folder, make_pipeline(columns, LogisticRegression()).fit(part, target), part.iloc[:12])


def _build_ordinal(marker: Any) -> Any:
    def build(folder: Path) -> BuiltArtifact:
        import pandas as pd
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OrdinalEncoder
        from sklearn.tree import DecisionTreeClassifier

        frame, target = make_houses()
        cities = [marker if index % 4 == 0 else city for index, city in enumerate(frame.city)]
        part = pd.DataFrame({"city": pd.Series(cities, dtype=object), "area": frame.area})
        columns = make_columns(city=OrdinalEncoder(encoded_missing_value=-1), area="passthrough")
        model = make_pipeline(columns, DecisionTreeClassifier(max_depth=4, random_state=0)).fit(part, target)
        return save_built(folder, model, part.iloc[:12])

    return build


def _build_imputed(folder: Path) -> BuiltArtifact:
    import pandas as pd
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame, target = make_houses()
    part = pd.DataFrame(
        {
            "city": [np.nan if index % 5 == 0 else city for index, city in enumerate(frame.city)],
            "rooms": [np.nan if index % 3 == 0 else rooms for index, rooms in enumerate(frame.rooms)],
            "code": [-1 if index % 4 == 0 else rooms for index, rooms in enumerate(frame.rooms)],
        }
    )
    part["city"] = part["city"].astype(object)
    columns = make_columns(
        city=make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()),
        rooms=make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()),
        code=SimpleImputer(missing_values=-1, add_indicator=True),
    )
    model = make_pipeline(columns, LogisticRegression()).fit(part, target)
    rows = part.iloc[:12]
    sent = [
        {
            "city": None if city != city else city,
            "rooms": None if rooms != rooms else rooms,
            **({} if code == -1 else {"code": code}),
        }
        for city, rooms, code in rows.to_numpy(object).tolist()
    ]
    return save_built(folder, model, rows, sent=sent)


def _build_optional_integers(folder: Path) -> BuiltArtifact:
    """The user's function writes integers as text: `3` and `3.0` are different categories."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    frame, target = make_houses()
    part = frame[["rooms"]]
    encoder = make_pipeline(FunctionTransformer(format_as_text), OneHotEncoder(handle_unknown="ignore"))
    model = make_pipeline(encoder, LogisticRegression()).fit(part, target)
    toml = '[[input.features]]\nname = "rooms"\ntype = "integer"\nrequired = false\n'
    rows = part.iloc[:12]
    built = save_built(folder, model, rows, toml=toml, pickled=True)
    missing = rows.iloc[:2].astype(float) * np.nan
    extra = save_built(folder, model, missing, pickled=True)
    return BuiltArtifact(built.path, [*built.inputs, *extra.inputs], [*built.expected, *extra.expected], built.options)


def format_as_text(frame: Any) -> Any:
    return frame.astype(str)


def _build_text_and_numbers(folder: Path) -> BuiltArtifact:
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame, target = make_houses()
    words = np.where(target == "high", "bright flat", "old flat")
    part = pd.DataFrame({"advert": [f"{word} in {city}" for word, city in zip(words, frame.city, strict=True)],
                         "area": frame.area})  # fmt: skip
    columns = ColumnTransformer([("t", TfidfVectorizer(), "advert"), ("n", StandardScaler(), ["area"])])
    return save_built(folder, make_pipeline(columns, LogisticRegression()).fit(part, target), part.iloc[:12])


def _build_unused(folder: Path) -> BuiltArtifact:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame, target = make_houses()
    model = make_pipeline(make_columns(city=OneHotEncoder(), area=StandardScaler()), LogisticRegression()).fit(frame, target)
    rows = frame.iloc[:12]
    sent = [{"city": row.city, "area": row.area} for row in rows.itertuples()]
    return save_built(folder, model, rows, sent=sent)


def _build_strange_names(folder: Path) -> BuiltArtifact:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame, target = make_houses()
    names = ['city\n"<b>"', " ", "fläche (m²) \u200b" + "long " * 60, "0"]
    part = frame.set_axis(names, axis="columns")
    columns = make_columns(
        **{names[0]: OneHotEncoder(), names[1]: "passthrough", names[2]: StandardScaler(), "0": OneHotEncoder()}
    )
    return save_built(folder, make_pipeline(columns, LogisticRegression()).fit(part, target), part.iloc[:12])


def _build_histogram(folder: Path) -> BuiltArtifact:
    """A booster with categories by data type and missing values in every column."""
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier

    frame, target = make_houses()
    part = pd.DataFrame(
        {"city": pd.Categorical(frame.city.where(frame.rooms > 1)), "area": frame.area.where(frame.rooms < 4)}
    )
    model = HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=3).fit(part, target)
    return save_built(folder, model, part.iloc[:12])


KINDS = (
    ArtifactKind("grid search", "columns, types, and categories of the best pipeline", "", _build_search),
    ArtifactKind("calibrated pipeline", "columns and categories of the inner pipelines", "", _build_calibrated),
    ArtifactKind("columns by position", "x0 and x1 from the encoder, x2 a number", "", _build_positions),
    ArtifactKind("one-hot integers and booleans", "types and values of the encoders", "", _build_integer_categories),
    ArtifactKind("ordinal encoder with None", "missing = none", "", _build_ordinal(None)),
    ArtifactKind("ordinal encoder with NaN", "missing = nan", "", _build_ordinal(np.nan)),
    ArtifactKind("imputers", "optional features, missing = -1", "", _build_imputed),
    ArtifactKind("optional integers in own code", "", "type = integer, required = false", _build_optional_integers),
    ArtifactKind("text and numbers", "text from the vectorizer", "", _build_text_and_numbers),
    ArtifactKind("unused columns", "columns that no step uses are left out", "", _build_unused),
    ArtifactKind("strange column names", "names of any characters", "", _build_strange_names),
    ArtifactKind("histogram boosting with categories", "optional features, categories", "", _build_histogram),
)
