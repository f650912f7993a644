"""Native files of XGBoost, compared with the library itself."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost

from inference.errors import InvalidFeatures, InvalidSignature
from inference.runtimes.xgboost import XgboostRuntime
from inference.tests.factories import assert_not_served, predict_row, serve_artifact

pytestmark = [pytest.mark.xdist_group("boosting"), pytest.mark.filterwarnings("ignore")]
RNG = np.random.default_rng(1)
MATRIX = RNG.normal(size=(90, 3))
SPECIES = (MATRIX[:, 0] > 0).astype(int) + (MATRIX[:, 1] > 0.5)
ROWS = [{f"x{index}": value for index, value in enumerate(row)} for row in MATRIX[:5].tolist()]


def train_xgboost(objective, path, target=SPECIES, **options):
    booster = xgboost.train({"objective": objective, **options}, xgboost.DMatrix(MATRIX, target), 5)
    booster.save_model(path)
    return booster


def describe(path):
    runtime = XgboostRuntime(path)
    runtime.load()
    return runtime.describe()


def test_features_are_optional_and_can_be_named_in_order(tmp_path):
    booster = train_xgboost("reg:squarederror", tmp_path / "x.ubj")
    names = {"features": [{"name": "height"}, {"name": "width"}, {"name": "depth", "required": True}]}
    with serve_artifact(tmp_path / "x.ubj", input=names) as predictor:
        value = predict_row(predictor, {"width": 0.5, "depth": 1.0}).value
        with pytest.raises(InvalidFeatures, match="depth: Missing"):
            predict_row(predictor, {"width": 0.5})
    assert value == pytest.approx(booster.predict(xgboost.DMatrix(np.array([[np.nan, 0.5, 1.0]]))).item(), rel=1e-6)


def test_number_that_stands_for_a_missing_value(tmp_path):
    matrix = np.where(np.abs(MATRIX) < 0.4, -0.1, MATRIX)  # -0.1 is not exact in float32
    booster = xgboost.train({}, xgboost.DMatrix(matrix, SPECIES, missing=-0.1), 5)
    booster.save_model(tmp_path / "x.ubj")
    expected = booster.predict(xgboost.DMatrix(matrix[:20], missing=-0.1))
    assert not np.allclose(expected, booster.predict(xgboost.DMatrix(matrix[:20])))
    rows = [{f"x{index}": value for index, value in enumerate(row)} for row in matrix[:20].tolist()]
    sparse = [{name: value for name, value in row.items() if value != -0.1} for row in rows]
    declared = {"features": [{"name": f"x{index}", "missing": -0.1} for index in range(3)]}
    with serve_artifact(tmp_path / "x.ubj", input=declared) as predictor:
        assert [predict_row(predictor, row).value for row in rows] == pytest.approx(expected, rel=1e-6)
        assert [predict_row(predictor, row).value for row in sparse] == pytest.approx(expected, rel=1e-6)
    assert "missing = -1" in describe(tmp_path / "x.ubj").notices[0]


def test_booster_uses_all_trees(tmp_path):
    evaluation = [(xgboost.DMatrix(MATRIX, SPECIES[::-1]), "e")]
    booster = xgboost.train(
        {}, xgboost.DMatrix(MATRIX, SPECIES), 20, evals=evaluation, early_stopping_rounds=2, verbose_eval=False
    )
    booster.save_model(tmp_path / "x.json")
    assert booster.best_iteration < booster.num_boosted_rounds() - 1
    with serve_artifact(tmp_path / "x.json") as predictor:
        values = [predict_row(predictor, row).value for row in ROWS]
    assert values == pytest.approx(booster.predict(xgboost.DMatrix(MATRIX[:5])), rel=1e-6)
    assert "trees: all" in describe(tmp_path / "x.json").notices[-1]


@pytest.mark.parametrize(
    ("objective", "kind"), [("binary:hinge", "label"), ("binary:logitraw", "value"), ("rank:pairwise", "value")]
)
def test_output_of_other_objectives(tmp_path, objective, kind):
    booster = train_xgboost(objective, tmp_path / "x.ubj", SPECIES > 0)
    expected = booster.predict(xgboost.DMatrix(MATRIX[:5]))
    with serve_artifact(tmp_path / "x.ubj") as predictor:
        assert predictor.spec.signature.output.kind == kind
        results = [predict_row(predictor, row) for row in ROWS]
    if kind == "value":
        assert [result.value for result in results] == pytest.approx(expected, rel=1e-6)
    else:
        assert [result.label for result in results] == [str(int(label)) for label in expected]


def test_multi_label_classifier(tmp_path):
    model = xgboost.XGBClassifier(n_estimators=4).fit(MATRIX, MATRIX > 0.1)
    model.save_model(tmp_path / "x.ubj")
    with serve_artifact(tmp_path / "x.ubj", labels=("a", "b", "c")) as predictor:
        outputs = [predict_row(predictor, row).output for row in ROWS]
    for output, scores, decisions in zip(outputs, model.predict_proba(MATRIX[:5]), model.predict(MATRIX[:5]), strict=True):
        assert list(output["scores"].values()) == pytest.approx(scores, abs=1e-6)
        assert output["labels"] == [name for name, decision in zip("abc", decisions, strict=True) if decision]


def test_categories_without_names_are_declared_in_the_order_of_their_codes(tmp_path):
    codes = np.arange(90) % 3
    data = np.column_stack([MATRIX[:, 0], codes])
    types = {"feature_names": ["a", "c"], "feature_types": ["q", "c"], "enable_categorical": True}
    matrix = xgboost.DMatrix(data, codes == 1, **types)
    booster = xgboost.train({"objective": "binary:logistic"}, matrix, 4)
    booster.save_model(tmp_path / "x.ubj")
    assert_not_served(tmp_path / "x.ubj", "Expected the values of the category c", InvalidSignature)
    declared = {"features": [{"name": "c", "values": ["red", "green", "blue"]}]}
    with serve_artifact(tmp_path / "x.ubj", input=declared) as predictor:
        results = [predict_row(predictor, {"a": 0.5, "c": name}) for name in ("red", "green", "blue")]
    scores = [result.output["scores"]["1"] for result in results]
    rows = xgboost.DMatrix(np.array([[0.5, code] for code in range(3)]), **types)
    assert scores == pytest.approx(booster.predict(rows), abs=1e-6)
    assert max(scores) - min(scores) > 0.1


@pytest.mark.parametrize("dtype", ["int64", "int8"])
def test_whole_numbers_as_categories(tmp_path, dtype):
    values = np.array([30, 10, 20], dtype)
    codes = RNG.integers(0, 3, 90)
    frame = pd.DataFrame({"a": MATRIX[:, 0], "zone": pd.Categorical.from_codes(codes, values)})
    model = xgboost.XGBClassifier(n_estimators=4, enable_categorical=True).fit(frame, codes == 1)
    model.save_model(tmp_path / "x.json")
    with serve_artifact(tmp_path / "x.json") as predictor:
        zone = predictor.spec.signature.input.features[1]
        rows = [{"a": row["a"], "zone": int(row["zone"])} for row in frame.iloc[:6].to_dict("records")]
        scores = [predict_row(predictor, row).output["scores"]["1"] for row in rows]
    assert (zone.type, zone.values) == ("integer", (30, 10, 20))
    assert scores == pytest.approx(model.predict_proba(frame.iloc[:6])[:, 1], abs=1e-6)


def test_files_that_are_not_models_are_rejected(tmp_path):
    (tmp_path / "x.ubj").write_bytes(b"{}")
    (tmp_path / "x.json").write_text(json.dumps({"learner": {}, "version": [1, 0, 0]}))
    for name in ("x.ubj", "x.json"):
        received = assert_not_served(
            tmp_path / name, f"XGBoost .* cannot load {name}. .*Load it with the version that wrote it"
        )
        assert str(Path(xgboost.__file__).parent) not in received


def test_categories_that_are_not_ascii_must_be_stated(tmp_path):
    """XGBoost stores incomplete names: it counts characters instead of bytes."""
    frame = pd.DataFrame({"city": pd.Categorical(["Zürich", "Bern", "Genf", "Bern"] * 9), "size": np.arange(36.0)})
    model = xgboost.XGBRegressor(n_estimators=5, enable_categorical=True).fit(frame, frame["city"].cat.codes * 2.0)
    model.save_model(tmp_path / "x.ubj")
    assert_not_served(tmp_path / "x.ubj", "values", InvalidSignature)
    city = {"name": "city", "type": "category", "values": ["Bern", "Genf", "Zürich"]}
    with serve_artifact(tmp_path / "x.ubj", input={"features": [city, {"name": "size"}]}) as predictor:
        values = [predict_row(predictor, row).value for row in frame[:4].to_dict("records")]
    assert values == pytest.approx(model.predict(frame[:4]), rel=1e-6)
