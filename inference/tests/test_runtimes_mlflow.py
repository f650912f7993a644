"""MLflow model folders, compared with `mlflow.pyfunc` itself."""

import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from inference.errors import InvalidSignature
from inference.preprocessing import to_array
from inference.tests.factories import assert_not_served, get_scores, predict_row, run_batch, serve_artifact

pytestmark = [
    pytest.mark.xdist_group("mlflow"),
    # MLflow warns about its own type hints on import, and about integers and missing examples on save.
    pytest.mark.filterwarnings("ignore:.*(Any type hint is inferred|Inferred schema contains|An input example was not)"),
]
IRIS, SPECIES = load_iris(return_X_y=True, as_frame=True)
LABELS = ("setosa", "versicolor", "virginica")
SAMPLE = IRIS.iloc[[0, 60, 120]]
ROWS = SAMPLE.to_dict("records")


def run_pyfunc(mlflow, path, data):
    return mlflow.pyfunc.load_model(str(path)).predict(data)


@pytest.mark.parametrize(
    "classes", [np.array(LABELS)[SPECIES], SPECIES * 2 + 3, SPECIES > 1], ids=["text", "numbers", "bool"]
)
def test_classes_and_scores_are_those_of_the_native_model(mlflow, save_mlflow, classes):
    model = LogisticRegression(max_iter=500).fit(IRIS, classes)
    path = save_mlflow(model, IRIS, model.predict(IRIS))
    with serve_artifact(path, trusted=True) as predictor:
        assert predictor.spec.signature.input.names == list(IRIS.columns)
        assert predictor.spec.labels == tuple(map(str, model.classes_))
        results = [predict_row(predictor, row) for row in ROWS]
        batch_output = run_batch(predictor, ROWS)
    expected = list(map(str, run_pyfunc(mlflow, path, SAMPLE)))
    assert [result.label for result in results] == expected == list(map(str, batch_output["label"]))
    for result, scores in zip(results, model.predict_proba(SAMPLE), strict=True):
        assert get_scores(result) == pytest.approx(scores, abs=1e-5)


@pytest.mark.parametrize("column", [None, "species"])
def test_class_numbers_are_converted_to_labels(mlflow, save_mlflow, column):
    model = LinearSVC().fit(IRIS, SPECIES + 1)  # has no scores
    classes = model.predict(IRIS)
    path = save_mlflow(model, IRIS, pd.DataFrame({column: classes}) if column else classes)
    with serve_artifact(path, trusted=True, labels=LABELS) as predictor:
        predicted = [predict_row(predictor, row).label for row in ROWS]
    assert predicted == [LABELS[number - 1] for number in run_pyfunc(mlflow, path, SAMPLE)]


def test_classes_of_a_python_function_must_be_stated(mlflow, save_mlflow_python):
    column = mlflow.types.ColSpec
    inputs, outputs = [column("double", "a")], [column("long", "class")]
    path = save_mlflow_python(lambda frame: (frame["a"] > 0).to_numpy().astype("int64") * 4 + 3, inputs, outputs)
    assert_not_served(path, "Expected classes in \\[output\\]", InvalidSignature, labels=("low", "high"))
    with serve_artifact(path, trusted=True, labels=("high", "low"), output={"classes": [7, 3]}) as predictor:
        assert [predict_row(predictor, {"a": number}).label for number in (-1, 1)] == ["low", "high"]


def test_scores_are_returned_if_the_model_calls_predict_proba(mlflow, save_mlflow):
    model = LogisticRegression(max_iter=500).fit(IRIS, SPECIES)
    path = save_mlflow(model, IRIS, model.predict_proba(IRIS), pyfunc_predict_fn="predict_proba")
    with serve_artifact(path, trusted=True, labels=LABELS) as predictor:
        results = [get_scores(predict_row(predictor, row)) for row in ROWS]
        batch_output = run_batch(predictor, ROWS)
    expected = run_pyfunc(mlflow, path, SAMPLE)
    assert np.abs(np.array(results) - expected).max() < 1e-5
    assert np.abs(batch_output - expected).max() < 1e-5
    assert_not_served(path, r"Expected 3 labels, one for each output\. Received: 2", InvalidSignature, labels=LABELS[:2])


@pytest.mark.parametrize(
    "make_outputs", [LogisticRegression.predict, lambda *each: pd.DataFrame(each[0].predict_proba(each[1]))]
)
def test_scores_are_returned_if_the_signature_describes_other_outputs(save_mlflow, make_outputs):
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(LABELS)[SPECIES])
    path = save_mlflow(model, IRIS, make_outputs(model, IRIS), pyfunc_predict_fn="predict_proba")
    with serve_artifact(path, trusted=True) as predictor:
        results = [predict_row(predictor, row) for row in ROWS]
    assert [result.label for result in results] == list(model.predict(SAMPLE))
    assert np.abs(np.array([get_scores(result) for result in results]) - model.predict_proba(SAMPLE)).max() < 1e-5


