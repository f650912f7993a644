"""Objects of other libraries and of users that have `predict()` but do not define their columns."""

import joblib
import numpy as np
import pytest

from inference.errors import ModelFailed
from inference.tests.factories import predict_row, run_batch, serve_artifact

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


class FrameClassifier(FrameModel):
    classes_ = np.array(["low", "high"])

    def predict_proba(self, rows):
        low = rows["b"].clip(0, 10) / 10
        return np.column_stack([low, 1 - low])

    def predict(self, rows):
        return self.classes_[(rows["b"] < 1).astype(int)]


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
