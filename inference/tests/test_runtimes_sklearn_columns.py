"""scikit-learn pipelines with columns of several types, compared with scikit-learn itself."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from inference.errors import InvalidFeatures
from inference.tests.factories import get_scores, predict_row, serve_artifact

pytestmark = pytest.mark.xdist_group("sklearn")


def save_skops(model, path):
    skops.io.dump(model, path)
    return path


@pytest.fixture
def mixed_data():
    frame = pd.DataFrame(
        {
            "color": ["red", "green", "red", "blue", "green", "blue"] * 5,
            "size": [1.0, 2.0, np.nan, 4.0, 5.0, 6.0] * 5,
            "count": [1, 2, 3, 4, 5, 6] * 5,
            "new": [True, False, True, False, True, False] * 5,
        }
    )
    return frame, (frame["count"] > 3).astype(int)


FEATURES = [
    {"name": "color", "type": "category", "values": ["green", "red", "blue"]},
    {"name": "size", "required": False},
    {"name": "count", "type": "integer"},
    {"name": "new", "type": "boolean"},
]


def test_categories_missing_numbers_and_booleans_are_passed_by_name(tmp_path, mixed_data):
    frame, target = mixed_data
    columns = ColumnTransformer(
        [("c", OneHotEncoder(), ["color"]), ("s", SimpleImputer(), ["size"]), ("r", "passthrough", ["count", "new"])]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(frame, target)
    with serve_artifact(save_skops(model, tmp_path / "mixed.skops"), input={"features": FEATURES}) as predictor:
        for index in (0, 2, 3):
            row = {name: value for name, value in frame.iloc[index].to_dict().items() if value == value}
            expected = model.predict_proba(frame.iloc[[index]])[0]
            assert get_scores(predict_row(predictor, row)) == pytest.approx(expected, abs=1e-5)
        with pytest.raises(InvalidFeatures, match=r"color: Expected one of green, red, blue. Received: \"pink\""):
            predict_row(predictor, {"color": "pink", "count": 1, "new": True})
        assert predictor.spec.signature.input.features[1].required is False


@pytest.mark.parametrize("categories", [["blue", "green", "red"], ["red", "green", "blue"]])
def test_order_of_categories_is_that_of_the_signature(tmp_path, mixed_data, categories):
    """A model that uses the codes of pandas categories depends on the order of its training data."""
    frame, _ = mixed_data
    frame["color"] = pd.Categorical(frame["color"], categories=categories)
    model = make_pipeline(
        ColumnTransformer([("codes", FunctionTransformer(_to_codes), ["color"])]), DecisionTreeClassifier()
    ).fit(frame, frame["color"].cat.codes == 0)
    features = [{**FEATURES[0], "values": categories}, *FEATURES[1:]]
    path = tmp_path / "codes.pkl"
    path.write_bytes(pickle.dumps(model))
    with serve_artifact(path, trusted=True, input={"features": features}) as predictor:
        for color in categories:
            row = {"color": color, "size": 1, "count": 1, "new": True}
            assert predict_row(predictor, row).label == str(color == categories[0])


def _to_codes(frame):
    return frame.apply(lambda column: column.cat.codes)


@pytest.mark.parametrize(
    "encoder", [OneHotEncoder(), make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())]
)
def test_categories_are_read_from_the_encoders(tmp_path, mixed_data, encoder):
    frame, target = mixed_data
    columns = ColumnTransformer([("r", "passthrough", ["count"]), ("c", encoder, ["color"])])
    model = make_pipeline(columns, LogisticRegression()).fit(frame[["color", "count"]], target)
    with serve_artifact(save_skops(model, tmp_path / "bare.skops")) as predictor:
        color, count = predictor.spec.signature.input.features
        assert (color.type, color.values, count.type) == ("category", ("blue", "green", "red"), "float")
        expected = model.predict_proba(frame[["color", "count"]].iloc[[3]])[0]
        row = frame[["color", "count"]].iloc[3].to_dict()
        assert get_scores(predict_row(predictor, {**row, "count": int(row["count"])})) == pytest.approx(expected, abs=1e-5)
    with serve_artifact(
        tmp_path / "bare.skops", input={"features": [{"name": "color", "type": "text", "example": "red"}]}
    ) as predictor:
        assert predict_row(predictor, {"color": "green", "count": 1}).label in ("0", "1")
