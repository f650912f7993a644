"""Columns of MLflow signatures: types, missing values, dates, and parameters."""

from importlib.util import find_spec

import pandas as pd
import pytest

from core.tests.requirements import require
from inference.errors import InvalidFeatures
from inference.runtimes.mlflow import MlflowRuntime
from inference.tests.factories import assert_not_served, predict_row, run_batch, serve_artifact

pytestmark = [
    pytest.mark.xdist_group("mlflow"),
    # MLflow warns about its own type hints on import, and about integers and missing examples on save.
    pytest.mark.filterwarnings("ignore:.*(Any type hint is inferred|Inferred schema contains|An input example was not)"),
]


def run_pyfunc(mlflow, path, data):
    return mlflow.pyfunc.load_model(str(path)).predict(data)


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


def test_columns_of_every_type_are_passed_as_the_signature_defines(mlflow, save_mlflow_python):
    outputs = [
        mlflow.types.ColSpec(kind, name) for name, kind in {"sum": "double", "text": "string", "kinds": "string"}.items()
    ]
    path = save_mlflow_python(lambda frame: pd.DataFrame(summarize(frame)), make_columns(mlflow), outputs)
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


@pytest.mark.parametrize(("kind", "value"), [("long", 7), ("integer", 7), ("boolean", True), ("string", "seven")])
def test_rows_with_and_without_a_value_do_not_change_each_other(mlflow, save_mlflow_python, kind, value):
    """MLflow accepts a missing integer only if its column is left out."""

    def summarize(frame):
        received = [f"{frame['n'].dtype} {item!r}" for item in frame["n"]] if "n" in frame else ["none"] * len(frame)
        return pd.DataFrame({"text": received, "size": frame["size"]})

    columns = [mlflow.types.ColSpec("double", "size"), mlflow.types.ColSpec(kind, "n", required=False)]
    path = save_mlflow_python(
        summarize, columns, [mlflow.types.ColSpec("string", "text"), mlflow.types.ColSpec("double", "size")]
    )
    rows = [{"size": 0.5}, {"size": 1.5, "n": value}, {"size": 2.5}, {"size": 3.5, "n": value}]
    with serve_artifact(path, trusted=True) as predictor:
        results = [predict_row(predictor, row).output["raw"] for row in rows]
        batch_output = run_batch(predictor, [{"n": None, **row} for row in rows])
    dtype = {"integer": "int32", "string": "str"}.get(kind)
    expected = run_pyfunc(mlflow, path, pd.DataFrame({"size": [1.5], "n": pd.Series([value], dtype=dtype)}))
    assert results[1]["text"] == results[3]["text"] == expected["text"][0]
    assert results[0]["text"] == ("none" if kind in ("long", "integer") else "object None")
    assert [result["size"] for result in results] == [0.5, 1.5, 2.5, 3.5]
    assert [dict(zip(batch_output, row, strict=True)) for row in zip(*batch_output.values(), strict=True)] == results


def test_dates_are_sent_as_text_and_passed_in_utc(mlflow, save_mlflow_python):
    columns = [mlflow.types.ColSpec("datetime", "day"), mlflow.types.ColSpec("datetime", "end", required=False)]

    def summarize(frame):
        return (frame["day"].dt.hour + 24 * frame["end"].isna()).astype("float64").to_numpy()

    path = save_mlflow_python(summarize, columns, [mlflow.types.ColSpec("double", "y")])
    with serve_artifact(path, trusted=True) as predictor:
        assert [feature.type for feature in predictor.spec.signature.input.features] == ["datetime", "datetime"]
        values = [
            predict_row(predictor, {"day": "2026-03-01T14:30:00", "end": "2026-03-02"}).value,
            predict_row(predictor, {"day": "2026-03-01T14:30:00+05:00"}).value,
        ]
        with pytest.raises(InvalidFeatures, match=r"day: Expected a date and time such as .* Received: \"1 March\""):
            predict_row(predictor, {"day": "1 March"})
    assert values == [14, 9 + 24]


