"""MLflow model folders, compared with `mlflow.pyfunc` itself."""

import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from core.tests.requirements import require
from inference.errors import InvalidFeatures, InvalidSignature
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


@pytest.fixture
def mlflow(monkeypatch):
    require("mlflow", importlib.util.find_spec("mlflow"))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    import mlflow.pyfunc
    import mlflow.sklearn

    return mlflow


@pytest.fixture
def save(mlflow, tmp_path):
    """Return a function that saves a scikit-learn model with the signature of its inputs and outputs."""

    def save_model(model, frame, outputs, **options):
        signature = mlflow.models.infer_signature(frame, outputs)
        mlflow.sklearn.save_model(model, tmp_path / "model", signature=signature, pip_requirements=[], **options)
        return tmp_path / "model"

    return save_model


@pytest.fixture
def save_python(mlflow, tmp_path):
    """Return a function that saves a Python function as a model."""

    def save_function(function, inputs, outputs):
        class Model(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input: pd.DataFrame, params=None):
                return function(model_input)

        schemas = [columns and mlflow.types.Schema(columns) for columns in (inputs, outputs)]
        signature = mlflow.models.ModelSignature(*schemas) if any(schemas) else None
        mlflow.pyfunc.save_model(tmp_path / "model", python_model=Model(), signature=signature, pip_requirements=[])
        return tmp_path / "model"

    return save_function


def run_pyfunc(mlflow, path, data):
    return mlflow.pyfunc.load_model(str(path)).predict(data)


def test_text_labels_equal_those_of_mlflow(mlflow, save):
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(LABELS)[SPECIES])
    path = save(model, IRIS, model.predict(IRIS))
    with serve_artifact(path, trusted=True, labels=LABELS) as predictor:
        assert predictor.spec.signature.input.names == list(IRIS.columns)
        assert predictor.spec.signature.output.kind == "label"
        results = [predict_row(predictor, row) for row in ROWS]
        batch_output = run_batch(predictor, ROWS)
    expected = list(run_pyfunc(mlflow, path, SAMPLE))
    assert [result.label for result in results] == expected == list(batch_output)
    assert results[0].output == {"label": "setosa"}
    assert_not_served(path, "Expected labels, in model.toml or with --labels FILE: one for each class", InvalidSignature)


@pytest.mark.parametrize("column", [None, "species"])
def test_class_numbers_are_converted_to_labels(mlflow, save, column):
    model = LogisticRegression(max_iter=500).fit(IRIS, SPECIES)
    classes = model.predict(IRIS)
    path = save(model, IRIS, pd.DataFrame({column: classes}) if column else classes)
    with serve_artifact(path, trusted=True, output={"classes": [0, 1, 2]}, labels=LABELS) as predictor:
        predicted = [predict_row(predictor, row).label for row in ROWS]
    assert predicted == [LABELS[number] for number in run_pyfunc(mlflow, path, SAMPLE)]
    assert_not_served(path, "Expected labels", InvalidSignature)


def test_scores_are_returned_if_the_model_calls_predict_proba(mlflow, save):
    model = LogisticRegression(max_iter=500).fit(IRIS, SPECIES)
    path = save(model, IRIS, model.predict_proba(IRIS), pyfunc_predict_fn="predict_proba")
    with serve_artifact(path, trusted=True, labels=LABELS) as predictor:
        results = [get_scores(predict_row(predictor, row)) for row in ROWS]
        batch_output = run_batch(predictor, ROWS)
    expected = run_pyfunc(mlflow, path, SAMPLE)
    assert np.abs(np.array(results) - expected).max() < 1e-5
    assert np.abs(batch_output - expected).max() < 1e-5
    assert_not_served(path, r"Expected 3 labels, one for each output\. Received: 2", InvalidSignature, labels=LABELS[:2])


@pytest.mark.parametrize("column", [None, "progression"])
def test_regression_returns_a_value(mlflow, save, column):
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    path = save(LinearRegression().fit(x, y), x, pd.DataFrame({column: y}) if column else y.to_numpy())
    with serve_artifact(path, trusted=True, output={"unit": "points"}) as predictor:
        assert predictor.spec.signature.output.kind == "value"
        values = [predict_row(predictor, row).value for row in x.iloc[:5].to_dict("records")]
    assert values == pytest.approx(run_pyfunc(mlflow, path, x.iloc[:5]), rel=1e-6)
    assert_not_served(
        path, "Expected no labels for an output of kind 'value'", InvalidSignature, output={"kind": "value"}, labels="ab"
    )


def make_columns(mlflow):
    column = mlflow.types.ColSpec
    return [
        column("double", "size"),
        column("float", "weight", required=False),
        column("long", "count"),
        column("integer", "rooms"),
        column("boolean", "new"),
        column("string", "city"),
        column("string", "note", required=False),
    ]


def summarize(frame):
    """Return the dtypes of the columns that the model received, and a value computed from all of them."""
    kinds = " ".join(f"{name}:{'text' if dtype in ('object', 'str') else dtype}" for name, dtype in frame.dtypes.items())
    numbers = frame["size"] + frame["weight"].fillna(-1) + frame["count"] + frame["rooms"] + 100 * frame["new"]
    return {"sum": numbers.astype("float64"), "text": frame["city"] + frame["note"].fillna("?"), "kinds": kinds}


COMPLETE_ROW = {"size": 1.25, "weight": 0.5, "count": 2**40, "rooms": 3, "new": True, "city": "Bern", "note": "old"}
MINIMAL_ROW = {"size": 2.0, "count": 1, "rooms": 2, "new": False, "city": "Chur"}


