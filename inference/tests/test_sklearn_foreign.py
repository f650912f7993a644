"""Objects of other libraries and of users that have `predict()` but do not define their columns."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from xgboost import XGBClassifier

from inference.errors import InvalidSignature, ModelFailed
from inference.tests.factories import assert_not_served, predict_row, run_batch, serve_artifact

pytestmark = pytest.mark.xdist_group("sklearn")
ROWS = [{"b": 2.0, "a": 1.0}, {"b": 0.5, "a": -3.5}, {"b": 9.0, "a": 0.0}]
INPUT = {"features": [{"name": "b"}, {"name": "a"}]}


class FrameModel:
    """Selects columns by name, as models of statsmodels with a formula do."""

    def predict(self, rows):
        return rows["a"] * 2 + rows["b"] ** 2


class ArrayModel:
    def predict(self, rows):
        return rows[:, 1] * 2 + rows[:, 0] ** 2


class SingleModel(ArrayModel):
    """Takes float32 only, as networks of PyTorch do."""

    def predict(self, rows):
        if rows.dtype != np.float32:
            raise RuntimeError("mat1 and mat2 must have the same dtype, but got Double and Float")
        return super().predict(rows)


class SingleRegressor(SingleModel, LinearRegression):
    """The same as the last step of a pipeline."""


class FrameClassifier(FrameModel):
    classes_ = np.array(["low", "high"])

    def predict_proba(self, rows):
        low = rows["b"].clip(0, 10) / 10
        return np.column_stack([low, 1 - low])

    def predict(self, rows):
        return self.classes_[(rows["b"] < 1).astype(int)]


class DistributionModel:
    """Returns a tuple of the parameters of a distribution, as `XGBDistribution` does."""

    def predict(self, rows):
        return rows[:, 0], rows[:, 0] + rows[:, 1]


class FrameTransformer(BaseEstimator, TransformerMixin):
    """Has transformers, but none of the private attributes of `ColumnTransformer`, as the `TableVectorizer` of skrub."""

    def fit(self, rows, target=None):
        self.feature_names_in_ = np.array(rows.columns)
        self.transformers_ = [("codes", "passthrough", ["a"])]
        return self

    def transform(self, rows):
        return np.column_stack([rows["a"], rows["b"].str.len()])


class CodingModel:
    """Encodes a column before the model inside sees it, as `AutoML` of FLAML does, which also refers to a class."""

    def __init__(self, frame, target):
        self.model_class = XGBClassifier
        self.encoders = {"b": LabelEncoder().fit(frame["b"])}
        self.model = LogisticRegression().fit(self._encode(frame), target)
        self.classes_ = self.model.classes_

    @property
    def feature_names_in_(self):
        return self.model.feature_names_in_

    def _encode(self, rows):
        return rows.assign(b=self.encoders["b"].transform(rows["b"]))

    def predict(self, rows):
        return self.model.predict(self._encode(rows))

    def predict_proba(self, rows):
        return self.model.predict_proba(self._encode(rows))


class CountingTransformer(BaseEstimator, TransformerMixin):
    """Selects columns by name, but stores only their number."""

    def fit(self, rows, target=None):
        self.n_features_in_ = rows.shape[1]
        return self

    def transform(self, rows):
        return np.column_stack([rows["a"], rows["b"] ** 2])


class StreamingModel:
    """Has steps that are no list, and takes single rows, as a pipeline of river."""

    def __init__(self):
        self.steps = {"scaler": None, "model": None}

    def predict_one(self, row):
        return row["a"]


class FailingModel:
    def predict(self, rows):
        return rows["c"]


def save_model(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return folder / "model.joblib"


@pytest.mark.parametrize("model", [FrameModel(), ArrayModel()])
def test_numbers_are_an_array_or_a_data_frame(tmp_path, model):
    with serve_artifact(save_model(model, tmp_path), trusted=True, input=INPUT) as predictor:
        received = [predict_row(predictor, row).output["raw"] for row in ROWS]
        together = run_batch(predictor, ROWS)
    assert received == list(together) == [row["a"] * 2 + row["b"] ** 2 for row in ROWS]


@pytest.mark.parametrize("is_step", [False, True])
def test_model_that_rejects_float64_receives_float32(tmp_path, is_step):
    steps = (StandardScaler(), SingleRegressor())
    model = make_pipeline(*steps).fit(np.array([[2, 1], [0.5, -3.5]], np.float32), [1, 2]) if is_step else SingleModel()
    joblib.dump(model, tmp_path / "single.joblib")
    with serve_artifact(tmp_path / "single.joblib", trusted=True, input=INPUT, output={"kind": "value"}) as predictor:
        values = [predict_row(predictor, row).value for row in ROWS]
    assert values == pytest.approx(model.predict(pd.DataFrame(ROWS).to_numpy(np.float32)))


def test_classifier_of_data_frames_has_its_own_decision(tmp_path):
    with serve_artifact(save_model(FrameClassifier(), tmp_path), trusted=True, input=INPUT) as predictor:
        results = [predict_row(predictor, row) for row in ROWS]
    assert [(result.label, result.output["scores"]["high"]) for result in results] == [
        ("low", 0.8),
        ("high", 0.95),
        ("low", 0.1),
    ]


def test_error_is_that_of_the_data_frame(tmp_path):
    with (
        pytest.raises(ModelFailed) as caught,
        serve_artifact(save_model(FailingModel(), tmp_path), trusted=True, input=INPUT, output={"kind": "raw"}),
    ):
        pass
    assert repr(caught.value.__cause__) == "KeyError('c')"


def test_tuple_of_arrays_is_one_row_per_input(tmp_path):
    with serve_artifact(save_model(DistributionModel(), tmp_path), trusted=True, input=INPUT) as predictor:
        alone = [predict_row(predictor, row).output["raw"] for row in ROWS[:2]]
        together = run_batch(predictor, ROWS[:2])
    assert alone == together.tolist() == [[2.0, 3.0], [0.5, -3.0]]


def test_transformer_that_resembles_a_column_transformer_is_code_of_its_own(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": ["x", "xyz", "xy"]})
    model = make_pipeline(FrameTransformer(), LinearRegression()).fit(frame, [1, 2, 3])
    path = save_model(model, tmp_path)
    assert_not_served(path, "Expected type in model.toml for: a, b", InvalidSignature)
    features = [{"name": "a", "type": "float"}, {"name": "b", "type": "text"}]
    with serve_artifact(path, trusted=True, input={"features": features}) as predictor:
        assert predict_row(predictor, {"a": 3.0, "b": "xx"}).value == pytest.approx(
            model.predict(pd.DataFrame({"a": [3.0], "b": ["xx"]}))[0]
        )


def test_model_that_encodes_the_columns_of_the_model_inside_is_code_of_its_own(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0, 3.0], "b": ["x", "xyz", "xy", "x"]})
    model = CodingModel(frame, ["low", "high", "high", "low"])
    path = save_model(model, tmp_path)
    assert_not_served(path, "Expected type in model.toml for: a, b", InvalidSignature)
    features = [{"name": "a", "type": "float"}, {"name": "b", "type": "category", "values": ["x", "xy", "xyz"]}]
    with serve_artifact(path, trusted=True, input={"features": features}) as predictor:
        predicted = [predict_row(predictor, row).output["scores"]["low"] for row in frame.to_dict("records")]
    assert predicted == pytest.approx(model.predict_proba(frame)[:, 1], abs=1e-6)


def test_pipeline_that_begins_with_code_of_its_own_receives_a_data_frame_if_it_fails_on_an_array(tmp_path):
    frame = pd.DataFrame(ROWS)
    model = make_pipeline(CountingTransformer(), LinearRegression()).fit(frame, [1.0, 2.0, 4.0])
    joblib.dump(model, tmp_path / "pipeline.joblib")
    with serve_artifact(tmp_path / "pipeline.joblib", trusted=True, input=INPUT) as predictor:
        predicted = [predict_row(predictor, row).value for row in ROWS]
        batch_output = run_batch(predictor, ROWS)
    assert predicted == batch_output.tolist() == pytest.approx(model.predict(frame))


def test_model_of_single_rows_is_rejected(tmp_path):
    assert_not_served(
        save_model(StreamingModel(), tmp_path), "takes single rows as dictionaries. Wrap it in a class of your own"
    )
