"""Native files of LightGBM and CatBoost, compared with the libraries themselves."""

import math
import os
from functools import partial

import catboost
import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from inference.errors import InvalidSignature
from inference.runtimes import detect_runtime
from inference.runtimes.lightgbm import LightgbmRuntime
from inference.tests.factories import assert_not_served, get_scores, predict_row, serve_artifact

pytestmark = [pytest.mark.xdist_group("boosting"), pytest.mark.filterwarnings("ignore")]
RNG = np.random.default_rng(1)
MATRIX = RNG.normal(size=(90, 3))
SPECIES = (MATRIX[:, 0] > 0).astype(int) + (MATRIX[:, 1] > 0.5)
ROWS = [{f"x{index}": value for index, value in enumerate(row)} for row in MATRIX[:5].tolist()]


def train_xgboost(path):
    xgboost.train({}, xgboost.DMatrix(MATRIX, SPECIES), 3).save_model(path)


def train_lightgbm(path, target=SPECIES, data=MATRIX, **options):
    booster = lightgbm.train({"verbose": -1, "num_iterations": 3, **options}, lightgbm.Dataset(data, target))
    booster.save_model(path)
    return booster


def make_catboost(kind=catboost.CatBoostClassifier, **options):
    return kind(iterations=4, verbose=0, allow_writing_files=False, **options)


def test_formats_are_recognized_by_content(tmp_path):
    for suffix in ("json", "ubj"):
        train_xgboost(tmp_path / f"x.{suffix}")
    os.rename(tmp_path / "x.ubj", tmp_path / "x.model")
    train_lightgbm(tmp_path / "l.txt")
    (tmp_path / "labels.txt").write_text("tree house\nriver\n")
    (tmp_path / "data.json").write_text('{"classes": 2}')
    assert detect_runtime(tmp_path / "x.json") == detect_runtime(tmp_path / "x.model") == "xgboost"
    assert detect_runtime(tmp_path / "l.txt") == "lightgbm"
    assert_not_served(tmp_path / "labels.txt", "It is not a model of LightGBM")
    assert_not_served(tmp_path / "data.json", "It is not a model of XGBoost")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_rejected(tmp_path, share):
    train_xgboost(tmp_path / "x.ubj")
    train_lightgbm(tmp_path / "l.txt")  # LightGBM itself ends the process if its file is truncated
    make_catboost(catboost.CatBoostRegressor).fit(MATRIX, SPECIES).save_model(tmp_path / "c.cbm")
    messages = {
        "x.ubj": "XGBoost .* cannot load x.ubj",
        "l.txt": "l.txt is incomplete",
        "c.cbm": "CatBoost .* cannot load c.cbm",
    }
    for name, message in messages.items():
        os.truncate(tmp_path / name, int((tmp_path / name).stat().st_size * share))
        assert "Stack trace" not in assert_not_served(tmp_path / name, message)


def test_custom_objective_returns_the_margin(tmp_path):
    def compute_gradients(scores, data):
        return scores - data.get_label(), np.ones_like(scores)

    booster = train_lightgbm(tmp_path / "l.txt", SPECIES > 0, objective=compute_gradients)
    runtime = LightgbmRuntime(tmp_path / "l.txt")
    runtime.load()
    assert "custom objective" in runtime.describe().notices[0]
    with serve_artifact(tmp_path / "l.txt") as predictor:
        values = [predict_row(predictor, row).value for row in ROWS]
    assert values == pytest.approx(booster.predict(MATRIX[:5]), rel=1e-6)


def test_lightgbm_classifier_requires_labels(tmp_path):
    train_lightgbm(tmp_path / "l.txt", objective="multiclass", num_class=3)
    assert_not_served(tmp_path / "l.txt", "Expected labels, in model.toml or with --labels FILE", InvalidSignature)


def test_numeric_categorical_columns_of_lightgbm_take_whole_numbers(tmp_path):
    data = np.column_stack([MATRIX[:, 0], RNG.integers(4, 8, 90)])
    options = {"objective": "binary", "categorical_feature": [1], "min_data_per_group": 1}
    booster = train_lightgbm(tmp_path / "l.txt", data[:, 1] == 5, data, **options)
    with serve_artifact(tmp_path / "l.txt", labels=("no", "yes")) as predictor:
        assert [feature.type for feature in predictor.spec.signature.input.features] == ["float", "integer"]
        rows = [{"x0": row[0], "x1": int(row[1])} for row in data[:6].tolist()]
        scores = [predict_row(predictor, row).output["scores"]["yes"] for row in rows]
    assert scores == pytest.approx(booster.predict(data[:6]), abs=1e-6)


def test_ordered_categories_of_lightgbm_are_rejected(tmp_path):
    frame = pd.DataFrame({"a": MATRIX[:, 0], "b": pd.Categorical(SPECIES.astype(str), ordered=True)})
    train_lightgbm(tmp_path / "l.txt", SPECIES, frame)
    assert_not_served(tmp_path / "l.txt", "Train the model with unordered pandas categories only")


