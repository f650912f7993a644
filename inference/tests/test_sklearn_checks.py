"""Files that contain no fitted model: the message names the step that helps."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import DBSCAN
from sklearn.decomposition import PCA
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from inference.errors import InvalidArtifact, InvalidSignature
from inference.runtimes import load_artifact
from inference.runtimes.sklearn.checks import check_model
from inference.runtimes.sklearn.columns import InputColumn
from inference.runtimes.sklearn.frames import convert_column
from inference.signature import Feature

pytestmark = pytest.mark.xdist_group("sklearn")
ROWS, TARGET = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [0, 1, 1]


def make_booster():
    xgboost = pytest.importorskip("xgboost")
    return xgboost.train({}, xgboost.DMatrix(ROWS, TARGET), 1)


def make_catboost():
    catboost = pytest.importorskip("catboost")
    options = {"loss_function": "Logloss", "iterations": 1, "verbose": 0, "allow_writing_files": False}
    return catboost.CatBoost(options).fit(np.array(ROWS), TARGET)


class Forecaster:
    """Takes the number of steps, as the models of pmdarima."""

    __module__ = "pmdarima.arima"

    def predict(self, n_periods=10):
        return np.zeros(n_periods)


def make_own_objective():
    lightgbm = pytest.importorskip("lightgbm")
    return lightgbm.LGBMClassifier(n_estimators=1, objective=compute_gradients, min_child_samples=1, min_data_in_bin=1).fit(
        np.array(ROWS), TARGET
    )


def compute_gradients(target, margin):
    return margin - target, np.ones_like(margin)


@pytest.mark.parametrize(
    ("make_model", "message"),
    [
        (lambda: {"model": LogisticRegression(), "scaler": None}, "a dict with the keys model, scaler. Save one object"),
        (lambda: [StandardScaler(), LogisticRegression()], "a list. Save one object: the model itself, or make_pipeline"),
        (lambda: make_pipeline(StandardScaler(), LogisticRegression()), "LogisticRegression in m.joblib is not fitted"),
        (lambda: make_pipeline(StandardScaler(), PCA(1)).fit(ROWS), "ends with a transformer. Add the model as its last"),
        (lambda: PCA(1).fit(ROWS), "a PCA, which only transforms rows. Save a pipeline that ends with a model"),
        (lambda: NearestNeighbors().fit(ROWS), "a NearestNeighbors, which has no predict(). Save a similar model"),
        (
            lambda: GridSearchCV(LogisticRegression(), {"C": [1]}, cv=2, refit=False).fit(ROWS * 2, TARGET * 2),
            "The GridSearchCV in m.joblib was fitted with refit=False and contains no model. Fit it with refit=True",
        ),
        (
            lambda: make_pipeline(StandardScaler(), NearestNeighbors()).fit(ROWS),
            "a NearestNeighbors, which has no predict()",
        ),
        (lambda: pd.DataFrame(ROWS), "a DataFrame. Save the fitted model itself."),
        (lambda: DBSCAN().fit(ROWS), "cannot be applied to new rows. Use a model with predict()"),
        (lambda: make_pipeline(StandardScaler(), DBSCAN()).fit(ROWS), "a DBSCAN, which cannot be applied to new rows"),
        (
            lambda: make_pipeline(DictVectorizer(), LogisticRegression()).fit([{"a": 1}, {"b": 2}], [0, 1]),
            "begins with a DictVectorizer, which takes dictionaries instead of columns. Train it on a data frame",
        ),
        (make_own_objective, 'Save its booster: model.booster_.save_model("model.txt")'),
        (make_booster, 'register that file: booster.save_model("model.ubj")'),
        (make_catboost, 'register that file: model.save_model("model.cbm")'),
    ],
)
def test_other_objects_are_rejected_with_the_next_step(tmp_path, make_model, message):
    joblib.dump(make_model(), tmp_path / "m.joblib")
    with pytest.raises(InvalidArtifact) as caught:
        load_artifact("sklearn", tmp_path / "m.joblib", trusted=True)
    assert message in str(caught.value)


def test_model_that_takes_points_in_time_is_rejected():
    with pytest.raises(InvalidArtifact, match=r"Forecaster in m.pkl takes n_periods instead of rows"):
        check_model(Forecaster(), "m.pkl")


@pytest.mark.parametrize("values", [["10", "20"], ["1", "0"]])
def test_category_of_an_encoder_of_numbers_must_have_its_positions(values):
    numbers = [10, 20] if "10" in values else [0, 1]
    column = InputColumn(0, "code", is_used=True, categories=numbers, dtype=np.dtype("int64"))
    feature = Feature("code", type="category", values=tuple(values))
    with pytest.raises(InvalidSignature, match='Set type = "integer"'):
        convert_column(column, feature, np.array(values[:1], object))
