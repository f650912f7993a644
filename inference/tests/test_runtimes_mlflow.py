"""MLflow folders that MLflow wrote, answered as `mlflow.pyfunc` answers."""

import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from conftest import need
from inference.errors import InvalidArtifact, InvalidFeatures, InvalidSignature
from inference.preprocessing import to_array
from inference.tests.factories import predict_row, run_batch, serve_artifact

pytestmark = [
    pytest.mark.xdist_group("mlflow"),
    # MLflow warns of its own type hints when it is imported; as it saves, of whole numbers and of a missing example.
    pytest.mark.filterwarnings("ignore:.*(Any type hint is inferred|Inferred schema contains|An input example was not)"),
]
IRIS, SPECIES = load_iris(return_X_y=True, as_frame=True)
NAMES = ("setosa", "versicolor", "virginica")
FEW = IRIS.iloc[[0, 60, 120]]
ROWS = FEW.to_dict("records")


@pytest.fixture
def mlflow(monkeypatch):
    need("mlflow", importlib.util.find_spec("mlflow"))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    import mlflow.pyfunc
    import mlflow.sklearn

    return mlflow


@pytest.fixture
def save(mlflow, tmp_path):
    """Return a function that saves a fitted model of scikit-learn with the signature of what it takes and gives."""

    def save_model(model, frame, given, **options):
        signature = mlflow.models.infer_signature(frame, given)
        mlflow.sklearn.save_model(model, tmp_path / "model", signature=signature, pip_requirements=[], **options)
        return tmp_path / "model"

    return save_model


@pytest.fixture
def save_python(mlflow, tmp_path):
    """Return a function that saves a function of what the model is given as a model in Python."""

    def save_function(function, taken, given):
        class Model(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input: pd.DataFrame, params=None):
                return function(model_input)

        schemas = [columns and mlflow.types.Schema(columns) for columns in (taken, given)]
        signature = mlflow.models.ModelSignature(*schemas) if any(schemas) else None
        mlflow.pyfunc.save_model(tmp_path / "model", python_model=Model(), signature=signature, pip_requirements=[])
        return tmp_path / "model"

    return save_function


def own(mlflow, path, data):
    return mlflow.pyfunc.load_model(str(path)).predict(data)


def refused(path, says, error=InvalidArtifact, **options):
    with pytest.raises(error, match=says), serve_artifact(path, **{"trusted": True, **options}):
        pass


def test_labels_in_words_are_answered_as_mlflow_does(mlflow, save):
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(NAMES)[SPECIES])
    path = save(model, IRIS, model.predict(IRIS))
    with serve_artifact(path, trusted=True, labels=NAMES) as predictor:
        assert predictor.spec.signature.input.names == list(IRIS.columns)
        assert predictor.spec.signature.output.kind == "label"
        answers = [predict_row(predictor, row) for row in ROWS]
        together = run_batch(predictor, ROWS)
    expected = list(own(mlflow, path, FEW))
    assert [answer.label for answer in answers] == expected == list(together)
    assert answers[0].output == {"label": "setosa"}
    refused(path, "Expected labels, in model.toml or by --labels FILE: one for each class", InvalidSignature)


@pytest.mark.parametrize("column", [None, "species"])
def test_numbers_of_classes_are_answered_by_their_labels(mlflow, save, column):
    model = LogisticRegression(max_iter=500).fit(IRIS, SPECIES)
    given = model.predict(IRIS)
    path = save(model, IRIS, pd.DataFrame({column: given}) if column else given)
    with serve_artifact(path, trusted=True, labels=NAMES) as predictor:
        found = [predict_row(predictor, row).label for row in ROWS]
    assert found == [NAMES[number] for number in own(mlflow, path, FEW)]
    refused(path, "Expected labels", InvalidSignature)