def test_integers_as_categories_of_catboost_are_text(tmp_path):
    frame = pd.DataFrame({"a": MATRIX[:, 0], "zone": RNG.integers(4, 8, 90)})
    model = make_catboost().fit(frame, frame["zone"] == 5, cat_features=["zone"])
    model.save_model(tmp_path / "c.cbm")
    with serve_artifact(tmp_path / "c.cbm") as predictor:
        zone = predictor.spec.signature.input.features[1]
        rows = [{"a": row["a"], "zone": str(int(row["zone"]))} for row in frame.iloc[:6].to_dict("records")]
        results = [predict_row(predictor, row) for row in rows]
    assert (zone.type, zone.required) == ("text", True)
    assert [result.label for result in results] == list(map(str, model.predict(frame.iloc[:6])))
    scores = [result.output["scores"]["True"] for result in results]
    assert scores == pytest.approx(model.predict_proba(frame.iloc[:6])[:, 1], abs=1e-6)
    marked = {"features": [{"name": "a", "missing": -1}]}
    assert_not_served(tmp_path / "c.cbm", "Expected default = -1 instead of missing for a", InvalidSignature, input=marked)
    missing = {"features": [{"name": "zone", "required": False}]}
    assert_not_served(tmp_path / "c.cbm", "Expected a default for zone", InvalidSignature, input=missing)


class OwnLoss:
    """Log loss as a custom objective of CatBoost."""

    def calc_ders_range(self, margins, targets, weights):
        scores = [1 / (1 + math.exp(-margin)) for margin in margins]
        return [(target - score, -score * (1 - score)) for score, target in zip(scores, targets, strict=True)]


@pytest.mark.parametrize(
    "options",
    [{"loss_function": "Focal:focal_alpha=0.3;focal_gamma=2"}, {"loss_function": OwnLoss(), "eval_metric": "Logloss"}],
)
def test_catboost_classifiers_of_any_loss_function_have_scores(tmp_path, options):
    model = make_catboost(**options).fit(MATRIX, np.where(MATRIX[:, 0] > 0, "yes", "no"))
    model.save_model(tmp_path / "c.cbm")
    with serve_artifact(tmp_path / "c.cbm") as predictor:
        results = [predict_row(predictor, row) for row in ROWS]
    assert [result.label for result in results] == list(model.predict(MATRIX[:5]))
    for result, scores in zip(results, model.predict_proba(MATRIX[:5]), strict=True):
        assert result.output["scores"] == pytest.approx(dict(zip(["no", "yes"], scores, strict=True)), abs=1e-6)


def test_multi_label_catboost(tmp_path):
    model = make_catboost(loss_function="MultiLogloss").fit(MATRIX, (MATRIX > 0).astype(int))
    model.save_model(tmp_path / "c.cbm")
    with serve_artifact(tmp_path / "c.cbm", labels=("a", "b", "c")) as predictor:
        outputs = [predict_row(predictor, row).output for row in ROWS]
    for output, scores, decisions in zip(outputs, model.predict_proba(MATRIX[:5]), model.predict(MATRIX[:5]), strict=True):
        assert list(output["scores"].values()) == pytest.approx(scores, abs=1e-6)
        assert output["labels"] == [name for name, decision in zip("abc", decisions, strict=True) if decision]


@pytest.mark.parametrize("suffix", [".cbm", ".pkl"])
def test_text_features_of_catboost_take_text(tmp_path, suffix):
    frame = pd.DataFrame({"a": MATRIX[:, 0], "note": ["good day", "bad night", "fine noon"] * 30})
    model = make_catboost().fit(frame, frame["note"].str.contains("good"), text_features=["note"])
    save = model.save_model if suffix == ".cbm" else partial(joblib.dump, model)
    save(str(tmp_path / f"c{suffix}"))
    with serve_artifact(tmp_path / f"c{suffix}", trusted=suffix == ".pkl") as predictor:
        assert [feature.type for feature in predictor.spec.signature.input.features] == ["float", "text"]
        rows = frame.head(3).to_dict("records")
        results = [predict_row(predictor, row) for row in rows]
    assert np.array([get_scores(result) for result in results]) == pytest.approx(
        model.predict_proba(frame.head(3)), abs=1e-6
    )
    assert [result.label for result in results] == ["True", "False", "False"]


@pytest.mark.parametrize("suffix", [".cbm", ".pkl"])
def test_embeddings_of_catboost_are_rejected(tmp_path, suffix):
    frame = pd.DataFrame({"a": MATRIX[:, 0], "vector": list(MATRIX[:, :2])})
    model = make_catboost().fit(frame, SPECIES > 0, embedding_features=["vector"])
    save = model.save_model if suffix == ".cbm" else partial(joblib.dump, model)
    save(str(tmp_path / f"c{suffix}"))
    assert_not_served(tmp_path / f"c{suffix}", "embedding features are not supported: vector. Train the model with a column")


def test_categories_of_booleans_are_booleans(tmp_path):
    garden = pd.Categorical([True, False, None] * 30, categories=[True, False])
    frame = pd.DataFrame({"garden": garden, "size": np.arange(90.0)})
    model = lightgbm.LGBMRegressor(n_estimators=3, verbose=-1, min_child_samples=5).fit(frame, (garden == True) * 2.0)  # noqa: E712
    model.booster_.save_model(tmp_path / "l.txt")
    with serve_artifact(tmp_path / "l.txt") as predictor:
        assert predictor.spec.signature.input.features[0].type == "boolean"
        values = [predict_row(predictor, {"garden": value, "size": 30.0}).value for value in (True, False, None)]
    expected = frame.iloc[:3].assign(size=30.0)
    assert values == pytest.approx(model.predict(expected), rel=1e-6)
    assert values[0] != values[1]