def test_columns_of_every_type_are_passed_as_the_signature_defines(mlflow, save_python):
    outputs = [
        mlflow.types.ColSpec(kind, name) for name, kind in {"sum": "double", "text": "string", "kinds": "string"}.items()
    ]
    path = save_python(lambda frame: pd.DataFrame(summarize(frame)), make_columns(mlflow), outputs)
    with serve_artifact(path, trusted=True) as predictor:
        features = {feature.name: (feature.type, feature.required) for feature in predictor.spec.signature.input.features}
        results = [predict_row(predictor, row).output["raw"] for row in (COMPLETE_ROW, MINIMAL_ROW)]
        batch_output = run_batch(predictor, [COMPLETE_ROW, {"weight": None, "note": None, **MINIMAL_ROW}])
        with pytest.raises(InvalidFeatures, match=r"rooms: Expected a whole number from .* Received: 2147483648"):
            predict_row(predictor, {**COMPLETE_ROW, "rooms": 2**31})
    assert features == {
        **{"size": ("float", True), "weight": ("float", False), "count": ("integer", True), "rooms": ("integer", True)},
        **{"new": ("boolean", True), "city": ("text", True), "note": ("text", False)},
    }
    kinds = "size:float64 weight:float32 count:int64 rooms:int32 new:bool city:text note:text"
    assert results == [
        {"sum": 1.25 + 0.5 + 2**40 + 3 + 100, "text": "Bernold", "kinds": kinds},
        {"sum": 2.0 - 1 + 1 + 2, "text": "Chur?", "kinds": kinds},
    ]
    assert list(batch_output["sum"]) == [raw["sum"] for raw in results]
    with serve_artifact(path, trusted=True, output={"name": "sum", "kind": "value"}) as predictor:
        assert predict_row(predictor, COMPLETE_ROW).value == results[0]["sum"]


@pytest.mark.parametrize("kind", ["long", "integer", "boolean"])
def test_optional_integer_and_boolean_columns_require_a_default(mlflow, save_python, kind):
    column = mlflow.types.ColSpec(kind, "n", required=False)
    path = save_python(lambda frame: frame["n"].astype("float64"), [column], [mlflow.types.ColSpec("double", "y")])
    assert_not_served(
        path,
        "Expected a default for n: the artifact takes it as .*, which cannot represent a missing value",
        InvalidSignature,
    )
    with serve_artifact(
        path, trusted=True, input={"features": [{"name": "n", "default": kind == "boolean" or 7}]}
    ) as predictor:
        assert predict_row(predictor, {}).value == (1 if kind == "boolean" else 7)


def test_columns_of_other_types_are_rejected(mlflow, save_python):
    path = save_python(lambda frame: frame, [mlflow.types.ColSpec("datetime", "day")], None)
    assert_not_served(path, r"one of the types boolean, integer, .*\. day has the type datetime\.")


@pytest.mark.parametrize("name", [None, "rows"])
def test_matrix_columns_are_named_by_the_manifest(mlflow, save_python, name):
    def double(data):
        return (data[name] if name else data) * 2

    tensor = mlflow.types.TensorSpec
    path = save_python(double, [tensor(np.dtype("float32"), (-1, 2), name)], [tensor(np.dtype("float32"), (-1, 2))])
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
def test_images_are_passed_to_a_model_of_tensors(mlflow, save_python, batch):
    def classify_brightness(images):
        means = images.mean(axis=(1, 2, 3))
        return np.stack([1 - means, means], axis=1)

    image_input = mlflow.types.TensorSpec(np.dtype("float32"), (batch, 6, 8, 3))
    path = save_python(classify_brightness, [image_input], [mlflow.types.TensorSpec(np.dtype("float32"), (-1, 2))])
    images = [Image.fromarray(np.random.default_rng(n).integers(0, 256, (6, 8, 3), np.uint8)) for n in range(3)]
    with serve_artifact(path, trusted=True, labels=("dark", "light"), input={"scale": "unit"}) as predictor:
        arrays = [to_array(image, predictor.spec.signature.input) for image in images]
        expected = np.concatenate([run_pyfunc(mlflow, path, array[None]) for array in arrays])
        scores = [list(predictor.predict(image, timeout=60).output["scores"].values()) for image in images]
        assert np.abs(run_batch(predictor, arrays) - expected).max() < 1e-5
    assert np.abs(np.array(scores) - expected).max() < 1e-5


def test_model_without_signature_is_rejected(save_python):
    path = save_python(lambda frame: frame, None, None)
    assert_not_served(path, r"The MLflow model has no signature\. Save model again with signature=infer_signature")


def test_folder_requires_trust(mlflow, save, tmp_path):
    path = save(LinearRegression().fit(IRIS, SPECIES), IRIS, SPECIES)
    assert_not_served(path, r"model has a format \(MLmodel\) that can run its author's code", trusted=False)


@pytest.mark.parametrize("content", ["", "flavors: {}", "{", "flavors:\n  python_function:\n    loader_module: no.such\n"])
def test_invalid_folders_are_rejected(mlflow, tmp_path, content):
    (tmp_path / "MLmodel").write_text(content)
    assert_not_served(tmp_path, rf"MLflow .* cannot load {tmp_path.name}: ")


def test_missing_mlflow_is_reported_with_the_install_command(tmp_path, monkeypatch):
    (tmp_path / "MLmodel").write_text("flavors: {}")
    monkeypatch.setitem(sys.modules, "mlflow", None)  # makes the import fail
    assert_not_served(tmp_path, r"MLflow is not installed\. Run: make install-mlflow")
