"""Tables through ONNX files that skl2onnx and onnx wrote, answered as onnxruntime and scikit-learn answer."""

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
NAMES = ("setosa", "versicolor", "virginica")
COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]
TAKEN = {"features": [{"name": name, "unit": "cm"} for name in COLUMNS]}
ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in IRIS[[0, 60, 120]].tolist()]
FLOATS = [("X", FloatTensorType([None, 4]))]


def convert(model, path, types=FLOATS, **options):
    return write_onnx(to_onnx(model, initial_types=types, options={id(model): options} if options else None), path)


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("texts", [True, False])
def test_a_classifier_answers_as_onnxruntime_does(tmp_path, zipmap, texts):
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(NAMES)[SPECIES] if texts else SPECIES)
    path = convert(model, tmp_path / "iris.onnx", zipmap=zipmap)
    with serve_artifact(path, input=TAKEN, labels=NAMES) as predictor:
        answers = [predict_row(predictor, row) for row in ROWS]
    scores = run_onnx(path, {"X": IRIS[[0, 60, 120]].astype(np.float32)})[
        "output_probability" if zipmap else "probabilities"
    ]
    expected = [list(row.values()) for row in scores] if zipmap else scores
    for answer, row in zip(answers, expected, strict=True):
        assert list(answer.output["scores"].values()) == pytest.approx(row, abs=1e-5)
        assert list(answer.output["scores"]) == list(NAMES)
    assert [answer.label for answer in answers] == list(NAMES)
    assert [list(answer.output["scores"].values()) for answer in answers] == [
        pytest.approx(row, abs=1e-5) for row in model.predict_proba(IRIS[[0, 60, 120]])
    ]


def test_scores_by_name_keep_to_the_labels_whatever_their_order(tmp_path):
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(NAMES)[SPECIES])
    with serve_artifact(convert(model, tmp_path / "i.onnx"), input=TAKEN, labels=NAMES[::-1]) as predictor:
        assert [predict_row(predictor, row).label for row in ROWS] == list(NAMES)


@pytest.mark.parametrize("texts", [True, False])
def test_the_label_alone_is_taken_when_asked_for(tmp_path, texts):
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(NAMES)[SPECIES] if texts else SPECIES)
    path = convert(model, tmp_path / "iris.onnx")
    with serve_artifact(path, input=TAKEN, output={"kind": "label"}, labels=NAMES) as predictor:
        assert predictor.spec.signature.output.name == "output_label"
        assert [predict_row(predictor, row).output for row in ROWS] == [{"label": name} for name in NAMES]


def test_several_outputs_are_kept_raw_and_one_of_them_is_picked_by_name(tmp_path):
    path = convert(LogisticRegression(max_iter=500).fit(IRIS, SPECIES), tmp_path / "iris.onnx")
    found = run_onnx(path, {"X": IRIS[:1].astype(np.float32)})
    scores = {str(name): pytest.approx(score, abs=1e-5) for name, score in found["output_probability"][0].items()}
    with serve_artifact(path, input=TAKEN) as predictor:
        assert predict_row(predictor, ROWS[0]).output == {"raw": {"output_label": 0, "output_probability": scores}}
    with serve_artifact(path, input=TAKEN, output={"kind": "raw", "name": "output_label"}) as predictor:
        assert predict_row(predictor, ROWS[2]).output == {"raw": 2}
    misspelt = pytest.raises(InvalidSignature, match=r"gives no output 'output_lable'\. Did you mean 'output_label'\?")
    with misspelt, serve_artifact(path, input=TAKEN, output={"kind": "raw", "name": "output_lable"}):
        pass


