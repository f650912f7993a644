"""What is read from the steps of a scikit-learn model about its columns, and what the user must state."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from inference.errors import InvalidSignature
from inference.runtimes import load_artifact
from inference.tests.factories import infer_with_defaults, predict_row, serve_artifact

pytestmark = pytest.mark.xdist_group("sklearn")
NUMBERS = pd.DataFrame({"a": np.arange(40.0) % 7, "b": np.arange(40.0) % 5})
HOLES = NUMBERS.mask(np.arange(80).reshape(40, 2) % 5 == 0)
TARGET = (NUMBERS.a > 3).astype(int)


class Encoder(TransformerMixin, BaseEstimator):
    """An encoder with an option of its own, like those of feature_engine."""

    def __init__(self, missing_values="raise"):
        self.missing_values = missing_values

    def fit(self, frame, target):
        self.feature_names_in_, self.n_features_in_ = np.array(frame.columns), frame.shape[1]
        return self

    def transform(self, frame):
        return frame.assign(city=frame.city.str.len())


def read_features(tmp_path, model, **sections):
    """Return the features of the signature without their examples, and the notices."""
    joblib.dump(model, tmp_path / "model.joblib")
    runtime, _ = load_artifact("sklearn", tmp_path / "model.joblib", trusted=True)
    metadata = runtime.describe()
    signature, _ = infer_with_defaults(metadata, **sections)
    features = signature.to_dict()["input"]["features"]
    return [{key: value for key, value in feature.items() if key != "example"} for feature in features], metadata.notices


def list_optional(features):
    return [feature["name"] for feature in features if feature.get("required") is False]


@pytest.mark.parametrize(
    ("model", "frame", "optional"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), NUMBERS, []),  # the scaler passes NaN on
        (make_pipeline(StandardScaler(), SimpleImputer(), LogisticRegression()), HOLES, ["a", "b"]),
        (RandomForestClassifier(10, random_state=0), NUMBERS, []),
        (RandomForestClassifier(10, random_state=0), HOLES, ["a", "b"]),
        (HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=2), NUMBERS, ["a", "b"]),
    ],
)
def test_features_are_optional_if_every_step_takes_nan(tmp_path, model, frame, optional):
    assert list_optional(read_features(tmp_path, model.fit(frame, TARGET))[0]) == optional


def test_several_missing_values_must_be_stated(tmp_path):
    cities = pd.DataFrame({"city": pd.Series(["Bern", None, np.nan, "Graz"] * 10, dtype=object)})
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(cities, TARGET)
    with pytest.raises(InvalidSignature, match=r"Expected missing in model.toml for: city.*trained with several missing"):
        read_features(tmp_path, model)
    features, _ = read_features(tmp_path, model, input={"features": [{"name": "city", "missing": "none"}]})
    assert features == [
        {"name": "city", "type": "category", "values": ["Bern", "Graz"], "required": False, "missing": "none"}
    ]


def test_types_of_columns_in_own_code_must_be_stated(tmp_path):
    model = make_pipeline(FunctionTransformer(add_sum), LogisticRegression()).fit(NUMBERS, TARGET)
    with pytest.raises(
        InvalidSignature, match=r"Expected type in model.toml for: a, b.*FunctionTransformer\(add_sum\) takes"
    ):
        read_features(tmp_path, model)
    stated = {"features": [{"name": "a", "type": "integer"}, {"name": "b", "type": "float"}]}
    assert [feature["type"] for feature in read_features(tmp_path, model, input=stated)[0]] == ["integer", "float"]


def add_sum(frame):
    return frame.assign(sum=frame.a + frame.b)


def test_columns_that_no_step_uses_are_left_out_unless_they_are_declared(tmp_path):
    model = make_pipeline(ColumnTransformer([("n", StandardScaler(), ["b"])]), LogisticRegression()).fit(NUMBERS, TARGET)
    features, notices = read_features(tmp_path, model)
    assert [feature["name"] for feature in features] == ["b"]
    assert notices == ("Columns that no step of the model uses are not part of the input: a.",)
    features, _ = read_features(tmp_path, model, input={"features": [{"name": "a"}]})
    assert [feature["name"] for feature in features] == ["a", "b"]


def test_example_is_a_value_that_the_model_accepts(tmp_path):
    model = make_pipeline(FunctionTransformer(np.log), LogisticRegression()).fit(NUMBERS + 1, TARGET)
    joblib.dump(model, tmp_path / "log.joblib")
    runtime, _ = load_artifact("sklearn", tmp_path / "log.joblib", trusted=True)
    assert [feature["example"] for feature in runtime.describe().features] == [1.0, 1.0]


def test_encoder_with_missing_values_is_not_an_imputer(tmp_path):
    cities = NUMBERS.assign(city=["Bern", "Genf"] * 20)
    model = make_pipeline(Encoder(), LogisticRegression()).fit(cities, TARGET)
    with pytest.raises(InvalidSignature, match=r"Expected type in model.toml for: a, b, city.*Encoder takes it"):
        read_features(tmp_path, model)


@pytest.mark.parametrize("marker", ["?", "none"])
def test_text_that_stands_for_a_missing_value_is_a_value(tmp_path, marker):
    frame = pd.DataFrame({"city": ["Bern", "Graz", marker, "Bern"] * 5})
    imputer = SimpleImputer(missing_values=marker, strategy="most_frequent")
    model = make_pipeline(imputer, OneHotEncoder(), LogisticRegression()).fit(frame, [0, 1, 0, 0] * 5)
    joblib.dump(model, tmp_path / "model.joblib")
    with serve_artifact(tmp_path / "model.joblib", trusted=True) as predictor:
        results = [predict_row(predictor, {"city": city}).output["scores"]["1"] for city in ("Graz", marker, None)]
    expected = model.predict_proba(pd.DataFrame({"city": ["Graz", marker]}))[:, 1]
    assert results == pytest.approx([*expected, expected[1]], abs=1e-6)