def test_scores_are_answered_where_mlflow_calls_for_them(mlflow, save):
    model = LogisticRegression(max_iter=500).fit(IRIS, SPECIES)
    path = save(model, IRIS, model.predict_proba(IRIS), pyfunc_predict_fn="predict_proba")
    with serve_artifact(path, trusted=True, labels=NAMES) as predictor:
        answers = [list(predict_row(predictor, row).output["scores"].values()) for row in ROWS]
        together = run_batch(predictor, ROWS)
    expected = own(mlflow, path, FEW)
    assert np.abs(np.array(answers) - expected).max() < 1e-5
    assert np.abs(together - expected).max() < 1e-5
    refused(path, r"Expected 3 labels, one for each output\. Received: 2", InvalidSignature, labels=NAMES[:2])


@pytest.mark.parametrize("column", [None, "progression"])
def test_a_regression_answers_a_value(mlflow, save, column):
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    path = save(LinearRegression().fit(x, y), x, pd.DataFrame({column: y}) if column else y.to_numpy())
    with serve_artifact(path, trusted=True, output={"unit": "points"}) as predictor:
        assert predictor.spec.signature.output.kind == "value"
        found = [predict_row(predictor, row).value for row in x.iloc[:5].to_dict("records")]
    assert found == pytest.approx(own(mlflow, path, x.iloc[:5]), rel=1e-6)
    refused(
        path, "Expected no labels for an output of kind 'value'", InvalidSignature, output={"kind": "value"}, labels="ab"
    )


def columns_of(mlflow):
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


def describe(frame):
    """Answer with what reached the model: its columns' types, and one value made of all of them."""
    kinds = " ".join(f"{name}:{'text' if dtype in ('object', 'str') else dtype}" for name, dtype in frame.dtypes.items())
    numbers = frame["size"] + frame["weight"].fillna(-1) + frame["count"] + frame["rooms"] + 100 * frame["new"]
    return {"sum": numbers.astype("float64"), "text": frame["city"] + frame["note"].fillna("?"), "kinds": kinds}


FULL = {"size": 1.25, "weight": 0.5, "count": 2**40, "rooms": 3, "new": True, "city": "Bern", "note": "old"}
BARE = {"size": 2.0, "count": 1, "rooms": 2, "new": False, "city": "Chur"}


def test_columns_of_every_type_reach_the_model_as_its_signature_says(mlflow, save_python):
    given = [
        mlflow.types.ColSpec(kind, name) for name, kind in {"sum": "double", "text": "string", "kinds": "string"}.items()
    ]
    path = save_python(lambda frame: pd.DataFrame(describe(frame)), columns_of(mlflow), given)
    with serve_artifact(path, trusted=True) as predictor:
        features = {one.name: (one.type, one.required) for one in predictor.spec.signature.input.features}
        found = [predict_row(predictor, row).output["raw"] for row in (FULL, BARE)]
        together = run_batch(predictor, [FULL, {"weight": None, "note": None, **BARE}])
        with pytest.raises(InvalidFeatures, match=r"rooms: Expected a whole number from .* Received: 2147483648"):
            predict_row(predictor, {**FULL, "rooms": 2**31})
    assert features == {
        **{"size": ("float", True), "weight": ("float", False), "count": ("integer", True), "rooms": ("integer", True)},
        **{"new": ("boolean", True), "city": ("text", True), "note": ("text", False)},
    }
    kinds = "size:float64 weight:float32 count:int64 rooms:int32 new:bool city:text note:text"
    assert found == [
        {"sum": 1.25 + 0.5 + 2**40 + 3 + 100, "text": "Bernold", "kinds": kinds},
        {"sum": 2.0 - 1 + 1 + 2, "text": "Chur?", "kinds": kinds},
    ]
    assert list(together["sum"]) == [raw["sum"] for raw in found]
    with serve_artifact(path, trusted=True, output={"name": "sum", "kind": "value"}) as predictor:
        assert predict_row(predictor, FULL).value == found[0]["sum"]