def test_a_regression_answers_a_value(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    path = convert(LinearRegression().fit(x, y), tmp_path / "d.onnx", [("X", FloatTensorType([None, 10]))])
    with serve_artifact(path) as predictor:
        assert predictor.spec.signature.input.names == [f"x{number}" for number in range(10)]
        answer = predict_row(predictor, dict(zip(predictor.spec.signature.input.names, x[3].tolist(), strict=True)))
    assert answer.value == pytest.approx(run_onnx(path, {"X": x[3:4].astype(np.float32)})["variable"].item(), rel=1e-5)


@pytest.fixture
def mixed(tmp_path):
    """Return a pipeline with one scalar input per column, of four types, and the frame it was fitted on."""
    frame = pd.DataFrame(
        {
            "colour": ["red", "green", "blue", "green"] * 5,
            "size": [1.0, 2.5, 3.0, 0.5] * 5,
            "count": [1, 2, 3, 4] * 5,
            "new": [True, False, False, True] * 5,
        }
    )
    steps = [("c", OneHotEncoder(), ["colour"]), ("s", StandardScaler(), ["size"]), ("n", "passthrough", ["count", "new"])]
    model = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(frame, [0, 1, 1, 0] * 5)
    kinds = (StringTensorType, FloatTensorType, Int64TensorType, BooleanTensorType)
    types = [(name, kind([None, 1])) for name, kind in zip(frame, kinds, strict=True)]
    return convert(model, tmp_path / "mixed.onnx", types, zipmap=False), model, frame


def test_one_input_for_each_column_is_named_and_typed_by_the_artifact(mixed):
    path, model, frame = mixed
    taken = {"features": [{"name": "colour", "type": "category", "values": ["red", "green", "blue"]}]}
    with serve_artifact(path, input=taken, labels=("old", "new")) as predictor:
        features = [(one.name, one.type) for one in predictor.spec.signature.input.features]
        assert features == [("colour", "category"), ("size", "float"), ("count", "integer"), ("new", "boolean")]
        for number in range(4):
            answer = predict_row(predictor, frame.iloc[number].to_dict())
            expected = model.predict_proba(frame.iloc[[number]])[0]
            assert list(answer.output["scores"].values()) == pytest.approx(expected, abs=1e-5)
        with pytest.raises(InvalidFeatures, match=r"Expected one of red, green, blue\. Received: \"pink\""):
            predict_row(predictor, {**frame.iloc[0].to_dict(), "colour": "pink"})


def test_a_matrix_of_open_width_takes_as_many_features_as_are_named(tmp_path):
    model = LogisticRegression(max_iter=500).fit(IRIS, SPECIES)
    path = convert(model, tmp_path / "open.onnx", [("X", FloatTensorType([None, None]))])
    with serve_artifact(path, input=TAKEN, labels=NAMES) as predictor:
        assert [predict_row(predictor, row).label for row in ROWS] == list(NAMES)
    with serve_artifact(
        write_onnx(make_doubling_model("rows", "columns"), tmp_path / "d.onnx"), input=TAKEN, output={"kind": "raw"}
    ) as predictor:
        assert predict_row(predictor, ROWS[0]).output["raw"] == pytest.approx([2 * value for value in ROWS[0].values()])
    with (
        pytest.raises(InvalidSignature, match=r"leaves open how many it takes\. It takes X float32 \[any\]"),
        serve_artifact(path),
    ):
        pass


def test_whole_numbers_that_the_type_does_not_hold_are_refused(tmp_path):
    sides = [["x", TensorProto.UINT8, [None, 1]]], [["y", TensorProto.FLOAT, [None, 1]]]
    path = write_onnx(make_onnx_model([helper.make_node("Cast", ["x"], ["y"], to=1)], *sides), tmp_path / "u.onnx")
    with serve_artifact(path, output={"kind": "value"}) as predictor:
        assert predict_row(predictor, {"x0": 255}).value == 255
        with pytest.raises(InvalidFeatures, match=r"x0: Expected a whole number from 0 to 255\. Received: 256"):
            predict_row(predictor, {"x0": 256})


def test_rows_that_come_at_once_are_answered_as_if_alone(tmp_path):
    path = convert(LogisticRegression(max_iter=500).fit(IRIS, SPECIES), tmp_path / "iris.onnx", zipmap=False)
    expected = run_onnx(path, {"X": IRIS.astype(np.float32)})["probabilities"]
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in IRIS.tolist()]
    with serve_artifact(path, input=TAKEN, labels=NAMES) as predictor, ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda row: predict_row(predictor, row), rows))
        together = run_batch(predictor, rows)["probabilities"]
    assert (len(answers), len(together)) == (150, 150)
    assert np.abs([list(answer.output["scores"].values()) for answer in answers] - expected).max() < 1e-5
    assert np.abs(together - expected).max() < 1e-5


def test_a_batch_size_of_one_is_answered_row_by_row(tmp_path):
    path = write_onnx(make_doubling_model(1), tmp_path / "one.onnx")
    with serve_artifact(path, output={"kind": "raw"}) as predictor, ThreadPoolExecutor(8) as threads:
        rows = [{f"x{place}": float(number + place) for place in range(4)} for number in range(40)]
        found = [answer.output["raw"] for answer in threads.map(lambda row: predict_row(predictor, row), rows)]
        together = run_batch(predictor, rows).tolist()
    assert found == together == [[2.0 * value for value in row.values()] for row in rows]