@pytest.mark.parametrize(
    ("make_type", "message"),
    [
        (lambda types: "binary", r"day has the type binary\. Save the model again with a string column"),
        (lambda types: types.schema.Array("double"), r"day has the type Array\(double\)\. .* one column for each value"),
    ],
)
def test_columns_of_other_types_are_rejected(mlflow, save_mlflow_python, make_type, message):
    path = save_mlflow_python(lambda frame: frame, [mlflow.types.ColSpec(make_type(mlflow.types), "day")], None)
    assert_not_served(path, message)


def test_columns_without_names_are_named_in_order(mlflow, save_mlflow_python):
    columns = [mlflow.types.ColSpec("double"), mlflow.types.ColSpec("long")]
    path = save_mlflow_python(lambda frame: frame[0] * 10 + frame[1], columns, [mlflow.types.ColSpec("double", "y")])
    with serve_artifact(path, trusted=True, input={"features": [{"name": "tens"}, {"name": "ones"}]}) as predictor:
        assert predict_row(predictor, {"ones": 3, "tens": 4.5}).value == 48


def test_params_have_their_defaults(mlflow, tmp_path):
    class Model(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input: pd.DataFrame, params=None):
            return model_input["a"] * params["factor"]

    column = mlflow.types.ColSpec
    schemas = [mlflow.types.Schema([column("double", name)]) for name in "ay"]
    params = mlflow.types.ParamSchema([mlflow.types.ParamSpec("factor", "double", 2.5)])
    signature = mlflow.models.ModelSignature(*schemas, params)
    mlflow.pyfunc.save_model(tmp_path / "m", python_model=Model(), signature=signature, pip_requirements=[])
    with serve_artifact(tmp_path / "m", trusted=True) as predictor:
        assert predict_row(predictor, {"a": 4.0}).value == 10
    runtime = MlflowRuntime(tmp_path / "m", trusted=True)
    runtime.load()
    assert runtime.describe().notices == ("params: the defaults of the MLflow signature, factor = 2.5.",)


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_dates_in_the_output_are_stored_as_text(mlflow, save_mlflow_python, zone):
    def forecast(frame):  # returns its dates next to the values, as Prophet does
        return pd.DataFrame({"ds": frame["ds"].dt.tz_localize(zone), "yhat": frame["ds"].dt.day * 0.5})

    column = mlflow.types.ColSpec
    outputs = [column("datetime", "ds"), column("double", "yhat")]
    path = save_mlflow_python(forecast, [column("datetime", "ds")], outputs)
    with serve_artifact(path, trusted=True) as predictor:
        output = predict_row(predictor, {"ds": "2026-03-05T14:30:00"}).output
    assert output == {"raw": {"ds": "2026-03-05T14:30:00" + ("+00:00" if zone else ""), "yhat": 2.5}}


def save_with_text_column(mlflow, path, flavor, model):
    signature = mlflow.models.infer_signature(pd.DataFrame({"review": ["good", "bad"]}), [1, 0])
    argument = {"sklearn": "sk_model", "lightgbm": "lgb_model"}[flavor]
    getattr(mlflow, flavor).save_model(path=path, signature=signature, pip_requirements=[], **{argument: model})
    return path


def test_a_vectorizer_cannot_read_a_data_frame(mlflow, tmp_path):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(["good", "bad"], [1, 0])
    path = save_with_text_column(mlflow, tmp_path / "model", "sklearn", model)
    assert_not_served(path, r"The model begins with a vectorizer, .*=infer_signature\(np.array\(texts\)")


def test_boosters_do_not_take_text(mlflow, tmp_path):
    require("lightgbm", find_spec("lightgbm"))
    import lightgbm

    frame = pd.DataFrame({"review": pd.Categorical(["good", "bad"] * 30)})
    model = lightgbm.LGBMClassifier(n_estimators=1, verbose=-1).fit(frame, [1, 0] * 30)
    path = save_with_text_column(mlflow, tmp_path / "model", "lightgbm", model)
    assert_not_served(path, r"LightGBM takes categories or numbers\. .* without MLflow and register that file: ")
