"""ONNX models of tables from skl2onnx and onnx, compared with onnxruntime and scikit-learn."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import BooleanTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from inference.errors import InvalidFeatures, InvalidSignature
from inference.tests.factories import (
    assert_not_served,
    get_scores,
    make_doubling_model,
    make_onnx_model,
    predict_row,
    run_batch,
    run_onnx,
    serve_artifact,
    write_onnx,
)

pytestmark = pytest.mark.xdist_group("onnx")
IRIS, SPECIES = load_iris(return_X_y=True)
LABELS = ("setosa", "versicolor", "virginica")
COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]
INPUT = {"features": [{"name": name, "unit": "cm"} for name in COLUMNS]}
ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in IRIS[[0, 60, 120]].tolist()]
FLOATS = [("X", FloatTensorType([None, 4]))]


def convert_model(model, path, types=FLOATS, **options):
    return write_onnx(to_onnx(model, initial_types=types, options={id(model): options} if options else None), path)


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("texts", [True, False])
def test_classifier_has_the_outputs_of_onnxruntime(tmp_path, zipmap, texts):
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(LABELS)[SPECIES] if texts else SPECIES)
    path = convert_model(model, tmp_path / "iris.onnx", zipmap=zipmap)
    with serve_artifact(path, input=INPUT, labels=LABELS) as predictor:
        results = [predict_row(predictor, row) for row in ROWS]
    scores = run_onnx(path, {"X": IRIS[[0, 60, 120]].astype(np.float32)})[
        "output_probability" if zipmap else "probabilities"
    ]
    expected = [list(row.values()) for row in scores] if zipmap else scores
    for result, row in zip(results, expected, strict=True):
        assert get_scores(result) == pytest.approx(row, abs=1e-5)
        assert list(result.output["scores"]) == list(LABELS)
    assert [result.label for result in results] == list(LABELS)
    assert [get_scores(result) for result in results] == [
        pytest.approx(row, abs=1e-5) for row in model.predict_proba(IRIS[[0, 60, 120]])
    ]


@pytest.mark.parametrize("zipmap", [True, False])
def test_labels_in_another_order_than_the_classes_are_rejected(tmp_path, zipmap):
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(LABELS)[SPECIES])
    path = convert_model(model, tmp_path / "i.onnx", zipmap=zipmap)
    assert_not_served(path, "The labels are in another order", InvalidSignature, input=INPUT, labels=LABELS[::-1])


@pytest.mark.parametrize("texts", [True, False])
def test_label_output_is_selected_if_declared(tmp_path, texts):
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(LABELS)[SPECIES] if texts else SPECIES)
    path = convert_model(model, tmp_path / "iris.onnx")
    output = {"kind": "label"} if texts else {"kind": "label", "classes": [0, 1, 2]}
    with serve_artifact(path, input=INPUT, output=output, labels=LABELS) as predictor:
        assert predictor.spec.signature.output.name == "output_label"
        assert [predict_row(predictor, row).output for row in ROWS] == [{"label": name} for name in LABELS]


def test_several_outputs_are_stored_raw_or_one_is_selected_by_name(tmp_path):
    path = convert_model(LogisticRegression(max_iter=500).fit(IRIS, SPECIES), tmp_path / "iris.onnx")
    outputs = run_onnx(path, {"X": IRIS[:1].astype(np.float32)})
    scores = {str(name): pytest.approx(score, abs=1e-5) for name, score in outputs["output_probability"][0].items()}
    with serve_artifact(path, input=INPUT, output={"kind": "raw"}) as predictor:
        assert predict_row(predictor, ROWS[0]).output == {"raw": {"output_label": 0, "output_probability": scores}}
    with serve_artifact(path, input=INPUT, output={"kind": "raw", "name": "output_label"}) as predictor:
        assert predict_row(predictor, ROWS[2]).output == {"raw": 2}
    misspelled = pytest.raises(InvalidSignature, match=r"has no output 'output_lable'\. Did you mean 'output_label'\?")
    with misspelled, serve_artifact(path, input=INPUT, output={"kind": "raw", "name": "output_lable"}):
        pass


def test_regression_returns_a_value(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    path = convert_model(LinearRegression().fit(x, y), tmp_path / "d.onnx", [("X", FloatTensorType([None, 10]))])
    with serve_artifact(path) as predictor:
        assert predictor.spec.signature.input.names == [f"x{number}" for number in range(10)]
        result = predict_row(predictor, dict(zip(predictor.spec.signature.input.names, x[3].tolist(), strict=True)))
    assert result.value == pytest.approx(run_onnx(path, {"X": x[3:4].astype(np.float32)})["variable"].item(), rel=1e-5)


@pytest.fixture
def mixed(tmp_path):
    """Return a pipeline with one scalar input per column, of four types, and its training data."""
    frame = pd.DataFrame(
        {
            "color": ["red", "green", "blue", "green"] * 5,
            "size": [1.0, 2.5, 3.0, 0.5] * 5,
            "count": [1, 2, 3, 4] * 5,
            "new": [True, False, False, True] * 5,
        }
    )
    steps = [("c", OneHotEncoder(), ["color"]), ("s", StandardScaler(), ["size"]), ("n", "passthrough", ["count", "new"])]
    model = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(frame, [0, 1, 1, 0] * 5)
    kinds = (StringTensorType, FloatTensorType, Int64TensorType, BooleanTensorType)
    types = [(name, kind([None, 1])) for name, kind in zip(frame, kinds, strict=True)]
    return convert_model(model, tmp_path / "mixed.onnx", types, zipmap=False), model, frame


def test_names_and_types_of_columns_come_from_the_artifact(mixed):
    path, model, frame = mixed
    colors = {"features": [{"name": "color", "type": "category", "values": ["red", "green", "blue"]}]}
    with serve_artifact(path, input=colors, labels=("old", "new")) as predictor:
        features = [(feature.name, feature.type) for feature in predictor.spec.signature.input.features]
        assert features == [("color", "category"), ("size", "float"), ("count", "integer"), ("new", "boolean")]
        for number in range(4):
            result = predict_row(predictor, frame.iloc[number].to_dict())
            expected = model.predict_proba(frame.iloc[[number]])[0]
            assert get_scores(result) == pytest.approx(expected, abs=1e-5)
        with pytest.raises(InvalidFeatures, match=r"Expected one of red, green, blue\. Received: \"pink\""):
            predict_row(predictor, {**frame.iloc[0].to_dict(), "color": "pink"})


def test_matrix_of_variable_width_takes_the_declared_features(tmp_path):
    model = LogisticRegression(max_iter=500).fit(IRIS, SPECIES)
    path = convert_model(model, tmp_path / "open.onnx", [("X", FloatTensorType([None, None]))])
    with serve_artifact(path, input=INPUT, labels=LABELS) as predictor:
        assert [predict_row(predictor, row).label for row in ROWS] == list(LABELS)
    with serve_artifact(
        write_onnx(make_doubling_model("rows", "columns"), tmp_path / "d.onnx"), input=INPUT, output={"kind": "raw"}
    ) as predictor:
        assert predict_row(predictor, ROWS[0]).output["raw"] == pytest.approx([2 * value for value in ROWS[0].values()])
    with (
        pytest.raises(InvalidSignature, match=r"does not define the number of features\. It takes X float32 \[any\]"),
        serve_artifact(path),
    ):
        pass


def test_integers_that_do_not_fit_the_dtype_are_rejected(tmp_path):
    shapes = [["x", TensorProto.UINT8, [None, 1]]], [["y", TensorProto.FLOAT, [None, 1]]]
    path = write_onnx(make_onnx_model([helper.make_node("Cast", ["x"], ["y"], to=1)], *shapes), tmp_path / "u.onnx")
    with serve_artifact(path, output={"kind": "value"}) as predictor:
        assert predict_row(predictor, {"x0": 255}).value == 255
        with pytest.raises(InvalidFeatures, match=r"x0: Expected a whole number from 0 to 255\. Received: 256"):
            predict_row(predictor, {"x0": 256})


def test_concurrent_rows_have_the_same_outputs_as_single_rows(tmp_path):
    path = convert_model(LogisticRegression(max_iter=500).fit(IRIS, SPECIES), tmp_path / "iris.onnx", zipmap=False)
    expected = run_onnx(path, {"X": IRIS.astype(np.float32)})["probabilities"]
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in IRIS.tolist()]
    with serve_artifact(path, input=INPUT, labels=LABELS) as predictor, ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda row: predict_row(predictor, row), rows))
        batch_output = run_batch(predictor, rows)["probabilities"]
    assert (len(results), len(batch_output)) == (150, 150)
    assert np.abs([get_scores(result) for result in results] - expected).max() < 1e-5
    assert np.abs(batch_output - expected).max() < 1e-5


def test_batch_size_of_one_runs_row_by_row(tmp_path):
    path = write_onnx(make_doubling_model(1), tmp_path / "one.onnx")
    with serve_artifact(path, output={"kind": "raw"}) as predictor, ThreadPoolExecutor(8) as threads:
        rows = [{f"x{place}": float(number + place) for place in range(4)} for number in range(40)]
        results = [result.output["raw"] for result in threads.map(lambda row: predict_row(predictor, row), rows)]
        batch_output = run_batch(predictor, rows).tolist()
    assert results == batch_output == [[2.0 * value for value in row.values()] for row in rows]