@pytest.mark.parametrize("kind", ["long", "integer", "boolean"])
def test_an_optional_column_that_has_no_missing_value_needs_a_default(mlflow, save_python, kind):
    column = mlflow.types.ColSpec(kind, "n", required=False)
    path = save_python(lambda frame: frame["n"].astype("float64"), [column], [mlflow.types.ColSpec("double", "y")])
    refused(path, "Expected a default for n: the artifact takes it as .*, which has no missing value", InvalidSignature)
    with serve_artifact(
        path, trusted=True, input={"features": [{"name": "n", "default": kind == "boolean" or 7}]}
    ) as predictor:
        assert predict_row(predictor, {}).value == (1 if kind == "boolean" else 7)


def test_columns_of_other_types_are_refused(mlflow, save_python):
    path = save_python(lambda frame: frame, [mlflow.types.ColSpec("datetime", "day")], None)
    refused(path, r"Expected columns of boolean, integer, .*\. day is of type datetime\.")


@pytest.mark.parametrize("name", [None, "rows"])
def test_a_matrix_is_named_by_the_manifest(mlflow, save_python, name):
    def double(given):
        return (given[name] if name else given) * 2

    tensor = mlflow.types.TensorSpec
    path = save_python(double, [tensor(np.dtype("float32"), (-1, 2), name)], [tensor(np.dtype("float32"), (-1, 2))])
    rows = [{"a": 1.5, "b": -2.0}, {"a": 0.1, "b": 7.0}]
    with serve_artifact(
        path, trusted=True, input={"features": [{"name": "a"}, {"name": "b"}]}, output={"kind": "raw"}
    ) as predictor:
        found = [predict_row(predictor, row).output["raw"] for row in rows]
        together = run_batch(predictor, rows)
    matrix = np.float32([list(row.values()) for row in rows])
    expected = own(mlflow, path, {name: matrix} if name else matrix)
    assert found == [pytest.approx(row, abs=1e-5) for row in expected]
    assert np.abs(together - expected).max() < 1e-5


@pytest.mark.parametrize("batch", [-1, 1])
def test_images_reach_a_model_of_tensors(mlflow, save_python, batch):
    def mean(images):
        shares = images.mean(axis=(1, 2, 3))
        return np.stack([1 - shares, shares], axis=1)

    taken = mlflow.types.TensorSpec(np.dtype("float32"), (batch, 6, 8, 3))
    path = save_python(mean, [taken], [mlflow.types.TensorSpec(np.dtype("float32"), (-1, 2))])
    pictures = [Image.fromarray(np.random.default_rng(n).integers(0, 256, (6, 8, 3), np.uint8)) for n in range(3)]
    with serve_artifact(path, trusted=True, labels=("dark", "light")) as predictor:
        arrays = [to_array(picture, predictor.spec.signature.input) for picture in pictures]
        expected = np.concatenate([own(mlflow, path, array[None]) for array in arrays])
        found = [list(predictor.predict(picture, timeout=60).output["scores"].values()) for picture in pictures]
        assert np.abs(run_batch(predictor, arrays) - expected).max() < 1e-5
    assert np.abs(np.array(found) - expected).max() < 1e-5


def test_a_model_without_a_signature_is_refused(save_python):
    path = save_python(lambda frame: frame, None, None)
    refused(path, r"Expected an MLflow model with a signature\. Save model again with signature=infer_signature")


def test_a_folder_is_not_opened_without_trust(mlflow, save, tmp_path):
    path = save(LinearRegression().fit(IRIS, SPECIES), IRIS, SPECIES)
    refused(path, r"model is of a kind \(MLmodel\) that runs its author's code when loaded", trusted=False)


@pytest.mark.parametrize("content", ["", "flavors: {}", "{", "flavors:\n  python_function:\n    loader_module: no.such\n"])
def test_what_is_no_model_is_named(mlflow, tmp_path, content):
    (tmp_path / "MLmodel").write_text(content)
    refused(tmp_path, rf"MLflow .* cannot load {tmp_path.name}: ")


def test_a_machine_without_mlflow_says_how_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "MLmodel").write_text("flavors: {}")
    monkeypatch.setitem(sys.modules, "mlflow", None)  # to import it is an ImportError, as where it is missing
    refused(tmp_path, r"MLflow is not installed here: pip install -r requirements-mlflow\.txt")