@pytest.mark.parametrize("column", [None, "progression"])
def test_regression_returns_a_value(mlflow, save_mlflow, column):
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    path = save_mlflow(LinearRegression().fit(x, y), x, pd.DataFrame({column: y}) if column else y.to_numpy())
    with serve_artifact(path, trusted=True, output={"unit": "points"}) as predictor:
        assert predictor.spec.signature.output.kind == "value"
        values = [predict_row(predictor, row).value for row in x.iloc[:5].to_dict("records")]
    assert values == pytest.approx(run_pyfunc(mlflow, path, x.iloc[:5]), rel=1e-6)
    assert_not_served(
        path, "Expected no labels for an output of kind 'value'", InvalidSignature, output={"kind": "value"}, labels="ab"
    )


@pytest.mark.parametrize("name", [None, "rows"])
def test_matrix_columns_are_named_by_the_manifest(mlflow, save_mlflow_python, name):
    def double(data):
        return (data[name] if name else data) * 2

    tensor = mlflow.types.TensorSpec
    path = save_mlflow_python(double, [tensor(np.dtype("float32"), (-1, 2), name)], [tensor(np.dtype("float32"), (-1, 2))])
    rows = [{"a": 1.5, "b": -2.0}, {"a": 0.1, "b": 7.0}]
    with serve_artifact(
        path, trusted=True, input={"features": [{"name": "a"}, {"name": "b"}]}, output={"kind": "raw"}
    ) as predictor:
        results = [predict_row(predictor, row).output["raw"] for row in rows]
        batch_output = run_batch(predictor, rows)
    matrix = np.float32([list(row.values()) for row in rows])
    expected = run_pyfunc(mlflow, path, {name: matrix} if name else matrix)
    assert results == [pytest.approx(row, abs=1e-5) for row in expected]
    assert np.abs(batch_output - expected).max() < 1e-5


@pytest.mark.parametrize("batch", [-1, 1])
def test_images_are_passed_to_a_model_of_tensors(mlflow, save_mlflow_python, batch):
    def classify_brightness(images):
        means = images.mean(axis=(1, 2, 3))
        return np.stack([1 - means, means], axis=1)

    image_input = mlflow.types.TensorSpec(np.dtype("float32"), (batch, 6, 8, 3))
    path = save_mlflow_python(classify_brightness, [image_input], [mlflow.types.TensorSpec(np.dtype("float32"), (-1, 2))])
    images = [Image.fromarray(np.random.default_rng(n).integers(0, 256, (6, 8, 3), np.uint8)) for n in range(3)]
    with serve_artifact(path, trusted=True, labels=("dark", "light"), input={"scale": "unit"}) as predictor:
        arrays = [to_array(image, predictor.spec.signature.input) for image in images]
        expected = np.concatenate([run_pyfunc(mlflow, path, array[None]) for array in arrays])
        scores = [list(predictor.predict(image, timeout=60).output["scores"].values()) for image in images]
        assert np.abs(run_batch(predictor, arrays) - expected).max() < 1e-5
    assert np.abs(np.array(scores) - expected).max() < 1e-5


def test_model_without_signature_is_rejected(save_mlflow_python):
    path = save_mlflow_python(lambda frame: frame, None, None)
    assert_not_served(
        path, r"has no signature, which defines its inputs\. Save it again with signature=mlflow.models.infer_signature"
    )


def test_folder_requires_trust(mlflow, save_mlflow, tmp_path):
    path = save_mlflow(LinearRegression().fit(IRIS, SPECIES), IRIS, SPECIES)
    assert_not_served(path, r"model has a format \(MLmodel\) that can run its author's code", trusted=False)


@pytest.mark.parametrize("content", ["", "flavors: {}", "{", "flavors:\n  python_function:\n    loader_module: no.such\n"])
def test_invalid_folders_are_rejected(mlflow, tmp_path, content):
    (tmp_path / "MLmodel").write_text(content)
    assert_not_served(tmp_path, rf"MLflow .* cannot load {tmp_path.name}: ")


def test_missing_library_is_reported_with_the_install_command(mlflow, save_mlflow):
    path = save_mlflow(LinearRegression().fit(IRIS, SPECIES), IRIS, SPECIES)
    description = (path / "MLmodel").read_text()
    (path / "MLmodel").write_text(description.replace("loader_module: mlflow.sklearn", "loader_module: torch"))
    (path / "requirements.txt").write_text("torch==2.9.0+cpu\n")
    message = assert_not_served(path, r"it needs torch, which is not installed\. Run: .* install torch==2\.9\.0$")
    assert "Traceback" not in message
    (path / "MLmodel").write_text(description.replace("loader_module: mlflow.sklearn", "loader_module: my_steps"))
    assert_not_served(path, r'If it is your own code, save the model with code_paths=\["my_steps.py"\]')


def test_other_versions_are_named_if_a_model_does_not_load(mlflow, save_mlflow):
    path = save_mlflow(LinearRegression().fit(IRIS, SPECIES), IRIS, SPECIES)
    for file in path.glob("model.*"):
        file.write_bytes(b"not a model")
    (path / "requirements.txt").write_text("scikit-learn==1.2.0\nnumpy\n")
    message = assert_not_served(
        path, r"It was saved with scikit-learn 1\.2\.0 \(installed: [\d.]+\)\. Install these versions"
    )
    assert "\n" not in message


def test_missing_mlflow_is_reported_with_the_install_command(tmp_path, monkeypatch):
    (tmp_path / "MLmodel").write_text("flavors: {}")
    monkeypatch.setitem(sys.modules, "mlflow", None)  # makes the import fail
    assert_not_served(tmp_path, r"MLflow is not installed\. Run: make install-mlflow")
